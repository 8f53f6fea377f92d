"""Pictures with a few strokes painted on them, at most one pixel in a hundred, so that one press shows it.

Each has a ground truth to score the whole picture by. That of the drawn ones is exact. The others' were made
for this, and looked at: a watershed from seeds that any eye would set (coins), stained tissue by its colour
(cells), an outline by hand (cat). Where nobody can tell, it is void.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import data as skimage_data
from skimage import filters, morphology, segmentation

from ..data.em import synthetic_em
from ..data.images import Picture, read_picture
from ..data.shapes import SceneOptions, random_scene
from ..render import colour_mask, to_rgb
from ..tasks import ISBI, SHAPES, VOID, MulticlassTask
from .outlines import BESIDE_THE_CAT, GLANDS, STROKES
from .strokes import task_of

THUMBNAIL = 320
"""Longest side in px of an example's thumbnail."""


@dataclass(frozen=True)
class TeachExample:
    """A picture to be taught.

    ``make`` returns slices uint8 (N, H, W, C) and ground truth uint8 (N, H, W). ``strokes``: lines on the
    first slice, of each class, ``width`` px wide. ``start``: the bundled checkpoint that knows its kind,
    or its colours, or "".
    """

    name: str
    classes: tuple[str, ...]
    make: Callable[[], tuple[np.ndarray, np.ndarray]]
    strokes: tuple[tuple[str, ...], ...]
    width: int
    start: str = ""


@dataclass(frozen=True, eq=False)
class Taught:
    """An example, made: its picture, its strokes uint8 (N, H, W), and its ground truth, both 255 = none."""

    picture: Picture
    labels: np.ndarray
    truth: np.ndarray
    task: MulticlassTask


def membranes() -> tuple[np.ndarray, np.ndarray]:
    """Draw three sections of tissue; their truth is exact."""
    image, truth = synthetic_em(384, seed=7, slices=3)
    return image[..., None], (truth > 0).astype(np.uint8)


def coins() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-image's coins; their truth is a watershed of the gradient, as in its own tutorial."""
    image = skimage_data.coins()
    seeds = np.where(image > 150, 2, np.where(image < 30, 1, 0))
    found = segmentation.watershed(filters.sobel(image), seeds) == 2
    found = morphology.area_opening(found.astype(np.uint8), 200)
    truth = morphology.convex_hull_object(found > 0).astype(np.uint8)
    return image[None, ..., None], with_void(truth, 1)[None]


def cells() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-image's stained colon; the outlines of its glands were drawn by hand."""
    image = read_picture(Path(skimage_data.data_dir) / "ihc.png").slices[0]
    return image[None], with_void(outlined(GLANDS, image), 4)[None]


def cat() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-image's cat, whose outline was drawn by hand."""
    image = skimage_data.chelsea()
    return image[None], with_void(1 - outlined(BESIDE_THE_CAT, image), 4)[None]


def shapes() -> tuple[np.ndarray, np.ndarray]:
    """Draw a scene in strong noise; its truth is exact."""
    options = SceneOptions(
        size=320, count=(16, 16), radius=(0.05, 0.12), overlap=False, colour_is_clue=True, noise=80,
        blur=1.5, rotated=True, shading=50,
    )  # fmt: skip
    image, truth = random_scene(options, np.random.default_rng(3))
    return image[None], truth[None]


def points(line: str) -> list[tuple[int, int]]:
    """Read a text of points "x,y"."""
    return [(int(x), int(y)) for x, _, y in (point.partition(",") for point in line.split())]


def outlined(outlines: tuple[str, ...], image: np.ndarray) -> np.ndarray:
    """Return ids uint8 (H, W): 1 within the outlines, 0 beside them."""
    mask = Image.new("L", image.shape[1::-1])
    for outline in outlines:
        ImageDraw.Draw(mask).polygon(points(outline), 1)
    return np.array(mask)


def with_void(truth: np.ndarray, width: int) -> np.ndarray:
    """Return ids (H, W) that are void within ``width`` px of where they change."""
    size = 2 * width + 1
    near = ndimage.maximum_filter(truth, size) != ndimage.minimum_filter(truth, size)
    return np.where(near, VOID, truth).astype(np.uint8)


def painted(example: TeachExample, truth: np.ndarray) -> np.ndarray:
    """Paint an example's strokes, with a careful hand: what falls beside its class is left out."""
    labels = np.full(truth.shape, VOID, np.uint8)
    sheet = Image.fromarray(labels[0])
    for label, lines in enumerate(example.strokes):
        for line in lines:
            ImageDraw.Draw(sheet).line(points(line), label, example.width, joint="curve")
    strokes = np.asarray(sheet)
    labels[0] = np.where(strokes == truth[0], strokes, VOID)
    return labels


EXAMPLES: dict[str, TeachExample] = {
    example.name: example
    for example in (
        TeachExample("membranes", ISBI.classes, membranes, STROKES["membranes"], 2, "isbi"),
        TeachExample("coins", ("background", "coin"), coins, STROKES["coins"], 2),
        TeachExample("cells", ("tissue between", "gland"), cells, STROKES["cells"], 2, "voc"),
        TeachExample("cat", ("background", "cat"), cat, STROKES["cat"], 2, "voc-pretrained"),
        TeachExample("shapes", SHAPES.classes, shapes, STROKES["shapes"], 2, "shapes"),
    )
}

# Without the lock, two visitors at once would each make the picture, and only one would be cached.
_MAKING = threading.Lock()


def load(name: str) -> Taught:
    """Return an example, made once and cached. Raises KeyError for an unknown name."""
    with _MAKING:
        return _make(EXAMPLES[name])


@lru_cache
def _make(example: TeachExample) -> Taught:
    slices, truth = example.make()
    picture = Picture(slices, example.name, ())
    return Taught(picture, painted(example, truth), truth, task_of(example.classes))


@lru_cache
def thumbnail(name: str) -> np.ndarray:
    """Return an example's first slice with its strokes, THUMBNAIL px at most: uint8 (H, W, 3). Raises KeyError."""
    taught = load(name)
    pixels = to_rgb(taught.picture.slices[0]).copy()
    strokes = taught.labels[0]
    pixels[strokes != VOID] = colour_mask(strokes, taught.task.palette)[strokes != VOID]
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(image)
