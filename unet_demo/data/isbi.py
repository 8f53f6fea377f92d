"""Reads the ISBI 2012 challenge: one multi-page TIFF of frames, one of labels.

Labels on disk: 255 = cell interior, 0 = membrane; or 1 and 0, or 2 and 1. In memory: 1 and 0
(``tasks.ISBI``).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..messages import words_of
from ..tasks import ISBI
from . import DataError, PictureError
from .images import read_picture, to_channels
from .truth import read_truth

VOLUME, LABELS, UNLABELLED = "train-volume.tif", "train-labels.tif", "test-volume.tif"

TRAINING_FRAMES = 21
"""Frames 0–20 train, the rest validate. Not split at random, since neighbouring slices look alike."""

SPLITS = ("train", "val", "all")


@dataclass(frozen=True)
class Frames:
    """Pictures uint8 (N, H, W, 1), labels uint8 (N, H, W), and their numbers in the volume.

    Labels: 0 membrane, 1 cell interior, 255 void.
    """

    images: np.ndarray
    labels: np.ndarray
    numbers: tuple[int, ...]


def load_frames(directory: str | Path, split: str = "all") -> Frames:
    """Read and check the frames of a split (one of SPLITS).

    Raises DataError when files are missing or damaged, do not fit together, or cannot be scored.
    """
    if split not in SPLITS:
        raise DataError(f"There is no split {split!r} of ISBI; use one of {', '.join(SPLITS)}.")
    directory = Path(directory)
    missing = [name for name in (VOLUME, LABELS) if not (directory / name).is_file()]
    if missing:
        raise DataError(
            f"{' and '.join(missing)} not found in {str(directory)!r}; give --data the folder that"
            f" holds the ISBI 2012 challenge's {VOLUME} and {LABELS}."
        )
    images = _read_volume(directory / VOLUME)
    try:
        labels = read_truth(directory / LABELS, ISBI)
    except PictureError as error:
        raise DataError(words_of(error)) from error
    if labels.shape != images.shape[:3]:
        raise DataError(
            f"{LABELS} is {labels.shape} and {VOLUME} is {images.shape[:3]} (pages, height, width):"
            " they must be of the same size; fetch both again."
        )
    chosen = split_numbers(len(images), split)
    if not chosen:
        raise DataError(
            f"{VOLUME} holds {len(images)} frames, and none of them belongs to the split {split!r},"
            f" which begins at frame {TRAINING_FRAMES}; give the challenge's whole volume."
        )
    _check_classes(labels[chosen], chosen)
    return Frames(images[chosen], labels[chosen], tuple(chosen))


def load_unlabelled(directory: str | Path) -> np.ndarray:
    """Read the challenge's test slices, uint8 (N, H, W, 1), whose labels are secret. Raises DataError."""
    path = Path(directory) / UNLABELLED
    if not path.is_file():
        raise DataError(
            f"{UNLABELLED} not found in {str(directory)!r}; this recipe also learns from the"
            " challenge's unlabelled slices: put the file there."
        )
    return _read_volume(path)


def _check_classes(labels: np.ndarray, numbers: list[int]) -> None:
    """Raise DataError unless each frame (N, H, W) holds a cell, which V_rand needs, and any a membrane."""
    for number, frame in zip(numbers, labels, strict=True):
        if not (frame == 1).any():
            raise DataError(
                f"Frame {number} of {LABELS} holds no cell interior, so it cannot be scored; label it,"
                " or leave it out."
            )
    if not (labels == 0).any():
        raise DataError(f"{LABELS} holds no membrane in the frames of this split; label it.")


def _read_volume(path: Path) -> np.ndarray:
    """Read gray frames, uint8 (N, H, W, 1). Raises DataError."""
    try:
        return to_channels(read_picture(path).slices, 1)
    except PictureError as error:
        raise DataError(words_of(error)) from error


def split_numbers(count: int, split: str) -> list[int]:
    """List the frame numbers of a split of a volume of ``count`` frames."""
    first = {"train": range(TRAINING_FRAMES), "val": range(TRAINING_FRAMES, count)}
    return [n for n in first.get(split, range(count)) if n < count]
