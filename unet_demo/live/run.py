"""A training on the Train page: a run that can pause and stop, with snapshots for the page.

It uses the same loop as the command line, :func:`training.loop.fit`.
"""

import math
import threading
import time
from collections.abc import Generator, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO

import numpy as np
import torch

from ..checkpoints import Card, Checkpoint
from ..devices import DeviceError, fast_dtype, memory_errors, pick_device
from ..evaluation.evaluate import class_scores
from ..inference import Prediction, Predictor
from ..messages import Sentence, sentence
from ..metrics import confusion_matrix
from ..networks.maps import mosaic
from ..training.batches import to_tensor
from ..training.loop import Diverged, Event, Finished, StepDone, Trainer, fit, load_batches
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
from .settings import Limits, LiveSettings, SettingsError, current_limits

UPDATE_SECONDS = 0.4
"""Seconds between two snapshots."""

VALIDATION_SHARE = 1 / 25
"""Share of a run's time that validation may take."""

FRAMES = 60
"""Validations of a run that are kept for its animation."""

SMOOTHING = 0.9
"""Decay of the moving average in the smoothed loss."""

EXPLODED = 10.0
"""A run has exploded when its smoothed loss is more than so many times its first loss."""

COPIES = 6
"""Of the weights: themselves, gradients, two sums of the optimiser, the last good ones, their average."""

ENDS = ("stopped", "out of time", "finished", "diverged")
"""States in which a run is over; the others are "ready", "running" and "paused"."""


class LiveError(RuntimeError):
    """One plain sentence on what a run cannot do now, or why it ended."""


