"""The picture viewer: picture and segmentation behind one divider, with a read-out of each pixel.

All that the read-out says travels with the value, so that no pointer move asks the server.
"""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from ..html import STRATEGY, png_url
from ..text import component_texts
from .component import component

DISPLAY_SIDE = 1600
"""Pixels of the longest side above which the browser receives a thinned copy."""

RANKS = 3
"""Classes that the read-out names."""

FINENESS = 20
"""Bits of a probability by which classes are ranked; the read-out itself shows per mille."""


def viewer(
    value: dict[str, Any] | None = None, *, empty: str = "viewer_empty", **html: Any
) -> gr.HTML:
    """The viewer; its value is one of `viewer_value`, `repaint_value`, or None for the empty state.

    Args:
        value: what it shows at first.
        empty: key of what it says while it is empty.
        html: further arguments of ``gr.HTML``.
    """
    return component("viewer", value, component_texts("viewer", empty=empty), **html)


def viewer_value(
    picture: NDArray[np.uint8],
    overlay: NDArray[np.uint8],
    classes: Sequence[str],
    palette: Sequence[tuple[int, int, int]],
    probabilities: NDArray[np.float32],
    *,
    token: str = "",
) -> dict[str, Any]:
    """What the viewer shows, JSON-able.

    Args:
        picture: ``(H, W, 3)``, 0 to 255.
        overlay: ``(H, W, 3)``, 0 to 255, the picture with its segmentation painted over it.
        classes: a name for each label.
        palette: an RGB colour for each label.
        probabilities: ``(K, H, W)``, 0 to 1. K = 1 is P(``classes[1]``); K ≥ 2 sum to 1 over K.
        token: names the picture and its page; the repaints that are meant for them bear the same.

    Raises:
        ValueError: shapes that do not fit each other, or probabilities that are not numbers.
    """
    height, width = _size(picture)
    if _size(overlay) != (height, width):
        raise ValueError(
            f"The overlay is {overlay.shape}, the picture {picture.shape}: draw both at one size."
        )
    display = _thin(picture)
    return {
        "token": token,
        "width": width,
        "height": height,
        "columns": display.shape[1],
        "rows": display.shape[0],
        "picture": png_url(display),
        "overlay": png_url(_thin(overlay)),
        "classes": list(classes),
        "palette": [[int(channel) for channel in colour] for colour in palette],
        "probe": _probe(probabilities, (height, width), len(classes)),
    }


def repaint_value(overlay: NDArray[np.uint8], token: str = "") -> dict[str, Any]:
    """A new overlay ``(H, W, 3)`` for the picture that is shown: threshold or opacity moved.

    The browser keeps the rest, so that a slider sends a third of the bytes. A repaint that comes
    after another picture or page, of another ``token``, has taken the place is dropped.
    """
    _size(overlay)
    return {"repaint": True, "token": token, "overlay": png_url(_thin(overlay))}


def _size(pixels: NDArray) -> tuple[int, int]:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(f"Expected (H, W, 3) uint8, got {pixels.shape} {pixels.dtype}.")
    return pixels.shape[0], pixels.shape[1]


def _thin(array: NDArray, axes: tuple[int, int] = (0, 1)) -> NDArray:
    """The pixels that are shown: every one, or those nearest to a smaller grid's centres.

    Picture, overlay and probabilities are thinned alike, so that all speak of the same pixels.
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


def _probe(
    probabilities: NDArray[np.float32], size: tuple[int, int], classes: int
) -> dict[str, Any]:
    """What the read-out needs, as bytes rather than as a PNG: browsers that guard against
    fingerprinting falsify what a canvas gives back, and a falsified class id is a wrong class.

    ``data`` is base64 of zlib of uint8 planes ``(rows, columns)``: first ``ids`` planes of class
    ids, then for each of ``shares`` probabilities, in per mille, its high and its low bytes.
    """
    if probabilities.shape not in ((1, *size), (classes, *size)):
        raise ValueError(
            f"The probabilities are {probabilities.shape}: expected 1 or {classes} of {size}."
        )
    shown = _thin(probabilities, (1, 2))
    if not np.isfinite(shown).all():
        raise ValueError("The probabilities hold NaN or infinite values: the network has diverged.")
    if len(shown) == 1:
        return _pack(shown[:0], _per_mille(_fixed_point(shown)))
    keys = _top(shown)
    return _pack(255 - (keys & 255), _per_mille(keys >> 8))


def _fixed_point(probability: NDArray) -> NDArray:
    scale = np.float32(1 << FINENESS)
    return (np.clip(probability, 0, 1) * scale).astype(np.uint32)


def _per_mille(fixed: NDArray) -> NDArray:
    return (fixed * 1000 + (1 << FINENESS - 1)) >> FINENESS


def _top(probabilities: NDArray) -> NDArray:
    """``(K, h, w)`` -> ``(≤ 3, h, w)``, the likeliest first: probability << 8 | 255 - class id.

    One number holds both, so that a running sort of three is nothing but minima and maxima; of
    equals the lower id comes first, as in argmax.
    """
    size = probabilities.shape[1:]
    ranked = [np.zeros(size, np.uint32) for _ in range(min(RANKS, len(probabilities)))]
    for label, probability in enumerate(probabilities):
        rest = _fixed_point(probability) << 8 | np.uint32(255 - label)
        for leader in ranked:
            smaller = np.minimum(leader, rest)
            np.maximum(leader, rest, out=leader)
            rest = smaller
    return np.stack(ranked)


def _pack(ids: NDArray, shares: NDArray) -> dict[str, Any]:
    planes = [ids, *(np.stack([share >> 8, share & 255]) for share in shares)]
    data = np.concatenate(planes).astype(np.uint8)
    packer = zlib.compressobj(level=1, strategy=STRATEGY)
    packed = packer.compress(data.tobytes()) + packer.flush()
    return {
        "ids": len(ids),
        "shares": len(shares),
        "data": base64.b64encode(packed).decode(),
    }
