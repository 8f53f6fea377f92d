"""One training loop for the command line and for the page: a generator of what happened.

Every random choice is a pure function of the recipe's seed and the step number, so that a run that
was killed and resumed continues exactly as if it had been left alone.
"""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from .networks import Network
from .tasks import Task

Batch = tuple[Tensor, Tensor]
"""Pictures float32 (N, C, H, W), normalised, and label ids (N, H, W)."""

Scores = dict[str, float]

OPTIMISERS = ("Adam", "AdamW", "RMSprop", "SGD")
SCHEDULES = ("constant", "cosine", "step")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class FitOptions:
    """How to train. ``rate`` is the highest learning rate; ``warm_up`` and all counts are in steps."""

    steps: int
    optimiser: str = "Adam"
    rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    loss: str = "cross-entropy"
    schedule: str = "constant"
    warm_up: int = 0
    decay_every: int = 0
    """Steps after which the "step" schedule divides the rate by ten."""
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0 = no clipping."""
    ema: float = 0.0
    """Decay of the exponential moving average of the weights; 0 = none is kept."""
    epoch: int = 100
    """Steps between two validations (and saves, on the command line)."""
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for value, known, what in (
            (self.optimiser, OPTIMISERS, "optimiser"),
            (self.schedule, SCHEDULES, "schedule"),
            (self.precision, PRECISIONS, "precision"),
        ):
            if value not in known:
                raise ValueError(
                    f"there is no {what} {value!r}; the choices are {', '.join(known)}"
                )
        if self.steps < 1 or self.epoch < 1 or not self.rate > 0:
            raise ValueError("steps and epoch must be at least 1 and the rate above 0")


@dataclass(frozen=True)
class StepDone:
    """One optimiser step: its number from 1, its loss, the rate it used, and the seconds it took."""

    step: int
    loss: float
    rate: float
    seconds: float


@dataclass(frozen=True)
class Validated:
    """Scores of the evaluated network (the EMA where one is kept) after ``step`` steps."""

    step: int
    scores: Scores


@dataclass(frozen=True)
class Diverged:
    """The loss at ``step`` was not a finite number; the network is back at its last good state."""

    step: int
    loss: float
    restored_step: int


@dataclass(frozen=True)
class Finished:
    """The loop has ended after ``step`` steps; ``stopped`` if someone asked it to."""

    step: int
    stopped: bool


Event = StepDone | Validated | Diverged | Finished


def make_optimiser(network: nn.Module, options: FitOptions) -> torch.optim.Optimizer:
    """The optimiser that the options name, over all parameters."""
    parameters = network.parameters()
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


def rate_at(step: int, options: FitOptions) -> float:
    """The learning rate of a step (from 0): linear warm-up, then constant, cosine to 0, or ÷10 in steps."""
    if step < options.warm_up:
        return options.rate * (step + 1) / options.warm_up
    if options.schedule == "cosine":
        done = (step - options.warm_up) / max(1, options.steps - options.warm_up)
        return options.rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    if options.schedule == "step" and options.decay_every:
        return options.rate * 0.1 ** (step // options.decay_every)
    return options.rate


class Trainer:
    """A network in training: its optimiser, its averaged weights, and the number of steps done."""

    def __init__(
        self,
        network: Network,
        task: Task,
        options: FitOptions,
        device: torch.device | str = "cpu",
    ):
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.task = task
        self.options = options
        self.device = torch.device(device)
        self.optimiser = make_optimiser(self.network, options)
        self.average = (
            AveragedModel(
                self.network, multi_avg_fn=get_ema_multi_avg_fn(options.ema), use_buffers=True
            )
            if options.ema
            else None
        )
        self.step = 0
        self._good = (0, self._snapshot())

    @property
    def evaluated(self) -> Network:
        """The network to validate and to ship: the averaged weights where they are kept."""
        return cast(Network, self.average.module) if self.average else self.network

    def train_step(self, images: Tensor, targets: Tensor) -> float:
        """One optimiser step on a batch; returns its loss. A loss that is not finite changes nothing."""
        self.network.train()
        images = images.to(self.device, memory_format=torch.channels_last, non_blocking=True)
        targets = targets.to(self.device, non_blocking=True)
        self.optimiser.param_groups[0]["lr"] = rate_at(self.step, self.options)
        with self._precision():
            logits = self.network(images)
        loss = self.task.loss(logits, targets, self.options.loss)
        value = float(loss.detach())
        if not math.isfinite(value):
            return value
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.options.clip_norm:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip_norm)
        self.optimiser.step()
        self.step += 1
        if self.average:
            self.average.update_parameters(self.network)
        return value

    def keep_good(self) -> bool:
        """Remember the present weights as the state to fall back to; False if they are not finite."""
        snapshot = self._snapshot()
        finite = all(bool(t.isfinite().all()) for state in snapshot for t in state.values())
        if finite:
            self._good = (self.step, snapshot)
        return finite

    def restore_good(self) -> int:
        """Go back to the remembered weights, averaged ones too; returns the step they belong to."""
        step, snapshot = self._good
        for module, state in zip(self._modules(), snapshot, strict=True):
            module.load_state_dict(state)
        return step

    def save(self, path: Path) -> None:
        """Write everything a resumed run needs, atomically: a kill leaves the old file or the new one."""
        tensors = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        if self.average:
            tensors |= {f"average.{name}": t for name, t in self.average.state_dict().items()}
        state = self.optimiser.state_dict()
        for index, values in state["state"].items():
            tensors |= {
                f"optimiser.{index}.{key}": torch.as_tensor(value)
                for key, value in values.items()
                if value is not None
            }
        tensors = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
        header = {"step": str(self.step), "groups": json.dumps(state["param_groups"])}
        partial = path.with_suffix(".partial")
        save_file(tensors, partial, metadata=header)
        os.replace(partial, path)

    def resume(self, path: Path) -> None:
        """Continue from a file that :meth:`save` wrote. Raises ValueError if it belongs to another run."""
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            self.network.load_state_dict(_within(tensors, "network."))
            if self.average:
                self.average.load_state_dict(_within(tensors, "average."))
            self.optimiser.load_state_dict(
                {
                    "state": _optimiser_state(_within(tensors, "optimiser.")),
                    "param_groups": json.loads(header["groups"]),
                }
            )
            self.step = int(header["step"])
        except (SafetensorError, RuntimeError, KeyError, ValueError) as error:
            raise ValueError(
                f"{path.name} is damaged or was written by a run with other settings: {error}"
            ) from error
        self.keep_good()

    def _modules(self) -> list[nn.Module]:
        return [self.network, self.average] if self.average else [self.network]

    def _snapshot(self) -> list[dict[str, Tensor]]:
        return [deepcopy(module.state_dict()) for module in self._modules()]

    def _precision(self):
        if self.options.precision == "bfloat16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()


def _within(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _optimiser_state(tensors: dict[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    return state


class StepBatches(Dataset[Batch]):
    """A data set whose items are whole batches, each a pure function of its step number."""

    def __init__(self, batch_of: Callable[[int], Batch], steps: int):
        self.batch_of = batch_of
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        return self.batch_of(step)


def load_batches(
    batch_of: Callable[[int], Batch], start: int, steps: int, workers: int = 0
) -> Iterable[Batch]:
    """Batches of the steps ``start`` … ``steps`` − 1, in order, made by ``workers`` processes (0 = here)."""
    return DataLoader(
        StepBatches(batch_of, steps),
        batch_size=None,
        sampler=range(start, steps),
        num_workers=workers,
        pin_memory=torch.cuda.is_available(),
    )


def fit(
    trainer: Trainer,
    batches: Iterable[Batch],
    validate: Callable[[Network], Scores] | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """Train until the batches or the steps run out, or ``stop`` is set; yield what happened.

    No torch context is open while it is suspended, so that its caller may hop threads between two
    events. The network that ``validate`` gets is in evaluation mode. After a Diverged event, the
    loop ends and the network holds the weights of the last validation (or of the start).
    """
    options = trainer.options
    for images, targets in batches:
        if trainer.step >= options.steps or (stop and stop.is_set()):
            break
        begun = time.perf_counter()
        rate = rate_at(trainer.step, options)
        loss = trainer.train_step(images, targets)
        if not math.isfinite(loss):
            yield Diverged(trainer.step + 1, loss, trainer.restore_good())
            return
        yield StepDone(trainer.step, loss, rate, time.perf_counter() - begun)
        if trainer.step % options.epoch == 0 or trainer.step == options.steps:
            if not trainer.keep_good():
                # The loss was still finite, but its step threw the weights off: the next one's isn't.
                yield Diverged(trainer.step + 1, math.nan, trainer.restore_good())
                return
            if validate:
                yield Validated(trainer.step, validate(trainer.evaluated.eval()))
    yield Finished(trainer.step, stopped=trainer.step < options.steps)
