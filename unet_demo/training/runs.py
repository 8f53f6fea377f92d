"""A training run on disk: where it writes its losses, its state and its best checkpoint, and resumes.

A run's folder holds ``losses.csv`` and ``scores.csv`` (a row a step, a row a validation),
``tensorboard/``, ``state.safetensors`` (to resume from) and ``NAME.safetensors`` (the best so far,
or the last one where the recipe chooses by no score).
"""

import csv
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from ..checkpoints import read_card, save_checkpoint
from ..networks import Network, create_network
from ..networks.base import he_initialise
from .experiments import EXPERIMENTS
from .loop import (
    Diverged,
    Event,
    Scores,
    StepDone,
    Trainer,
    Validated,
    fit,
    load_batches,
)
from .processes import LaunchError, Processes, join_processes
from .recipe import Recipe

STATE = "state.safetensors"
LOSSES, SCORES = "losses.csv", "scores.csv"


class RunError(ValueError):
    """One plain sentence on why a run cannot start or go on."""


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path
    recipe: Recipe

    @property
    def state(self) -> Path:
        return self.path / STATE

    @property
    def best(self) -> Path:
        return self.path / f"{self.recipe.name}.safetensors"

    def best_score(self) -> float:
        """The score of the best checkpoint so far, −1 if there is none."""
        if not self.best.is_file():
            return -1.0
        return float(read_card(self.best).scores[self.recipe.choose_by])

    def chooses(self, scores: Scores) -> bool:
        """Whether a network with these scores is kept instead of the one that is there.

        Without a score to choose by, the last one always is: then nothing was chosen on the split
        that it is scored on.
        """
        by = self.recipe.choose_by
        return not by or scores[by] > self.best_score()


def train(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    *,
    resume: bool = False,
    device: torch.device | None = None,
    workers: int = 0,
) -> Iterator[Event]:
    """Train a recipe into a folder, and yield what happens.

    Saves its state atomically at every validation. With ``resume``, continues from the last one,
    exactly as if it had not been interrupted. Where several processes were launched, each calls
    this and trains its share, but only the main one validates, writes and yields. Raises RunError,
    DeviceError or DataError before the first step.
    """
    folder = RunFolder(out, recipe)
    if folder.state.is_file() and not resume:
        raise RunError(
            f"{str(out)!r} already holds a run; add --resume to continue it, or give another --out."
        )
    processes = _join_processes(recipe, device or torch.device("cpu"))
    trainer = _trainer(recipe, processes)
    experiment = EXPERIMENTS[recipe.data](recipe, data, str(processes.device))
    if resume and folder.state.is_file():
        _resume(trainer, folder)
    if not processes.agree(trainer.step):
        raise RunError(
            f"Not all processes find the same run in {str(out)!r}; to resume on several machines,"
            " give an --out that all of them share."
        )
    parts = recipe.fit.accumulate
    first, last = trainer.step * parts, recipe.fit.steps * parts
    batches = load_batches(experiment.batch_of, first, last, workers, processes)
    if not processes.main:
        deque(fit(trainer, batches, _without_validation), maxlen=0)
        return
    out.mkdir(parents=True, exist_ok=True)
    with RunLog(out, trainer.step) as log:
        for event in fit(trainer, batches, experiment.validate):
            log.write(event)
            if isinstance(event, Validated):
                if folder.chooses(event.scores):
                    card = recipe.card(event.scores, experiment.scored_on)
                    save_checkpoint(folder.best, trainer.evaluated, card)
                trainer.save(folder.state)
            yield event


def _join_processes(recipe: Recipe, device: torch.device) -> Processes:
    try:
        processes = join_processes(device)
    except LaunchError as error:
        raise RunError(str(error)) from error
    if recipe.batch < processes.count:
        raise RunError(
            f"{processes.count} processes cannot share batches of {recipe.batch};"
            f" launch {recipe.batch} at most."
        )
    return processes


def _trainer(recipe: Recipe, processes: Processes) -> Trainer:
    torch.manual_seed(recipe.fit.seed)
    network = create_network(recipe.network, **recipe.options)
    he_initialise(network)
    network = processes.join_batch_norm(network)
    return Trainer(network, recipe.taught or recipe.task, recipe.fit, processes.device, processes)


def _without_validation(network: Network) -> Scores:
    """What the other processes do while the main one validates; they wait for it at the next step."""
    return {}


def _resume(trainer: Trainer, folder: RunFolder) -> None:
    try:
        trainer.resume(folder.state)
    except ValueError as error:
        raise RunError(
            "The run in the output folder is damaged or has other settings than this recipe;"
            " give another --out, or the options that it was started with."
        ) from error


class RunLog:
    """Losses and scores as CSV and for TensorBoard; on resuming, rows past the saved step are dropped."""

    def __init__(self, folder: Path, step: int):
        # Imported here: only a run on disk writes for TensorBoard, and the import takes a second.
        from torch.utils.tensorboard import SummaryWriter

        for name in (LOSSES, SCORES):
            _drop_rows_after(folder / name, step)
        self.losses = (folder / LOSSES).open("a", newline="", encoding="utf-8")
        self.scores = (folder / SCORES).open("a", newline="", encoding="utf-8")
        self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, *_: object) -> None:
        self.losses.close()
        self.scores.close()
        self.board.close()

    def write(self, event: Event) -> None:
        """Log a step's loss or a validation's scores; a divergence as a loss that is not a number."""
        if isinstance(event, StepDone | Diverged):
            self._row(self.losses, {"step": event.step, "loss": event.loss})
            self.board.add_scalar("loss/train", event.loss, event.step)
        if isinstance(event, StepDone):
            self.board.add_scalar("rate", event.rate, event.step)
        if isinstance(event, Validated):
            self._row(self.scores, {"step": event.step, **event.scores})
            for name, value in event.scores.items():
                self.board.add_scalar(f"validation/{name}", value, event.step)

    def _row(self, file, row: dict[str, float]) -> None:
        writer = csv.DictWriter(file, list(row))
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow(row)
        file.flush()


def _drop_rows_after(path: Path, step: int) -> None:
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    kept = [row for row in rows if row and int(row[0]) <= step]
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *kept] if header else [])
    os.replace(partial, path)
