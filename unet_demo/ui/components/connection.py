"""The word of a server that has gone, which Gradio's own script says in English alone."""

import gradio as gr

from ..text import component_texts
from .component import component


def lost() -> gr.HTML:
    """Add the script that puts Gradio's notice of a lost connection into the reader's language."""
    return component("connection", None, component_texts("lost"), elem_id="lost")
