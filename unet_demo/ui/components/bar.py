"""The bar above all pages: the title before Gradio's own tabs, and language, theme and sharing after them."""

import gradio as gr

from ..text import component_texts
from .component import component


def bar() -> gr.HTML:
    """Complete the row of tabs, which must have been laid out before."""
    texts = component_texts("bar", title="title", tagline="tagline")
    return component("bar", None, texts, elem_id="bar")
