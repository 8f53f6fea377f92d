"""What scripts and agents can call: ``/segment``, ``/checkpoints``, ``/train`` and ``/teach``.

An agent knows the functions by their own names and docstrings. Their runs are no visitor's, and
take no visitor's place.
"""

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse

from ...checkpoints import find_offered, offered_cards, save_checkpoint
from ...data.images import read_picture
from ...exports import write_prediction
from ...live.play import RUN_ERRORS
from ...live.run import LiveRun, Snapshot
from ...live.settings import Limits, current_limits, with_changes
from ...render import legend
from ...segmentation import EXPECTED_ERRORS, SegmentRequest, plain_words, segment
from ...tasks import Task
from ...teach.files import read_labels
from ...teach.lesson import TeachSnapshot
from ...teach.settings import TEACH_ERRORS, TeachLimits, TeachSettings
from ...teach.settings import current_limits as teach_limits
from ..files import fresh_folder
from ..server import zero_gpu
from ..server.places import SCRIPTS, TRAININGS, Turn
from ..text import DEFAULT_LANGUAGE
from ..train.controls import FIRST_PRESET
from ..train.views import run_sentence
from .publish import publish

SEGMENTED_AT_ONCE = 8
"""Scripts' pictures that are fetched, read or segmented; fewer have the network."""

NETWORK = Turn(2)

TRAININGS_AT_ONCE = 1

SCRIPTED_SECONDS = 300
"""The most that a script's run may train: the docstring of `train_network` says so."""


def list_checkpoints() -> list[dict[str, Any]]:
    """List the trained U-Nets that can segment a picture, with what each one finds and how well.

    Returns:
        checkpoints: a dictionary each: name, title, summary, classes, palette (RGB), scores, scored_on (which data).
    """
    try:
        cards = offered_cards()
    except EXPECTED_ERRORS as error:
        raise gr.Error(plain_words(error), print_exception=False) from error
    return [
        {
            "name": name,
            "title": card.title,
            "summary": card.summary,
            "classes": list(card.task.classes),
            "palette": [list(colour) for colour in card.task.palette],
            "scores": {name: v if v == v else None for name, v in card.scores.items()},
            "scored_on": card.scored_on,
        }
        for name, card in cards.items()
    ]


