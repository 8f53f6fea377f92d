"""What a picture shows, told from its pixels before any network runs: shapes, membranes or things.

The measures are of a small copy without its noise; the limits lie between what drawn scenes, slices
of ISBI 2012 and photos of VOC 2012, in colour and in gray, give.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, median_filter

from .render import to_rgb
from .tasks import ISBI, SHAPES, VOC, Task

FITTING = {SHAPES.classes: "shapes", ISBI.classes: "isbi", VOC.classes: "voc"}
"""The classes of a task → the name of the bundled checkpoint that knows them."""

GRAY = 2.0
"""Up to here, on 0–255, a mean distance of the channels from their mean is no colour."""

NOWHERE_PLAIN = 0.25
"""Tissue has texture all over: less than this share of it is plain. In gray photos, a third is."""

SMALL_THINGS = 0.45
"""Of what varies in a gray picture, less than this share is left of small things when it is blurred."""

PLAIN = 0.04
"""In a drawn scene three quarters are no rougher than this part of its edges, above the noise."""


def subject_of(picture: np.ndarray) -> Task:
    """The task of the checkpoints that such a picture (H, W, C) is for: SHAPES, ISBI or VOC."""
    pixels = _small(picture, 256)
    gray = pixels.mean(axis=2)
    colourless = np.abs(pixels - gray[..., None]).mean() < GRAY
    if colourless and _plain_share(gray) < NOWHERE_PLAIN:
        return ISBI
    drawn = _roughness(_small(picture, 128)) < PLAIN
    return SHAPES if drawn or (colourless and _large_share(gray) < SMALL_THINGS) else VOC


def better_checkpoint(picture: np.ndarray, task: Task) -> str | None:
    """The name of the bundled checkpoint to take where one of ``task`` is plainly wrong for a picture.

    None where it fits, or where its classes are nobody's here.
    """
    known = FITTING.get(task.classes)
    fitting = FITTING[subject_of(picture).classes] if known else None
    return fitting if fitting != known else None


def _small(picture: np.ndarray, side: int) -> np.ndarray:
    """A float32 RGB copy (H, W, 3) whose longer side is at most ``side`` px."""
    image = Image.fromarray(to_rgb(picture))
    image.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(image, np.float32)


def _plain_share(gray: np.ndarray) -> float:
    """The share of a gray picture (H, W) that hardly changes from pixel to pixel."""
    smooth = median_filter(gray, 5)
    low, high = np.percentile(smooth, (2, 98))
    return float((gaussian_gradient_magnitude(smooth, 1) < 0.02 * (high - low + 1)).mean())


def _large_share(gray: np.ndarray) -> float:
    """How much of what varies in a gray picture (H, W) outlasts a blur of 12 px."""
    return float(gaussian_filter(gray, 12).std() / (gaussian_filter(gray, 1).std() + 1e-6))


def _roughness(pixels: np.ndarray) -> float:
    """How much the plainer three quarters of a picture (H, W, 3) vary above its noise, beside its edges."""
    smooth = median_filter(pixels, (5, 5, 1))
    noise = 1.48 * np.median(np.abs(pixels - smooth))
    channels = [gaussian_gradient_magnitude(smooth[..., channel], 1) for channel in range(3)]
    most, edges = np.percentile(np.max(channels, axis=0), (75, 98))
    return float(max(0.0, most - 0.35 * noise) / (edges + 4))
