"""The picture viewer: picture and segmentation behind one divider, with a read-out of each pixel.

The browser paints: labels and probabilities travel with the picture, so that no threshold, opacity or
style, and no move of a pointer, asks the server. `legend` is the table of what is painted.
"""

import base64
import time
import zlib
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from ...render import lifted
from ...tasks import VOID_COLOUR, Task
from ..html import STRATEGY, png_url
from ..text import component_texts
from .component import component

DISPLAY_SIDE = 1600
"""Pixels of the longest side above which the browser receives a thinned copy."""

RANKS = 3
"""Classes that the read-out names."""

MOST_ZOOM = 32
"""Times that a picture is enlarged at most, as zoom.js has it."""

FINENESS = 20
"""Bits of a probability by which classes are ranked; the browser itself gets per mille."""

LEGEND_COLUMNS = ("class", "share", "confidence")


def viewer(
    value: dict[str, Any] | None = None, *, empty: str = "viewer_empty", **html: Any
) -> gr.HTML:
    """Make the viewer; its value is a `viewer_value`, or None for the empty state.

    A DOM event ``look`` on its ``.viewer``, with any of threshold, opacity (0..1), style and slice
    (from 1) as detail, changes how it shows the result. Its layer and zoom are its own: it tells
    history.js of them. It triggers ``ask`` for a slice that it does
    not have, and ``rested`` when threshold or slice have come to rest and the detail's ``scored`` is
    true.

    Args:
        value: what it shows at first.
        empty: key of what it says while it is empty.
        html: further arguments of ``gr.HTML``.
    """
    return component(
        "viewer", value, component_texts("viewer", empty=empty), parts=("zoom",), **html
    )


def legend(**html: Any) -> gr.HTML:
    """Make the table of the classes that the viewer on the same page paints."""
    texts = component_texts("legend", **{key: f"segment_legend_{key}" for key in LEGEND_COLUMNS})
    return component("legend", None, texts, **html)


def viewer_value(
    picture: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    task: Task,
    *,
    threshold: float = 0.5,
    slice: int = 1,
    slices: int = 1,
    void: NDArray[np.bool_] | None = None,
    truth: NDArray[np.uint8] | None = None,
    painted: NDArray[np.uint8] | None = None,
    made: float | None = None,
    layer: str | None = None,
    zoom: float | None = None,
    x: int | None = None,
    y: int | None = None,
) -> dict[str, Any]:
    """Say what the viewer shows, JSON-able: a result, or one more slice of it.

    Args:
        picture: ``(H, W, 1 or 3)``, 0 to 255.
        probabilities: ``(K, H, W)``, 0 to 1. K = 1 is P(label 1); K ≥ 2 sum to 1 over K.
        task: names, colours and background of the labels.
        threshold: of a binary task, at first.
        slice: which one it is, from 1.
        slices: how many the result has.
        void: ``(H, W)``, the pixels that have no label, or None.
        truth: ``(H, W)``, the label ids that are right, 255 where nobody knows, or None.
        painted: ``(H, W, 3)``, the colours that the network painted, if it paints, or None.
        made: when the result was made, in seconds; slices of one result say the same, and what
            comes late, of an earlier one, is dropped. Default: now.
        layer: one of LAYERS, or None for the one that is shown.
        zoom: 1 to MOST_ZOOM times, or None for as much as there is.
        x: the pixel that zoom brings to the middle, with ``y``; None: the picture's own middle.
        y: see ``x``.

    Raises:
        ValueError: shapes that do not fit each other, or probabilities that are not numbers.
    """
    height, width = _size(picture)
    if probabilities.shape != (task.maps, height, width):
        raise ValueError(
            f"The probabilities are {probabilities.shape}: expected {(task.maps, height, width)}."
        )
    if not np.isfinite(probabilities).all():
        raise ValueError("The probabilities hold NaN or infinite values: the network has diverged.")
    display = _thin(picture)
    return {
        "made": time.time() if made is None else made,
        "slice": slice,
        "slices": slices,
        "threshold": threshold,
        "layer": layer,
        "zoom": zoom,
        "x": width // 2 if x is None else x,
        "y": height // 2 if y is None else y,
        "width": width,
        "height": height,
        "columns": display.shape[1],
        "rows": display.shape[0],
        "picture": png_url(display if display.shape[2] == 3 else display[..., 0]),
        "painted": None if painted is None else png_url(_thin(painted)),
        "classes": list(task.classes),
        "palette": [list(lifted(colour)) for colour in task.palette],
        "background": task.background,
        "void": [int(channel) for channel in VOID_COLOUR],
        "tally": _tally(probabilities, task, void),
        "planes": _planes(
            _thin(probabilities, (1, 2)),
            *(None if ids is None else _thin(ids) for ids in (void, truth)),
        ),
    }


