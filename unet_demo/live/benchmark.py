"""Measures what the preset "Why skips?" is there to show: runs that differ in their skips alone."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from .run import LiveRun, Snapshot
from .settings import LOCAL, PRESETS, LiveSettings

SEEDS = 10
NEAR = 2
"""Distance in px within which a pixel counts as one of an outline."""


@dataclass(frozen=True)
class Reached:
    """What a run came to on the pictures that it is watched by, each 0..1, and its seconds of CPU time.

    ``outlines``: share of the pixels within NEAR px of a true outline that are right.
    """

    miou: float
    outlines: float
    seconds: float


@dataclass(frozen=True)
class SkipsPair:
    """Two runs from one seed, equal but for their skips."""

    seed: int
    skips: Reached
    none: Reached


def compare_skips(
    settings: LiveSettings = PRESETS["why-skips"],
    seeds: int = SEEDS,
    device: str | None = None,
) -> Iterator[SkipsPair]:
    """Train with skips and without from each seed; yield each pair as it is done."""
    for seed in range(seeds):
        pair = [train(replace(settings, seed=seed, skips=skips), device) for skips in (True, False)]
        yield SkipsPair(seed, *pair)


def train(settings: LiveSettings, device: str | None) -> Reached:
    """Train as the page does, to the end."""
    begun = time.process_time()
    *_, last = LiveRun(settings, LOCAL, device).play()
    assert last.validation
    return Reached(last.validation.miou, outline_accuracy(last), time.process_time() - begun)


def outline_accuracy(snapshot: Snapshot) -> float:
    """Return the share of right pixels near a true outline, of the pictures that are shown."""
    _, truth, prediction = snapshot.shown
    assert prediction is not None
    window = (1, 2 * NEAR + 1, 2 * NEAR + 1)
    least = ndimage.minimum_filter(truth, window, mode="nearest")
    near = ndimage.maximum_filter(truth, window, mode="nearest") != least
    return float(np.mean(truth[near] == prediction[near]))
