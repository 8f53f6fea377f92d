"""A lesson on the Teach page: a network learns a picture from strokes, which may change meanwhile."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoints import Card
from ..data.images import Picture, to_channels
from ..devices import pick_device, threads_released
from ..evaluation.evaluate import class_scores
from ..inference import Prediction, Progress, mirrored, resize_ids
from ..live.play import PlaySnapshot, Run
from ..messages import Sentence, sentence
from ..metrics import confusion_matrix
from ..networks import Network
from ..networks.maps import mosaic
from ..tasks import RGB, VOID
from ..training.batches import BatchOf, Normalisation, to_tensor
from ..training.loop import Trainer
from .crops import Crops, crops_of_cells
from .network import first_network
from .scale import Scale
from .settings import TeachLimits, TeachSettings, current_limits
from .strokes import Strokes, check_labels, task_of

LOOK_EVERY = 1.0
"""Seconds from one look to the next, at most, where a third of the time suffices for looking."""

REDUCED = 400
"""Longest side in px of a prediction in the animation."""


@dataclass(frozen=True, eq=False)
class Look:
    """What the network makes of the watched slice after ``step`` steps.

    ``slice``: from 0. ``labels``: ids uint8 (H, W), 255 where the picture has no value. ``uncertainty``:
    uint8 (H, W), 0 where one class is certain, 255 where the two best are equally likely. ``loss`` and
    ``miou`` (0..1): of the strokes that are kept out, or of those that it learns from where ``held_out``
    is false. ``truth_miou``: of the whole slice where the picture has a ground truth of these classes,
    else NaN. ``maps``: a mosaic uint8 (SIDE, SIDE) of the features of each station of the walk.
    """

    step: int
    slice: int
    labels: np.ndarray
    uncertainty: np.ndarray
    loss: float
    miou: float
    held_out: bool
    truth_miou: float
    maps: np.ndarray


@dataclass(frozen=True)
class TeachSnapshot(PlaySnapshot[Look]):
    """A lesson at one moment.

    ``painted``: pixels of each class; ``held_out``: share of them that is kept out, 0..1.
    """

    painted: tuple[int, ...]
    held_out: float
    notes: tuple[Sentence, ...]


class Lesson(Run[Look, TeachSnapshot]):
    """One network that learns one picture, for one person.

    ``labels``: strokes uint8 (H, W) or (N, H, W), 255 not painted; ``truth``: ids uint8 (N, H, W) of the
    classes at the beginning, or None. Raises TeachError, CheckpointError, or DeviceError for a missing device.
    """

    validation_share = 0.25

    def __init__(
        self,
        picture: Picture,
        labels: np.ndarray,
        settings: TeachSettings | None = None,
        limits: TeachLimits | None = None,
        truth: np.ndarray | None = None,
        device: str | None = None,
    ):
        self.settings = settings or TeachSettings()
        self.limits = limits or current_limits()
        self.limits.check(picture)
        self.picture = picture
        self._truth_classes = self.settings.task.classes
        most = -1 if truth is None else truth.max(where=truth != VOID, initial=0)
        self.truth = truth if most < len(self._truth_classes) else None
        self._changing = threading.Lock()
        self._watched = 0
        first = self._checked(labels)
        self._card, network = first_network(self.settings, picture.slices)
        height, width = picture.slices.shape[1:3]
        most = min(self.limits.side, self._card.side or self.limits.side)
        side = most if max(height, width) > most else 0
        self._scale = Scale((height, width), side)
        self._card = replace(self._card, side=side)
        self._slices = self._scale.reduce(to_channels(picture.slices, self._card.channels))
        self._normalisation = Normalisation(self._card.mean, self._card.std)
        self._take(Strokes(first[:0]).changed(first))
        options = self.settings.fit_options(self.limits.steps)
        trainer = Trainer(network, self.settings.task, options, pick_device(device))
        super().__init__(trainer, self.limits.seconds, self.limits.at_once)

    def set_labels(self, labels: np.ndarray) -> None:
        """Learn from other strokes from the next step on. Raises TeachError, and then keeps the ones before."""
        checked = self._checked(labels)
        with self._changing:
            self._take(self.strokes.changed(checked))

    def set_classes(self, names: tuple[str, ...], colours: tuple[RGB, ...]) -> None:
        """Rename, recolour or add classes, 8 at most; none is taken away. Raises TeachError."""
        task = task_of(names, colours)
        self.settings = replace(self.settings, task=task)
        self._card = replace(self._card, task=task)
        self._trainer.task = self._trainer.scored = task

    def watch(self, number: int) -> None:
        """Have the next looks be at slice ``number``, from 0."""
        self._watched = number
        self._validated_at = -math.inf

    @threads_released()
    def look(self, number: int) -> Look:
        """Look at a slice while the lesson rests. Raises LiveError while it trains."""
        self.checkpoint()
        self._watched = number
        return self.validate()

    def predict_all(
        self, progress: Progress | None = None, cancelled: threading.Event | None = None
    ) -> Prediction:
        """Segment all slices, while the lesson rests. Raises LiveError, and what Predictor.predict does."""
        prediction = self.predictor().predict(
            self.picture.slices, progress=progress, cancelled=cancelled
        )
        return prediction.of(self.picture)

    @property
    def strokes(self) -> Strokes:
        """The strokes in their own size."""
        return self._strokes

    @property
    def batches(self) -> BatchOf:
        return self._crops

    @property
    def anew(self) -> "Callable[[], Lesson]":
        given = self.picture, self._strokes.labels, self.settings, self.limits, self.truth
        return partial(_again, self._strokes, self._watched, self._truth_classes, *given)

    def hear(self, requests: Path) -> None:
        """Pause or stop, and take over the strokes and the watched slice of another process."""
        super().hear(requests)
        file = requests.with_suffix(".npz")
        if file.exists():
            # Newer ones may come while these are read.
            with np.load(file.replace(requests.with_suffix(".read.npz"))) as told, self._changing:
                self.set_classes(
                    tuple(told["names"].tolist()), tuple(map(tuple, told["colours"].tolist()))
                )
                self._take(Strokes.from_arrays(told))
                self._watched = int(told["watched"])

    def snapshot(self) -> TeachSnapshot:
        painted, held_out = self._strokes.counts, self._strokes.share_held_out
        return TeachSnapshot(**self._told(), painted=painted, held_out=held_out, notes=self.notes)

    @property
    def notes(self) -> tuple[Sentence, ...]:
        """Plain sentences on what is done otherwise than one may think."""
        notes = []
        if self._progress.state == "paused" and self._progress.took_all:
            notes.append(
                sentence(
                    "One press trains for {seconds:g} seconds here, since many people share the"
                    " machine: press again, and it goes on.",
                    seconds=self.limits.at_once,
                )
            )
        height, width = self._scale.size
        if (height, width) != self._scale.own:
            notes.append(
                sentence(
                    "The picture is learned at {width}×{height}, a size that suits the network and the time.",
                    width=width, height=height,
                )
            )  # fmt: skip
        if not self._strokes.share_held_out:
            notes.append(
                sentence(
                    "All strokes are learned from: there are too few to keep some out for validation."
                )
            )
        return tuple(notes)

    def validate(self) -> Look:
        number = self._watched
        network = self._trainer.evaluated.eval()
        fast = self._dtype is not torch.float32
        with torch.inference_mode(), torch.autocast(self._device.type, self._dtype, enabled=fast):
            loss, miou, held_out = self._score(network)
            probabilities, maps = self._see(network, number)
        labels, uncertainty = decided(probabilities)
        labels, uncertainty = (
            resize_ids(array, self._scale.own) for array in (labels, uncertainty)
        )
        if self.picture.void is not None:
            labels, uncertainty = voided(labels, uncertainty, self.picture.void[number])
        return Look(
            self._trainer.step, number, labels, uncertainty, loss, miou, held_out,
            self.truth_miou(labels[None], slice(number, number + 1)), maps,
        )  # fmt: skip

    def truth_miou(self, labels: np.ndarray, slices: slice = slice(None)) -> float:
        """Score ids uint8 (N, H, W), 255 void, of all or some slices by the ground truth: 0..1.

        NaN without one of ids of the classes, and where its classes are no longer the same.
        """
        classes, known = self.settings.task.classes, self._truth_classes
        if self.truth is None or classes[: len(known)] != known:
            return math.nan
        truth = np.where(labels == VOID, VOID, self.truth[slices])
        matrix = confusion_matrix(truth, np.where(labels == VOID, 0, labels), len(classes))
        return class_scores(matrix, classes)["mIoU"]

    def rest_after(self, seconds: float) -> float:
        return max(2 * seconds, min(super().rest_after(seconds), LOOK_EVERY - seconds))

    def is_unseen(self, validation: Look) -> bool:
        return validation.held_out

    def reduced(self, validation: Look) -> Look:
        step = -(-max(validation.labels.shape) // REDUCED)
        nothing = validation.maps[:0]
        labels = validation.labels[::step, ::step].copy()
        return replace(validation, labels=labels, uncertainty=nothing, maps=nothing)

    def card(self) -> Card:
        counts = self._strokes.counts
        classes = self.settings.task.classes
        painted = {name: counts[label] for label, name in enumerate(classes)}
        last = self._progress.validation
        scored = last is not None and not math.isnan(last.truth_miou)
        pixels = f"{self._strokes.taught_pixels:,} pixels of {sum(map(bool, counts))} classes"
        return replace(
            self._card,
            title="Taught by strokes",
            summary=f"Finds {', '.join(classes)}; taught by strokes on one’s own picture ({pixels}).",
            recipe={"data": "strokes", "steps_done": self._trainer.step, "painted": painted},
            scores={"mIoU": last.truth_miou} if last and scored else {},
            scored_on=self._scored_on(last.slice) if last and scored else "",
        )

    def _scored_on(self, number: int) -> str:
        count = len(self.picture.slices)
        itself = "the taught picture itself"
        return itself if count == 1 else f"slice {number + 1} of {count} of {itself}"

    def _checked(self, labels: np.ndarray) -> np.ndarray:
        shape, void = self.picture.slices.shape[:3], self.picture.void
        checked = check_labels(labels, shape, self.settings.task)
        if void is None:
            return checked
        # Where the picture has no value there is nothing to learn.
        return check_labels(np.where(void, VOID, checked), shape, self.settings.task)

    def _take(self, strokes: Strokes) -> None:
        """Learn from these strokes."""
        self._strokes = strokes
        options = self.settings
        small = self._scale.reduce_labels(strokes.taught)
        self._crops = Crops(
            self._slices, small, options.batch, options.seed, self._normalisation,
            options.warp, options.light, options.patches,
        )  # fmt: skip
        held_out = bool(strokes.share_held_out)
        scored = self._scale.reduce_labels(strokes.validated) if held_out else small
        self._validated = *crops_of_cells(self._slices, scored, options.crop), held_out

    def _score(self, network: Network) -> tuple[float, float, bool]:
        """Return loss and mIoU of the strokes that are validated, and whether they are kept out."""
        images, labels, held_out = self._validated
        task = self.settings.task
        logits = network(self._to_network(images)).float()
        ids = torch.from_numpy(labels).to(logits.device)
        loss = float(task.loss(logits, ids, "cross-entropy"))
        predicted = task.predicted_ids(logits).cpu().numpy().astype(np.uint8)
        matrix = confusion_matrix(labels, predicted, len(task.classes))
        return loss, class_scores(matrix, task.classes)["mIoU"], held_out

    def _see(self, network: Network, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a slice's probabilities (K, H, W), and mosaics of each station's features."""
        image = self._to_network(mirrored(self._slices[number], 0)[None])
        mosaics = []
        for _, features in network.walk(image, ()):
            mosaics.append(mosaic(features[0]))
        height, width = self._scale.size
        probabilities = self.settings.task.probabilities(features)[0, :, :height, :width]
        return probabilities.cpu().numpy(), torch.stack(mosaics).cpu().numpy()

    def _to_network(self, images: np.ndarray) -> torch.Tensor:
        normalised = self._normalisation(to_tensor(images))
        return normalised.to(self._device, memory_format=torch.channels_last)


def _again(strokes: Strokes, watched: int, truth_classes: tuple[str, ...], *given: Any) -> Lesson:
    """Make a lesson of the same arguments that keeps out the same strokes, and is watched and scored alike."""
    lesson = Lesson(*given)
    lesson._take(strokes)
    lesson._watched, lesson._truth_classes = watched, truth_classes
    return lesson


def decided(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return label ids and uncertainty, both uint8 (H, W), of probabilities (K, H, W).

    Uncertainty is 255 where the two best classes are equally likely, 0 where one is certain.
    """
    *_, second, best = np.partition(probabilities, len(probabilities) - 2, axis=0)[-2:]
    uncertainty = (255 * (1 - (best - second))).round().astype(np.uint8)
    return probabilities.argmax(0).astype(np.uint8), uncertainty


def voided(
    labels: np.ndarray, uncertainty: np.ndarray, void: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return label ids and uncertainty uint8 (H, W): 255 and 0 where the picture has no value."""
    return np.where(void, np.uint8(VOID), labels), np.where(void, np.uint8(0), uncertainty)
