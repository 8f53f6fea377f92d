"""A picture, or a stack, whose pixels a person labels: classes, brush, line, fill, eraser, undo, zoom.

The browser holds what is painted, paints it without mixing any ids, and keeps it beyond a reload. Label ids
travel as PNGs of 8 bits, 255 where nothing is painted. A prediction is laid over the picture by a component
of its own, so that no update touches the strokes: `paint` shows, `strokes` tells, `prediction` is told.
What the server has of the strokes, `heard` answers, and what that lacks, the next message of `strokes` holds:
so only what has changed is sent, in messages that the server takes, and whatever was lost goes once more.
"""

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...tasks import VOID
from ..html import png_url
from ..text import component_texts
from .component import component

MOST_CHARACTERS = 16_000_000
"""Of a slice's labels that a browser may send."""

PARTS = ("tools", "zoom", "ids", "raster", "undo", "kept")


def paint(**html: Any) -> gr.HTML:
    """Make the picture to label; its value is a `paint_value`, or None before there is one."""
    return component("paint", None, component_texts("paint"), parts=PARTS, **html)


def strokes(**html: Any) -> gr.HTML:
    """Make what tells of the strokes: after each edit, and when another slice is asked for, an ``input``.

    Its value: ``made`` of the picture; ``edit``, which grows from one to the next; the ``slice`` that is to
    be shown, from 1; ``classes``, their names; ``stamps``, slice → number of the edit that it is of, of each
    slice with something painted; ``labels``, slice → base64 of a PNG of ids, of those that the server lacks,
    or of as many as one message may hold.
    """
    return component("strokes", None, {"en": {}}, **html)


def heard(**html: Any) -> gr.HTML:
    """Make what answers `strokes` with a `Heard.value`, once it is told."""
    return component("heard", None, {"en": {}}, **html)


@dataclass(frozen=True)
class Heard:
    """What the server has of the strokes on the picture that was ``made`` then, after an ``edit``.

    ``stamps``: slice → number of the edit that its labels are of, None before any was told.
    """

    made: float
    edit: float = 0.0
    stamps: Mapping[int, float | None] = field(default_factory=dict)

    @property
    def value(self) -> dict[str, Any]:
        """The same, JSON-able."""
        stamps = {str(slice): stamp for slice, stamp in self.stamps.items()}
        return {"made": self.made, "edit": self.edit, "stamps": stamps}


def prediction(**html: Any) -> gr.HTML:
    """Make what lays a `prediction_value` over the picture, or None for none."""
    return component("prediction", None, {"en": {}}, **html)


def paint_value(
    picture: NDArray[np.uint8],
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    *,
    key: str,
    made: float,
    name: str,
    labels: Mapping[int, NDArray[np.uint8]] | None = None,
    slice: int = 1,
    slices: int = 1,
    background: int = 0,
    brought: Mapping[str, Any] | None = None,
    file: str = "",
    box: str = "",
) -> dict[str, Any]:
    """Collect what the component shows, JSON-able: a picture, or one more slice of it.

    Args:
        picture: the slice, uint8 (H, W, 1 or 3).
        classes: names of the classes, 2 to 8, at first.
        palette: colours, 0 to 255, of as many classes as there can be.
        key: stands for the picture: what was painted on it in this browser comes back.
        made: when it was taken; another one begins anew.
        name: of the picture, for people.
        labels: slice from 1 → label ids (H, W) that are painted already.
        slice, slices: which one it is, from 1, and of how many.
        background: id that a prediction leaves clear.
        brought: a `brought_value`, labels that take the place of what was painted.
        file: address of a person's own picture, which the browser keeps.
        box: selector of the upload box by which one that it kept is opened again.
    """
    return {
        "key": key,
        "made": made,
        "name": name,
        "width": picture.shape[1],
        "height": picture.shape[0],
        "slice": slice,
        "slices": slices,
        "picture": png_url(picture if picture.shape[2] == 3 else picture[..., 0]),
        "classes": list(classes),
        "palette": [list(map(int, colour)) for colour in palette],
        "background": background,
        "labels": _pngs(labels or {}),
        "brought": brought,
        "file": file,
        "box": box,
    }


def brought_value(
    number: int, labels: Mapping[int, NDArray[np.uint8]], classes: Sequence[str] | None = None
) -> dict[str, Any]:
    """Collect labels that a person brings; ``number`` tells them from those brought before."""
    return {
        "number": number,
        "labels": _pngs(labels),
        "classes": None if classes is None else list(classes),
    }


def prediction_value(
    key: str, slice: int, ids: NDArray[np.uint8], doubt: NDArray[np.uint8]
) -> dict[str, Any]:
    """Collect a prediction of a slice, JSON-able.

    Args:
        key: of the picture.
        slice: which one it is of, from 1.
        ids: label ids (H, W).
        doubt: (H, W), 0 where one class is certain, 255 where the two best are alike.
    """
    return {"key": key, "slice": slice, "ids": ids_png(ids), "doubt": ids_png(doubt)}


def read_ids(png: object, height: int, width: int) -> NDArray[np.uint8]:
    """Read base64 of a PNG of ids. Raises ValueError for anything else, and for another size."""
    if not isinstance(png, str) or len(png) > MOST_CHARACTERS:
        raise ValueError("This is no PNG of label ids.")
    try:
        image = Image.open(io.BytesIO(base64.b64decode(png, validate=True)), formats=["PNG"])
        if image.mode not in ("L", "P") or image.size != (width, height):
            raise ValueError("This is no PNG of label ids of this picture.")
        return np.array(image)
    except (binascii.Error, OSError, SyntaxError) as error:
        raise ValueError("This is no PNG of label ids.") from error


def ids_png(ids: NDArray[np.uint8]) -> str:
    """Encode ids uint8 (H, W) as base64 of a PNG that the browser's own script can read.

    Indexed, since Pillow filters no row of such a one.
    """
    image = Image.frombytes("P", ids.shape[::-1], ids.tobytes())
    image.putpalette([level for level in range(256) for _ in range(3)])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", bits=8, compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def _pngs(labels: Mapping[int, NDArray[np.uint8]]) -> dict[str, str]:
    return {str(slice): ids_png(ids) for slice, ids in labels.items() if (ids != VOID).any()}
