"""The settings of a live training, and their limits.

CONTROLS declares each setting once: its field, its bounds, its name in an address and in a message.
The page's components, the address and the checks follow from it.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..data.shapes import ARTICLE_SIZE, VALIDATION_SEED, SceneOptions
from ..environment import SPACE_VARIABLE
from ..messages import LONGEST, Sentence, in_full, sentence, shortened
from ..networks import NETWORKS
from ..networks.base import GRID
from ..tasks import LOSSES
from ..training.loop import OPTIMISERS
from ..training.recipe import INITIALISATIONS
from ..training.recipes import AS_PUBLISHED

LIVE_SCHEDULES = ("constant", "cosine")
"""The loop's other schedules need settings or validations that a live run does not have."""


class SettingsError(ValueError):
    """One plain sentence: which setting is wrong, why, and what to choose."""


@dataclass(frozen=True)
class LiveSettings:
    """All that a run depends on; ``scenes`` is None for the article's own picture.

    ``initialisation``: one of INITIALISATIONS. ``clip``: largest magnitude of each value of the
    gradient; 0: no limit.
    """

    scenes: SceneOptions | None = None
    network: str = "ShapesUNet"
    width: int = 16
    skips: bool = True
    batch_norm: bool = True
    optimiser: str = "Adam"
    rate: float = 1e-3
    schedule: str = "constant"
    loss: str = "cross-entropy"
    initialisation: str = "He"
    clip: float = 0.0
    batch: int = 8
    steps: int = 300
    seed: int = 0

    @property
    def size(self) -> int:
        """Side of the pictures in px."""
        return self.scenes.size if self.scenes else ARTICLE_SIZE

    @property
    def network_options(self) -> dict[str, object]:
        """Arguments of the network's constructor."""
        channels = {"in_channels": 3, "out_channels": 3}
        return {
            **channels,
            "width": self.width,
            "skips": self.skips,
            "batch_norm": self.batch_norm,
        }

    @property
    def work(self) -> float:
        """Arithmetic of one step, relative to a step of the article's network on its one picture."""
        return (self.width / 64) ** 2 * (self.size / ARTICLE_SIZE) ** 2 * self.batch


@dataclass(frozen=True)
class Control:
    """One setting that a person can change; ``name`` is its name in addresses and texts.

    ``path``: its place in LiveSettings, field names and an index into a pair. ``words``: its name in
    a message. Its value is one of ``choices``; or a number from ``least`` to ``most`` (a number, or a
    field of Limits); or, without both, on or off. Sliders move by ``step``; a ``whole`` number must
    be a multiple of it.
    """

    name: str
    path: tuple[str | int, ...]
    words: Sentence | None = None
    choices: tuple[object, ...] = ()
    least: float | None = None
    most: float | str = 0
    step: float = 1
    whole: bool = False

    def range(self, limits: "Limits") -> tuple[float, float]:
        """Return the least and the greatest number under these limits."""
        assert self.least is not None
        return self.least, getattr(limits, self.most) if isinstance(self.most, str) else self.most

    def value(self, settings: LiveSettings) -> Any:
        """Return the setting's value; for the article's picture, a scene's setting has its default."""
        value: Any = settings if settings.scenes else replace(settings, scenes=SceneOptions())
        for key in self.path:
            value = value[key] if isinstance(key, int) else getattr(value, key)
        return value


CONTROLS: dict[str, Control] = {
    control.name: control
    for control in (
        Control("network", ("network",), sentence("network"), tuple(NETWORKS)),
        Control("width", ("width",), sentence("width"), (8, 16, 32, 64)),
        Control("skips", ("skips",)),
        Control("batch_norm", ("batch_norm",)),
        Control("optimiser", ("optimiser",), sentence("optimiser"), OPTIMISERS),
        Control("loss", ("loss",), sentence("loss"), LOSSES),
        Control("schedule", ("schedule",), sentence("schedule"), LIVE_SCHEDULES),
        Control("rate", ("rate",), sentence("learning rate"), least=1e-5, most=1e3, step=0.25),
        Control("steps", ("steps",), sentence("number of steps"), least=1, most="steps", whole=True),
        Control("batch", ("batch",), sentence("batch"), least=1, most="batch", whole=True),
        Control(
            "initialisation", ("initialisation",), sentence("initialisation"),
            tuple(INITIALISATIONS),
        ),
        Control("clip", ("clip",), sentence("gradient clipping"), least=0, most=1, step=0.05),
        Control("seed", ("seed",), sentence("seed"), least=0, most=VALIDATION_SEED - 1, whole=True),
        Control(
            "count_least", ("scenes", "count", 0), sentence("least number of shapes"),
            least=1, most=8, whole=True,
        ),
        Control(
            "count_most", ("scenes", "count", 1), sentence("greatest number of shapes"),
            least=1, most=8, whole=True,
        ),
        Control(
            "radius_least", ("scenes", "radius", 0), sentence("least size of the shapes"),
            least=0.04, most=0.4, step=0.01,
        ),
        Control(
            "radius_most", ("scenes", "radius", 1), sentence("greatest size of the shapes"),
            least=0.04, most=0.4, step=0.01,
        ),
        Control(
            "size", ("scenes", "size"), sentence("picture size"), least=64, most="size", step=GRID,
            whole=True,
        ),
        Control("noise", ("scenes", "noise"), sentence("noise"), least=0, most=80),
        Control("blur", ("scenes", "blur"), sentence("blur"), least=0, most=4, step=0.25),
        Control("clue", ("scenes", "colour_is_clue")),
        Control("overlap", ("scenes", "overlap")),
        Control("rotated", ("scenes", "rotated")),
    )
}  # fmt: skip
"""In the order of the page. The rate's slider shows its power of ten, in steps of ``step``."""

