"""How each bundled checkpoint is trained: everything that a run needs, as frozen dataclasses."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from . import tasks
from .batches import BatchOf, FrameBatches, Normalisation, PhotoBatches, SceneBatches
from .checkpoints import Card, Checkpoint, open_checkpoint
from .data.augment import Light, PhotoAugment, Warp
from .data.isbi import Frames, load_frames, load_unlabelled
from .data.shapes import SceneOptions
from .data.voc import load_photos, sampling_weights
from .evaluation import Scores, evaluate_frames, evaluate_photos, evaluate_scenes
from .inference import Predictor
from .networks import Network
from .training import FitOptions
from .void import VOID

VALIDATION_SEED = 1_000_003
"""Seed of the scenes that training looks at between epochs; the final score uses other ones."""


UNSURE = 0.2
"""A teacher is not sure of a pixel whose probability is nearer to one half than this."""


@dataclass(frozen=True)
class Recipe:
    """One checkpoint's way from data to weights. ``data`` names the experiment that prepares it."""

    name: str
    title: str
    summary: str
    article: str
    network: str
    options: Mapping[str, object]
    task: tasks.Task
    normalisation: Normalisation
    margin: int
    data: str
    fit: FitOptions
    batch: int
    choose_by: str
    licence: str
    credit: str
    data_note: str
    scores_note: str
    limits: str
    seen: str = ""
    """What a person saw on a contact sheet of scored pictures."""
    tried: str = ""
    """What else was tried, and what it gave."""
    teacher: str = ""
    """The checkpoint that labels the data set's unlabelled pictures; none: they are not used."""
    side: int = 0
    symmetry: str = "dihedral"
    scales: tuple[float, ...] = (1.0,)
    scenes: tuple[SceneOptions, ...] = ()
    warp: Warp = field(default_factory=lambda: Warp(256))
    light: Light = field(default_factory=Light)
    photo: PhotoAugment = field(default_factory=lambda: PhotoAugment(128))
    growth: tuple[tuple[int, int], ...] = ()
    """(first step, crop's side): small crops at first show more photos in the same time."""

    def card(self, scores: Scores, scored_on: str) -> Card:
        """The card of a checkpoint that this recipe produced."""
        settings = asdict(self)
        told_elsewhere = {
            "task", "title", "summary", "article", "licence", "credit", "options",
            "data_note", "scores_note", "limits", "seen", "tried",
        }  # fmt: skip
        return Card(
            name=self.name,
            network=self.network,
            options=dict(self.options),
            task=self.task,
            mean=self.normalisation.mean,
            std=self.normalisation.std,
            margin=self.margin,
            side=self.side,
            symmetry=self.symmetry,
            scales=self.scales,
            threshold=scores.get("threshold", 0.5),
            title=self.title,
            summary=self.summary,
            article=self.article,
            recipe={key: value for key, value in settings.items() if key not in told_elsewhere},
            scores=scores,
            scored_on=scored_on,
            licence=self.licence,
            credit=self.credit,
        )


@dataclass(frozen=True)
class Experiment:
    """A recipe with its data at hand: batches to train on, and a validation of a network."""

    batch_of: BatchOf
    validate: Callable[[Network], Scores]
    scored_on: str


def shapes_experiment(recipe: Recipe, directory: Path | None, device: str | None) -> Experiment:
    """Scenes are drawn, not read, so ``directory`` is not used."""

    def validate(network: Network) -> Scores:
        predictor = Predictor(Checkpoint(recipe.card({}, ""), network), device)
        return evaluate_scenes(predictor, recipe.scenes, 48, seed=VALIDATION_SEED)

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
        predictor = Predictor(Checkpoint(recipe.card({}, ""), network), device)
        return evaluate_frames(predictor, validation, flips=False)

    batches = FrameBatches(
        training, recipe.batch, recipe.fit.seed, recipe.normalisation, recipe.warp, recipe.light
    )
    numbers = validation.numbers
    return Experiment(batches, validate, f"ISBI 2012 frames {numbers[0]}–{numbers[-1]}")


