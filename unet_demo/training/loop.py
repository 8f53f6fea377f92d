"""The training loop of command line and page: a generator of events.

Every random choice is a pure function of the seed and the step number. So a run that was killed and
resumed continues exactly as if it had not been interrupted.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from ..devices import faster_precision
from ..networks import Network
from ..saving import replacing
from ..tasks import VOID, Task
from .distributed import Processes

Batch = tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Tensor]
"""Pictures float32 (N, C, H, W), normalised; label ids (N, H, W); optional weights float32 (N, H, W)."""

Scores = dict[str, float]

OPTIMISERS = ("Adam", "AdamW", "RMSprop", "SGD")
SCHEDULES = ("constant", "cosine", "step", "plateau")
PRECISIONS = ("float32", "bfloat16", "fastest")


@dataclass(frozen=True)
class FitOptions:
    """How to train. ``rate`` is the highest learning rate; ``warm_up`` is in steps, none in "plateau"."""

    steps: int = 1
    """Number of optimiser steps; a recipe that counts epochs replaces it."""
    optimiser: str = "Adam"
    rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    loss: str = "cross-entropy"
    schedule: str = "constant"
    warm_up: int = 0
    decay_every: int = 0
    """Steps between two divisions of the rate by ten, in the "step" schedule."""
    patience: int = 10
    """Validations in a row without a better score after which "plateau" still keeps the rate; one
    more divides it by ten."""
    plateau_score: str = "loss"
    """What "plateau" follows: one of the validation's scores, "training loss" or "training accuracy".
    A loss improves by falling, any other score by rising."""
    accumulate: int = 1
    """Batches whose gradients are averaged into one step."""
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0: no clipping."""
    clip_value: float = 0.0
    """Largest magnitude of each value of the gradient; 0: no clipping."""
    ema: float = 0.0
    """Decay of the exponential moving average (EMA) of the weights; 0: none is kept."""
    ema_grows: bool = False
    """Whether the decay is smaller in the first steps, (1 + n) / (10 + n), so that the average is soon good."""
    validate_every: int = 100
    """Steps between two validations (and saves, on the command line)."""
    precision: str = "float32"
    """One of PRECISIONS; "fastest" times a convolution in both when the run starts."""
    seed: int = 0
    slow_part: str = ""
    """Name of the submodule that learns at ``slowness`` times the rate; empty: none."""
    slowness: float = 1.0

    def __post_init__(self) -> None:
        for value, choices, what in (
            (self.optimiser, OPTIMISERS, "optimiser"),
            (self.schedule, SCHEDULES, "schedule"),
            (self.precision, PRECISIONS, "precision"),
        ):
            if value not in choices:
                raise ValueError(
                    f"there is no {what} {value!r}; the choices are {', '.join(choices)}"
                )
        if self.steps < 1 or self.validate_every < 1 or not self.rate > 0:
            raise ValueError("steps and epoch must be at least 1 and the rate above 0")
        if self.accumulate < 1 or self.patience < 0:
            raise ValueError("accumulate must be at least 1 and patience at least 0")


@dataclass(frozen=True)
class StepDone:
    """One optimiser step: its number from 1, its loss, its learning rate and its duration in seconds.

    ``accuracy``: share of the pixels, without void, that the network had right before the step, 0..1.
    """

    step: int
    loss: float
    rate: float
    seconds: float
    accuracy: float = math.nan


@dataclass(frozen=True)
class Validated:
    """Scores after ``step`` steps, of the averaged weights where they are kept.

    ``training``: means of "training loss" and "training accuracy" since the last validation.
    """

    step: int
    scores: Scores
    training: Scores = field(default_factory=dict)


@dataclass(frozen=True)
class Diverged:
    """Training diverged at ``step``; the weights are those of ``restored_step`` again.

    ``loss`` is the step's loss if that is infinite or NaN. It is NaN if the weights after the step,
    or BatchNorm's statistics, are not finite.
    """

    step: int
    loss: float
    restored_step: int


@dataclass(frozen=True)
class Finished:
    """Training ended after ``step`` steps; ``stopped`` if it ended before all its steps."""

    step: int
    stopped: bool


Event = StepDone | Validated | Diverged | Finished


