"""Pictures with captions that the server writes as HTML, and what a press or a pointer does on them.

What has ``data-pick``, JSON of names and values, triggers ``pick`` with them when it is pressed.
In a ``.reaching`` a pixel of ``.maps`` that is pointed at, or that the arrow keys come to, is told in
``.told`` and its receptive field outlined by ``.reach``; ``data-spans``, JSON: for columns and for rows
where the field of each pixel begins, and where it ends. In a ``.pointed`` the ``.told`` is filled by its
``data-readings``, see `inside.topic.pointed`; ``data-size``, JSON: width and height of its pictures.
"""

from typing import Any

import gradio as gr

from .component import component


def figures(**html: Any) -> gr.HTML:
    """Return the component; its value is the HTML."""
    return component("figures", "", {"en": {}}, **html)
