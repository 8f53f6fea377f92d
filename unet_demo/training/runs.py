"""A training run on disk: where it writes its losses, its state and its best checkpoint, and resumes.

A run's folder holds ``losses.csv`` and ``scores.csv`` (a row a step, a row a validation),
``tensorboard/``, ``state.safetensors`` (to resume from) and ``NAME.safetensors`` (the best so far,
or the last one where the recipe chooses by no score). Where that is asked for, also ``epochs/`` (a
checkpoint a validation) and ``pictures/`` (a PNG a validation); and ``test/`` where the data set
has pictures for the end.
"""

import csv
import json
import math
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..checkpoints import load_checkpoint, read_card, save_checkpoint
from ..evaluation.report import CaseFolder
from ..inference import Predictor
from ..networks import Network
from .datasets import Part
from .distributed import LaunchError, Processes, join_processes
from .encoder_weights import EncoderWeightsError
from .experiments import Experiment, prepare
from .loop import (
    Diverged,
    Event,
    Finished,
    Scores,
    StepDone,
    Trainer,
    Validated,
    fit,
    load_batches,
)
from .recipe import Recipe

SAVE_EVERY = 250
"""Steps after which a run saves its state, whether it validates or not."""

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

    @property
    def pictures(self) -> Path:
        return self.path / "pictures"

    @property
    def test(self) -> Path:
        return self.path / "test"

    def kept(self, step: int) -> Path:
        """The checkpoint that is kept of an epoch which ended with this step."""
        return self.path / "epochs" / f"{self.recipe.name}-{step:06}.safetensors"

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


@dataclass(frozen=True)
class Started:
    """A run begins, or goes on after ``step``; it will end after ``recipe.fit.steps``."""

    step: int
    recipe: Recipe


@dataclass(frozen=True)
class FinalScores:
    """Scores of the kept network on what its data set has for the end; each picture lies in ``test/``."""

    scores: Scores
    scored_on: str


RunEvent = Event | Started | FinalScores


@dataclass(frozen=True)
class Lengths:
    """What a person asks for in the recipe's place: steps in all, and steps between validations."""

    steps: int | None = None
    epoch: int | None = None

    def of(self, recipe: Recipe) -> Recipe:
        """The recipe with these lengths. Raises RunError for one below 1."""
        asked = {name: value for name, value in asdict(self).items() if value is not None}
        try:
            return replace(recipe, fit=replace(recipe.fit, **asked))
        except ValueError as error:
            raise RunError(f"These settings don't work: {error}.") from error


def train(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    *,
    resume: bool = False,
    device: torch.device | None = None,
    workers: int = 0,
    lengths: Lengths = Lengths(),
    keep_epochs: bool = False,
    save_pictures: bool = False,
) -> Iterator[RunEvent]:
    """Train a recipe into a folder, and yield what happens.

    Saves its state atomically every SAVE_EVERY steps and at every validation. With ``resume``,
    continues from the last one,
    exactly as if it had not been interrupted. Where several processes were launched, each calls
    this and trains its share, but only the main one validates, writes and yields. Where the data
    set has something for a test, ends with that. Raises RunError, DeviceError or DataError
    before the first step.
    """
    folder = RunFolder(out, recipe)
    lengths.of(recipe)  # what is wrong with them is told before the data is read
    if folder.state.is_file() and not resume:
        raise RunError(
            f"{str(out)!r} already holds a run; add --resume to continue it, or give another --out."
        )
    processes = _join_processes(device or torch.device("cpu"))
    experiment = prepare(recipe, data, str(processes.device))
    experiment = replace(experiment, recipe=lengths.of(experiment.recipe))
    recipe = experiment.recipe
    _check_shares(experiment, processes)
    trainer = _trainer(recipe, processes)
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
    yield Started(trainer.step, recipe)
    with RunLog(out, trainer.step) as log:
        for event in fit(trainer, batches, experiment.validate):
            log.write(event)
            if isinstance(event, StepDone) and _saves_between(event.step, recipe):
                trainer.save(folder.state)
            if isinstance(event, Validated):
                card = recipe.card(event.scores, experiment.validation.scored_on)
                if folder.chooses(event.scores):
                    save_checkpoint(folder.best, trainer.evaluated, card)
                if keep_epochs:
                    save_checkpoint(folder.kept(event.step), trainer.evaluated, card)
                sheet = experiment.sheet(trainer.evaluated)
                log.show(sheet, event.step)
                if save_pictures:
                    folder.pictures.mkdir(exist_ok=True)
                    Image.fromarray(sheet).save(folder.pictures / f"{event.step:06}.png")
                trainer.save(folder.state)
            yield event
            if isinstance(event, Finished) and not event.stopped and experiment.test:
                yield _test(experiment, experiment.test, folder)


def _saves_between(step: int, recipe: Recipe) -> bool:
    """Whether to save after a step that no validation follows: one would be lost if it broke off there."""
    validates = step % recipe.fit.epoch == 0 or step == recipe.fit.steps
    return step % SAVE_EVERY == 0 and not validates


def _test(experiment: Experiment, part: Part, folder: RunFolder) -> FinalScores:
    """Score the kept network on a part, and leave each picture with its label and its output."""
    predictor = Predictor(load_checkpoint(folder.best), experiment.device)
    cases = CaseFolder(folder.test, experiment.recipe.task)
    scores = part.evaluate(predictor, keep=cases)
    cases.finish()
    values = {name: value if value == value else None for name, value in scores.items()}
    report = {"scored_on": part.scored_on, "scores": values}
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    (folder.test / "scores.json").write_text(text, encoding="utf-8")
    return FinalScores(scores, part.scored_on)


def _join_processes(device: torch.device) -> Processes:
    try:
        return join_processes(device)
    except LaunchError as error:
        raise RunError(str(error)) from error


def _check_shares(experiment: Experiment, processes: Processes) -> None:
    order, batch = experiment.order, experiment.recipe.batch
    smallest = order.smallest if order else batch
    if smallest < processes.count:
        raise RunError(
            f"{processes.count} processes cannot share batches of {smallest};"
            f" launch {smallest} at most."
        )


def _trainer(recipe: Recipe, processes: Processes) -> Trainer:
    try:
        network = processes.join_batch_norm(recipe.new_network())
    except EncoderWeightsError as error:
        raise RunError(str(error)) from error
    taught = recipe.taught or recipe.task
    return Trainer(network, taught, recipe.fit, processes.device, processes, recipe.task)


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
            accuracy = event.accuracy if isinstance(event, StepDone) else math.nan
            row = {"step": event.step, "loss": event.loss, "accuracy": accuracy}
            self._row(self.losses, row)
            self.board.add_scalar("loss/train", event.loss, event.step)
        if isinstance(event, StepDone):
            self.board.add_scalar("accuracy/train", event.accuracy, event.step)
            self.board.add_scalar("rate", event.rate, event.step)
        if isinstance(event, Validated):
            self._row(self.scores, {"step": event.step, **event.training, **event.scores})
            for name, value in event.scores.items():
                self.board.add_scalar(f"validation/{name}", value, event.step)
            for name, value in event.training.items():
                self.board.add_scalar(f"epoch/{name}", value, event.step)

    def show(self, sheet: np.ndarray, step: int) -> None:
        """Log pictures, labels and outputs, uint8 (H, W, 3), for TensorBoard."""
        self.board.add_image("input, label, output", sheet, step, dataformats="HWC")

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
