"""The key of the pages that train: space trains and pauses."""

import gradio as gr

from ..text import component_texts
from .component import component


def shortcut(page: str) -> gr.HTML:
    """Name the key in a line; its script listens for it, and sets the buttons' titles.

    Args:
        page: what the ids of the page's buttons begin with.
    """
    return component("shortcut", page, component_texts("shortcut"), elem_id=f"{page}-shortcut")
