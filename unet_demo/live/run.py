"""A training on the Train page: a network learns circles and rectangles from drawn scenes."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import torch

from ..checkpoints import Card
from ..devices import pick_device
from ..evaluation.evaluate import class_scores
from ..metrics import confusion_matrix
from ..networks.maps import mosaic
from ..training.batches import BatchOf, to_tensor
from ..training.loop import Trainer
from ..training.recipes import SHAPES
from .experiment import (
    SHOWN,
    Watched,
    batches_of,
    fit_options_of,
    normalisation_of,
    seeded_network,
    task_of,
    watched_scenes,
)
from .play import PlaySnapshot, Run
from .settings import Limits, LiveSettings, current_limits

FEW_STEPS = 20


def is_short(steps: int) -> bool:
    """Return whether a run of so many steps validates after each step, and its loss is not smoothed."""
    return steps <= FEW_STEPS


@dataclass(frozen=True, eq=False)
class Validation:
    """A validation after ``step`` steps.

    ``loss``, ``miou`` and ``accuracy`` (both 0..1) are those of the pictures that training never
    sees; ``prediction``: label ids uint8 (n, H, W) of the pictures that are shown; ``maps``: a
    mosaic uint8 (SIDE, SIDE) of the first picture's features for each station of the walk.
    """

    step: int
    loss: float
    miou: float
    accuracy: float
    prediction: np.ndarray
    maps: np.ndarray


@dataclass(frozen=True)
class Snapshot(PlaySnapshot[Validation]):
    """A run at one moment, with the pictures that it is watched by."""

    watched: Watched

    @property
    def shown(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Pictures (n, H, W, 3), ground truth (n, H, W) and, once validated, prediction (n, H, W)."""
        prediction = self.validation.prediction if self.validation else None
        return self.watched.images[:SHOWN], self.watched.labels[:SHOWN], prediction


class LiveRun(Run[Validation, Snapshot]):
    """A run of the Train page. Raises SettingsError, or DeviceError for a missing device."""

    def __init__(
        self, settings: LiveSettings, limits: Limits | None = None, device: str | None = None
    ):
        self.limits = limits or current_limits()
        self.limits.check(settings)
        self.settings = settings
        self.watched = watched_scenes(settings)
        trainer = Trainer(
            seeded_network(settings),
            task_of(settings),
            fit_options_of(settings),
            pick_device(device),
        )
        super().__init__(trainer, self.limits.seconds)

    @property
    def batches(self) -> BatchOf:
        return batches_of(self.settings)

    @property
    def anew(self) -> "Callable[[], LiveRun]":
        return partial(LiveRun, self.settings, self.limits)

    def snapshot(self) -> Snapshot:
        return Snapshot(**self._told(), watched=self.watched)

    def validate(self) -> Validation:
        return self._score(*self._predict_watched())

    def reduced(self, validation: Validation) -> Validation:
        return replace(validation, maps=validation.maps[:0])

    def _validation_is_due(self) -> bool:
        return is_short(self.settings.steps) or super()._validation_is_due()

    def _predict_watched(self) -> tuple[torch.Tensor, np.ndarray]:
        """Return the logits of the watched pictures, and the mosaics of the first one's features."""
        images = normalisation_of(self.settings)(to_tensor(self.watched.images))
        images = images.to(self._device, memory_format=torch.channels_last)
        network = self._trainer.evaluated.eval()
        fast = self._dtype is not torch.float32
        with torch.inference_mode(), torch.autocast(self._device.type, self._dtype, enabled=fast):
            mosaics = []
            for _, features in network.walk(images, ()):  # the sides of live pictures suit the walk
                mosaics.append(mosaic(features[0]))
            return features.float(), torch.stack(mosaics).cpu().numpy()

    def _score(self, logits: torch.Tensor, maps: np.ndarray) -> Validation:
        task, unscored = task_of(self.settings), self.watched.unscored
        labels = torch.from_numpy(self.watched.labels[unscored:]).to(logits.device)
        with torch.inference_mode():
            loss = float(task.loss(logits[unscored:], labels, self.settings.loss))
            predicted = task.labels(task.probabilities(logits).cpu().numpy())
        matrix = confusion_matrix(
            self.watched.labels[unscored:], predicted[unscored:], len(task.classes)
        )
        scores = class_scores(matrix, task.classes)
        return Validation(
            self._trainer.step,
            loss,
            scores["mIoU"],
            scores["pixel accuracy"],
            predicted[:SHOWN],
            maps,
        )

    def card(self) -> Card:
        settings = self.settings
        normalisation = normalisation_of(settings)
        last = self._progress.validation
        count = len(self.watched.images) - self.watched.unscored
        return Card(
            name="live-shapes",
            network=settings.network,
            options=settings.network_options,
            task=task_of(settings),
            mean=normalisation.mean,
            std=normalisation.std,
            title="Trained live",
            summary="Finds circles and rectangles; trained by you on the Train page.",
            article=SHAPES.card.article,
            recipe={
                **asdict(settings),
                "data": "shapes" if settings.scenes else "article",
                "scenes": [asdict(settings.scenes)] if settings.scenes else [],
                "steps_done": self._trainer.step,
            },
            scores={"mIoU": last.miou, "pixel accuracy": last.accuracy} if last else {},
            scored_on=f"{count} validation scene{'s' if count > 1 else ''} of its run",
            licence=SHAPES.card.licence,
        )
