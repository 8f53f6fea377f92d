"""The Train page's key: space trains and pauses."""

import gradio as gr

from ..text import component_texts
from .component import component


def shortcut() -> gr.HTML:
    """Name the key in a line; its script listens for it, and sets the buttons' titles."""
    return component("shortcut", None, component_texts("shortcut"), elem_id="train-shortcut")
