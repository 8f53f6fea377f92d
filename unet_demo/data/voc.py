"""Pascal VOC 2012 photos with their masks, as torchvision's ``VOCSegmentation`` finds them on disk.

Masks on disk are palette pictures of ids: 0 background, 1–20 objects, 255 void.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..void import VOID
from .errors import DataError
from .split import RandomSplit

SPLITS = ("train", "val", "trainval")

LAYOUT = Path("VOCdevkit", "VOC2012")


@dataclass(frozen=True)
class Photos:
    """Photos uint8 (H, W, 3), masks uint8 (H, W) of ids and void, and their names, in one order."""

    images: Sequence[np.ndarray]
    labels: Sequence[np.ndarray]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)


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
    """Read the photos of a split; with ``longest``, reduced to that longest side in px.

    With ``drawn``, the split is one of its parts, drawn from all photos of train and val. A
    ``framing`` changes each pair as it is read. With ``only``, just the photos of these numbers,
    counted from 0 and, past the last one, from the first again.
    ``directory`` holds ``VOCdevkit/VOC2012``, or is one of these two folders. Raises DataError.
    """
    root = _root(Path(directory))
    if drawn:
        files = sorted(_listed(root, "train") + _listed(root, "val"))
        files = [files[number] for number in drawn.numbers(len(files), split)]
    else:
        files = _listed(root, split)
    files = [files[number % len(files)] for number in only] or files
    # Reading is decoding and reducing, which Pillow does without the interpreter's lock.
    with ThreadPoolExecutor() as threads:
        pairs = list(threads.map(lambda pair: _read(pair[0], pair[1], longest, framing), files))
    names = [Path(photo).stem for photo, _ in files]
    return Photos([image for image, _ in pairs], [mask for _, mask in pairs], names)


def _listed(root: Path, split: str) -> list[tuple[str, str]]:
    """The paths of each photo of a split and of its mask."""
    # Imported here: torchvision takes seconds, and only who reads VOC needs it.
    from torchvision.datasets import VOCSegmentation

    if split not in SPLITS:
        raise DataError(f"There is no split {split!r} of VOC; use one of {', '.join(SPLITS)}.")
    try:
        files = VOCSegmentation(root, "2012", split, download=False)
    except (RuntimeError, OSError) as error:
        raise DataError(
            f"The list of the split {split!r} is missing under {LAYOUT / 'ImageSets'}; unpack the"
            " whole of VOC 2012."
        ) from error
    return list(zip(files.images, files.masks, strict=True))


def _root(directory: Path) -> Path:
    """The folder that holds VOCdevkit."""
    for root in (directory, directory.absolute().parent, directory.absolute().parent.parent):
        if (root / LAYOUT).is_dir():
            return root
    raise DataError(
        f"{str(directory)!r} holds no {LAYOUT}; give --data the folder into which Pascal VOC 2012"
        " was unpacked."
    )


def _read(
    photo: str, mask: str, longest: int, framing: Framing | None
) -> tuple[np.ndarray, np.ndarray]:
    try:
        with Image.open(photo) as file, Image.open(mask) as ids_file:
            image, ids = file.convert("RGB"), ids_file.copy()
    except OSError as error:
        raise DataError(
            f"{Path(photo).name} or its mask cannot be read; unpack VOC 2012 again."
        ) from error
    if image.size != ids.size:
        raise DataError(
            f"The photo {Path(photo).name} and its mask are not of the same size; unpack VOC 2012"
            " again."
        )
    size = reduced(image.size, longest)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
        # Nearest: a blend of two ids is a third class.
        ids = ids.resize(size, Image.Resampling.NEAREST)
    pair = np.array(image), np.array(ids, np.uint8)
    return framing(*pair) if framing else pair


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
    holds = np.zeros((len(labels), classes), bool)
    for row, ids in zip(holds, labels, strict=True):
        present = np.unique(ids)
        row[present[present < min(classes, VOID)]] = True
    holds[:, 0] = False
    share = holds.mean(axis=0)
    factor = np.divide(1, np.sqrt(share), out=np.zeros(classes), where=share > 0)
    weights = np.maximum((holds * factor).max(axis=1), 1)
    return weights / weights.sum()


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
