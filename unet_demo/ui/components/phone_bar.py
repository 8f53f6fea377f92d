"""The bar at a phone's lower edge: a photo, the camera, what to look for, and what is folded away."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ..text import component_texts
from .component import component


def phone_bar(kinds: Sequence[str], kind: str) -> gr.HTML:
    """Add the bar; it presses what stands on the Segment page: #picture's box and #looks-for.

    Its value is a `phone_bar_value`.
    """
    texts = component_texts("phone_bar", **{one: f"looks_{one}" for one in kinds})
    return component("phone_bar", phone_bar_value(kinds, kind), texts, elem_id="phone-bar")


def phone_bar_value(kinds: Sequence[str], kind: str | None) -> dict[str, Any]:
    """Say what can be looked for, and what is, if it is one of them."""
    return {"kinds": list(kinds), "kind": kind}
