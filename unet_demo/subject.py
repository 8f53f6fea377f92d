"""Guesses from a picture's pixels, before any network runs, what it shows: shapes, membranes or things.

The pixels are those of a small copy without noise. The limits separate drawn scenes, slices of ISBI
2012, and photos of VOC 2012, in colour and in gray.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, median_filter

from .render import to_rgb
from .tasks import ISBI, SHAPES, VOC, Task

FITTING = {SHAPES.classes: "shapes", ISBI.classes: "isbi", VOC.classes: "voc"}
"""Classes of a task → name of the bundled checkpoint for them."""

GRAY = 2.0
"""A picture is gray where its channels differ from their mean by less, on average, on 0–255."""

NOWHERE_PLAIN = 0.25
"""Tissue has texture everywhere: less than this share of it is plain; of gray photos, a third."""

SMALL_THINGS = 0.45
"""Small things lose their contrast in a blur: less than this share of it is left."""

PLAIN = 0.04
"""Three quarters of a drawn scene are less rough, above the noise, than this share of its edges."""


def subject_of(picture: np.ndarray) -> Task:
    """Return the task that fits a picture uint8 (H, W, C): SHAPES, ISBI or VOC."""
    pixels = _small(picture, 256)
    gray = pixels.mean(axis=2)
    colourless = np.abs(pixels - gray[..., None]).mean() < GRAY
    if colourless and _plain_share(gray) < NOWHERE_PLAIN:
        return ISBI
    drawn = _roughness(_small(picture, 128)) < PLAIN
    return SHAPES if drawn or (colourless and _large_share(gray) < SMALL_THINGS) else VOC


def better_checkpoint(picture: np.ndarray, task: Task) -> str | None:
    """Name the bundled checkpoint for a picture, if one of ``task`` is plainly wrong for it.

    None where ``task`` fits the picture, or where no bundled checkpoint has its classes.
    """
    own = FITTING.get(task.classes)
    fitting = FITTING[subject_of(picture).classes] if own else None
    return fitting if fitting != own else None


def _small(picture: np.ndarray, side: int) -> np.ndarray:
    """Return a float32 RGB copy (H, W, 3) whose longer side is at most ``side`` px."""
    image = Image.fromarray(to_rgb(picture))
    image.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(image, np.float32)


def _plain_share(gray: np.ndarray) -> float:
    """Compute the share of a gray picture (H, W) that hardly changes from pixel to pixel."""
    smooth = median_filter(gray, 5)
    low, high = np.percentile(smooth, (2, 98))
    return float((gaussian_gradient_magnitude(smooth, 1) < 0.02 * (high - low + 1)).mean())


def _large_share(gray: np.ndarray) -> float:
    """Compute the share of a gray picture's (H, W) contrast that is left after a blur of 12 px."""
    return float(gaussian_filter(gray, 12).std() / (gaussian_filter(gray, 1).std() + 1e-6))


def _roughness(pixels: np.ndarray) -> float:
    """Compute the roughness, above the noise, of the plainer 3/4 of a picture (H, W, 3), over its edges'."""
    smooth = median_filter(pixels, (5, 5, 1))
    noise = 1.48 * np.median(np.abs(pixels - smooth))
    channels = [gaussian_gradient_magnitude(smooth[..., channel], 1) for channel in range(3)]
    most, edges = np.percentile(np.max(channels, axis=0), (75, 98))
    return float(max(0.0, most - 0.35 * noise) / (edges + 4))
