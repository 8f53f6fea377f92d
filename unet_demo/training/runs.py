"""Runs a training in a folder: its recipe with data read, losses, scores, state to resume from.

The folder holds ``losses.csv`` (a row for each step), ``scores.csv`` (a row for each validation),
``tensorboard/``, ``state.pt`` (to resume from) and ``NAME.safetensors`` (the best network,
or the last where the recipe chooses by no score). On request, ``epochs/`` and ``pictures/`` get a
checkpoint and a PNG for each validation. ``test/`` holds the final pictures where the data set has any.
"""

import csv
import json
import math
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..checkpoints import (
    Checkpoint,
    CheckpointError,
    HubError,
    load_checkpoint,
    read_card,
    save_checkpoint,
)
from ..evaluation.evaluate import Scores
from ..evaluation.report import CaseFolder, square
from ..inference import Predictor
from ..networks import Network
from ..networks.smp import EncoderWeightsError
from ..render import colour_mask, to_rgb
from ..saving import replacing
from ..tasks import VOID, ColourTask
from . import RunError
from .batches import BatchOf, Shuffled, WithWeightMaps, to_tensor
from .datasets import DATASETS, Part, Still
from .distributed import Processes, join_processes
from .loop import (
    Diverged,
    Event,
    Finished,
    StepDone,
    Trainer,
    Validated,
    fit,
    load_batches,
)
from .recipe import Recipe

SHOWN = 4
"""Validation pictures on the sheet of each epoch."""


@dataclass(frozen=True)
class Experiment:
    """A recipe with its training batches and its pictures to score.

    Where the recipe counts epochs, ``order`` is set and the steps follow from the data.
    ``test`` is set where pictures are kept back for the end.
    """

    recipe: Recipe
    batch_of: BatchOf
    order: Shuffled | None
    validation: Part
    test: Part | None
    device: str | None

    def validate(self, network: Network) -> Scores:
        """Return the validation's scores, and as "loss" the loss that the recipe trains with."""
        predictor = predictor_of(self.recipe, network, self.device)
        return {"loss": self.loss(network), **self.validation.evaluate(predictor)}

    def loss(self, network: Network) -> float:
        """Return the recipe's loss, without a weight map, as the mean over the pixels that are not void."""
        task = self.recipe.taught or self.recipe.card.task
        total, pixels = 0.0, 0
        for _, ids, logits in self._seen(network, self.validation.stills(self.recipe)):
            targets = torch.from_numpy(ids[None]).to(logits.device)
            decided = int((ids != VOID).sum())
            total += float(task.loss(logits, targets, self.recipe.fit.loss)) * decided
            pixels += decided
        return total / max(pixels, 1)

    def sheet(self, network: Network) -> np.ndarray:
        """Draw validation pictures, below each its label and its output: uint8 (H, W, 3).

        The output of a ColourTask's network is drawn in the colours that it paints.
        """
        task = self.recipe.card.task
        palette = (self.recipe.taught or task).palette
        columns = []
        shown = islice(self.validation.stills(self.recipe), SHOWN)
        for picture, ids, logits in self._seen(network, shown):
            if isinstance(task, ColourTask):
                output = (task.colours(logits)[0].permute(1, 2, 0) * 255).round().byte().cpu()
            else:
                output = torch.from_numpy(
                    colour_mask(task.predicted_ids(logits)[0].byte().cpu().numpy(), palette)
                )
            rows = (to_rgb(picture), colour_mask(ids, palette), output.numpy())
            columns.append(np.concatenate([square(row) for row in rows]))
        return np.concatenate(columns, axis=1)

    def _seen(
        self, network: Network, stills: Iterator[Still]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, Tensor]]:
        """Yield each picture, its label ids, and the network's logits (1, K, H, W)."""
        device = next(network.parameters()).device
        for picture, ids in stills:
            with torch.inference_mode():
                images = self.recipe.normalisation(to_tensor(picture[None]))
                logits = network(images.to(device, memory_format=torch.channels_last))
            yield picture, ids, logits.float()


def prepare(recipe: Recipe, directory: Path | None, device: str | None) -> Experiment:
    """Read a recipe's data. Raises DataError when it is missing or does not fit the recipe."""
    data = DATASETS[recipe.data].of(asdict(recipe))
    batches, order = data.batches(recipe, directory, device)
    if recipe.weight_map:
        batches = WithWeightMaps(batches)
    return Experiment(
        recipe.in_epochs(order),
        batches,
        order,
        data.validation(directory),
        data.test(directory),
        device,
    )


def predictor_of(recipe: Recipe, network: Network, device: str | None) -> Predictor:
    """Return a predictor for a network in training, with the card of its future checkpoint."""
    return Predictor(Checkpoint(recipe.scored_card({}, ""), network), device)


SAVE_EVERY = 250
"""Steps between two saves of a run's state; every validation saves, too."""

