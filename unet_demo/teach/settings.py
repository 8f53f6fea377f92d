"""How a lesson learns, and how much it may take."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from ..data.augment import Light, Warp
from ..data.images import Picture
from ..environment import SPACE_VARIABLE
from ..live.play import RUN_ERRORS
from ..messages import sentence
from ..segmentation import EXPECTED_ERRORS
from ..tasks import MulticlassTask
from ..training.loop import FitOptions
from .strokes import TeachError, task_of

TEACH_ERRORS = (*RUN_ERRORS, *EXPECTED_ERRORS)
"""Errors of a lesson that a person asked for; each message is one plain sentence."""

LEAST_SIDE = 32
"""Px of the shorter side of a picture, at least."""


@dataclass(frozen=True)
class TeachSettings:
    """All that a lesson depends on beside picture and strokes.

    ``start``: the file of a checkpoint to go on from, or None for random weights. ``width``: channels
    of the first level, where it starts from random weights. ``crop``: side in px, ``batch``: crops.
    """

    task: MulticlassTask = field(default_factory=lambda: task_of(("background", "object")))
    start: Path | None = None
    width: int = 16
    crop: int = 64
    patches: int = 3
    batch: int = 8
    rate: float = 2e-3
    ema: float = 0.98
    seed: int = 0

    @property
    def warp(self) -> Warp:
        """How crops are turned, mirrored, resized and bent."""
        return Warp(self.crop, elastic=0)

    @property
    def light(self) -> Light:
        """How the light of crops is changed: little, since it is that of one picture."""
        return Light(contrast=0.08, brightness=0.04, gamma=0.08, noise=0.03)

    def fit_options(self, steps: int) -> FitOptions:
        """Return the arguments of the training loop; the lesson validates by itself."""
        return FitOptions(
            steps=steps,
            optimiser="AdamW",
            rate=self.rate,
            weight_decay=1e-2,
            loss="cross-entropy",
            ema=self.ema,
            ema_grows=True,
            precision="fastest",
            validate_every=steps,
            seed=self.seed,
        )


@dataclass(frozen=True)
class TeachLimits:
    """The most that a lesson may take: steps; seconds of training, in all and at once; pixels.

    ``side``: longest side in px at which pictures are learned; larger ones are reduced to it.
    ``pixels``: of all slices.
    """

    steps: int
    seconds: float
    at_once: float
    side: int
    pixels: int

    def check(self, picture: Picture) -> None:
        """Raise TeachError for a picture that is too small or too large."""
        count, height, width, _ = picture.slices.shape
        if min(height, width) < LEAST_SIDE:
            raise TeachError(
                sentence(
                    "The picture is {width}×{height}, and a network learns nothing from so few pixels;"
                    " give one of {least}×{least} at least.",
                    width=width, height=height, least=LEAST_SIDE,
                )
            )  # fmt: skip
        if count * height * width > self.pixels:
            raise TeachError(
                sentence(
                    "The picture has {pixels:.0f} million pixels, and {most:.0f} million are the most"
                    " that is taught here; give a part of it.",
                    pixels=count * height * width / 1e6, most=self.pixels / 1e6,
                )
            )  # fmt: skip


LOCAL = TeachLimits(steps=50_000, seconds=1800, at_once=1800, side=1024, pixels=100_000_000)
SPACE = TeachLimits(steps=20_000, seconds=300, at_once=30, side=512, pixels=20_000_000)
"""On a Hugging Face Space many people share one machine."""


def current_limits() -> TeachLimits:
    """Return SPACE where the environment has a SPACE_ID, else LOCAL."""
    return SPACE if os.environ.get(SPACE_VARIABLE) else LOCAL
