"""The living U: the network as a drawing, with what it sees at each station while it learns."""

from collections.abc import Collection
from typing import Any

import gradio as gr
import numpy as np

from ...networks.anatomy import Anatomy
from ...networks.drawing import u_svg
from ..html import png_url
from ..text import component_texts, translated
from .component import component


def u(value: dict[str, Any] | None = None, **html: Any) -> gr.HTML:
    """Return the component; its value is a `u_value`, or None before there is one.

    Args:
        value: what it shows at first.
        html: further arguments of ``gr.HTML``.
    """
    return component("u", value, component_texts("u"), **html)


def u_value(
    anatomy: Anatomy,
    maps: np.ndarray | None,
    *,
    skips: bool,
    language: str,
    switchable: bool = False,
    picked: int | None = None,
    dropped: Collection[int] | None = None,
) -> dict[str, Any]:
    """Collect what the component shows, JSON-able; of an update, only the maps differ.

    Args:
        anatomy: the network.
        maps: uint8 (stations, side, side), None where it has seen nothing yet.
        skips: whether its skip connections are in use.
        language: a key of `text.LANGUAGES`.
        switchable: whether a press on a skip's arrow triggers ``input``.
        dropped: levels of the skip connections that are off, where each arrow is switched by itself: a
            press triggers ``pick`` with them as ``dropped``, their digits. None: all are on or off.
        picked: number of the station whose maps the page shows; another one that is pressed, or that
            the keyboard comes to, triggers ``pick`` with its name as ``station``. None: none does.
    """
    drawn = {
        form: u_svg(
            anatomy, upright=form == "upright", maps="", say=lambda one: translated(one, language)
        )
        for form in ("wide", "upright")
    }
    return {
        **drawn,
        "network": anatomy.network,
        "skips": skips,
        "switchable": switchable,
        "picked": picked,
        "dropped": None if dropped is None else sorted(dropped),
        "maps": "" if maps is None else png_url(np.hstack(list(maps))),
    }