STATE = "state.pt"
OLD_STATE = "state.safetensors"
"""Name of the state in earlier versions, which this one cannot read."""

LOSSES, SCORES = "losses.csv", "scores.csv"


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
        return self.path / f"{self.recipe.card.name}.safetensors"

    @property
    def pictures(self) -> Path:
        return self.path / "pictures"

    @property
    def test(self) -> Path:
        return self.path / "test"

    def kept(self, step: int) -> Path:
        """Return the path of the checkpoint of the epoch that ended with this step."""
        return self.path / "epochs" / f"{self.recipe.card.name}-{step:06}.safetensors"

    def best_score(self) -> float:
        """Read the score of the best checkpoint so far; −1 if there is none."""
        if not self.best.is_file():
            return -1.0
        return float(read_card(self.best).scores[self.recipe.choose_by])

    def chooses(self, scores: Scores) -> bool:
        """Return whether a network with these scores replaces the kept one.

        Without a score to choose by it always does: then nothing is chosen on the scored split.
        """
        by = self.recipe.choose_by
        return not by or scores[by] > self.best_score()


@dataclass(frozen=True)
class Started:
    """A run starts, or resumes after ``step``; it ends after ``recipe.fit.steps``.

    ``scored_on`` names what it is validated on.
    """

    step: int
    recipe: Recipe
    scored_on: str


@dataclass(frozen=True)
class FinalScores:
    """Scores of the kept network on its data set's test part, whose pictures are in ``test/``."""

    scores: Scores
    scored_on: str


RunEvent = Event | Started | FinalScores


@dataclass(frozen=True)
class Lengths:
    """Lengths that replace the recipe's: all steps, and steps between two validations."""

    steps: int | None = None
    validate_every: int | None = None

    def of(self, recipe: Recipe) -> Recipe:
        """Return the recipe with these lengths. Raises RunError for one below 1."""
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
    """Train a recipe into a folder, and yield events.

    Saves the state atomically every SAVE_EVERY steps and at every validation. With ``resume``,
    continues from it exactly as if the run had not been interrupted. Of several launched processes
    each calls this function and trains its share, but only the main one validates, writes and
    yields. Ends with a test where the data set has a part for it. Raises RunError, DeviceError or
    DataError before the first step.
    """
    folder = RunFolder(out, recipe)
    if (out / OLD_STATE).is_file():
        raise RunError(
            f"{str(out)!r} holds a run of an earlier version of unet_demo, which cannot be resumed;"
            " give another --out."
        )
    lengths.of(recipe)  # wrong lengths are refused before the data is read
    if folder.state.is_file() and not resume:
        raise RunError(
            f"{str(out)!r} already holds a run; add --resume to continue it, or give another --out."
        )
    processes = join_processes(device or torch.device("cpu"))
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
    yield Started(trainer.step, recipe, experiment.validation.in_words)
    with RunLog(out, trainer.step) as log:
        for event in fit(trainer, batches, experiment.validate):
            log.write(event)
            if isinstance(event, StepDone) and _saves_between(event.step, recipe):
                trainer.save(folder.state)
            if isinstance(event, Validated):
                card = recipe.scored_card(event.scores, experiment.validation.in_words)
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
    """Return whether to save after this step; not before a validation, which a kill would then skip."""
    validates = step % recipe.fit.validate_every == 0 or step == recipe.fit.steps
    return step % SAVE_EVERY == 0 and not validates


def _test(experiment: Experiment, part: Part, folder: RunFolder) -> FinalScores:
    """Score the kept network on a part, and write each picture with its label and its output."""
    predictor = Predictor(load_checkpoint(folder.best), experiment.device)
    cases = CaseFolder(folder.test, experiment.recipe.card.task)
    scores = part.evaluate(predictor, keep=cases)
    cases.finish()
    values = {name: value if value == value else None for name, value in scores.items()}
    report = {"scored_on": part.in_words, "scores": values}
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    with replacing(folder.test / "scores.json") as file:
        file.write_text(text, encoding="utf-8")
    return FinalScores(scores, part.in_words)


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
        teacher = recipe.soft_teacher(processes.device)
    except (CheckpointError, HubError, EncoderWeightsError) as error:
        raise RunError(str(error)) from error
    task = recipe.card.task
    return Trainer(
        network, recipe.taught or task, recipe.fit, processes.device, processes, task, teacher
    )


def _without_validation(network: Network) -> Scores:
    """Validate nothing: only the main process does; the others wait for it at the next step."""
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
    """Losses and scores as CSV and for TensorBoard; on resuming, drops rows after the saved step."""

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
        """Log a step's loss or a validation's scores; of a divergence its loss, which may be NaN."""
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
        """Log a sheet of pictures, labels and outputs, uint8 (H, W, 3), for TensorBoard."""
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
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *kept] if header else [])
