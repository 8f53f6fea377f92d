"""The data sets, by their names in recipes and cards: their parts, batches and scores."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ..checkpoints import open_checkpoint
from ..data import DataError, Fold, RandomSplit, Split
from ..data.isbi import Frames, load_frames, load_unlabelled
from ..data.shapes import VALIDATION_SEED, SceneOptions, article_scene, scene_batch
from ..data.truth import void_share
from ..data.voc import (
    FRAMINGS,
    Framing,
    Photos,
    fitted,
    has_list,
    load_photos,
    sampling_weights,
    weights_by_class,
)
from ..evaluation.evaluate import (
    FRESH_SCENES,
    FRESH_SEED,
    Evaluation,
    Keep,
    Scores,
    evaluate_frames,
    evaluate_photos,
    evaluate_scenes,
    evaluate_stack,
)
from ..inference import Predictor, Progress
from ..tasks import VOID
from .batches import ArticleBatches, BatchOf, FrameBatches, PhotoBatches, SceneBatches, Shuffled
from .recipe import Recipe

UNSURE = 0.2
"""A teacher's pixel is void where its probability is nearer to 0.5 than this."""

VALIDATION_SCENES = 48
"""Scenes that a training is validated on; the final score uses FRESH_SCENES others."""

Still = tuple[np.ndarray, np.ndarray]
"""A picture uint8 (H, W, C) as the network gets it, without augmentation, and its label ids (H, W)."""


class Part(ABC):
    """Pictures with their ground truth, to score a network on; ``scored_on`` names them in words."""

    scored_on: str

    @property
    def void(self) -> float:
        """Return the share of the pixels that are void, 0..1; no score counts them."""
        return 0.0

    @property
    def in_words(self) -> str:
        """Return ``scored_on`` with the share of void, if there is any."""
        return self.scored_on + (f" ({self.void:.1%} void)" if self.void else "")

    @abstractmethod
    def evaluate(
        self,
        predictor: Predictor,
        *,
        tta: bool = False,
        progress: Progress | None = None,
        keep: Keep | None = None,
    ) -> Scores:
        """Score a checkpoint on these pictures."""

    @abstractmethod
    def stills(self, recipe: Recipe) -> Iterator[Still]:
        """Yield the pictures one by one, as the recipe's network gets them."""


class DataSet(ABC):
    """A data set, with the settings for its parts from a recipe or a checkpoint's card."""

    needs_folder: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Make a data set from a recipe's fields, or a card's copy of them. Raises TypeError, ValueError."""

    @abstractmethod
    def load(self, directory: Path | None, split: str) -> Part:
        """Read a part, such as "val". Raises DataError when it is missing."""

    def validation(self, directory: Path | None) -> Part:
        """Return the part that validates a training. Raises DataError."""
        return self.load(directory, "val")

    def test(self, directory: Path | None) -> Part | None:
        """Return the part that scores a finished training, or None. Raises DataError.

        It holds the frames that the recipe keeps back, or the article's own picture.
        """
        return None

    @abstractmethod
    def batches(
        self, recipe: Recipe, directory: Path | None, device: str | None
    ) -> tuple[BatchOf, Shuffled | None]:
        """Return the training batches, and their order if the recipe counts epochs. Raises DataError."""


@dataclass(frozen=True)
class ScenePart(Part):
    """An equal number of scenes of each kind, drawn from a seed."""

    kinds: tuple[SceneOptions, ...]
    count: int
    seed: int
    scored_on: str

    def evaluate(self, predictor: Predictor, **options: Any) -> Scores:
        return evaluate_scenes(predictor, self.kinds, self.count, seed=self.seed, **options)

    def stills(self, recipe: Recipe) -> Iterator[Still]:
        for index, kind in enumerate(self.kinds):
            stack = scene_batch(kind, self.count // len(self.kinds), self.seed, index)
            yield from zip(*stack, strict=True)


@dataclass(frozen=True)
class ArticlePart(Part):
    """The one picture of article 1, on which the article trains and scores."""

    scored_on: str = "the article's own picture, which it trained on"

    def evaluate(self, predictor: Predictor, **options: Any) -> Scores:
        image, labels = article_scene()
        return evaluate_stack(predictor, image[None], labels[None], ["article"], **options)

    def stills(self, recipe: Recipe) -> Iterator[Still]:
        yield article_scene()


@dataclass(frozen=True)
class Shapes(DataSet):
    """Scenes drawn at random, or the article's one picture; nothing is read from a folder."""

    scenes: tuple[SceneOptions, ...]
    article_scene: bool = False

    needs_folder: ClassVar[bool] = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        scenes = tuple(SceneOptions(**_tuples(kind)) for kind in settings["scenes"])
        if not scenes:
            raise ValueError("there is no kind of scene")
        return cls(scenes, bool(settings.get("article_scene")))

    def load(self, directory: Path | None, split: str) -> Part:
        if split != "val":
            raise DataError(
                f"There is no split {split!r} of scenes, which are drawn afresh; use val."
            )
        if self.article_scene:
            return ArticlePart()
        scored_on = f"{FRESH_SCENES} scenes that no training has seen"
        return ScenePart(self.scenes, FRESH_SCENES, FRESH_SEED, scored_on)

    def validation(self, directory: Path | None) -> Part:
        if self.article_scene:
            return ArticlePart()
        scored_on = f"{VALIDATION_SCENES} random scenes drawn with a seed of their own"
        return ScenePart(self.scenes, VALIDATION_SCENES, VALIDATION_SEED, scored_on)

    def test(self, directory: Path | None) -> Part | None:
        return ArticlePart() if self.article_scene else None

    def batches(
        self, recipe: Recipe, directory: Path | None, device: str | None
    ) -> tuple[BatchOf, Shuffled | None]:
        if self.article_scene:
            return ArticleBatches(recipe.batch, recipe.normalisation), order_of(recipe, 1)
        return (
            SceneBatches(recipe.scenes, recipe.batch, recipe.fit.seed, recipe.normalisation),
            None,
        )


