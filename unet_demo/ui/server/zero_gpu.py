"""ZeroGPU lends a Space its GPU request by request: what needs one runs in a forked process.

There the server's own process has no GPU, though torch says so; `DEVICE` is where it computes. Elsewhere
nothing is wrapped, and the ``spaces`` package, which only Spaces installs, is not looked for.
"""

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from ... import segmentation
from ...checkpoints import find_offered, read_card
from ...data.images import Picture
from ...environment import ON_ZERO_GPU
from ...inference import VIEWS, Predictor
from ...live.play import PlaySnapshot, RunState
from ...live.remote import Answer, RemotePredictor, RemoteRun, play_in_process, predict_in_process
from ...live.run import LiveRun
from ...live.settings import Limits, LiveSettings
from ...teach.lesson import Lesson
from ...teach.remote import RemoteLesson
from ...teach.settings import TeachLimits, TeachSettings

if ON_ZERO_GPU:
    import spaces

DEVICE = "cpu" if ON_ZERO_GPU else None
"""Where the server's own process computes; None leaves the choice to `devices.pick_device`."""

START_SECONDS = 5
"""Until the first pass of a network: CUDA and the weights have to get to the GPU."""

RUN_SECONDS = 30
"""Of the two minutes that a visitor has a day, what one training may take."""

STEP_SECONDS = 1
"""More than the largest step that the limits allow takes on ZeroGPU's cards, for runs of few steps."""

MEGAPIXEL_SECONDS = 0.5
"""A pass over a megapixel, with room to spare."""

PREDICTION_SECONDS = 120
"""The most that is asked for a prediction; ZeroGPU refuses more."""

Task = TypeVar("Task", bound=Callable)


def gpu(duration: Callable[..., float]) -> Callable[[Task], Task]:
    """Decorate a generator that needs the GPU: on ZeroGPU it runs in a forked process.

    ``duration`` is given the generator's own arguments, and answers for how many seconds the GPU is
    asked for; then it is taken away, and whatever was not yet yielded is lost.
    """
    return spaces.GPU(duration=duration) if ON_ZERO_GPU else lambda task: task


def prediction_seconds(file: Path, slices: np.ndarray, tta: bool) -> float:
    """Return for how many seconds `predict_in_fork` may need the GPU."""
    card = read_card(file)
    views = VIEWS[card.symmetry]
    passes = len(views) * len(card.scales) if tta else 1
    count, height, width, _ = slices.shape
    megapixels = count * max(height * width, card.side**2) / 1e6
    return min(START_SECONDS + passes * megapixels * MEGAPIXEL_SECONDS, PREDICTION_SECONDS)


@gpu(prediction_seconds)
def predict_in_fork(file: Path, slices: np.ndarray, tta: bool) -> Generator[Answer, None, None]:
    """Run `remote.predict_in_process` where the GPU is."""
    yield from predict_in_process(file, slices, tta)


def training_seconds(state: RunState, steps: int | None, requests: Path) -> float:
    """Return for how many seconds `play_in_fork` may need the GPU."""
    count = state.steps if steps is None else steps
    return START_SECONDS + min(max(state.seconds, 0), count * STEP_SECONDS)


@gpu(training_seconds)
def play_in_fork(
    state: RunState, steps: int | None, requests: Path
) -> Generator[PlaySnapshot | RunState, None, None]:
    """Run `remote.play_in_process` where the GPU is."""
    yield from play_in_process(state, steps, requests)


def open_predictor(file: Path) -> Predictor | RemotePredictor:
    """Open a checkpoint's file to segment pictures with. Raises CheckpointError or DeviceError."""
    if ON_ZERO_GPU:
        return RemotePredictor(file, read_card(file), predict_in_fork)
    return segmentation.open_predictor(file)


def open_offered(checkpoint: str | Path) -> Predictor | RemotePredictor:
    """Open, as `open_predictor` does, what a visitor may name, too. Raises CheckpointError, HubError or DeviceError."""
    return open_predictor(find_offered(checkpoint) if isinstance(checkpoint, str) else checkpoint)


def new_run(settings: LiveSettings, limits: Limits) -> LiveRun:
    """Prepare a training. Raises SettingsError or DeviceError."""
    if ON_ZERO_GPU:
        seconds = min(limits.seconds, RUN_SECONDS - START_SECONDS)
        return RemoteRun(settings, replace(limits, seconds=seconds), in_fork=play_in_fork)
    return LiveRun(settings, limits)


def new_lesson(
    picture: Picture,
    labels: np.ndarray,
    settings: TeachSettings,
    limits: TeachLimits,
    truth: np.ndarray | None = None,
) -> Lesson:
    """Prepare a lesson. Raises TEACH_ERRORS."""
    if ON_ZERO_GPU:
        at_once = min(limits.at_once, RUN_SECONDS - START_SECONDS)
        brief = replace(limits, at_once=at_once)
        return RemoteLesson(picture, labels, settings, brief, truth, in_fork=play_in_fork)
    return Lesson(picture, labels, settings, limits, truth)
