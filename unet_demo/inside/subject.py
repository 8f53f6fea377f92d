"""What is looked inside of: a checkpoint's network, with a square of a picture to look at."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..checkpoints import Card, load_checkpoint
from ..data.images import to_channels
from ..devices import memory_errors
from ..inference import Predictor, resize_image
from ..segmentation import SegmentRequest

SIDE = 256
"""Px of the square, at most: so every answer comes at once, on a small machine, too."""

KEPT_PREDICTORS = 4
"""Networks kept in memory; the least recently used one is evicted."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A square of a picture, uint8 (side, side, C), and the network that looks at it.

    ``truth``: its label ids uint8 (side, side) in the classes of the checkpoint, or None.
    """

    image: np.ndarray
    truth: np.ndarray | None
    predictor: Predictor

    @property
    def card(self) -> Card:
        """The checkpoint's card."""
        return self.predictor.card

    @property
    def side(self) -> int:
        """Side of the square in px."""
        return len(self.image)


def look_inside(request: SegmentRequest, file: Path, slice: int = 1) -> Subject:
    """Take the middle of a request's picture, and the checkpoint in ``file``.

    Where the network gets pictures at their own size, the middle SIDE px; where it gets them reduced,
    the largest square, reduced to SIDE px. ``slice`` counts from 1. Raises CheckpointError.
    """
    predictor = open_exact(file, file.stat().st_mtime_ns if file.is_file() else 0)
    card, truth = predictor.card, request.truth
    number = min(slice, len(request.picture.slices)) - 1
    image = to_channels(request.picture.slices[number : number + 1], card.channels)[0]
    known = truth is not None and truth.classes == card.task.classes
    labels = truth.labels[number] if truth is not None and known else None
    return Subject(
        _square(image, reduced=card.side > 0),
        None if labels is None else _square(labels, reduced=card.side > 0),
        predictor,
    )


@lru_cache(KEPT_PREDICTORS)
def open_exact(file: Path, changed: int) -> Predictor:
    """Open a checkpoint to compute on the CPU in float32: what is compared here differs by little.

    ``changed``: when the file did, so that one that was written anew is read anew.
    """
    with memory_errors():
        return Predictor(load_checkpoint(file), "cpu", torch.float32)


def _square(array: np.ndarray, reduced: bool) -> np.ndarray:
    """Cut the middle out of a slice (H, W, C) or of labels (H, W), see `look_inside`."""
    height, width = array.shape[:2]
    side = min(height, width) if reduced else min(height, width, SIDE)
    top, left = (height - side) // 2, (width - side) // 2
    square = array[top : top + side, left : left + side]
    if side <= SIDE:
        return square
    if square.ndim == 3:
        return resize_image(square, (SIDE, SIDE))
    return np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.NEAREST))
