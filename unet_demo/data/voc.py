"""Pascal VOC 2012 photos with their masks, laid out as the challenge's own archive unpacks.

Masks are pictures of ids (0 background, 1–20 objects, 255 void), or painted in VOC's colours.
"""

import struct
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..constants import VOID
from ..messages import words_of
from ..tasks import VOC
from .errors import DataError, PictureError
from .split import RandomSplit
from .truth import present_values, read_truth

LAYOUT = Path("VOCdevkit", "VOC2012")
LISTS, PHOTOS, MASKS = Path("ImageSets", "Segmentation"), "JPEGImages", "SegmentationClass"


@dataclass(frozen=True)
class Photos:
    """Photos uint8 (H, W, 3), masks uint8 (H, W) of ids and void, and their names, in one order."""

    images: Sequence[np.ndarray]
    labels: Sequence[np.ndarray]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def __add__(self, other: "Photos") -> "Photos":
        return Photos(
            [*self.images, *other.images],
            [*self.labels, *other.labels],
            [*self.names, *other.names],
        )


Framing = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""A photo (H, W, 3) and its ids (H, W) → both in the shape that a recipe wants."""


def load_photos(
    directory: str | Path,
    split: str,
    longest: int = 0,
    *,
    drawn: RandomSplit | None = None,
    framing: Framing | None = None,
    only: Sequence[int] = (),
) -> Photos:
    """Read the photos of a split, checked; with ``longest``, reduced to that longest side in px.

    With ``drawn``, the split is one of its parts, drawn from all photos of train and val. A
    ``framing`` changes each pair as it is read. With ``only``, just the photos of these numbers,
    counted from 0 and, past the last one, from the first again.
    ``directory`` holds ``VOCdevkit/VOC2012``, or is one of these two folders. Raises DataError, which
    names the file that is missing, damaged, or not of its photo's size or VOC's ids.
    """
    root = _root(Path(directory))
    if drawn:
        names = sorted({*_listed(root, "train"), *_listed(root, "val")})
        names = [names[number] for number in drawn.numbers(len(names), split)]
    else:
        names = _listed(root, split)
    names = [names[number % len(names)] for number in only] or names
    # Reading is decoding and reducing, which Pillow does without the interpreter's lock.
    with ThreadPoolExecutor() as threads:
        pairs = list(threads.map(lambda name: _read(root, name, longest, framing), names))
    photos = Photos([image for image, _ in pairs], [mask for _, mask in pairs], names)
    _check_classes(photos, split)
    return photos


def has_list(directory: str | Path, split: str) -> bool:
    """Whether the data set lists photos for a split. Raises DataError where there is no data set."""
    return (_root(Path(directory)) / LISTS / f"{split}.txt").is_file()


def _root(directory: Path) -> Path:
    """The folder VOC2012, by whatever name a link gives it."""
    for root in (directory / LAYOUT, directory / LAYOUT.name, directory):
        if (root / LISTS).is_dir():
            return root
    raise DataError(
        f"{str(directory)!r} holds no {LAYOUT}; give --data the folder into which Pascal VOC 2012"
        " was unpacked."
    )


def _listed(root: Path, split: str) -> list[str]:
    """The names of a split's photos. Raises DataError if there is no list of it."""
    try:
        lines = (root / LISTS / f"{split}.txt").read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(path.stem for path in (root / LISTS).glob("*.txt")))
        raise DataError(
            f"There is no list of the split {split!r} under {LAYOUT / LISTS}, but"
            f" {known or 'none at all'}; use one of these, or unpack the whole of VOC 2012."
        ) from error
    names = [line.split()[0] for line in lines if line.strip()]
    if not names:
        raise DataError(f"{LISTS / split}.txt names no photo; unpack VOC 2012 again.")
    return names


def _read(
    root: Path, name: str, longest: int, framing: Framing | None
) -> tuple[np.ndarray, np.ndarray]:
    """A photo uint8 (H, W, 3) and its ids (H, W). Raises DataError, which names the file."""
    photo, mask = root / PHOTOS / f"{name}.jpg", root / MASKS / f"{name}.png"
    try:
        with Image.open(photo) as file:
            image = file.convert("RGB")
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise DataError(f"The photo {photo.name} cannot be read; unpack VOC 2012 again.") from error
    try:
        # Whether 255 is void in a mask that holds nothing else but 0, its whole split tells.
        ids = Image.fromarray(read_truth(mask, VOC, lone_void=True)[0])
    except PictureError as error:
        raise DataError(words_of(error)) from error
    # Masks lie on the pixels as they are stored, or else on those of the photo turned upright.
    if image.size != ids.size:
        image = ImageOps.exif_transpose(image)
    if image.size != ids.size:
        (width, height), (below, beside) = ids.size, image.size
        raise DataError(
            f"The mask {mask.name} is {width}×{height} px and its photo {below}×{beside}: they must be"
            " of the same size; unpack VOC 2012 again."
        )
    size = reduced(image.size, longest)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
        # Nearest: a blend of two ids is a third class.
        ids = ids.resize(size, Image.Resampling.NEAREST)
    pair = np.array(image), np.array(ids)
    return framing(*pair) if framing else pair


