"""Segments a picture with a checkpoint, for page, endpoint, command line and library."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from .checkpoints import Card, CheckpointError, HubError, find_checkpoint, load_checkpoint
from .constants import VOID
from .data.errors import PictureError
from .data.images import Picture
from .data.truth import void_share
from .devices import DeviceError, memory_errors
from .evaluation.evaluate import Scores, class_scores
from .inference import Prediction, Predictor, Progress
from .messages import Sentence, sentence, words_of
from .metrics import confusion_matrix, membrane_scores

KEPT_PREDICTORS = 4
"""Networks kept in memory; the least recently used one is evicted."""

NO_MEMORY = (MemoryError, torch.OutOfMemoryError)

EXPECTED_ERRORS = (PictureError, CheckpointError, HubError, DeviceError, *NO_MEMORY)
"""Errors of a person's input; `plain_words` gives each a message of one plain sentence."""


@dataclass(frozen=True)
class Truth:
    """A ground truth: label ids uint8 (N, H, W) of these classes, 255 = void."""

    labels: np.ndarray
    classes: tuple[str, ...]


@dataclass(frozen=True)
class SegmentRequest:
    """A picture to segment, with its ground truth or None.

    ``checkpoint``: a name, ``owner/repo[@revision]``, or the path of a file. ``tta``: whether to
    average over turned, mirrored and resized copies. ``auto``: whether the checkpoint was chosen for
    what the picture shows, rather than by a person.
    """

    picture: Picture
    truth: Truth | None
    checkpoint: str | Path
    tta: bool = False
    auto: bool = False

    @property
    def name(self) -> str:
        """Name of the checkpoint; of a path, the name of its file."""
        return self.checkpoint.name if isinstance(self.checkpoint, Path) else self.checkpoint


@dataclass(frozen=True)
class Result:
    """A request's prediction, with the checkpoint's card; ``made``: time in seconds since the epoch."""

    request: SegmentRequest
    prediction: Prediction
    card: Card
    made: float = field(default_factory=time.time)

    @property
    def truth(self) -> np.ndarray | None:
        """The ground truth uint8 (N, H, W), if the checkpoint has the same classes."""
        truth = self.request.truth
        return truth.labels if truth and truth.classes == self.card.task.classes else None

    @property
    def own_threshold(self) -> float | None:
        """The checkpoint's threshold for a binary task; None for others."""
        return self.card.threshold if self.card.task.kind == "binary" else None

    @property
    def bytes(self) -> int:
        """Size of the arrays in bytes."""
        truth = self.request.truth
        arrays = (self.request.picture.slices, self.prediction.probabilities)
        return sum(array.nbytes for array in arrays) + (truth.labels.nbytes if truth else 0)

    def notes(self, threshold: float | None = None) -> tuple[str, ...]:
        """List how the picture was read and segmented, and why the mask may be all one class."""
        reason = one_class_reason(self.prediction.labels(threshold), self.card)
        noted = (*self.request.picture.notes, *self.prediction.notes)
        return (*noted, reason) if reason else noted


class Segmenter(Protocol):
    """A checkpoint that is ready to segment, in this process or in a fork."""

    @property
    def card(self) -> Card: ...

    def predict(
        self,
        slices: np.ndarray,
        *,
        tta: bool = False,
        progress: Progress | None = None,
        cancelled: threading.Event | None = None,
    ) -> Prediction: ...


def segment(
    request: SegmentRequest,
    open_checkpoint: "Callable[[str | Path], Segmenter] | None" = None,
    *,
    progress: Progress | None = None,
    cancelled: threading.Event | None = None,
) -> Result:
    """Open the request's checkpoint and segment its picture.

    ``open_checkpoint`` defaults to :func:`open_predictor`. Raises EXPECTED_ERRORS, and Cancelled soon
    after ``cancelled`` is set.
    """
    segmenter = (open_checkpoint or open_predictor)(request.checkpoint)
    prediction = segmenter.predict(
        request.picture.slices, tta=request.tta, progress=progress, cancelled=cancelled
    )
    return Result(request, prediction.of(request.picture), segmenter.card)


def open_predictor(checkpoint: str | Path, device: str | None = None) -> Predictor:
    """Open a checkpoint's file, name or Hub repository; keep it in memory for the next call.

    Raises CheckpointError, HubError or DeviceError, each with one plain sentence.
    """
    path = checkpoint if isinstance(checkpoint, Path) else find_checkpoint(checkpoint)
    # An uploaded or downloaded file may have been removed since; then loading it raises.
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _predictor(path, changed, device)


@lru_cache(KEPT_PREDICTORS)
def _predictor(path: Path, changed: int, device: str | None) -> Predictor:
    with memory_errors():
        return Predictor(load_checkpoint(path), device)


def plain_words(error: Exception) -> str:
    """Return the message of one of EXPECTED_ERRORS; a library's MemoryError gets one of ours."""
    message = words_of(error)
    if isinstance(error, NO_MEMORY) and not isinstance(message, Sentence):
        return sentence(
            "There is not enough memory for this; close other programs, or choose a smaller"
            " picture or checkpoint."
        )
    return message


def one_class_reason(labels: np.ndarray, card: Card) -> Sentence | None:
    """Explain in a sentence why a mask (…, H, W) may be all one class; None if it is not."""
    present = np.setdiff1d(labels, [VOID])
    if len(present) != 1:
        return None
    name = card.task.classes[present[0]]
    return sentence(
        "Everything was labelled {class!r}. {reason} It was trained for this: {summary}",
        **{"class": name}, reason=ONE_CLASS_REASONS[card.task.kind], summary=card.summary,
    )  # fmt: skip


NOTHING_KNOWN = sentence(
    "The checkpoint may know nothing that is in this picture, or not at this size."
)

ONE_CLASS_REASONS = {
    "binary": sentence(
        "Move the threshold, or try a picture of the kind that this checkpoint knows."
    ),
    "multiclass": NOTHING_KNOWN,
    "colour": NOTHING_KNOWN,
}


def truth_scores(labels: np.ndarray, truth: np.ndarray, card: Card) -> Scores:
    """Score labels against truth, both (N, H, W): IoU, Dice, accuracy, and the share of void pixels.

    The other scores do not count void. A binary task also gets V_rand and V_info, if each slice of
    the truth holds a cell.
    """
    classes = card.task.classes
    unknown = labels == VOID  # pixels without a value in the picture
    truth, labels = np.where(unknown, VOID, truth), np.where(unknown, 0, labels)
    scores = class_scores(confusion_matrix(truth, labels, len(classes)), classes)
    cells = truth == 1
    if card.task.kind == "binary" and cells.any(axis=(1, 2)).all():
        (objects,) = membrane_scores(labels.astype(np.float32), cells, thresholds=(0.5,))
        scores = {"V_rand": objects.v_rand, "V_info": objects.v_info, **scores}
    return {**scores, "void, not scored": void_share([truth])}