RANGES = {"count_most": "count_least", "radius_most": "radius_least"}
"""Setting → the setting that is its lower bound."""


SCENES = SceneOptions(colour_is_clue=True)


def article(
    name: str, width: int, steps: int, scenes: SceneOptions | None = SCENES
) -> LiveSettings:
    """Return an article's own training, narrower than its own width of 64, and on drawn scenes.

    ``name``: a key of AS_PUBLISHED. Article 2's plateau schedule would not lower the rate in a
    short run, nor do its two classes, membrane and cell, occur in scenes.
    """
    recipe = AS_PUBLISHED[name]
    return LiveSettings(
        scenes,
        network=recipe.card.network,
        width=width,
        optimiser=recipe.fit.optimiser,
        rate=recipe.fit.rate,
        loss=recipe.fit.loss,
        initialisation=recipe.initialisation,
        clip=recipe.fit.clip_value,
        batch=recipe.batch,
        steps=steps,
    )


PRESETS: dict[str, LiveSettings] = {
    "random": LiveSettings(SCENES, steps=200),
    "no-clue": LiveSettings(SceneOptions(), rate=2e-3, schedule="cosine", loss="both", steps=400),
    "noisy": LiveSettings(replace(SCENES, noise=60, blur=1), steps=400),
    # What a shape is shows in its colour; where it is shows above the bottom of the U alone.
    "why-skips": LiveSettings(
        replace(SCENES, size=96, count=(6, 8), radius=(0.05, 0.1)), width=8, batch=4, steps=150
    ),
    "article-isbi": article("isbi", 16, 150),
    "article": article("shapes", 64, 10, None),
    "article-isbi-elastic": article("isbi-elastic", 16, 140),
    "article-voc": article("voc", 8, 100),
    "article-voc-resnet50": article("voc-resnet50", 16, 80),
    "article-voc-color": article("voc-color", 8, 100),
}
"""Settings to start from, by name: ours, and each article's own, as far as it can be trained live."""


@dataclass(frozen=True)
class Limits:
    """The most that a run may ask for: steps, seconds of training, side in px, pictures in a batch.

    ``work`` bounds LiveSettings.work: a step cannot be interrupted, so it bounds the wait after Stop.
    """

    steps: int
    seconds: float
    size: int
    batch: int
    work: float

    def check(self, settings: LiveSettings) -> None:
        """Raise SettingsError for the first setting that is unknown or out of bounds."""
        for control in CONTROLS.values():
            if settings.scenes or control.path[0] != "scenes":
                self._check(control, settings)
        if settings.work > self.work:
            raise SettingsError(
                sentence(
                    "One step of these settings is {work:.3g} times the article's work, and"
                    " {most:g} is the most here; choose a smaller width, picture or batch.",
                    work=settings.work, most=self.work,
                )
            )  # fmt: skip

    def _check(self, control: Control, settings: LiveSettings) -> None:
        value = control.value(settings)
        if control.choices:
            _check_choice(control.words, value, control.choices)
        elif control.least is not None:
            least, most = control.range(self)
            if control.name in RANGES:
                least = CONTROLS[RANGES[control.name]].value(settings)
            _check_range(control.words, value, least, most)
            if control.whole and value % control.step:
                raise SettingsError(
                    sentence(
                        "The {what} is {given}; choose a multiple of {step}.",
                        what=control.words, given=in_full(value), step=control.step,
                    )
                )  # fmt: skip


LOCAL = Limits(steps=5000, seconds=1800, size=256, batch=32, work=4)
SPACE = Limits(steps=2000, seconds=30, size=256, batch=16, work=1)
"""On a Hugging Face Space many people share one machine."""


def current_limits() -> Limits:
    """Return SPACE where the environment has a SPACE_ID, else LOCAL."""
    return SPACE if os.environ.get(SPACE_VARIABLE) else LOCAL


def _check_choice(what: Sentence | None, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise SettingsError(
            sentence(
                "There is no {what} {given!r}; choose one of {known}.",
                what=what, known=", ".join(str(choice) for choice in choices),
                given=shortened(text) if len(text := str(value)) > LONGEST else value,
            )
        )  # fmt: skip


def _check_range(what: Sentence | None, value: float, least: float, most: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise SettingsError(
            sentence(
                "The {what} is {given}; choose one from {least} to {most}.",
                what=what, given=shortened(in_full(value) if number else repr(value)),
                least=in_full(least), most=in_full(most),
            )
        )  # fmt: skip


def differing_fields(settings: Sequence[LiveSettings]) -> tuple[str, ...]:
    """Return the names of the fields that all settings have, but with different values; see :func:`flatten`."""
    flat = [flatten(one) for one in settings]
    shared = [name for name in flat[0] if all(name in one for one in flat)] if flat else []
    return tuple(name for name in shared if any(one[name] != flat[0][name] for one in flat))


def flatten(settings: LiveSettings) -> dict[str, object]:
    """Return field → value: a scene's fields as ``scenes.NAME``, and "article" or "scenes" as ``data``."""
    values: dict[str, object] = {"data": "scenes" if settings.scenes else "article"}
    for name, value in asdict(settings).items():
        if name != "scenes":
            values[name] = value
    for name, value in asdict(settings.scenes).items() if settings.scenes else ():
        values[f"scenes.{name}"] = value
    return values


def with_changes(preset: str, **changes: Any) -> LiveSettings:
    """Return a preset with some of its fields changed; None keeps the preset's value.

    Raises SettingsError for an unknown preset.
    """
    _check_choice(sentence("preset"), preset, tuple(PRESETS))
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(PRESETS[preset], **given)