def make_optimiser(network: nn.Module, options: FitOptions) -> torch.optim.Optimizer:
    """Make the optimiser that the options name; a slow part gets a parameter group and rate of its own."""
    parameters: Any = network.parameters()
    if options.slow_part:
        slow = list(network.get_submodule(options.slow_part).parameters())
        slow_ids = set(map(id, slow))
        rest = [p for p in parameters if id(p) not in slow_ids]
        parameters = [{"params": rest}, {"params": slow, "lr": options.rate * options.slowness}]
    rate, decay = options.rate, options.weight_decay
    if options.optimiser == "AdamW":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    if options.optimiser == "RMSprop":
        return torch.optim.RMSprop(
            parameters, lr=rate, momentum=options.momentum, weight_decay=decay
        )
    if options.optimiser == "SGD":
        return torch.optim.SGD(
            parameters,
            lr=rate,
            momentum=options.momentum,
            nesterov=options.momentum > 0,
            weight_decay=decay,
        )
    return torch.optim.Adam(parameters, lr=rate, weight_decay=decay)


def make_schedule(
    optimiser: torch.optim.Optimizer, options: FitOptions
) -> LambdaLR | ReduceLROnPlateau:
    """Make the schedule that the options name; it changes the optimiser's rates."""
    if options.schedule == "plateau":
        falls = options.plateau_score.endswith("loss")
        return ReduceLROnPlateau(
            optimiser, "min" if falls else "max", factor=0.1, patience=options.patience, eps=0
        )
    return LambdaLR(optimiser, lambda step: share_of_rate(step, options))


