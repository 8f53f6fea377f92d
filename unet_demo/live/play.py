"""Plays a training: in a thread of its own, which rests, goes on and ends when a person says so.

It uses the same loop as the command line, :func:`training.loop.fit`. What is learned, and how that is
watched, says a subclass: the Train page's run or the Teach page's lesson.
"""

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from copy import deepcopy
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import numpy as np
import torch

from ..checkpoints import Card, Checkpoint
from ..devices import DeviceError, fast_dtype, memory_errors, release_threads
from ..inference import Prediction, Predictor
from ..messages import Sentence, sentence
from ..training.batches import BatchOf
from ..training.loop import (
    Diverged,
    Event,
    Finished,
    StepDone,
    Trainer,
    fit,
    load_batches,
)
from .settings import SettingsError

UPDATE_SECONDS = 0.4
"""Seconds between two snapshots."""

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


class Validated(Protocol):
    """A validation after ``step`` steps: its loss and mIoU (0..1), of data that training never sees."""

    @property
    def step(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def miou(self) -> float: ...


V = TypeVar("V", bound=Validated)


@dataclass(frozen=True)
class PlaySnapshot(Generic[V]):
    """A run at one moment.

    ``losses`` and ``smoothed`` have an entry for each step; the last is NaN or infinite where the
    run diverged. ``validations``: (step, loss, mIoU) of each of unseen data; ``validation``: the last
    one.
    ``seconds``: time of training, without pauses. ``restored_step`` is set where the run diverged.
    """

    state: str
    step: int
    steps: int
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    validations: tuple[tuple[int, float, float], ...]
    validation: V | None
    seconds: float
    seconds_left: float
    device: str
    restored_step: int | None

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


S = TypeVar("S", bound=PlaySnapshot)


class Reel(Generic[V]):
    """Validations at even distances, few enough for an animation of a run of any length."""

    def __init__(self, limit: int = FRAMES):
        self._limit = limit
        self._every = 1
        self._seen = 0
        self._kept: list[V] = []
        self._last: V | None = None

    def add(self, validation: V) -> None:
        """Add the next validation; at the limit, drop every second of the kept ones."""
        if self._seen % self._every == 0:
            self._kept.append(validation)
        self._seen += 1
        self._last = validation
        if len(self._kept) > self._limit - 1:
            self._kept = self._kept[::2]
            self._every *= 2

    @property
    def validations(self) -> tuple[V, ...]:
        """The kept validations, oldest first, always with the last one of the run."""
        if self._last is None or self._last is self._kept[-1]:
            return tuple(self._kept)
        return (*self._kept, self._last)


@dataclass
class Progress(Generic[V]):
    """All of a run but its weights. The training thread writes it.

    ``state`` and ``ended`` are states of a snapshot; ``ended`` is set once the run is over.
    ``good_validation`` is that of the weights to restore if the run diverges. ``average`` is the
    moving average of the losses; ``seconds`` is the time of the finished plays; ``took_all``: whether
    the last play ended because it had taken all the time that one may.
    """

    device: str
    state: str = "ready"
    ended: str | None = None
    out_of_time: bool = False
    took_all: bool = False
    failure: Sentence | None = None
    restored_step: int | None = None
    losses: list[float] = field(default_factory=list)
    smoothed: list[float] = field(default_factory=list)
    average: float = 0.0
    validations: list[tuple[int, float, float]] = field(default_factory=list)
    validation: V | None = None
    good_validation: V | None = None
    validation_seconds: float = 0.0
    seconds: float = 0.0
    reel: Reel[V] = field(default_factory=Reel)

    def add_loss(self, loss: float) -> None:
        """Add the loss of the next step."""
        self.average = SMOOTHING * self.average + (1 - SMOOTHING) * loss
        # The average starts at 0, and the division removes that bias, as in Adam.
        self.smoothed.append(self.average / (1 - SMOOTHING ** (len(self.smoothed) + 1)))
        self.losses.append(loss)


@dataclass(frozen=True)
class RunState:
    """A resting run, for another process to continue.

    ``anew`` makes one that has not begun; ``trainer``: Trainer.state as a file. ``steps`` and
    ``seconds``: the most that one play may take.
    """

    anew: "Callable[[], Run]"
    steps: int
    seconds: float
    progress: Progress
    trainer: bytes


class Run(ABC, Generic[V, S]):
    """One training, from its first step to its end, for one person.

    :meth:`play` trains in a thread of its own and yields snapshots; after :meth:`pause` it ends at
    the next step and may be called again. A paused run has no thread. ``seconds``: the most that all
    plays may take; ``at_once``: the most of one play.
    """

    validation_share = 1 / 25
    """Share of a run's time that validation may take."""

    def __init__(self, trainer: Trainer, seconds: float, at_once: float = math.inf):
        self._trainer = trainer
        self._device = trainer.device
        self._dtype = fast_dtype(self._device)
        self._most_seconds = seconds
        self._at_once = at_once
        self._stop = threading.Event()
        self._pause = threading.Event()
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._progress: Progress[V] = Progress(str(self._device))
        self._validated_at = -math.inf
        self._began: float | None = None
        self._error: Exception | None = None
        self._predictor: tuple[int, Predictor] | None = None
        self._events = self._fit()

    @property
    @abstractmethod
    def batches(self) -> BatchOf:
        """What the network learns from, by step."""

    @property
    @abstractmethod
    def anew(self) -> "Callable[[], Run]":
        """What makes such a run that has not begun, in another process, too."""

    def snapshot(self) -> S:
        """Return the run as it is now."""
        raise NotImplementedError

    @abstractmethod
    def card(self) -> Card:
        """Return the card of the network as it is now."""

    @abstractmethod
    def validate(self) -> V:
        """Score the network as it is now."""

    def is_unseen(self, validation: V) -> bool:
        """Tell whether a validation is of data that training never sees, so that the curve may show it."""
        return True

    def rest_after(self, seconds: float) -> float:
        """Return how many seconds are trained after a validation that took so many."""
        return seconds / self.validation_share

    def reduced(self, validation: V) -> V:
        """Return what the animation keeps of a validation."""
        return validation

    def play(self, steps: int | None = None) -> Generator[S, None, None]:
        """Train for ``steps`` steps or to the end; yield a snapshot every UPDATE_SECONDS.

        The first comes at once, the next ones with the first validation and the first step, for which
        people wait, the last after the last step. Closing the generator stops the run.
        Raises LiveError when the run trains already, is over, or runs out of memory, and whatever
        nobody foresaw.
        """
        self._start()
        release_threads()  # this one waits now
        worker = threading.Thread(target=self._work, args=(steps,), daemon=True)
        worker.start()
        try:
            while worker.is_alive():
                self._news.clear()
                yield self.snapshot()
                if self._progress.state == "running":
                    self._news.wait(UPDATE_SECONDS)
                else:
                    worker.join()
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
                self._events.close()

    def hear(self, requests: Path) -> None:
        """Do what the process for which this one trains has written to a file: "pause" or "stop"."""
        if requests.exists():
            {"pause": self.pause, "stop": self.stop}[requests.read_text(encoding="utf-8")]()

    @property
    def bytes(self) -> int:
        """Memory that the network takes in training, at most."""
        return COPIES * sum(weight.nbytes for weight in self._trainer.network.parameters())

    @property
    def reel(self) -> Reel[V]:
        """The validations that are kept for the run's animation."""
        return self._progress.reel

    def state(self) -> RunState:
        """Return the run for another process to continue. Call it only while the run rests."""
        file = BytesIO()
        torch.save(self._trainer.state(), file)
        return RunState(
            anew=self.anew,
            steps=self._trainer.options.steps - len(self._progress.losses),
            seconds=min(self._most_seconds - self._progress.seconds, self._at_once),
            progress=deepcopy(self._progress),
            trainer=file.getvalue(),
        )

    def load_state(self, state: RunState) -> None:
        """Take over another run that was made alike. Call it only while both rest."""
        self._trainer.load_state(torch.load(BytesIO(state.trainer), "cpu", weights_only=True))
        self._progress = deepcopy(state.progress)
        self._predictor = None
        self._events = self._fit()

    def checkpoint(self) -> Checkpoint:
        """Return the current network, with a card of its training. Raises LiveError while it trains."""
        if self._progress.state == "running":
            raise LiveError(sentence("The network is still in training; pause or stop it first."))
        return Checkpoint(self.card(), self._trainer.evaluated.eval())

    def predictor(self) -> Predictor:
        """Return the current network, ready to segment pictures. Raises LiveError while it trains."""
        checkpoint, step = self.checkpoint(), len(self._progress.losses)
        if self._predictor is None or self._predictor[0] != step:
            self._predictor = step, Predictor(checkpoint, str(self._device))
        return self._predictor[1]

    def predict(self, slices: np.ndarray) -> Prediction:
        """Segment pictures uint8 (N, H, W, C) with the current network. Raises LiveError while it trains."""
        return self.predictor().predict(slices)

    def _told(self) -> dict[str, Any]:
        """Return what every snapshot says."""
        losses = tuple(self._progress.losses)
        steps, seconds = self._trainer.options.steps, self._seconds()
        left = (steps - len(losses)) * seconds / len(losses) if losses else math.nan
        return {
            "state": self._progress.state,
            "step": len(losses),
            "steps": steps,
            "losses": losses,
            "smoothed": tuple(self._progress.smoothed[: len(losses)]),
            "validations": tuple(self._progress.validations),
            "validation": self._progress.validation,
            "seconds": seconds,
            "seconds_left": min(left, self._most_seconds - seconds),
            "device": self._progress.device,
            "restored_step": self._progress.restored_step,
        }

    def _fit(self) -> Generator[Event, None, None]:
        # Looked up at each step: a lesson's strokes, and so its batches, may change.
        batches = load_batches(
            lambda step: self.batches(step), self._trainer.step, self._trainer.options.steps
        )
        return cast(Generator, fit(self._trainer, batches, stop=self._stop))

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
            self._news.set()

    def _train_and_validate(self, steps: int | None) -> None:
        if self._progress.validation is None:
            self._validate()
            self._news.set()
        self._began = time.perf_counter()
        self._train(math.inf if steps is None else len(self._progress.losses) + steps)
        self._stop_clock()
        last = self._progress.validation
        if last is None or last.step != self._trainer.step:
            self._validate()

    def _train(self, until: float) -> None:
        rest_at = self._progress.seconds + self._at_once
        self._progress.took_all = False
        for event in self._events:
            self._record(event)
            if len(self._progress.losses) == 1:
                self._news.set()
            if isinstance(event, StepDone) and self._validation_is_due():
                self._validate()
            if self._seconds() >= self._most_seconds and not self._stop.is_set():
                self._progress.out_of_time = True
                self._stop.set()
            self._progress.took_all = self._seconds() >= rest_at
            done = len(self._progress.losses) >= until or self._progress.took_all
            if self._pause.is_set() or (done and not self._stop.is_set()):
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
            if self._progress.state != "paused":
                # It holds the network, and this run holds it: memory would wait for the collector.
                self._events.close()

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
        wait = max(UPDATE_SECONDS, self.rest_after(self._progress.validation_seconds))
        return time.perf_counter() - self._validated_at > wait

    def _validate(self) -> None:
        """Validate; weights with a finite loss become those to restore."""
        begun = time.perf_counter()
        validation = self.validate()
        self._progress.validation = validation
        self._progress.reel.add(self.reduced(validation))
        if math.isfinite(validation.loss):
            self._trainer.keep_good()
            self._progress.good_validation = validation
            if self.is_unseen(validation):
                told = validation.step, validation.loss, validation.miou
                self._progress.validations.append(told)
        self._validated_at = time.perf_counter()
        self._progress.validation_seconds = self._validated_at - begun
