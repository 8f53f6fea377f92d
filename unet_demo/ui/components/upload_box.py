"""What a box for one file takes: whatever the command line takes, and one of several, which it says."""

import gradio as gr

from ..text import component_texts
from .component import component


def upload_box(elem_id: str) -> gr.HTML:
    """Add a line below an upload box; its script hands files to the box with this ``elem_id``."""
    return component("upload_box", f"#{elem_id}", component_texts("upload_box"), min_height=0)