def voc_experiment(recipe: Recipe, directory: Path | None, device: str | None) -> Experiment:
    """The photos of ``train`` teach; ``val`` is only looked at. Raises DataError without the files."""
    directory = directory or Path(".")
    largest = round(recipe.photo.crop * recipe.photo.scale[1])
    training = load_photos(directory, "train", largest)
    validation = load_photos(directory, "val", largest)
    classes = len(recipe.task.classes)

    def validate(network: Network) -> Scores:
        predictor = Predictor(Checkpoint(recipe.card({}, ""), network), device)
        return evaluate_photos(predictor, validation)

    batches = PhotoBatches(
        training,
        sampling_weights(training.labels, classes),
        recipe.batch,
        recipe.fit.seed,
        recipe.normalisation,
        recipe.photo,
        recipe.growth,
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

SHAPES_SCENES = (
    SceneOptions(size=128, count=(2, 5), rotated=True, shading=50, blur=0.3),
    SceneOptions(size=192, count=(2, 7), radius=(0.06, 0.3), shading=50, noise=4),
    SceneOptions(size=256, count=(1, 7), radius=(0.05, 0.28), rotated=True, noise=2),
    SceneOptions(size=128, count=(2, 5), colour_is_clue=True, noise=2),
)

SHAPES = Recipe(
    name="shapes",
    title="Circles and rectangles",
    summary="Finds circles and rectangles of any colour; trained on drawings made at random.",
    article="U-Net from scratch (network 1)",
    network="ShapesUNet",
    options={"in_channels": 3, "out_channels": 3, "width": 16},
    task=tasks.SHAPES,
    normalisation=Normalisation((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
    # A mirrored border makes kinds of shape that there are not: with 32 px mIoU falls to 0.94.
    margin=0,
    data="shapes",
    scenes=SHAPES_SCENES,
    batch=12,
    # The article trains on one picture for ten steps; this one is for scenes never seen before.
    fit=FitOptions(
        steps=2500,
        optimiser="AdamW",
        rate=2e-3,
        weight_decay=1e-4,
        loss="both",
        schedule="cosine",
        warm_up=100,
        clip_norm=1.0,
        ema=0.998,
        epoch=250,
        precision="bfloat16",
    ),
    choose_by="mIoU",
    licence="MIT; the pictures are drawn by the program",
    credit="",
    data_note=(
        "scenes drawn at random by unet_demo/data/shapes.py: 1–7 shapes, any size, place and colour,"
        " some turned, some overlapping; a quarter of them in the article's own colours."
    ),
    scores_note="The scored scenes have a seed of their own; neither training nor choosing saw them.",
    limits=(
        "Anything that is not a filled circle or rectangle, photographs above all. A shape of which"
        " little is to be seen, behind another or past the border, may be taken for the other kind,"
        " and a square that is small for a circle."
    ),
)

ISBI = Recipe(
    name="isbi",
    title="Cell membranes (ISBI 2012)",
    summary="Finds the membranes between cells in electron-microscopy slices of a fly's nerve cord.",
    article="PyTorch U-Net (network 0)",
    network="IsbiUNet",
    options={"in_channels": 1, "out_channels": 1, "width": 32},
    task=tasks.ISBI,
    normalisation=Normalisation((0.5,), (0.5,)),
    # Tissue goes on behind the border: with the mirror V_rand is 0.982, without it 0.981.
    margin=32,
    data="isbi",
    warp=Warp(256, rotation=180, scale=(0.75, 1.33), elastic=10),
    light=Light(),
    batch=4,
    # The article: flips, BCE, Adam at a constant 1e-3, 100 epochs. Rotation, scale and elastic
    # deformation, Dice, the cosine and the averaged weights each raised V_rand in others' hands.
    fit=FitOptions(
        steps=4500,
        optimiser="AdamW",
        rate=1e-3,
        weight_decay=1e-2,
        loss="both",
        schedule="cosine",
        warm_up=200,
        clip_norm=1.0,
        ema=0.998,
        epoch=300,
        precision="bfloat16",
    ),
    choose_by="V_rand",
    licence="Weights for research use, as the challenge's terms for its data",
    credit=(
        "ISBI Challenge 2012: Cardona et al. 2010 (data), Arganda-Carreras et al. 2015 (challenge)."
    ),
    data_note=(
        "25 of the 30 labelled frames of the ISBI 2012 challenge, 512×512: frames 0–20 train,"
        " 21–24 choose the epoch and the threshold. Neighbouring slices look alike, so the split"
        " is by position in the stack, not at random as in the article."
    ),
    scores_note=(
        "V_rand and V_info follow the challenge: watershed thinning, each at its best threshold."
        " The frames also chose the epoch and the threshold, so expect a little less on new slices."
        " Accuracy says little here: calling everything cell interior reaches 0.78."
    ),
    limits=(
        "Tissue, resolution or stain other than the challenge's (4×4 nm pixels, 50 nm sections of a"
        " fly larva's nerve cord); membranes cut at a slant, which leave gaps; the rims of"
        " mitochondria and vesicles, which it sometimes takes for membranes."
    ),
)

ISBI_ELASTIC = replace(
    ISBI,
    name="isbi-elastic",
    title="Cell membranes, with elastic deformation",
    article="What is U-Net? (network 2)",
    network="ClassicUNet",
    options={"in_channels": 1, "out_channels": 1, "width": 32},
    warp=Warp(256, rotation=180, scale=(0.65, 1.3), elastic=10),
    fit=replace(ISBI.fit, steps=3200),
    teacher="isbi",
)

IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

VOC = Recipe(
    name="voc",
    title="Everyday objects (Pascal VOC)",
    summary="Finds people, animals, vehicles and furniture, 20 classes in all, in photographs.",
    article="VOC final project, original U-Net (network 3)",
    network="VocUNet",
    options={"in_channels": 3, "out_channels": 22, "width": 24},
    task=tasks.VOC,
    normalisation=IMAGENET,
    margin=0,
    side=160,
    symmetry="mirror",
    scales=(0.8, 1.0, 1.25),
    data="voc",
    # Larger than the crop on the whole: where a photo is smaller, the rest of the crop is wasted.
    photo=PhotoAugment(128, scale=(0.9, 1.8)),
    growth=((0, 64), (7000, 96), (11000, 128)),
    batch=16,
    fit=FitOptions(
        steps=13000,
        optimiser="AdamW",
        rate=1.5e-3,
        weight_decay=5e-2,
        loss="both",
        schedule="cosine",
        warm_up=400,
        clip_norm=1.0,
        ema=0.999,
        epoch=1000,
        precision="bfloat16",
    ),
    choose_by="",
    licence="Weights for research use, as the terms of Pascal VOC's photos",
    credit="Pascal VOC 2012: Everingham et al. 2010; SBD labels: Hariharan et al. 2011.",
    data_note="",
    scores_note="",
    limits="",
)

VOC_RESNET50 = replace(
    VOC,
    name="voc-resnet50",
    title="Everyday objects, residual encoder",
    article="VOC final project, ResNet-50-style encoder (network 3)",
    network="ResNetUNet",
    options={"in_channels": 3, "out_channels": 22, "width": 32},
)

VOC_COLOUR = replace(
    VOC,
    name="voc-color",
    title="Everyday objects, painted as colours",
    article="UNet in PyTorch (network 4)",
    network="StridedUNet",
    options={"in_channels": 3, "out_channels": 3, "width": 16},
    task=tasks.VOC_COLOUR,
    growth=((0, 64), (5000, 96), (8000, 128)),
    # The article's loss; the nearest palette colour is the class.
    fit=replace(VOC.fit, steps=9000, loss="cross-entropy"),
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for recipe in (SHAPES, ISBI, ISBI_ELASTIC, VOC, VOC_RESNET50, VOC_COLOUR)
}
