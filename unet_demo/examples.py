"""Pictures to try, made or bundled, so that the demo works without a network."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from skimage import data as skimage_data

from .data.em import synthetic_em
from .data.images import Picture
from .data.shapes import SceneOptions, article_scene, random_scene
from .segmentation import Brought
from .tasks import ISBI, SHAPES, Task


@dataclass(frozen=True)
class Example:
    """A picture to try, the checkpoint that knows its kind, and its ground truth where it is known.

    ``make`` returns pages uint8 (N, H, W, C) and labels uint8 (N, H, W) of ``task``, or None.
    """

    name: str
    caption: str
    checkpoint: str
    task: Task
    make: Callable[[], tuple[np.ndarray, np.ndarray | None]]


def _scene(options: SceneOptions, seed: int) -> tuple[np.ndarray, np.ndarray]:
    image, labels = random_scene(options, np.random.default_rng(seed))
    return image[None], labels[None]


def _article() -> tuple[np.ndarray, np.ndarray]:
    image, labels = article_scene()
    return image[None], labels[None]


def _membranes(slices: int) -> tuple[np.ndarray, np.ndarray]:
    image, truth = synthetic_em(512, seed=1, slices=slices)
    return image[..., None], (truth > 0).astype(np.uint8)


MANY_SHAPES = SceneOptions(size=256, count=(9, 9), radius=(0.07, 0.2), rotated=True, shading=50)

EXAMPLES: tuple[Example, ...] = (
    Example("shapes", "Circles and rectangles", "shapes", SHAPES, lambda: _scene(MANY_SHAPES, 33)),
    Example("membranes", "Cell membranes (synthetic EM)", "isbi", ISBI, lambda: _membranes(1)),
    Example("stack", "A stack of 6 slices (synthetic EM)", "isbi", ISBI, lambda: _membranes(6)),
    Example("article", "The article's own picture", "shapes", SHAPES, _article),
    Example(
        "coins", "Coins (a photograph)", "shapes", SHAPES, lambda: (_photograph("coins"), None)
    ),
)


def _photograph(name: str) -> np.ndarray:
    pixels = getattr(skimage_data, name)()
    return pixels.reshape(1, *pixels.shape[:2], -1)


@lru_cache
def load_example(name: str) -> Brought:
    """Make an example's picture, once. Raises KeyError for an unknown name."""
    example = {example.name: example for example in EXAMPLES}[name]
    pages, truth = example.make()
    return Brought(Picture(pages, example.name, ()), truth, example.task.classes)
