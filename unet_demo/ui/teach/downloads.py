"""What a person takes along from a lesson."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...checkpoints import save_checkpoint
from ...exports import EXPORTS
from ...inference import Prediction
from ...render import View
from ...teach.files import write_animation, write_strokes
from ..files import fresh_folder
from .session import Session

KEPT = 5
"""A visitor's checkpoints that are kept, for Segment to open again."""

Predict = Callable[[Session], Prediction]
"""Returns what the lesson makes of all slices, made if need be."""


@dataclass(frozen=True)
class LessonFile:
    """A file that a person can take along: how it is written; ``taught``: whether it needs a network."""

    write: Callable[[Session, Predict], Path]
    taught: bool = True


def checkpoint_file(session: Session, _: Predict) -> Path:
    """Write the network, as the Segment page and the command line open it."""
    assert session.run and session.paper
    checkpoint = session.run.checkpoint()
    path = session.file(f"{session.paper.picture.name}-taught.safetensors")
    used = sorted(path.parent.glob("*-taught.*"), key=lambda file: file.stat().st_mtime)
    for earlier in used[: 1 - KEPT]:
        earlier.unlink()
    save_checkpoint(path, checkpoint.network, checkpoint.card)
    return path


def prediction_file(kind: str) -> Callable[[Session, Predict], Path]:
    """Return what writes the masks of all slices, one of `exports.EXPORTS`."""

    def write(session: Session, predict: Predict) -> Path:
        assert session.paper
        return EXPORTS[kind](fresh_folder(), session.paper.picture, predict(session), View())

    return write


def strokes_file(session: Session, _: Predict) -> Path:
    """Write what is painted: label ids, 255 where nothing is."""
    assert session.paper and session.labels is not None
    return write_strokes(fresh_folder(), session.paper.picture.name, session.labels, session.task)


def animation_file(session: Session, _: Predict) -> Path:
    """Write the lesson as a GIF."""
    assert session.run and session.paper
    path = fresh_folder() / f"{session.paper.picture.name}-lesson.gif"
    write_animation(path, session.run, session.paper.picture.name)
    return path


FILES: dict[str, LessonFile] = {
    "checkpoint": LessonFile(checkpoint_file),
    "colours": LessonFile(prediction_file("colours")),
    "labels": LessonFile(prediction_file("labels")),
    "strokes": LessonFile(strokes_file, taught=False),
    "animation": LessonFile(animation_file),
}
