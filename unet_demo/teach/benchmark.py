"""Measures what strokes teach in half a minute of two cores: this program's network against a random forest.

On the five examples, whose strokes and ground truth are fixed; every score is of the whole picture.
"""

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..checkpoints import find_checkpoint
from ..evaluation.evaluate import class_scores
from ..metrics import confusion_matrix
from .examples import EXAMPLES, Taught, load
from .forest import segment_by_forest
from .lesson import Lesson
from .settings import LOCAL, TeachSettings

SECONDS = 30
"""Of a lesson, by the clock: how much it learns says something only where the machine is quiet."""

PRESSES = 50
"""Of the button that starts and pauses, for the memory."""


@dataclass(frozen=True)
class Learned:
    """What a lesson came to.

    ``first_seconds``: until the first prediction after a step; ``looks``: predictions a second;
    ``cores``: how many it had to itself, on the mean.
    """

    steps: int
    miou: float
    first_seconds: float
    looks: float
    cores: float


@dataclass(frozen=True)
class Comparison:
    """An example; ``painted``: share of its pixels; ``tuned``: the lesson that began with ``start``, if any."""

    name: str
    painted: float
    forest_miou: float
    random: Learned
    start: str
    tuned: Learned | None


def compare(device: str | None = None, seconds: float = SECONDS) -> Iterator[Comparison]:
    """Teach each example to a forest, to random weights and to the checkpoint that knows its kind.

    Raises TeachError where scikit-learn is missing.
    """
    for name, example in EXAMPLES.items():
        taught = load(name)
        forest = segment_by_forest(taught.picture.slices, taught.labels)
        yield Comparison(
            name,
            float((taught.labels != 255).mean()),
            miou(forest, taught),
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
    begun, worked = time.perf_counter(), time.process_time()
    lesson = Lesson(taught.picture, taught.labels, settings, LOCAL, device=device)
    seen: dict[int, float] = {}
    for snapshot in lesson.play():
        used = time.perf_counter() - begun
        if snapshot.validation and snapshot.validation.step:
            seen.setdefault(snapshot.validation.step, used)
        if used >= seconds:
            lesson.pause()
    cores = (time.process_time() - worked) / used
    score = miou(lesson.predict_all().labels(), taught)
    return Learned(snapshot.step, score, min(seen.values()), len(seen) / used, cores)


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
