"""What is looked inside of: a checkpoint's network, with a square of a picture to look at."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from weakref import ref

import numpy as np
import torch
from PIL import Image

from ..checkpoints import Card, find_offered, load_checkpoint
from ..data.images import to_channels
from ..devices import memory_errors
from ..inference import Prediction, Predictor, resize_image
from ..segmentation import SegmentRequest

SIDE = 256
"""Px of the square, at most: so every answer comes at once, on a small machine, too."""

KEPT_PREDICTORS, KEPT_SUBJECTS = 4, 8
"""Networks, and squares, kept in memory; the least recently used one is evicted."""


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

    @cached_property
    def whole(self) -> Prediction:
        """What the whole network says, as for any picture."""
        return self.predictor.predict(self.image[None])

    @property
    def side(self) -> int:
        """Side of the square in px."""
        return len(self.image)


def look_inside(request: SegmentRequest, file: Path, slice: int = 1) -> Subject:
    """Take the middle of a request's picture, and the checkpoint in ``file``.

    Where the network gets pictures at their own size, the middle SIDE px; where it gets them reduced,
    the largest square, reduced to SIDE px. ``slice`` counts from 1. Raises CheckpointError.
    """
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    return _cut(_Shared(request), file, changed, slice)


class _Shared:
    """A request as a cache knows it: its picture and truth, neither of which the cache keeps alive."""

    def __init__(self, request: SegmentRequest) -> None:
        self.picture = ref(request.picture)
        self.truth = None if request.truth is None else ref(request.truth)

    def __hash__(self) -> int:
        return id(self.picture)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Shared)
            and self.picture is other.picture  # there is one reference to a picture, or to a truth
            and self.truth is other.truth
        )


@lru_cache(KEPT_SUBJECTS)
def _cut(shared: _Shared, file: Path, changed: int, slice: int) -> Subject:
    predictor = open_exact(file, changed)
    card, picture, truth = predictor.card, shared.picture(), shared.truth and shared.truth()
    assert picture
    number = min(slice, len(picture.slices)) - 1
    image = to_channels(picture.slices[number : number + 1], card.channels)[0]
    labels = truth.labels[number] if truth and truth.classes == card.task.classes else None
    return Subject(
        _square(image, reduced=card.side > 0),
        None if labels is None else _square(labels, reduced=card.side > 0),
        predictor,
    )


def open_bundled(name: str) -> Predictor:
    """Open a bundled checkpoint as :func:`open_exact` does. Raises CheckpointError."""
    file = find_offered(name)
    return open_exact(file, file.stat().st_mtime_ns)


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
