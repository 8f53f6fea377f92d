"""A recorded run, which plays on the page before the visitor's first one.

``python -m unet_demo.ui.train.recording`` trains it again and writes its file.
"""

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...live.experiment import SHOWN, task_of, watched_scenes
from ...live.run import LiveRun, Validation
from ...live.settings import LOCAL, PRESETS, LiveSettings, flatten
from ...render import WRONG_COLOUR
from ...tasks import RGB
from ..components.chart import Curve, chart_value
from .controls import FIRST_PRESET

FILE = Path(__file__).with_name("recording.npz")
FRAMES = 20
"""Pictures of a recording, after equally many steps each; there is one more, before the first step."""


@dataclass(frozen=True, eq=False)
class Recording:
    """A run: losses (steps,), validations (n, 2) of step and loss, and label ids (frames, SHOWN, H, W)."""

    settings: dict[str, Any]
    losses: np.ndarray
    smoothed: np.ndarray
    validations: np.ndarray
    masks: np.ndarray

    def save(self, path: Path = FILE) -> None:
        """Write the file; settings as JSON."""
        np.savez_compressed(
            path,
            settings=json.dumps(self.settings),
            losses=self.losses,
            smoothed=self.smoothed,
            validations=self.validations,
            masks=self.masks,
        )


def load(path: Path = FILE) -> Recording:
    """Read the file."""
    with np.load(path) as arrays:
        settings = json.loads(str(arrays["settings"]))
        rest = {name: arrays[name] for name in arrays.files if name != "settings"}
    return Recording(settings, **rest)


def record(settings: LiveSettings = PRESETS[FIRST_PRESET], frames: int = FRAMES) -> Recording:
    """Train, and keep the chart's lines and the masks of the scenes that are shown."""
    run = LiveRun(settings, LOCAL)
    validations: list[Validation] = []
    for _ in range(frames):
        *_, last = run.play(settings.steps // frames)
        assert last.validation
        validations.append(last.validation)
    every = [run.reel.validations[0], *validations]
    return Recording(
        json.loads(json.dumps(flatten(settings))),
        np.array(last.losses, np.float32),
        np.array(last.smoothed, np.float32),
        np.array([(one.step, one.loss) for one in every[1:]], np.float32),
        np.stack([one.prediction for one in every]),
    )


@cache
def plays() -> dict[str, Any]:
    """Return the value of the component "recording", JSON-able: `recording.js` plays it.

    ``run``: as in a `chart_value`; ``frames``: for each mask and its errors, PNGs as data URLs.
    """
    recorded = load()
    settings = PRESETS[FIRST_PRESET]
    palette, truth = task_of(settings).palette, watched_scenes(settings).labels[:SHOWN]
    steps, losses = recorded.validations.T.tolist()
    run = Curve(
        "",
        range(1, len(recorded.losses) + 1),
        recorded.losses.tolist(),
        recorded.smoothed.tolist(),
        steps,
        losses,
        live=True,
    )
    frames = [
        [
            {"prediction": indexed(ids, palette), "errors": indexed(ids != true, WRONG, clear=0)}
            for ids, true in zip(masks, truth, strict=True)
        ]
        for masks in recorded.masks
    ]
    return {"run": chart_value([run])["runs"][0], "frames": frames}


def recorded_for(settings: LiveSettings) -> dict[str, Any] | None:
    """Return what plays before a run with these settings: nothing, unless they are the recorded ones."""
    return plays() if settings == PRESETS[FIRST_PRESET] else None


WRONG = ((0, 0, 0), WRONG_COLOUR)


def indexed(ids: np.ndarray, palette: Sequence[RGB], clear: int | None = None) -> str:
    """Encode ids (H, W) in a palette's colours as ``data:image/png``; the id ``clear`` is transparent."""
    image = Image.fromarray(ids.astype(np.uint8), "P")
    image.putpalette([channel for colour in palette for channel in colour])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, transparency=clear)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


if __name__ == "__main__":
    record().save()
