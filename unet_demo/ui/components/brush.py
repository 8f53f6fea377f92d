"""A picture to paint on, with colours, an eraser and shapes; it sends nothing before a stroke has ended."""

import base64
import binascii
import io
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ..html import png_url
from ..text import component_texts
from .component import component

SIDE = 384
"""Pixels across and down of the layer that is painted on, whatever the picture's size."""

COLOURS = {"red": "#dc2828", "green": "#28c828", "blue": "#2864dc", "white": "#f0f0f0"}

PNG_URL = "data:image/png;base64,"

MOST_CHARACTERS = 4_000_000
"""Of what a browser may send; a layer full of strokes takes a hundredth of it."""

MOST_PIXELS = 1024 * 1024


def brush(**html: Any) -> gr.HTML:
    """The picture and its tools; its value is a `brush_value`, or None before there is a picture.

    Args:
        html: further arguments of ``gr.HTML``.
    """
    return component("brush", None, component_texts("brush"), parts=("tools",), **html)


def brush_value(picture: np.ndarray, colours: dict[str, str] | None = None) -> dict[str, Any]:
    """What the component shows, JSON-able: a square picture uint8 (S, S, 3), and nothing painted yet.

    Args:
        picture: what is painted on.
        colours: key of a colour's name, after ``brush_`` → its CSS; `COLOURS` if left out.
    """
    return {
        "picture": png_url(picture),
        "strokes": None,
        "side": SIDE,
        "colours": COLOURS if colours is None else colours,
    }


def strokes_of(value: dict[str, Any]) -> np.ndarray:
    """What was painted, uint8 RGBA (SIDE, SIDE, 4), transparent where nothing was.

    Raises ValueError for what no brush sends.
    """
    sent = value.get("strokes")
    layer = Image.new("RGBA", (SIDE, SIDE)) if sent is None else _read(sent).convert("RGBA")
    if layer.size != (SIDE, SIDE):
        raise ValueError(f"The layer has {layer.width}×{layer.height} px, not {SIDE}×{SIDE}.")
    return np.asarray(layer)


def painted(value: dict[str, Any], side: int) -> np.ndarray:
    """The picture with what was painted on it, uint8 RGB (side, side, 3).

    Raises ValueError for what no brush sends.
    """
    picture = _read(value.get("picture")).convert("RGBA")
    ground = picture.resize((side, side), Image.Resampling.BOX)
    layer = Image.fromarray(strokes_of(value)).resize((side, side), Image.Resampling.BOX)
    return np.asarray(Image.alpha_composite(ground, layer).convert("RGB"))


def _read(url: object) -> Image.Image:
    """A PNG that a browser sent. Raises ValueError."""
    if not isinstance(url, str) or not url.startswith(PNG_URL) or len(url) > MOST_CHARACTERS:
        raise ValueError("This is no PNG of a drawing.")
    try:
        data = base64.b64decode(url.removeprefix(PNG_URL), validate=True)
        image = Image.open(io.BytesIO(data), formats=["PNG"])
        if image.width * image.height > MOST_PIXELS:
            raise ValueError("This drawing is too large.")
        image.load()
    except (binascii.Error, OSError, SyntaxError) as error:
        raise ValueError("This is no PNG of a drawing.") from error
    return image
