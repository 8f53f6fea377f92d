"""What a recipe is: all that leads from data to a bundled checkpoint, as one frozen dataclass."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from ..checkpoints import Card
from ..data.augment_settings import ArticleAugmentation, Light, PhotoAugment, Warp
from ..data.shapes import SceneOptions
from ..evaluation import Scores
from ..tasks import Task
from .loop import FitOptions
from .scene_batches import Normalisation


@dataclass(frozen=True)
class Recipe:
    """One checkpoint's way from data to weights. ``data`` names the experiment that prepares it.

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
    article_augmentation: ArticleAugmentation | None = None
    """Article 2's, instead of warp and light."""
    weight_map: bool = False
    """Weigh the cross-entropy of cells by the U-Net paper's map."""
    photo: PhotoAugment = field(default_factory=lambda: PhotoAugment(128))
    growth: tuple[tuple[int, int], ...] = ()
    """(first step, crop's side): small crops at first show more photos in the same time."""
    framing: str = ""
    """How the articles fit a photo into a square, one of FRAMINGS, instead of the crops of photo."""
    taught: Task | None = None
    """The task that is taught where it isn't the one that is scored: its last class is void."""

    @property
    def commands(self) -> tuple[str, str]:
        """What to type to train the checkpoint again, and to bundle it."""
        data = "" if self.data == "shapes" else " --data DIR"
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