RUN_ERRORS = (SettingsError, LiveError, DeviceError)
"""Errors of a run that a person asked for; each message is one plain sentence."""


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
class Snapshot:
    """A run at one moment.

    ``losses`` and ``smoothed`` have an entry for each step; the last is NaN or infinite where the
    run diverged. ``validations``: (step, loss, mIoU) of each; ``validation``: the last one.
    ``seconds``: time of training, without pauses. ``restored_step`` is set where the run diverged.
    """

    state: str
    step: int
    steps: int
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    validations: tuple[tuple[int, float, float], ...]
    validation: Validation | None
    seconds: float
    seconds_left: float
    device: str
    watched: Watched
    restored_step: int | None = None

    @property
    def over(self) -> bool:
        """Whether the run cannot continue."""
        return self.state in ENDS

    @property
    def trained_steps(self) -> int:
        """Steps that the network has learned from: fewer than ``step`` where it diverged."""
        return self.step if self.restored_step is None else self.restored_step

    @property
    def loss(self) -> float | None:
        """Training loss of the last step."""
        return self.losses[-1] if self.losses else None

    @property
    def steps_per_second(self) -> float:
        """Mean over the run, with the time of its validations."""
        return self.step / self.seconds if self.seconds else 0.0

    @property
    def exploded(self) -> bool:
        """Whether the loss is finite, but far above its first value."""
        return self.state != "diverged" and bool(
            self.smoothed and self.smoothed[-1] > EXPLODED * self.losses[0]
        )

    @property
    def shown(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Pictures (n, H, W, 3), ground truth (n, H, W) and, once validated, prediction (n, H, W)."""
        prediction = self.validation.prediction if self.validation else None
        return self.watched.images[:SHOWN], self.watched.labels[:SHOWN], prediction


class Reel:
    """Validations at even distances, few enough for an animation of a run of any length."""

    def __init__(self, limit: int = FRAMES):
        self._limit = limit
        self._every = 1
        self._seen = 0
        self._kept: list[Validation] = []
        self._last: Validation | None = None

    def add(self, validation: Validation) -> None:
        """Add the next validation; at the limit, drop every second of the kept ones."""
        if self._seen % self._every == 0:
            self._kept.append(validation)
        self._seen += 1
        self._last = validation
        if len(self._kept) > self._limit - 1:
            self._kept = self._kept[::2]
            self._every *= 2

    @property
    def validations(self) -> tuple[Validation, ...]:
        """The kept validations, oldest first, always with the last one of the run."""
        if self._last is None or self._last is self._kept[-1]:
            return tuple(self._kept)
        return (*self._kept, self._last)


@dataclass
class Progress:
    """All of a run but its weights. The training thread writes it.

    ``state`` and ``ended`` are states of a snapshot; ``ended`` is set once the run is over.
    ``good_validation`` is that of the weights to restore if the run diverges. ``average`` is the
    moving average of the losses; ``seconds`` is the time of the finished plays.
    """

    device: str
    state: str = "ready"
    ended: str | None = None
    out_of_time: bool = False
    failure: Sentence | None = None
    restored_step: int | None = None
    losses: list[float] = field(default_factory=list)
    smoothed: list[float] = field(default_factory=list)
    average: float = 0.0
    validations: list[tuple[int, float, float]] = field(default_factory=list)
    validation: Validation | None = None
    good_validation: Validation | None = None
    validation_seconds: float = 0.0
    seconds: float = 0.0
    reel: Reel = field(default_factory=Reel)

    def add_loss(self, loss: float) -> None:
        """Add the loss of the next step."""
        self.average = SMOOTHING * self.average + (1 - SMOOTHING) * loss
        # The average starts at 0, and the division removes that bias, as in Adam.
        self.smoothed.append(self.average / (1 - SMOOTHING ** (len(self.smoothed) + 1)))
        self.losses.append(loss)


@dataclass(frozen=True)
class RunState:
    """A resting run, for another process to continue; ``trainer``: Trainer.state as a file."""

    settings: LiveSettings
    limits: Limits
    progress: Progress
    trainer: bytes


class LiveRun:
    """One training, from its first step to its end, for one person.

    :meth:`play` trains in a thread of its own and yields snapshots; after :meth:`pause` it ends at
    the next step and may be called again. A paused run has no thread.
    Raises SettingsError, or DeviceError for a missing device.
    """

    def __init__(
        self, settings: LiveSettings, limits: Limits | None = None, device: str | None = None
    ):
        self.limits = limits or current_limits()
        self.limits.check(settings)
        self.settings = settings
        self.watched = watched_scenes(settings)
        self._device = pick_device(device)
        self._dtype = fast_dtype(self._device)
        self._trainer = Trainer(
            seeded_network(settings), task_of(settings), fit_options_of(settings), self._device
        )
        self._stop = threading.Event()
        self._pause = threading.Event()
        self._lock = threading.Lock()
        self._progress = Progress(str(self._device))
        self._validated_at = -math.inf
        self._began: float | None = None
        self._error: Exception | None = None
        self._predictor: tuple[int, Predictor] | None = None
        self._events = self._fit()

    def play(self, steps: int | None = None) -> Generator[Snapshot, None, None]:
        """Train for ``steps`` steps or to the end; yield a snapshot every UPDATE_SECONDS.

        The first comes at once, the last after the last step. Closing the generator stops the run.
        Raises LiveError when the run trains already, is over, or runs out of memory, and whatever
        nobody foresaw.
        """
        self._start()
        worker = threading.Thread(target=self._work, args=(steps,), daemon=True)
        worker.start()
        try:
            while worker.is_alive():
                yield self.snapshot()
                worker.join(UPDATE_SECONDS)
            if self._progress.failure:
                raise LiveError(self._progress.failure)
            if self._error:
                raise self._error
            yield self.snapshot()
        finally:
            if worker.is_alive():
                self.stop()

    def pause(self) -> None:
        """Pause after the current step."""
        self._pause.set()

    def stop(self) -> None:
        """End the run after the current step, and keep the weights."""
        with self._lock:
            self._stop.set()
            if self._progress.state in ("ready", "paused"):
                self._progress.state = "stopped"

    def snapshot(self) -> Snapshot:
        """Return the run as it is now."""
        losses = tuple(self._progress.losses)
        steps, seconds = self.settings.steps, self._seconds()
        left = (steps - len(losses)) * seconds / len(losses) if losses else math.nan
        return Snapshot(
            state=self._progress.state,
            step=len(losses),
            steps=steps,
            losses=losses,
            smoothed=tuple(self._progress.smoothed[: len(losses)]),
            validations=tuple(self._progress.validations),
            validation=self._progress.validation,
            seconds=seconds,
            seconds_left=min(left, self.limits.seconds - seconds),
            device=self._progress.device,
            watched=self.watched,
            restored_step=self._progress.restored_step,
        )

    @property
    def bytes(self) -> int:
        """Memory that the network takes in training, at most."""
        return COPIES * sum(weight.nbytes for weight in self._trainer.network.parameters())

    @property
    def reel(self) -> Reel:
        """The validations that are kept for the run's animation."""
        return self._progress.reel

    def state(self) -> RunState:
        """Return the run for another process to continue. Call it only while the run rests."""
        file = BytesIO()
        torch.save(self._trainer.state(), file)
        return RunState(self.settings, self.limits, deepcopy(self._progress), file.getvalue())

    def load_state(self, state: RunState) -> None:
        """Take over another run with the same settings. Call it only while both rest."""
        self._trainer.load_state(torch.load(BytesIO(state.trainer), "cpu", weights_only=True))
        self._progress = deepcopy(state.progress)
        self._predictor = None
        self._events = self._fit()

    def checkpoint(self) -> Checkpoint:
        """Return the current network, with a card of its training. Raises LiveError while it trains."""
        if self._progress.state == "running":
            raise LiveError(sentence("The network is still in training; pause or stop it first."))
        return Checkpoint(self._card(), self._trainer.evaluated.eval())

    def predict(self, slices: np.ndarray) -> Prediction:
        """Segment pictures uint8 (N, H, W, 3) with the current network. Raises LiveError while it trains."""
        checkpoint = self.checkpoint()
        if self._predictor is None or self._predictor[0] != len(self._progress.losses):
            self._predictor = (len(self._progress.losses), Predictor(checkpoint, str(self._device)))
        return self._predictor[1].predict(slices)

    def _fit(self) -> Iterator[Event]:
        batches = load_batches(batches_of(self.settings), self._trainer.step, self.settings.steps)
        return fit(self._trainer, batches, stop=self._stop)

    def _start(self) -> None:
        with self._lock:
            if self._progress.state == "running":
                raise LiveError(sentence("This run is training already; pause it first."))
            if self._progress.state not in ("ready", "paused"):
                raise LiveError(sentence("This run is over; start a new one."))
            self._progress.state = "running"
            self._pause.clear()

    def _work(self, steps: int | None) -> None:
        self._progress.device = str(self._device)
        try:
            with memory_errors():
                self._train_and_validate(steps)
        except (torch.OutOfMemoryError, MemoryError):
            self._progress.failure = sentence(
                "The training ran out of memory; choose a smaller width, picture or batch."
            )
        except Exception as error:  # raised again in the thread of whoever plays the run
            self._error = error
        finally:
            self._stop_clock()
            self._set_final_state()

    def _train_and_validate(self, steps: int | None) -> None:
        if self._progress.validation is None:
            self._validate()
        self._began = time.perf_counter()
        self._train(math.inf if steps is None else len(self._progress.losses) + steps)
        self._stop_clock()
        last = self._progress.validation
        if last is None or last.step != self._trainer.step:
            self._validate()

    def _train(self, until: float) -> None:
        for event in self._events:
            self._record(event)
            if isinstance(event, StepDone) and self._validation_is_due():
                self._validate()
            if self._seconds() >= self.limits.seconds and not self._stop.is_set():
                self._progress.out_of_time = True
                self._stop.set()
            if self._pause.is_set() or len(self._progress.losses) >= until:
                return

    def _record(self, event: Event) -> None:
        if isinstance(event, StepDone | Diverged):
            self._progress.add_loss(event.loss)
        if isinstance(event, Diverged):
            self._progress.restored_step = event.restored_step
            self._progress.validation = self._progress.good_validation
            self._progress.ended = "diverged"
        if isinstance(event, Finished):
            self._progress.ended = self._ended_by(event)

    def _ended_by(self, event: Finished) -> str:
        if not event.stopped:
            return "finished"
        return "out of time" if self._progress.out_of_time else "stopped"

    def _set_final_state(self) -> None:
        """Set the state after training: over, stopped or paused."""
        with self._lock:
            failed = self._progress.failure or self._error
            at_rest = "stopped" if failed or self._stop.is_set() else "paused"
            self._progress.state = self._progress.ended or at_rest

    def _stop_clock(self) -> None:
        """Stop the clock."""
        if self._began is not None:
            self._progress.seconds += time.perf_counter() - self._began
            self._began = None

    def _seconds(self) -> float:
        began = self._began
        running = time.perf_counter() - began if began is not None else 0.0
        return self._progress.seconds + running

    def _validation_is_due(self) -> bool:
        if is_short(self.settings.steps):
            return True
        wait = max(UPDATE_SECONDS, self._progress.validation_seconds / VALIDATION_SHARE)
        return time.perf_counter() - self._validated_at > wait

    def _validate(self) -> None:
        """Validate; weights with a finite loss become those to restore."""
        begun = time.perf_counter()
        validation = self._score(*self._predict_watched())
        self._progress.validation = validation
        self._progress.reel.add(replace(validation, maps=validation.maps[:0]))
        if math.isfinite(validation.loss):
            self._trainer.keep_good()
            self._progress.good_validation = validation
            self._progress.validations.append((validation.step, validation.loss, validation.miou))
        self._validated_at = time.perf_counter()
        self._progress.validation_seconds = self._validated_at - begun

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

    def _card(self) -> Card:
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