@dataclass(frozen=True)
class FramePart(Part):
    """Frames of the ISBI challenge's volume."""

    frames: Frames
    scored_on: str

    @property
    def void(self) -> float:
        return void_share([self.frames.labels])

    def evaluate(self, predictor: Predictor, *, tta: bool = False, **options: Any) -> Scores:
        return evaluate_frames(predictor, self.frames, tta=tta, **options)

    def stills(self, recipe: Recipe) -> Iterator[Still]:
        for image, labels in zip(self.frames.images, self.frames.labels, strict=True):
            yield fitted(image, labels, recipe.card.side)


@dataclass(frozen=True)
class Isbi(DataSet):
    """The ISBI 2012 challenge, split by position in the stack, at random as in the articles, or in folds."""

    split: Split | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        return cls(_split_of(settings))

    def load(self, directory: Path | None, split: str) -> FramePart:
        if self.split is None:
            frames = load_frames(directory or Path("."), split)
            scored_on = f"ISBI 2012 frames {frames.numbers[0]}–{frames.numbers[-1]}"
            return FramePart(frames, scored_on)
        frames = load_frames(directory or Path("."), "all")
        chosen = self.split.numbers(len(frames.images), split)
        numbers = tuple(frames.numbers[index] for index in chosen)
        scored_on = f"ISBI 2012 frames {', '.join(map(str, numbers))}, {self.split.words}"
        return FramePart(Frames(frames.images[chosen], frames.labels[chosen], numbers), scored_on)

    def test(self, directory: Path | None) -> Part | None:
        return self.load(directory, "test") if self.split and self.split.test else None

    def batches(
        self, recipe: Recipe, directory: Path | None, device: str | None
    ) -> tuple[BatchOf, Shuffled | None]:
        training = self.load(directory, "train").frames
        if recipe.teacher:
            teacher = Predictor(open_checkpoint(recipe.teacher), device)
            unlabelled = load_unlabelled(directory or Path("."))
            training = with_taught_frames(training, unlabelled, teacher)
        order = order_of(recipe, len(training.images))
        batches = FrameBatches(
            training,
            recipe.batch,
            recipe.fit.seed,
            recipe.normalisation,
            recipe.warp,
            recipe.light,
            recipe.article_augmentation,
            order,
        )
        return batches, order


@dataclass(frozen=True)
class PhotoPart(Part):
    """Photos of Pascal VOC."""

    photos: Photos
    scored_on: str

    @property
    def void(self) -> float:
        return void_share(self.photos.labels)

    def evaluate(self, predictor: Predictor, **options: Any) -> Scores:
        return evaluate_photos(predictor, self.photos, **options)

    def stills(self, recipe: Recipe) -> Iterator[Still]:
        shown = framing_of(recipe) or partial(fitted, longest=recipe.card.side)
        for photo, ids in zip(self.photos.images, self.photos.labels, strict=True):
            picture, labels = shown(photo, ids)
            yield picture, np.where(labels == VOID, void_id_of(recipe), labels).astype(np.uint8)


