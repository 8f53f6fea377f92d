"""What scripts and agents can train: ``/train``. Its runs are no visitor's, and take no visitor's place."""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from ..live.settings import Limits, current_limits, with_changes
from . import later, zero_gpu
from .parameters import publish
from .texts import DEFAULT_LANGUAGE
from .train_controls import FIRST_PRESET
from .train_views import run_sentence

if TYPE_CHECKING:
    from ..live.run import LiveRun, Snapshot

SCRIPTED = "train_scripted"
"""Concurrency group of its own: a stream that nobody reads holds its place until its run is over."""

SCRIPTED_AT_ONCE = 1

SCRIPTED_SECONDS = 300
"""The most that a script's run may train: the docstring of `train_network` says so."""


def script_limits() -> Limits:
    """What a script may ask for on this machine."""
    limits = current_limits()
    return replace(limits, seconds=min(limits.seconds, SCRIPTED_SECONDS))


def train_network(
    preset: str = FIRST_PRESET,
    network: str | None = None,
    width: int | None = None,
    skips: bool | None = None,
    batch_norm: bool | None = None,
    optimiser: str | None = None,
    rate: float | None = None,
    schedule: str | None = None,
    loss: str | None = None,
    batch: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Train a small U-Net on drawn shapes, and tell how well it learns, a few times a second.

    Whatever is left out stays as the preset has it. A run takes from seconds to minutes, and ends after
    5 minutes at the latest, as it is then. One is trained at a time; the next one waits for its end.

    Args:
        preset: one of article, random, no-clue and noisy; all that follows changes it.
        network: one of the articles' six networks, ShapesUNet for instance.
        width: the channels of the first level: 8, 16, 32 or 64.
        skips: true or false: with skip connections, or without.
        batch_norm: true or false: with BatchNorm, or without.
        optimiser: one of Adam, AdamW, RMSprop and SGD.
        rate: the learning rate, a number above 0.
        schedule: the learning rate's course: constant or cosine.
        loss: one of cross-entropy, dice and both.
        batch: the pictures of a step, a whole number.
        steps: the number of steps, a whole number.
        seed: a whole number; the same one gives the same run.

    Returns:
        progress: state, step, loss, validation_mIoU and more; the last is not "running" and has all "losses".
    """
    try:
        settings = with_changes(
            preset, network=network, width=width, skips=skips, batch_norm=batch_norm,
            optimiser=optimiser, rate=rate, schedule=schedule, loss=loss, batch=batch,
            steps=steps, seed=seed,
        )  # fmt: skip
        run = zero_gpu.new_run(settings, script_limits())
        with closing(run.play()) as snapshots:
            for snapshot in snapshots:
                yield progress(snapshot, run)
    except later.live_run.RUN_ERRORS as error:
        raise gr.Error(str(error), print_exception=False) from error


def progress(snapshot: "Snapshot", run: "LiveRun") -> dict[str, Any]:
    """A snapshot as a script reads it; None where there is no number."""
    look = snapshot.look
    told = {
        "state": snapshot.state,
        "step": snapshot.step,
        "steps": snapshot.steps,
        "loss": finite(snapshot.loss),
        "validation_loss": finite(look.loss if look else None),
        "validation_mIoU": finite(look.miou if look else None),
        "pixel_accuracy": finite(look.accuracy if look else None),
        "steps_per_second": round(snapshot.steps_per_second, 3),
        "seconds": round(snapshot.seconds, 3),
        "device": snapshot.device,
        "message": run_sentence(snapshot, run, DEFAULT_LANGUAGE),
    }
    return told | {"losses": [finite(loss) for loss in snapshot.losses]} if snapshot.over else told


def finite(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None


def build() -> None:
    """Add the endpoint to the current Blocks."""
    publish(train_network, "train", concurrency_id=SCRIPTED, concurrency_limit=SCRIPTED_AT_ONCE)
