"""Pictures with captions that the server writes as HTML, and what a press or a pointer does on them.

What has ``data-pick``, JSON of names and values, triggers ``pick`` with them when it is pressed.
"""

import gradio as gr

from .component import component


def figures(**html: object) -> gr.HTML:
    """Return the component; its value is the HTML."""
    return component("figures", "", {"en": {}}, **html)
