"""Segments a picture with a checkpoint, for page, endpoint, command line and library.

And guesses from the pixels, before any network runs, whether the picture shows what the checkpoint
knows: shapes, membranes or things.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude, median_filter

from .checkpoints import Card, CheckpointError, HubError, find_checkpoint, load_checkpoint
from .data import PictureError
from .data.images import Picture
from .data.truth import void_share
from .devices import DeviceError, memory_errors
from .evaluation.evaluate import Scores, class_scores
from .inference import Prediction, Predictor, Progress
from .messages import Sentence, sentence, words_of
from .metrics import confusion_matrix, membrane_scores
from .render import to_rgb
from .tasks import ISBI, SHAPES, VOC, VOID, Task

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
        arrays = (
            self.request.picture.slices,
            self.prediction.probabilities,
            self.prediction.painted,
            truth.labels if truth else None,
        )
        return sum(array.nbytes for array in arrays if array is not None)

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


FITTING = {SHAPES.classes: "shapes", ISBI.classes: "isbi", VOC.classes: "voc-pretrained"}
"""Classes of a task → name of the bundled checkpoint for them."""

GRAY = 2.0
"""A picture is gray where its channels differ from their mean by less, on average, on 0–255."""

NOWHERE_PLAIN = 0.25
"""Tissue has texture everywhere: less than this share of it is plain; of gray photos, a third."""

SMALL_THINGS = 0.45
"""Small things lose their contrast in a blur: less than this share of it is left."""

PLAIN = 0.04
"""Three quarters of a drawn scene are less rough, above the noise, than this share of its edges."""


def subject_of(picture: np.ndarray) -> Task:
    """Return the task that fits a picture uint8 (H, W, C): SHAPES, ISBI or VOC."""
    pixels = _small(picture, 256)
    gray = pixels.mean(axis=2)
    colourless = np.abs(pixels - gray[..., None]).mean() < GRAY
    if colourless and _plain_share(gray) < NOWHERE_PLAIN:
        return ISBI
    drawn = _roughness(_small(picture, 128)) < PLAIN
    return SHAPES if drawn or (colourless and _large_share(gray) < SMALL_THINGS) else VOC


def better_checkpoint(picture: np.ndarray, task: Task) -> str | None:
    """Name the bundled checkpoint for a picture, if one of ``task`` is plainly wrong for it.

    None where ``task`` fits the picture, or where no bundled checkpoint has its classes.
    """
    own = FITTING.get(task.classes)
    fitting = FITTING[subject_of(picture).classes] if own else None
    return fitting if fitting != own else None


def _small(picture: np.ndarray, side: int) -> np.ndarray:
    """Return a float32 RGB copy (H, W, 3) whose longer side is at most ``side`` px."""
    image = Image.fromarray(to_rgb(picture))
    image.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(image, np.float32)


def _plain_share(gray: np.ndarray) -> float:
    """Compute the share of a gray picture (H, W) that hardly changes from pixel to pixel."""
    smooth = median_filter(gray, 5)
    low, high = np.percentile(smooth, (2, 98))
    return float((gaussian_gradient_magnitude(smooth, 1) < 0.02 * (high - low + 1)).mean())


def _large_share(gray: np.ndarray) -> float:
    """Compute the share of a gray picture's (H, W) contrast that is left after a blur of 12 px."""
    return float(gaussian_filter(gray, 12).std() / (gaussian_filter(gray, 1).std() + 1e-6))


def _roughness(pixels: np.ndarray) -> float:
    """Compute the roughness, above the noise, of the plainer 3/4 of a picture (H, W, 3), over its edges'."""
    smooth = median_filter(pixels, (5, 5, 1))
    noise = 1.48 * np.median(np.abs(pixels - smooth))
    channels = [gaussian_gradient_magnitude(smooth[..., channel], 1) for channel in range(3)]
    most, edges = np.percentile(np.max(channels, axis=0), (75, 98))
    return float(max(0.0, most - 0.35 * noise) / (edges + 4))
