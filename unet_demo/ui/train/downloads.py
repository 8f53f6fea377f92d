"""What a person takes along from a run, and the picture that they draw for it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...checkpoints import save_checkpoint
from ...live.experiment import watched_scenes
from ...live.files import write_animation, write_curve, write_losses
from ...live.run import LiveRun
from ...live.settings import LiveSettings
from ...render import colour_mask
from ...saving import replacing
from ...training.published_losses import PUBLISHED
from ..components.brush import brush_value, painted
from ..html import png_url


@dataclass(frozen=True)
class RunFile:
    """A file that a person can take along: its name, and how it is written."""

    name: str
    _write: Callable[[LiveRun, Path], None]

    def write(self, run: LiveRun, path: Path) -> None:
        """Write it as a whole. Raises OSError."""
        with replacing(path) as file:
            self._write(run, file)


def checkpoint_file(run: LiveRun, path: Path) -> None:
    """Write the network, as the Segment page and the command line open it."""
    checkpoint = run.checkpoint()
    save_checkpoint(path, checkpoint.network, checkpoint.card)


def losses_file(run: LiveRun, path: Path) -> None:
    """Write the losses, a row a step."""
    write_losses(path, run.snapshot())


def animation_file(run: LiveRun, path: Path) -> None:
    """Write the run as a GIF."""
    write_animation(path, run, title_of(run.settings))


def curve_file(run: LiveRun, path: Path) -> None:
    """Write the losses as a picture, with the article's own behind those of its preset."""
    published = None if run.settings.scenes else PUBLISHED
    write_curve(path, run.snapshot(), title_of(run.settings), published)


FILES: dict[str, RunFile] = {
    "checkpoint": RunFile("live-shapes.safetensors", checkpoint_file),
    "losses": RunFile("losses.csv", losses_file),
    "animation": RunFile("run.gif", animation_file),
    "curve": RunFile("curve.png", curve_file),
}


def title_of(settings: LiveSettings) -> str:
    """Return a heading for pictures of a run."""
    return f"{settings.network}, width {settings.width}"


def drawing_ground(settings: LiveSettings) -> dict[str, Any]:
    """Draw a scene to draw on; returns the brush's value."""
    return brush_value(watched_scenes(settings).images[0])


def segment_drawing(run: LiveRun, drawing: dict[str, Any]) -> str:
    """Segment the brush's value at the size that the network knows; returns the mask as ``data:image/png``.

    Raises ValueError for what no brush sends, LiveError where the run has no network at rest.
    """
    prediction = run.predict(painted(drawing, run.settings.size)[None])
    return png_url(colour_mask(prediction.labels()[0], prediction.task.palette))