def segment_picture(
    picture: Path,
    checkpoint: str = "shapes",
    threshold: float | None = None,
    average: bool = False,
) -> tuple[Path, dict[str, Any]]:
    """Segment a picture, or a stack of pictures, with a trained U-Net: each pixel gets a class.

    Args:
        picture: a PNG, JPEG, WebP, GIF, BMP or TIFF file, uploaded first or given by its web address.
        checkpoint: a name from the list of checkpoints, or owner/repo[@revision] on the Hugging Face Hub.
        threshold: a number from 0 to 1, for checkpoints of two classes; if left out, the checkpoint's own best one.
        average: true or false: whether to average over the eight rotations and flips, which takes eight times as long.

    Returns:
        mask: a file of 8-bit label ids in the checkpoint's palette, as PNG; for a stack a multi-page TIFF.
        description: width, height, pages, seconds, device, notes, and the share and mean confidence of each class.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise gr.Error(
            f"The threshold is {threshold}; give one from 0 to 1, or leave it out.",
            print_exception=False,
        )
    try:
        request = SegmentRequest(read_picture(picture), None, checkpoint, average)
        result = NETWORK.run(partial(segment, request, zero_gpu.open_offered))
        prediction = result.prediction
        name = request.picture.name
        (mask,) = write_prediction(fresh_folder(), name, prediction, threshold=threshold)
    except EXPECTED_ERRORS as error:
        raise gr.Error(plain_words(error), print_exception=False) from error
    pages, height, width, _ = request.picture.slices.shape
    classes = legend(
        prediction.labels(threshold), prediction.confidence(threshold), prediction.task
    )
    description = {
        "checkpoint": result.card.name,
        "width": width,
        "height": height,
        "pages": pages,
        "seconds": round(prediction.seconds, 3),
        "device": prediction.device,
        "notes": list(result.notes(threshold)),
        "classes": [
            {
                "label": int(entry.label),
                "name": entry.name,
                "colour": list(entry.colour),
                "share": round(entry.share, 6),
                "confidence": round(entry.confidence, 6),
            }
            for entry in classes
        ],
    }
    return mask, description


def refuse_parameters(request: Request, error: Exception) -> JSONResponse:
    """Say that a parameter is missing or unknown, where Gradio would answer with error 500 alone."""
    if "/gradio_api/call/v2/" not in request.url.path:
        raise error
    reason = str(error).partition(". ")[0]
    sentence = f"{reason}; /gradio_api/openapi.json tells what each endpoint takes."
    return JSONResponse({"error": sentence}, status_code=422)


def script_limits() -> Limits:
    """Return what a script may ask for on this machine."""
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
        preset: random, no-clue, noisy, why-skips, article, article-isbi/-isbi-elastic/-voc/-voc-resnet50/-voc-color.
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
    except RUN_ERRORS as error:
        raise gr.Error(str(error), print_exception=False) from error


def progress(snapshot: Snapshot, run: LiveRun) -> dict[str, Any]:
    """Return a snapshot as a script reads it; None where there is no number."""
    validation = snapshot.validation
    told = {
        "state": snapshot.state,
        "step": snapshot.step,
        "steps": snapshot.steps,
        "loss": finite(snapshot.loss),
        "validation_loss": finite(validation.loss if validation else None),
        "validation_mIoU": finite(validation.miou if validation else None),
        "pixel_accuracy": finite(validation.accuracy if validation else None),
        "steps_per_second": round(snapshot.steps_per_second, 3),
        "seconds": round(snapshot.seconds, 3),
        "device": snapshot.device,
        "message": run_sentence(snapshot, run, DEFAULT_LANGUAGE),
    }
    return told | {"losses": [finite(loss) for loss in snapshot.losses]} if snapshot.over else told


def teach_network(
    picture: Path,
    labels: Path,
    classes: list[str] | None = None,
    start: str | None = None,
    seconds: float = 30,
) -> Iterator[tuple[dict[str, Any], Path | None, Path | None]]:
    """Teach a U-Net one picture by a few strokes on it, and segment the whole; tell how it goes meanwhile.

    A lesson takes as long as asked for, 5 minutes at most, on a Hugging Face Space 30 s. One is taught, or a
    network trained, at a time; the next one waits for its end.

    Args:
        picture: a PNG, JPEG, WebP, GIF, BMP or TIFF file, uploaded first or given by its web address.
        labels: its mask of class ids from 0, as PNG or TIFF, 255 where nothing is painted; two classes at least.
        classes: names of the ids 0, 1 and so on, 8 at most; if left out, they are numbered.
        start: a checkpoint to go on from, by its name or owner/repo; if left out, random weights.
        seconds: how long to train, a number from 1.

    Returns:
        progress: state, step, loss, painted pixels by class, validation_mIoU of strokes kept out, a few times a second.
        mask: at the end, a file of 8-bit label ids in the classes' palette, as PNG; for a stack a multi-page TIFF.
        checkpoint: at the end, a safetensors file that segments other pictures like any checkpoint.
    """
    try:
        opened = read_picture(picture)
        strokes, task = read_labels(labels, tuple(classes or ()), opened)
        settings = TeachSettings(task, find_offered(start) if start else None)
        limits = lesson_limits(seconds)
        lesson = zero_gpu.new_lesson(opened, strokes, settings, limits)
        with closing(lesson.play()) as snapshots:
            for snapshot in snapshots:
                yield lesson_progress(snapshot, task), None, None
        folder = fresh_folder()
        prediction = NETWORK.run(lesson.predict_all)
        (mask,) = write_prediction(folder, opened.name, prediction)
        checkpoint, taught = lesson.checkpoint(), folder / "taught.safetensors"
        save_checkpoint(taught, checkpoint.network, checkpoint.card)
        yield lesson_progress(snapshot, task), mask, taught
    except TEACH_ERRORS as error:
        raise gr.Error(plain_words(error), print_exception=False) from error


def lesson_limits(seconds: float) -> TeachLimits:
    """Return what a script's lesson may take on this machine. Raises gr.Error for no time at all."""
    if not seconds >= 1:
        raise gr.Error(
            f"A lesson cannot take {seconds} s; give 1 s or more.", print_exception=False
        )
    limits = teach_limits()
    return replace(limits, seconds=min(seconds, limits.at_once, SCRIPTED_SECONDS))


def lesson_progress(snapshot: TeachSnapshot, task: Task) -> dict[str, Any]:
    """Return a snapshot of a lesson as a script reads it; None where there is no number."""
    look = snapshot.validation
    look = look if look and look.held_out else None
    return {
        "state": snapshot.state,
        "step": snapshot.step,
        "loss": finite(snapshot.loss),
        "painted": list(snapshot.painted[: len(task.classes)]),
        "held_out": round(snapshot.held_out, 3),
        "validation_loss": finite(look.loss if look else None),
        "validation_mIoU": finite(look.miou if look else None),
        "seconds": round(snapshot.seconds, 3),
        "device": snapshot.device,
        "notes": list(snapshot.notes),
    }


def finite(value: float | None) -> float | None:
    """Return None for NaN and infinity, which JSON does not know."""
    return value if value is not None and math.isfinite(value) else None


def build() -> None:
    """Add the endpoints to the current Blocks."""
    publish(list_checkpoints, "checkpoints")
    publish(
        segment_picture,
        "segment",
        concurrency_id=SCRIPTS,
        concurrency_limit=SEGMENTED_AT_ONCE,
    )
    for train, name in ((train_network, "train"), (teach_network, "teach")):
        publish(train, name, concurrency_id=TRAININGS, concurrency_limit=TRAININGS_AT_ONCE)
