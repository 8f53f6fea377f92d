"""A recorded run, which plays in the chart and in the scenes before the visitor's first one."""

from typing import Any

import gradio as gr

from ..text import component_texts
from .component import component


def recording(**html: Any) -> gr.HTML:
    """Return the component; it plays its value once, and None ends it for good.

    A value has the ``run`` of a `chart_value`, and ``frames``: for each scene its ``prediction`` and
    ``errors``, as in a `scenes_value`.
    """
    return component("recording", None, component_texts("recording"), **html)
