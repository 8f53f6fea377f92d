"""From a checkpoint's name and a picture to its prediction: what page, command line and API share."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from .checkpoints import Card, CheckpointError, HubError, find_checkpoint, load_checkpoint
from .constants import VOID
from .data.errors import PictureError
from .data.images import Picture
from .data.truth import void_share
from .devices import DeviceError, memory_errors
from .evaluation.evaluate import Scores, class_scores
from .inference import Prediction, Predictor
from .messages import Sentence, sentence, words_of
from .metrics import confusion_matrix, membrane_scores

KEPT_PREDICTORS = 4
"""Networks kept ready in memory; the one not used for longest makes place."""

NO_MEMORY = (MemoryError, torch.OutOfMemoryError)

EXPECTED_ERRORS = (PictureError, CheckpointError, HubError, DeviceError, *NO_MEMORY)
"""What can be wrong with what a person brought; `plain_words` says it in one plain sentence."""


@dataclass(frozen=True)
class Brought:
    """A picture to segment, with its ground truth (N, H, W) where there is one.

    ``classes`` are those that the truth's ids number: only a checkpoint that has the same ones can
    be compared with it.
    """

    picture: Picture
    truth: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def truth_for(self, card: Card) -> np.ndarray | None:
        """The truth, if this checkpoint can be compared with it."""
        return self.truth if self.classes == card.task.classes else None


@dataclass(frozen=True)
class Segmentation:
    """A picture, what a checkpoint says of it, and the checkpoint's card."""

    picture: Picture
    prediction: Prediction
    card: Card


def open_predictor(checkpoint: str | Path, device: str | None = None) -> Predictor:
    """A predictor for a checkpoint's file, name or Hub repository, kept ready for the next call.

    Raises CheckpointError, HubError or DeviceError, each with one plain sentence.
    """
    path = checkpoint if isinstance(checkpoint, Path) else find_checkpoint(checkpoint)
    # One that was uploaded or downloaded may have been removed since: loading it says so.
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return _predictor(path, changed, device)


@lru_cache(KEPT_PREDICTORS)
def _predictor(path: Path, changed: int, device: str | None) -> Predictor:
    with memory_errors():
        return Predictor(load_checkpoint(path), device)


def plain_words(error: Exception) -> str:
    """What an expected error says; those of libraries whose memory ends bring no plain sentence."""
    said = words_of(error)
    if isinstance(error, NO_MEMORY) and not isinstance(said, Sentence):
        return sentence(
            "There is not enough memory for this; close other programs, or choose a smaller"
            " picture or checkpoint."
        )
    return said


def one_class_reason(labels: np.ndarray, card: Card) -> Sentence | None:
    """Why a mask (…, H, W) may be all one class, in a sentence; None if it isn't."""
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
    """IoU, Dice and accuracy of labels against truth, both (N, H, W), and the share that is void.

    Void does not count in the others. For cells and membranes also V_rand and V_info, where each
    slice of the truth holds a cell.
    """
    classes = card.task.classes
    unknown = labels == VOID  # the picture holds no value there
    truth, labels = np.where(unknown, VOID, truth), np.where(unknown, 0, labels)
    scores = class_scores(confusion_matrix(truth, labels, len(classes)), classes)
    cells = truth == 1
    if card.task.kind == "binary" and cells.any(axis=(1, 2)).all():
        (objects,) = membrane_scores(labels.astype(np.float32), cells, thresholds=(0.5,))
        scores = {"V_rand": objects.v_rand, "V_info": objects.v_info, **scores}
    return {**scores, "void, not scored": void_share([truth])}
