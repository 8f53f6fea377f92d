"""Draws predictions: overlays, colour masks, outlines and error maps, and the numbers of a legend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .tasks import RGB, VOID, VOID_COLOUR, Task

STYLES = ("fill", "outline", "both")
"""How an overlay marks a class: painted, outlined, or both. Outlines help colour-blind eyes."""

LAYERS = ("mask", "errors", "painted")
"""What lies over a picture on the page: its mask, what is wrong with it, or a network's own colours."""

FULL = 192
"""A colour is dark if its brightest channel, on 0–255, is below; VOC's palette goes up to it."""

WRONG_COLOUR = (230, 30, 30)

HEAT: tuple[RGB, ...] = ((0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191))
"""Colours of values, dark to light, as evenly as matplotlib's "magma"; told apart by colour-blind eyes."""


@dataclass(frozen=True)
class View:
    """How a person looks at a result.

    ``threshold`` is a binary task's, None the checkpoint's own; ``opacity`` is 0..1; ``style`` is one
    of STYLES; ``slice`` counts from 1. The others are the page's alone, for no file: ``layer``, one of
    LAYERS, and ``zoom``, in times, around the pixel ``x``, ``y``; where None, they stay as they are.
    """

    threshold: float | None = None
    opacity: float = 0.6
    style: str = "fill"
    slice: int = 1
    layer: str | None = None
    zoom: float | None = None
    x: int | None = None
    y: int | None = None


@dataclass(frozen=True)
class LegendEntry:
    """One class of a mask: its share of the pixels and the mean confidence there, both 0..1."""

    label: int
    name: str
    colour: RGB
    share: float
    confidence: float


def lifted(colour: RGB) -> RGB:
    """Return a colour that is seen on a dark picture: itself, or one of the same hue, the lighter the
    darker it was, so that VOC's 64, 128 and 192 of one hue stay three colours.
    """
    brightest = max(colour)
    if not 0 < brightest < FULL:
        return colour
    white = 0.6 * (1 - brightest / FULL)
    red, green, blue = (
        round(255 * (white + (1 - white) * channel / brightest)) for channel in colour
    )
    return red, green, blue


def heat(values: np.ndarray, most: float) -> np.ndarray:
    """Paint values float (H, W) from 0, the darkest, to ``most``, the lightest: uint8 (H, W, 3)."""
    steps = np.linspace(0, most, len(HEAT))
    channels = [np.interp(values, steps, channel) for channel in np.transpose(HEAT)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Return a slice uint8 (H, W, 1 or 3) as uint8 (H, W, 3)."""
    return image if image.shape[-1] == 3 else np.repeat(image, 3, axis=-1)


def colour_mask(labels: np.ndarray, palette: Sequence[RGB]) -> np.ndarray:
    """Paint label ids (…, H, W) in palette colours: uint8 (…, H, W, 3); void is VOC's cream."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    table[VOID] = VOID_COLOUR
    return table[labels]


def outlines(labels: np.ndarray) -> np.ndarray:
    """Mark the pixels with a neighbour (right, left, below or above) of another label: bool (H, W)."""
    edges = np.zeros(labels.shape, bool)
    across = labels[:, 1:] != labels[:, :-1]
    down = labels[1:] != labels[:-1]
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges


def thickened(marks: np.ndarray) -> np.ndarray:
    """Mark the marked pixels and their neighbours right, left, below and above: bool (H, W)."""
    thick = marks.copy()
    thick[:, 1:] |= marks[:, :-1]
    thick[:, :-1] |= marks[:, 1:]
    thick[1:] |= marks[:-1]
    thick[:-1] |= marks[1:]
    return thick


def overlay(
    image: np.ndarray, labels: np.ndarray, task: Task, opacity: float = 0.6, style: str = "fill"
) -> np.ndarray:
    """Paint labels (H, W) over a slice (H, W, 1 or 3): uint8 (H, W, 3). ``opacity``: 0..1.

    The task's background class stays unpainted. Outlines are white with a black edge, visible on
    any picture. Raises ValueError for a style that is not in STYLES.
    """
    if style not in STYLES:
        raise ValueError(f"there is no style {style!r}; the styles are {', '.join(STYLES)}")
    picture = to_rgb(image)
    painted = picture.copy()
    if style in ("fill", "both"):
        marked = labels != task.background
        colours = colour_mask(labels[marked], task.palette)
        mixed = (1 - opacity) * picture[marked] + opacity * colours
        painted[marked] = np.round(mixed).astype(np.uint8)
    if style in ("outline", "both"):
        edges = outlines(labels)
        painted[thickened(edges)] = 0
        painted[edges] = 255
    return painted


def legend(labels: np.ndarray, confidence: np.ndarray, task: Task) -> tuple[LegendEntry, ...]:
    """List the classes in labels (…, H, W), largest share first; confidence has the same shape."""
    count = len(task.classes)
    pixels = np.bincount(labels.ravel(), minlength=count)[:count]
    sums = np.bincount(labels.ravel(), confidence.ravel(), minlength=count)[:count]
    entries = [
        LegendEntry(
            int(label), task.classes[label], task.palette[label],
            float(pixels[label] / labels.size), float(sums[label] / pixels[label]),
        )
        for label in np.flatnonzero(pixels)
    ]  # fmt: skip
    return tuple(sorted(entries, key=lambda entry: -entry.share))


def error_map(image: np.ndarray, labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Paint wrong pixels red over a faded image (H, W, 1 or 3): uint8 (H, W, 3); void is not wrong.

    ``labels`` and ``truth``: label ids (H, W).
    """
    picture = (to_rgb(image) // 2 + 96).astype(np.uint8)
    picture[(labels != truth) & (truth != VOID) & (labels != VOID)] = WRONG_COLOUR
    return picture
