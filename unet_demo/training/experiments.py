"""Recipe → experiment: the data at hand, batches to train on, and a validation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..checkpoints import Checkpoint, open_checkpoint
from ..choices import VALIDATION_SEED
from ..data.isbi import Frames, load_frames, load_unlabelled
from ..data.voc import load_photos, sampling_weights
from ..evaluation import Scores, evaluate_frames, evaluate_photos, evaluate_scenes
from ..inference import Predictor
from ..networks import Network
from ..void import VOID
from .batches import FrameBatches, PhotoBatches
from .recipe import Recipe
from .scene_batches import ArticleBatches, BatchOf, SceneBatches

UNSURE = 0.2
"""A teacher is not sure of a pixel whose probability is nearer to one half than this."""


@dataclass(frozen=True)
class Experiment:
    """A recipe with its data at hand: batches to train on, and a validation of a network."""

    batch_of: BatchOf
    validate: Callable[[Network], Scores]
    scored_on: str


def predictor_of(recipe: Recipe, network: Network, device: str | None) -> Predictor:
    """What segments with a network that is still in training, as its checkpoint will."""
    return Predictor(Checkpoint(recipe.card({}, ""), network), device)


def shapes_experiment(recipe: Recipe, directory: Path | None, device: str | None) -> Experiment:
    """Scenes are drawn, not read, so ``directory`` is not used."""

    def validate(network: Network) -> Scores:
        predictor = predictor_of(recipe, network, device)
        return evaluate_scenes(predictor, recipe.scenes, 48, seed=VALIDATION_SEED)

    batches: BatchOf = ArticleBatches(recipe.batch, recipe.normalisation)
    if not recipe.article_scene:
        batches = SceneBatches(recipe.scenes, recipe.batch, recipe.fit.seed, recipe.normalisation)
    return Experiment(batches, validate, "48 random scenes drawn with a seed of their own")


def isbi_experiment(recipe: Recipe, directory: Path | None, device: str | None) -> Experiment:
    """Frames 0–20 train; the later ones validate. Raises DataError when the files are not there."""
    training = load_frames(directory or Path("."), "train")
    if recipe.teacher:
        teacher = Predictor(open_checkpoint(recipe.teacher), device)
        training = with_taught_frames(training, load_unlabelled(directory or Path(".")), teacher)
    validation = load_frames(directory or Path("."), "val")

    def validate(network: Network) -> Scores:
        return evaluate_frames(predictor_of(recipe, network, device), validation, flips=False)

    batches = FrameBatches(
        training,
        recipe.batch,
        recipe.fit.seed,
        recipe.normalisation,
        recipe.warp,
        recipe.light,
        recipe.article_augmentation,
        recipe.weight_map,
    )
    numbers = validation.numbers
    return Experiment(batches, validate, f"ISBI 2012 frames {numbers[0]}–{numbers[-1]}")


def voc_experiment(recipe: Recipe, directory: Path | None, device: str | None) -> Experiment:
    """The photos of ``train`` teach; ``val`` is only looked at. Raises DataError without the files."""
    directory = directory or Path(".")
    largest = 0 if recipe.framing else round(recipe.photo.crop * recipe.photo.scale[1])
    training = load_photos(directory, "train", largest)
    validation = load_photos(directory, "val")
    classes = len(recipe.task.classes)

    def validate(network: Network) -> Scores:
        return evaluate_photos(predictor_of(recipe, network, device), validation)

    fair = np.full(len(training), 1 / len(training))
    batches = PhotoBatches(
        training,
        fair if recipe.framing else sampling_weights(training.labels, classes),
        recipe.batch,
        recipe.fit.seed,
        recipe.normalisation,
        recipe.photo,
        recipe.growth,
        recipe.framing,
        void_id=len(recipe.taught.classes) - 1 if recipe.taught else VOID,
    )
    return Experiment(batches, validate, "VOC 2012's val list")


def with_taught_frames(labelled: Frames, images: np.ndarray, teacher: Predictor) -> Frames:
    """The labelled frames, twice, and (N, H, W, 1) further ones as the teacher sees them.

    Self-training: what the teacher is not sure of is void, which no loss counts.
    """
    prediction = teacher.predict(images, flips=True)
    sure = np.abs(prediction.probabilities[:, 0] - 0.5) > UNSURE
    labels = np.where(sure, prediction.labels(0.5), VOID).astype(np.uint8)
    return Frames(
        np.concatenate([labelled.images, labelled.images, images]),
        np.concatenate([labelled.labels, labelled.labels, labels]),
        (*labelled.numbers, *labelled.numbers, *range(-len(images), 0)),
    )


EXPERIMENTS: dict[str, Callable[[Recipe, Path | None, str | None], Experiment]] = {
    "shapes": shapes_experiment,
    "isbi": isbi_experiment,
    "voc": voc_experiment,
}