def _size(pixels: NDArray) -> tuple[int, int]:
    fits = pixels.ndim == 3 and pixels.shape[2] in (1, 3) and pixels.dtype == np.uint8
    if not fits or not pixels.size:
        raise ValueError(f"Expected (H, W, 1 or 3) uint8, got {pixels.shape} {pixels.dtype}.")
    return pixels.shape[0], pixels.shape[1]


def _thin(array: NDArray, axes: tuple[int, int] = (0, 1)) -> NDArray:
    """The pixels that are shown: every one, or those nearest to a smaller grid's centres.

    Picture and probabilities are thinned alike, so that all speak of the same pixels.
    """
    longest = max(array.shape[axis] for axis in axes)
    if longest <= DISPLAY_SIDE:
        return array
    for axis in axes:
        old = array.shape[axis]
        new = max(1, old * DISPLAY_SIDE // longest)
        centres = (2 * np.arange(new) + 1) * old // (2 * new)
        array = array.take(centres, axis=axis)
    return array


def _tally(
    probabilities: NDArray[np.float32], task: Task, void: NDArray[np.bool_] | None
) -> dict[str, list]:
    """Count every pixel that has a label, also of a picture that is thinned, for the legend.

    ``counts`` and ``sums`` of the probabilities: for each label, of the label's own; for a binary
    task, of label 1's, for each per mille from 0 to 1000, whatever the threshold will be.
    """
    if len(probabilities) == 1:
        keys, values, length = _floor_per_mille(probabilities[0]), probabilities[0], 1001
    else:
        stack = probabilities[None]
        keys, values, length = task.labels(stack)[0], task.confidence(stack)[0], len(probabilities)
    counted = np.s_[:] if void is None else ~void
    keys, values = keys[counted].ravel(), values[counted].ravel()
    counts = np.bincount(keys, minlength=length)
    sums = np.bincount(keys, values, minlength=length)
    return {"counts": counts.tolist(), "sums": [round(total, 3) for total in sums.tolist()]}


def _planes(
    probabilities: NDArray[np.float32],
    void: NDArray[np.bool_] | None,
    truth: NDArray[np.uint8] | None,
) -> dict[str, Any]:
    """Labels and probabilities as bytes rather than as a PNG: browsers that guard against
    fingerprinting falsify what a canvas gives back, and a falsified class id is a wrong class.

    ``data`` is base64 of zlib of uint8 planes ``(rows, columns)``: first ``ids`` planes of class
    ids, then for each of ``shares`` probabilities, in per mille, its high and its low bytes; then, if
    ``void`` is true, 1 where there is no label; last, if ``truth`` is, the ids that are right.
    """
    ids: NDArray
    shares: NDArray
    if len(probabilities) == 1:
        shares = _floor_per_mille(probabilities)
        ids = shares[:0]
    else:
        keys = _top(probabilities)
        shares = ((keys >> 8) * 1000 + (1 << FINENESS - 1)) >> FINENESS
        ids = 255 - (keys & 255)
    last = [plane[None] for plane in (void, truth) if plane is not None]
    planes = [ids, *(np.stack([share >> 8, share & 255]) for share in shares), *last]
    packer = zlib.compressobj(level=1, strategy=STRATEGY)
    packed = packer.compress(np.concatenate(planes).astype(np.uint8).tobytes()) + packer.flush()
    return {
        "ids": len(ids),
        "shares": len(shares),
        "void": void is not None,
        "truth": truth is not None,
        "data": base64.b64encode(packed).decode(),
    }


def _floor_per_mille(probability: NDArray) -> NDArray[np.uint16]:
    """Rounded down, so that a threshold of whole per mille parts these as it parts the exact ones."""
    return (np.clip(probability, 0, 1) * np.float32(1000)).astype(np.uint16)


def _top(probabilities: NDArray) -> NDArray:
    """``(K, h, w)`` -> ``(≤ 3, h, w)``, the likeliest first: probability << 8 | 255 - class id.

    One number holds both, so that a running sort of three is nothing but minima and maxima; of
    equals the lower id comes first, as in argmax.
    """
    size = probabilities.shape[1:]
    ranked = [np.zeros(size, np.uint32) for _ in range(min(RANKS, len(probabilities)))]
    for label, probability in enumerate(probabilities):
        fixed = (np.clip(probability, 0, 1) * np.float32(1 << FINENESS)).astype(np.uint32)
        rest = fixed << 8 | np.uint32(255 - label)
        for leader in ranked:
            smaller = np.minimum(leader, rest)
            np.maximum(leader, rest, out=leader)
            rest = smaller
    return np.stack(ranked)