def share_of_rate(step: int, options: FitOptions) -> float:
    """Return a step's share of the learning rate (steps count from 0): linear warm-up, then the schedule's.

    "constant"; "cosine" falls to 0; "step" is divided by 10 every ``decay_every`` steps.
    """
    if step < options.warm_up:
        return (step + 1) / options.warm_up
    if options.schedule == "cosine":
        done = (step - options.warm_up) / max(1, options.steps - options.warm_up)
        return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    if options.schedule == "step" and options.decay_every:
        return 0.1 ** (step // options.decay_every)
    return 1.0


def averaging(options: FitOptions) -> Callable[..., None]:
    """Return what updates averaged tensors by current ones, as AveragedModel calls it."""
    if not options.ema_grows:
        return get_ema_multi_avg_fn(options.ema)

    def update(averaged: Any, current: Any, updates: Tensor | int) -> None:
        decay = min(options.ema, (1 + int(updates)) / (10 + int(updates)))
        get_ema_multi_avg_fn(decay)(averaged, current, updates)

    return update


@dataclass(frozen=True)
class StepSums:
    """Steps since the last validation: their number, and the sums of losses and accuracies."""

    steps: int = 0
    losses: float = 0.0
    accuracies: float = 0.0

    def after(self, loss: float, accuracy: float) -> "StepSums":
        """Return the sums with one more step."""
        return StepSums(self.steps + 1, self.losses + loss, self.accuracies + accuracy)

    @property
    def means(self) -> Scores:
        """Mean "training loss" and "training accuracy" of the steps."""
        return {
            "training loss": self.losses / self.steps,
            "training accuracy": self.accuracies / self.steps,
        }


class Trainer:
    """A network in training: its optimiser, its averaged weights, and the number of steps done.

    ``accuracy`` is that of the last step, in the classes of ``scored``: the task itself, unless the
    task teaches void as a class. All ``processes`` hold the same network and step together; only
    the main one keeps averaged weights. ``soft_labels`` gives probabilities (N, classes, H, W) of pictures
    as the network gets them: they are half of the loss, beside the labels.
    """

    def __init__(
        self,
        network: Network,
        task: Task,
        options: FitOptions,
        device: torch.device | str = "cpu",
        processes: Processes | None = None,
        scored: Task | None = None,
        soft_labels: Callable[[Tensor], Tensor] | None = None,
    ):
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.task = task
        self.scored = scored or task
        self.soft_labels = soft_labels
        self.accuracy = math.nan
        self.options = options
        self.device = torch.device(device)
        self.processes = processes or Processes()
        self.precision = self._agreed_precision(options.precision)
        # All start from one seed, but processors round differently: take the main one's weights.
        self.processes.average(self._values(), float(self.processes.main))
        self.optimiser = make_optimiser(self.network, options)
        self.schedule = make_schedule(self.optimiser, options)
        self.average = (
            AveragedModel(self.network, multi_avg_fn=averaging(options), use_buffers=True)
            if options.ema and self.processes.main
            else None
        )
        self.step = 0
        self.sums = StepSums()
        self._good = (0, self._snapshot())

    @property
    def evaluated(self) -> Network:
        """The network to validate and to ship: the averaged weights where they are kept."""
        return cast(Network, self.average.module) if self.average else self.network

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.schedule.get_last_lr()[0])

    def train_step(self, images: Tensor, targets: Tensor, weights: Tensor | None = None) -> float:
        """Take one optimiser step on one batch and return its loss; see :meth:`train_on`."""
        return self.train_on([(images, targets) if weights is None else (images, targets, weights)])

    def train_on(self, batches: Sequence[Batch]) -> float:
        """Take one optimiser step on several batches and return their loss.

        A loss that is not finite changes no weight. The loss is NaN, too, where BatchNorm's running
        statistics overflow: the evaluated network then gives NaN, though the one in training does not.
        Gradient and loss are (weighted) means over all pixels that are not void, of all batches and
        processes. So cross-entropy without BatchNorm is as for one large batch; Dice is computed for
        each batch and process alone.
        """
        self.network.train()
        self.optimiser.zero_grad(set_to_none=True)
        sizes = [_counted_pixels(*labels) for _, *labels in batches]
        loss = torch.zeros((), device=self.device)
        accuracy = torch.zeros((), device=self.device)
        for batch, size in zip(batches, sizes, strict=True):
            part, right = self._loss_and_accuracy(*batch)
            share = size / sum(sizes)
            (part * share).backward()
            loss += part.detach() * share
            accuracy += right * share
        everywhere = [loss, accuracy, *self._gradients(), *self._statistics()]
        self.processes.average(everywhere, sum(sizes))
        value, self.accuracy = float(loss), float(accuracy)
        if not math.isfinite(value):
            return value
        if not all(bool(t.isfinite().all()) for t in self._statistics()):
            return math.nan
        if self.options.clip_norm:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip_norm)
        if self.options.clip_value:
            nn.utils.clip_grad_value_(self.network.parameters(), self.options.clip_value)
        self.optimiser.step()
        if isinstance(self.schedule, LambdaLR):
            self.schedule.step()
        self.step += 1
        if self.average:
            self.average.update_parameters(self.network)
        return value

    def note_scores(self, scores: Scores) -> None:
        """Pass a validation to a "plateau" schedule; all processes use the main one's scores.

        Raises ValueError if the score that the schedule follows is missing.
        """
        if not isinstance(self.schedule, ReduceLROnPlateau):
            return
        name = self.options.plateau_score
        if self.processes.main and name not in scores:
            raise ValueError(
                f"the plateau schedule follows the score {name!r},"
                f" but a validation gives only {', '.join(scores) or 'none'}"
            )
        self.schedule.step(self.processes.from_main(scores.get(name, math.nan)))

    def keep_good(self) -> bool:
        """Remember the current weights for :meth:`restore_good`; return False if they are not finite."""
        snapshot = self._snapshot()
        finite = all(bool(t.isfinite().all()) for state in snapshot for t in state.values())
        finite = bool(self.processes.from_main(finite))  # only there are averaged weights
        if finite:
            self._good = (self.step, snapshot)
        return finite

    def restore_good(self) -> int:
        """Restore the remembered weights, averaged ones included, and return their step.

        Optimiser and schedule stay as they are: training does not continue from there.
        """
        self.step, snapshot = self._good
        for module, state in zip(self._modules(), snapshot, strict=True):
            module.load_state_dict(state)
        return self.step

    def state(self) -> dict[str, Any]:
        """Return all that a resumed run needs, as :func:`torch.save` takes it."""
        return {
            "step": self.step,
            "sums": asdict(self.sums),
            "precision": self.precision,
            "network": self.network.state_dict(),
            "average": self.average and self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from what :meth:`state` returned. Raises ValueError if it belongs to another run."""
        try:
            self.network.load_state_dict(state["network"])
            if self.average:
                self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.schedule.load_state_dict(state["schedule"])
            self.step, self.sums = state["step"], StepSums(**state["sums"])
            if self.options.precision == "fastest":
                self.precision = state["precision"]
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"the state is of a run with other settings: {error}") from error
        self._good = (self.step, self._snapshot())

    def save(self, path: Path) -> None:
        """Write the state atomically: after a kill the old or the new file is whole."""
        with replacing(path) as file:
            torch.save(self.state(), file)

    def resume(self, path: Path) -> None:
        """Continue from a file that :meth:`save` wrote. Raises ValueError if it belongs to another run."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (UnpicklingError, RuntimeError, EOFError) as error:
            raise ValueError(f"{path.name} is damaged: {error}") from error
        self.load_state(state)

    def _modules(self) -> list[nn.Module]:
        return [self.network, self.average] if self.average else [self.network]

    def _snapshot(self) -> list[dict[str, Tensor]]:
        return [deepcopy(module.state_dict()) for module in self._modules()]

    def _loss_and_accuracy(
        self, images: Tensor, targets: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        images = images.to(self.device, memory_format=torch.channels_last, non_blocking=True)
        targets = targets.to(self.device, non_blocking=True)
        if weights is not None:
            weights = weights.to(self.device, non_blocking=True)
        with self._precision():
            logits = self.network(images)
        loss = self.task.loss(logits, targets, self.options.loss, weights)
        if self.soft_labels:
            soft = self.soft_labels(images)
            loss = (loss + self.task.soft_cross_entropy(logits, soft, targets)) / 2
        with torch.no_grad():
            # Without void, and without a class that is taught but not scored.
            decided = targets < len(self.scored.classes)
            right = (self.scored.predicted_ids(logits) == targets) & decided
            return loss, right.sum() / decided.sum().clamp(min=1)

    def _agreed_precision(self, wanted: str) -> str:
        """Resolve "fastest": all processes use the precision that is faster in the main one."""
        if wanted != "fastest":
            return wanted
        half = self.processes.from_main(faster_precision(self.device) == "bfloat16")
        return "bfloat16" if half else "float32"

    def _values(self) -> list[Tensor]:
        return [*self.network.parameters(), *self._statistics()]

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self.network.parameters() if p.grad is not None]

    def _statistics(self) -> list[Tensor]:
        """Return BatchNorm's running means and variances."""
        return [buffer for buffer in self.network.buffers() if buffer.is_floating_point()]

    def _precision(self):
        if self.precision == "bfloat16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()


def _counted_pixels(targets: Tensor, weights: Tensor | None = None) -> float:
    """Count the pixels that are not void, or add up their weights: cross-entropy's divisor.

    Returns 1 instead of 0, since callers divide by it; loss and gradient are 0 there anyway.
    """
    decided = targets != VOID
    return float(decided.sum() if weights is None else weights[decided].sum()) or 1.0


class StepBatches(Dataset[Batch]):
    """A torch data set: item n is this process's share of batch n."""

    def __init__(self, batch_of: Callable[[int], Batch], length: int, processes: Processes):
        self.batch_of = batch_of
        self.length = length
        self.processes = processes

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> Batch:
        batch = self.batch_of(number)
        share = self.processes.share(len(batch[0]))
        return cast(Batch, tuple(tensor[share] for tensor in batch))


def load_batches(
    batch_of: Callable[[int], Batch],
    start: int,
    stop: int,
    workers: int = 0,
    processes: Processes | None = None,
) -> Iterable[Batch]:
    """Return batches ``start`` … ``stop`` − 1, in order, made by ``workers`` processes (0: this one).

    A step takes ``FitOptions.accumulate`` batches. Each of several training ``processes`` gets its
    share of every batch.
    """
    return DataLoader(
        StepBatches(batch_of, stop, processes or Processes()),
        batch_size=None,
        sampler=range(start, stop),
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
    )


def _groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    remaining = iter(batches)
    while group := list(islice(remaining, size)):
        yield group


def fit(
    trainer: Trainer,
    batches: Iterable[Batch],
    validate: Callable[[Network], Scores] | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """Train until the batches or the steps run out, or ``stop`` is set; yield events.

    No torch context is open between two events, so the caller may continue in another thread. The
    network that ``validate`` gets is in evaluation mode. After a Diverged event the loop ends, and
    the trainer has the weights and the step of the last validation (or of the start) again.
    """
    options = trainer.options
    for group in _groups(batches, options.accumulate):
        if trainer.step >= options.steps or (stop and stop.is_set()):
            break
        begun = time.perf_counter()
        rate = trainer.rate
        loss = trainer.train_on(group)
        if not math.isfinite(loss):  # the step was not taken
            yield Diverged(trainer.step + 1, loss, trainer.restore_good())
            return
        step, seconds = trainer.step, time.perf_counter() - begun
        validates = step % options.validate_every == 0 or step == options.steps
        if validates and not trainer.keep_good():
            yield Diverged(step, math.nan, trainer.restore_good())
            return
        trainer.sums = trainer.sums.after(loss, trainer.accuracy)
        yield StepDone(step, loss, rate, seconds, trainer.accuracy)
        if validates and validate:
            training, trainer.sums = trainer.sums.means, StepSums()
            scores = validate(trainer.evaluated.eval())
            trainer.note_scores({**training, **scores})
            yield Validated(step, scores, training)
    yield Finished(trainer.step, stopped=trainer.step < options.steps)