@dataclass(frozen=True)
class Voc(DataSet):
    """Pascal VOC 2012, split by its own lists, at random as in the articles, or in folds.

    ``watched``: numbers of training photos that validate, instead of a part of their own.
    """

    split: Split | None = None
    watched: tuple[int, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        watched = tuple(int(number) for number in settings.get("watched") or ())
        return cls(_split_of(settings), watched)

    def load(self, directory: Path | None, split: str) -> PhotoPart:
        photos = load_photos(directory or Path("."), split, drawn=self.split)
        which = f"part {split!r}, {self.split.words}" if self.split else f"{split} list"
        return PhotoPart(photos, f"the {len(photos)} photos of VOC 2012's {which}")

    def validation(self, directory: Path | None) -> Part:
        if not self.watched:
            return self.load(directory, "val")
        photos = load_photos(directory or Path("."), "train", drawn=self.split, only=self.watched)
        return PhotoPart(photos, "a photo that it trained on, the one that the article watches")

    def batches(
        self, recipe: Recipe, directory: Path | None, device: str | None
    ) -> tuple[BatchOf, Shuffled | None]:
        directory = directory or Path(".")
        framing = framing_of(recipe)
        longest = 0 if framing else round(recipe.photo.crop * recipe.photo.scale[1])
        training = load_photos(directory, "train", longest, drawn=self.split, framing=framing)
        for more in recipe.more_lists:
            if has_list(directory, more):
                training += load_photos(directory, more, longest)
        order = order_of(recipe, len(training))
        batches = PhotoBatches(
            training,
            photo_weights(recipe, training.labels),
            recipe.batch,
            recipe.fit.seed,
            recipe.normalisation,
            None if framing else recipe.photo,
            recipe.growth,
            order,
            void_id_of(recipe),
            recipe.paste,
        )
        return batches, order


DATASETS: dict[str, type[DataSet]] = {"shapes": Shapes, "isbi": Isbi, "voc": Voc}


def evaluate(
    predictor: Predictor,
    directory: Path | None,
    split: str = "val",
    *,
    tta: bool = True,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Evaluation:
    """Score a checkpoint on a split of the data set that its recipe names.

    Raises DataError when the directory does not hold that data set, when there is no such split of
    it, or when the checkpoint names none.
    """
    card = predictor.card
    kind = DATASETS.get(str(card.recipe.get("data")))
    if kind is None:
        raise DataError(
            f"The checkpoint {card.name!r} does not say which data it was made for, so it"
            " cannot be scored here."
        )
    if kind.needs_folder and directory is None:
        raise DataError(f"Evaluating {card.name!r} needs its data set; give its folder as --data.")
    try:
        data = kind.of(card.recipe)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = "of its data" if kind.needs_folder else "scenes it was made for"
        raise DataError(
            f"The checkpoint {card.name!r} does not say which {what}, so it cannot"
            " be scored here; train it again."
        ) from error
    part = data.load(directory, split)
    scores = part.evaluate(predictor, tta=tta, progress=progress, keep=keep)
    return Evaluation(scores, part.in_words, tta, part.void)


def order_of(recipe: Recipe, pictures: int) -> Shuffled | None:
    """Return the order of so many ``pictures`` in training, or None unless the recipe counts epochs."""
    if not recipe.epochs:
        return None
    return Shuffled(pictures, recipe.batch, recipe.fit.seed, recipe.drop_last)


def framing_of(recipe: Recipe) -> Framing | None:
    """Return how the recipe's article fits a photo into a square, or None."""
    if not recipe.framing:
        return None
    return partial(FRAMINGS[recipe.framing], side=recipe.photo.crop)


def photo_weights(recipe: Recipe, labels: Sequence[np.ndarray]) -> np.ndarray:
    """Return the probability of drawing each photo, float64 (N,), summing to 1."""
    classes = len(recipe.card.task.classes)
    if recipe.by_class:
        return weights_by_class(labels, classes, recipe.by_class)
    return sampling_weights(labels, classes)


def void_id_of(recipe: Recipe) -> int:
    """Return the id of void in training: the last class where void is taught as a class, else VOID."""
    return len(recipe.taught.classes) - 1 if recipe.taught else VOID


def with_taught_frames(labelled: Frames, images: np.ndarray, teacher: Predictor) -> Frames:
    """Return the labelled frames, twice, and ``images`` (N, H, W, 1) with labels by the teacher.

    Self-training: pixels that the teacher is not sure of become void, which no loss counts.
    """
    prediction = teacher.predict(images, tta=True)
    sure = np.abs(prediction.probabilities[:, 0] - 0.5) > UNSURE
    labels = np.where(sure, prediction.labels(0.5), VOID).astype(np.uint8)
    return Frames(
        np.concatenate([labelled.images, labelled.images, images]),
        np.concatenate([labelled.labels, labelled.labels, labels]),
        (*labelled.numbers, *labelled.numbers, *range(-len(images), 0)),
    )


def _split_of(settings: Mapping[str, Any]) -> Split | None:
    split = settings.get("split")
    if not split:
        return None
    return Fold(**split) if "fold" in split else RandomSplit(**split)


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn lists back into the tuples that JSON made them from."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