def _check_classes(photos: Photos, split: str) -> None:
    """Raise DataError unless the masks hold two classes or more together."""
    present = {int(label) for ids in photos.labels for label in present_values(ids)}
    if len(present - {VOID}) < 2:
        raise DataError(
            f"The {len(photos)} masks of the split {split!r}, such as {photos.names[0]}.png, hold nothing"
            f" but {' and '.join(map(str, sorted(present)))}, and {VOID} is void; give masks of VOC's"
            f" ids, 0–{len(VOC.classes) - 1}."
        )


def reduced(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """(width, height) with its longest side at most ``longest`` px; 0 leaves it."""
    factor = longest / max(size)
    if not longest or factor >= 1:
        return size
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def sampling_weights(labels: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """How often to draw each photo, float64 (N,), summing to 1, so that rare classes are seen.

    A photo weighs as much as its rarest object: 1/√(share of the photos that hold the class), the
    repeat factor of Gupta et al. 2019 (LVIS). The background does not count.
    """
    holds = _objects(labels, classes)
    share = holds.mean(axis=0)
    factor = np.divide(1, np.sqrt(share), out=np.zeros(classes), where=share > 0)
    weights = np.maximum((holds * factor).max(axis=1), 1)
    return weights / weights.sum()


def weights_by_class(labels: Sequence[np.ndarray], classes: int, share: float) -> np.ndarray:
    """How often to draw each photo, float64 (N,), summing to 1: a ``share`` class by class.

    That share is drawn as an object's class first, each class alike, then one of the photos that
    hold it; the rest is drawn as one of all photos.
    """
    holds = _objects(labels, classes)
    there = holds[:, holds.any(axis=0)]
    if not there.size:
        return np.full(len(labels), 1 / len(labels))
    by_class = (there / there.sum(axis=0)).mean(axis=1)
    return share * by_class + (1 - share) / len(labels)


def _objects(labels: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """Which classes each photo holds, bool (N, classes); never the background."""
    holds = np.zeros((len(labels), classes), bool)
    for row, ids in zip(holds, labels, strict=True):
        present = np.unique(ids)
        row[present[present < min(classes, VOID)]] = True
    holds[:, 0] = False
    return holds


def stretched(photo: np.ndarray, ids: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Article 3: a photo (H, W, 3) and its ids (H, W) stretched to a square by nearest pixels."""
    return _resized(photo, ids, (side, side), Image.Resampling.NEAREST)


def pasted(photo: np.ndarray, ids: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Article 4: both pasted at the top left of a black square; the photo is then resized bilinearly.

    The ids are resized by nearest pixels: the article's blends of two colours are other classes.
    """
    square = max(ids.shape)
    below, beside = ((0, square - length) for length in ids.shape)
    photo = np.pad(photo, (below, beside, (0, 0)))
    ids = np.pad(ids, (below, beside))
    return _resized(photo, ids, (side, side), Image.Resampling.BILINEAR)


def fitted(photo: np.ndarray, ids: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo (H, W, C) and its ids (H, W), their longest side ``longest`` px; 0 leaves them."""
    factor = longest / max(ids.shape)
    if not longest or factor == 1:
        return photo, ids
    height, width = (max(1, round(length * factor)) for length in ids.shape)
    return _resized(photo, ids, (width, height), Image.Resampling.BILINEAR)


def _resized(
    photo: np.ndarray, ids: np.ndarray, size: tuple[int, int], how: Image.Resampling
) -> tuple[np.ndarray, np.ndarray]:
    """Both resized to (width, height), the ids by their nearest pixels."""
    channels = [
        np.array(Image.fromarray(band).resize(size, how)) for band in np.moveaxis(photo, -1, 0)
    ]
    return np.stack(channels, -1), np.array(
        Image.fromarray(ids).resize(size, Image.Resampling.NEAREST)
    )


FRAMINGS = {"stretched": stretched, "pasted": pasted}
"""How the articles fit a photo and its ids into a square."""
