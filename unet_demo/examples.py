"""Example pictures, drawn or bundled, so that the demo works offline."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data as skimage_data

from .checkpoints import offered_names
from .data.em import synthetic_em
from .data.images import Picture, read_picture
from .data.shapes import SceneOptions, article_scene, random_scene
from .render import to_rgb
from .segmentation import SegmentRequest, Truth
from .tasks import ISBI, SHAPES, VOC, Task

THUMBNAIL = 320
"""Longest side in px of an example's thumbnail."""


@dataclass(frozen=True)
class Example:
    """An example picture, and the checkpoint that was trained on its kind.

    ``make`` returns slices uint8 (N, H, W, C), and ground truth uint8 (N, H, W) of ``task`` or None.
    ``first_slice`` names an example that equals this one's first slice and is made faster.
    """

    name: str
    caption: str
    checkpoint: str
    task: Task
    make: Callable[[], tuple[np.ndarray, np.ndarray | None]]
    first_slice: str = ""


def _scene(options: SceneOptions, seed: int) -> tuple[np.ndarray, np.ndarray]:
    image, labels = random_scene(options, np.random.default_rng(seed))
    return image[None], labels[None]


def _article() -> tuple[np.ndarray, np.ndarray]:
    image, labels = article_scene()
    return image[None], labels[None]


def _membranes(slices: int) -> tuple[np.ndarray, np.ndarray]:
    image, truth = synthetic_em(512, seed=1, slices=slices)
    return image[..., None], (truth > 0).astype(np.uint8)


def _photograph(name: str) -> tuple[np.ndarray, None]:
    pixels = getattr(skimage_data, name)()
    return pixels.reshape(1, *pixels.shape[:2], -1), None


def _motorcycle() -> tuple[np.ndarray, None]:
    # scikit-image's own function also reads the other eye's photograph and the depths.
    return read_picture(Path(skimage_data.data_dir) / "motorcycle_left.png").slices, None


def _bus() -> tuple[np.ndarray, None]:
    # The file is part of Gradio, which need not be imported for it.
    file = distribution("gradio").locate_file("gradio/media_assets/images/bus.png")
    return read_picture(Path(str(file))).slices, None


MANY_SHAPES = SceneOptions(size=256, count=(9, 9), radius=(0.07, 0.2), rotated=True, shading=50)

EXAMPLES: tuple[Example, ...] = (
    Example("membranes", "Membranes (synthetic)", "isbi", ISBI, lambda: _membranes(1)),
    Example(
        "stack",
        "6 slices (synthetic)",
        "isbi",
        ISBI,
        lambda: _membranes(6),
        first_slice="membranes",
    ),
    Example("shapes", "Shapes (drawn)", "shapes", SHAPES, lambda: _scene(MANY_SHAPES, 33)),
    Example("article", "Article’s picture", "shapes", SHAPES, _article),
    Example("coins", "Coins (photo)", "shapes", SHAPES, lambda: _photograph("coins")),
    Example("person", "Person (photo)", "voc-pretrained", VOC, lambda: _photograph("astronaut")),
    Example("cat", "Cat (photo)", "voc-pretrained", VOC, lambda: _photograph("chelsea")),
    Example("motorcycle", "Motorbike (photo)", "voc-pretrained", VOC, _motorcycle),
    Example("bus", "Bus (drawing)", "voc-pretrained", VOC, _bus),
)


def offered_examples() -> tuple[Example, ...]:
    """List the examples whose checkpoint is bundled or in the environment's Hub repository."""
    offered = offered_names()
    return tuple(example for example in EXAMPLES if example.checkpoint in offered)


def _find(name: str) -> Example:
    return {example.name: example for example in EXAMPLES}[name]


# Without the lock, two visitors at once would each make the picture, and only one would be cached.
_MAKING = threading.Lock()


def load_example(name: str) -> SegmentRequest:
    """Return a request with an example's picture, made once and cached, and with its checkpoint.

    Raises KeyError for an unknown name.
    """
    with _MAKING:
        return _make(name)


@lru_cache
def _make(name: str) -> SegmentRequest:
    example = _find(name)
    slices, labels = example.make()
    truth = None if labels is None else Truth(labels, example.task.classes)
    return SegmentRequest(Picture(slices, example.name, ()), truth, example.checkpoint, auto=True)


@lru_cache
def load_thumbnail(name: str) -> np.ndarray:
    """Return an example's first slice, reduced to THUMBNAIL px, uint8 (H, W, 3). Raises KeyError."""
    first = load_example(_find(name).first_slice or name).picture.slices[0]
    image = Image.fromarray(to_rgb(first))
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(image)
