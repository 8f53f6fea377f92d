"""The dialog that shares what is shown: its link, and the code of an iframe, with a look at that."""

import gradio as gr

from ..text import component_texts
from .component import component


def share() -> gr.HTML:
    """Add the dialog, and the button in the bar that opens it."""
    texts = component_texts("share", title="title", close="link_close")
    return component("share", None, texts, elem_id="share")
