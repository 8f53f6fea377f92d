"""Reads Pascal VOC 2012: photos with their masks, in the folders of the challenge's own archive.

Masks hold ids (0 background, 1–20 objects, 255 void), or are painted in VOC's colours.
"""

import struct
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..messages import words_of
from ..tasks import VOC, VOID
from . import DataError, PictureError, Split
from .truth import present_values, read_truth

LAYOUT = Path("VOCdevkit", "VOC2012")
LISTS, PHOTOS, MASKS = Path("ImageSets", "Segmentation"), "JPEGImages", "SegmentationClass"


@dataclass(frozen=True)
class Photos:
    """Photos uint8 (H, W, 3), masks of label ids uint8 (H, W), and their names, in the same order."""

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
"""A photo (H, W, 3) and its ids (H, W) → both in the shape that a recipe needs."""


def load_photos(
    directory: str | Path,
    split: str,
    longest: int = 0,
    *,
    drawn: Split | None = None,
    framing: Framing | None = None,
    only: Sequence[int] = (),
) -> Photos:
    """Read and check the photos of a split; reduce their longest side to ``longest`` px (0: as it is).

    ``drawn``: the split is a part that this draws of the photos of train and val. ``framing``
    changes each pair after reading. ``only``: read the photos of these numbers alone, modulo their
    count. ``directory`` holds ``VOCdevkit/VOC2012``, or is one of these two folders. Raises DataError,
    which names the file that is missing or damaged, or whose size or ids are wrong.
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
    """Return whether the data set has a list of a split. Raises DataError where there is no data set."""
    return (_root(Path(directory)) / LISTS / f"{split}.txt").is_file()


def _root(directory: Path) -> Path:
    """Find the folder VOC2012, which may have another name. Raises DataError."""
    for root in (directory / LAYOUT, directory / LAYOUT.name, directory):
        if (root / LISTS).is_dir():
            return root
    raise DataError(
        f"{str(directory)!r} holds no {LAYOUT}; give --data the folder into which Pascal VOC 2012"
        " was unpacked."
    )


def _listed(root: Path, split: str) -> list[str]:
    """Read the names of a split's photos. Raises DataError if it has no list."""
    try:
        lines = (root / LISTS / f"{split}.txt").read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        listed = ", ".join(sorted(path.stem for path in (root / LISTS).glob("*.txt")))
        raise DataError(
            f"There is no list of the split {split!r} under {LAYOUT / LISTS}, but"
            f" {listed or 'none at all'}; use one of these, or unpack the whole of VOC 2012."
        ) from error
    names = [line.split()[0] for line in lines if line.strip()]
    if not names:
        raise DataError(f"{LISTS / split}.txt names no photo; unpack VOC 2012 again.")
    return names


def _read(
    root: Path, name: str, longest: int, framing: Framing | None
) -> tuple[np.ndarray, np.ndarray]:
    """Read a photo uint8 (H, W, 3) and its ids (H, W). Raises DataError, which names the file."""
    photo, mask = root / PHOTOS / f"{name}.jpg", root / MASKS / f"{name}.png"
    try:
        with Image.open(photo) as file:
            image = file.convert("RGB")
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise DataError(f"The photo {photo.name} cannot be read; unpack VOC 2012 again.") from error
    try:
        # In a mask of 0 and 255 alone, 255 is void; _check_classes checks the whole split.
        ids = Image.fromarray(read_truth(mask, VOC, lone_void=True)[0])
    except PictureError as error:
        raise DataError(words_of(error)) from error
    # Some masks fit the photo as it is stored, others the photo turned upright.
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
        # Nearest: a blend of two ids is another class's id.
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
    """Return (width, height) reduced to a longest side of ``longest`` px at most; 0: as it is."""
    factor = longest / max(size)
    if not longest or factor >= 1:
        return size
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def sampling_weights(labels: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """Compute the probability of drawing each photo, float64 (N,), higher for rare classes.

    A photo's weight is that of its rarest object: 1/√(share of the photos with its class), the
    repeat factor of Gupta et al. 2019 (LVIS). The background does not count.
    """
    holds = _objects(labels, classes)
    share = holds.mean(axis=0)
    factor = np.divide(1, np.sqrt(share), out=np.zeros(classes), where=share > 0)
    weights = np.maximum((holds * factor).max(axis=1), 1)
    return weights / weights.sum()


def weights_by_class(labels: Sequence[np.ndarray], classes: int, share: float) -> np.ndarray:
    """Compute the probability of drawing each photo, float64 (N,), a ``share`` of it by class.

    That share goes to all classes of objects equally, and within a class to its photos equally; the
    rest goes to all photos equally.
    """
    holds = _objects(labels, classes)
    present = holds[:, holds.any(axis=0)]
    if not present.size:
        return np.full(len(labels), 1 / len(labels))
    by_class = (present / present.sum(axis=0)).mean(axis=1)
    return share * by_class + (1 - share) / len(labels)


def _objects(labels: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """Find the classes of objects in each photo, bool (N, classes); False for the background."""
    holds = np.zeros((len(labels), classes), bool)
    for row, ids in zip(holds, labels, strict=True):
        present = np.unique(ids)
        row[present[present < min(classes, VOID)]] = True
    holds[:, 0] = False
    return holds


def stretched(photo: np.ndarray, ids: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Stretch a photo (H, W, 3) and its ids (H, W) to a square by nearest pixels, as in article 3."""
    return _resized(photo, ids, (side, side), Image.Resampling.NEAREST)


def pasted(photo: np.ndarray, ids: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Paste both at the top left of a black square and resize it to ``side`` px, as in article 4.

    The ids are resized by nearest pixels: the article blends colours, which makes other classes.
    """
    square = max(ids.shape)
    below, beside = ((0, square - length) for length in ids.shape)
    photo = np.pad(photo, (below, beside, (0, 0)))
    ids = np.pad(ids, (below, beside))
    return _resized(photo, ids, (side, side), Image.Resampling.BILINEAR)


def fitted(photo: np.ndarray, ids: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Resize a photo (H, W, C) and its ids (H, W) to a longest side of ``longest`` px; 0: as they are."""
    factor = longest / max(ids.shape)
    if not longest or factor == 1:
        return photo, ids
    height, width = (max(1, round(length * factor)) for length in ids.shape)
    return _resized(photo, ids, (width, height), Image.Resampling.BILINEAR)


def _resized(
    photo: np.ndarray, ids: np.ndarray, size: tuple[int, int], how: Image.Resampling
) -> tuple[np.ndarray, np.ndarray]:
    """Resize both to (width, height), the ids by nearest pixels."""
    channels = [
        np.array(Image.fromarray(band).resize(size, how)) for band in np.moveaxis(photo, -1, 0)
    ]
    return np.stack(channels, -1), np.array(
        Image.fromarray(ids).resize(size, Image.Resampling.NEAREST)
    )


FRAMINGS = {"stretched": stretched, "pasted": pasted}
"""How the articles fit a photo and its ids into a square."""
