"""Measures what strokes teach in half a minute: this program's network against a random forest.

On the five examples, whose strokes and ground truth are fixed; every score is of the whole picture.
"""

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..checkpoints import find_checkpoint
from ..evaluation.evaluate import class_scores
from ..metrics import confusion_matrix
from .examples import EXAMPLES, Taught, load
from .forest import segment_by_forest
from .lesson import Lesson
from .settings import LOCAL, TeachSettings

SECONDS = 30
"""Of training, for each network."""

PRESSES = 50
"""Of the button that starts and pauses, for the memory."""


@dataclass(frozen=True)
class Learned:
    """What a lesson came to: steps, mIoU (0..1), seconds from its start to the first prediction after a step."""

    steps: int
    miou: float
    first_seconds: float


@dataclass(frozen=True)
class Comparison:
    """An example; ``painted``: share of its pixels; ``tuned``: the lesson that began with ``start``, if any."""

    name: str
    painted: float
    forest_miou: float
    forest_seconds: float
    random: Learned
    start: str
    tuned: Learned | None


def compare(device: str | None = None, seconds: float = SECONDS) -> Iterator[Comparison]:
    """Teach each example to a forest, to random weights and to the checkpoint that knows its kind.

    Raises TeachError where scikit-learn is missing.
    """
    for name, example in EXAMPLES.items():
        taught = load(name)
        begun = time.perf_counter()
        forest = segment_by_forest(taught.picture.slices, taught.labels)
        forest_seconds = time.perf_counter() - begun
        yield Comparison(
            name,
            float((taught.labels != 255).mean()),
            miou(forest, taught),
            forest_seconds,
            learn(taught, TeachSettings(taught.task), seconds, device),
            example.start,
            learn(taught, start_of(taught, example.start), seconds, device)
            if example.start
            else None,
        )


def start_of(taught: Taught, start: str) -> TeachSettings:
    """Return settings that begin with a bundled checkpoint."""
    return TeachSettings(taught.task, find_checkpoint(start))


def learn(
    taught: Taught, settings: TeachSettings, seconds: float, device: str | None = None
) -> Learned:
    """Train for so many seconds, as the page does, and segment all slices."""
    begun, first = time.perf_counter(), 0.0
    lesson = Lesson(
        taught.picture, taught.labels, settings, replace(LOCAL, seconds=seconds), device=device
    )
    for snapshot in lesson.play():
        if not first and snapshot.validation and snapshot.validation.step:
            first = time.perf_counter() - begun
    labels = lesson.predict_all().labels()
    return Learned(snapshot.step, miou(labels, taught), first)


def miou(labels: np.ndarray, taught: Taught) -> float:
    """Score ids uint8 (N, H, W) of a whole picture."""
    classes = taught.task.classes
    return class_scores(confusion_matrix(taught.truth, labels, len(classes)), classes)["mIoU"]


def memory_of_presses(device: str | None = None, presses: int = PRESSES) -> list[int]:
    """Start and pause a lesson again and again; return the bytes in memory after each press."""
    taught = load("coins")
    lesson = Lesson(taught.picture, taught.labels, TeachSettings(taught.task), device=device)
    used = []
    for _ in range(presses):
        for _ in lesson.play(2):
            pass
        gc.collect()
        used.append(resident_bytes())
    return used


def resident_bytes() -> int:
    """Return this process's memory. Linux only."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * 4096
