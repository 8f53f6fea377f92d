"""What a person can set for a live training, and how far. Light: the page is laid out before torch is there."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..constants import VALIDATION_SEED
from ..data.shapes import ARTICLE_SIZE, SceneOptions
from ..environment import SPACE_VARIABLE
from ..messages import LONGEST, in_full, sentence, shortened
from ..networks import NETWORKS
from ..networks.base import GRID
from ..tasks import LOSSES
from ..training.loop import OPTIMISERS

WIDTHS = (8, 16, 32, 64)
RATES = (1e-5, 1e3)
SMALLEST_SIZE = 64

BOUNDS: dict[str, tuple[float, float]] = {
    "count": (1, 8),
    "radius": (0.04, 0.4),
    "noise": (0, 80),
    "blur": (0, 4),
}
"""The least and the greatest that a scene may have of each, whatever the machine."""

LIVE_SCHEDULES = ("constant", "cosine")
"""The loop's other ones wait for settings or validations that a live run has not."""


WORDS = {
    "preset": sentence("preset"),
    "network": sentence("network"),
    "width": sentence("width"),
    "optimiser": sentence("optimiser"),
    "schedule": sentence("schedule"),
    "loss": sentence("loss"),
    "rate": sentence("learning rate"),
    "steps": sentence("number of steps"),
    "batch": sentence("batch"),
    "seed": sentence("seed"),
    "size": sentence("picture size"),
    "count_least": sentence("least number of shapes"),
    "count_most": sentence("greatest number of shapes"),
    "radius_least": sentence("least size of the shapes"),
    "radius_most": sentence("greatest size of the shapes"),
    "noise": sentence("noise"),
    "blur": sentence("blur"),
}
"""The settings that a sentence may have to name."""


class SettingsError(ValueError):
    """One plain sentence: which setting, why not, what to choose."""


@dataclass(frozen=True)
class LiveSettings:
    """All that a run depends on. ``scenes`` is None for the article's own picture."""

    scenes: SceneOptions | None = None
    network: str = "ShapesUNet"
    width: int = 16
    skips: bool = True
    batch_norm: bool = True
    optimiser: str = "Adam"
    rate: float = 1e-3
    schedule: str = "constant"
    loss: str = "cross-entropy"
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
        """Arithmetic of one step, in steps of the article's own network on its one picture."""
        return (self.width / 64) ** 2 * (self.size / ARTICLE_SIZE) ** 2 * self.batch


PRESETS: dict[str, LiveSettings] = {
    "article": LiveSettings(width=64, batch=1, steps=10),
    "random": LiveSettings(SceneOptions(colour_is_clue=True), steps=200),
    "no-clue": LiveSettings(SceneOptions(), rate=2e-3, schedule="cosine", loss="both", steps=400),
    "noisy": LiveSettings(SceneOptions(colour_is_clue=True, noise=60, blur=1), steps=400),
}
"""Where a person may start from, by name."""


@dataclass(frozen=True)
class Limits:
    """The most that a run may ask for: steps, seconds of training, px a side, pictures a batch, work a step.

    ``work`` is in steps of the article's run; a step cannot be interrupted, so it bounds how long
    Stop may take.
    """

    steps: int
    seconds: float
    size: int
    batch: int
    work: float

    def check(self, settings: LiveSettings) -> None:
        """Raise SettingsError for the first setting that is unknown or out of bounds."""
        _check_choice("network", settings.network, tuple(NETWORKS))
        _check_choice("width", settings.width, WIDTHS)
        _check_choice("optimiser", settings.optimiser, OPTIMISERS)
        _check_choice("schedule", settings.schedule, LIVE_SCHEDULES)
        _check_choice("loss", settings.loss, LOSSES)
        _check_range("rate", settings.rate, *RATES)
        _check_range("steps", settings.steps, 1, self.steps)
        _check_range("batch", settings.batch, 1, self.batch)
        _check_range("seed", settings.seed, 0, VALIDATION_SEED - 1)
        if settings.scenes:
            _check_scenes(settings.scenes, self.size)
        if settings.work > self.work:
            raise SettingsError(
                sentence(
                    "One step of these settings is {work:.3g} times the article's work, and"
                    " {most:g} is the most here; choose a smaller width, picture or batch.",
                    work=settings.work, most=self.work,
                )
            )  # fmt: skip


LOCAL = Limits(steps=5000, seconds=1800, size=256, batch=32, work=4)
SPACE = Limits(steps=2000, seconds=30, size=256, batch=16, work=1)
"""On a Hugging Face Space many people share one machine."""


def current_limits() -> Limits:
    """SPACE where the environment has a SPACE_ID, else LOCAL."""
    return SPACE if os.environ.get(SPACE_VARIABLE) else LOCAL


def _check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        raise SettingsError(
            sentence(
                "There is no {what} {given!r}; choose one of {known}.",
                what=WORDS[name], known=", ".join(str(choice) for choice in choices),
                given=shortened(text) if len(text := str(value)) > LONGEST else value,
            )
        )  # fmt: skip


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SettingsError(
            sentence(
                "The {what} is {given}; choose one from {least} to {most}.",
                what=WORDS[name], given=shortened(in_full(value)), least=in_full(least),
                most=in_full(most),
            )
        )  # fmt: skip


def _check_scenes(scenes: SceneOptions, largest: int) -> None:
    _check_range("size", scenes.size, SMALLEST_SIZE, largest)
    if scenes.size % GRID:
        raise SettingsError(
            sentence(
                "The picture size is {size}; choose a multiple of {step}.",
                size=scenes.size, step=GRID,
            )
        )  # fmt: skip
    for name, (least, most) in (("count", scenes.count), ("radius", scenes.radius)):
        _check_range(f"{name}_least", least, *BOUNDS[name])
        _check_range(f"{name}_most", most, least, BOUNDS[name][1])
    _check_range("noise", scenes.noise, *BOUNDS["noise"])
    _check_range("blur", scenes.blur, *BOUNDS["blur"])


def differing_fields(settings: Sequence[LiveSettings]) -> tuple[str, ...]:
    """Names of the fields that all settings have and in which not all agree; see :func:`flatten`."""
    flat = [flatten(one) for one in settings]
    shared = [name for name in flat[0] if all(name in one for one in flat)] if flat else []
    return tuple(name for name in shared if any(one[name] != flat[0][name] for one in flat))


def flatten(settings: LiveSettings) -> dict[str, object]:
    """field → value; a scene's fields as ``scenes.NAME``; ``data`` is "article" or "scenes"."""
    values: dict[str, object] = {"data": "scenes" if settings.scenes else "article"}
    for name, value in asdict(settings).items():
        if name != "scenes":
            values[name] = value
    for name, value in asdict(settings.scenes).items() if settings.scenes else ():
        values[f"scenes.{name}"] = value
    return values


def with_changes(preset: str, **changes: Any) -> LiveSettings:
    """A preset with some of its fields changed; a change of None leaves the preset's.

    Raises SettingsError for a preset that there is not.
    """
    _check_choice("preset", preset, tuple(PRESETS))
    given = {name: value for name, value in changes.items() if value is not None}
    return replace(PRESETS[preset], **given)
