"""A visit to a Space on ZeroGPU, told as JSON. A process of its own: one with busy threads must not fork."""

import json
import sys
import threading
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import spaces  # isort: skip  # before torch and gradio
import gradio as gr
import numpy as np
from starlette.requests import Request

from unet_demo import segmentation
from unet_demo.checkpoints import CheckpointError
from unet_demo.data import Cancelled
from unet_demo.data.images import Picture
from unet_demo.data.shapes import SceneOptions
from unet_demo.live import remote
from unet_demo.live.run import LiveRun
from unet_demo.live.settings import SPACE, LiveSettings
from unet_demo.teach.remote import RemoteLesson
from unet_demo.teach.settings import LOCAL as TEACH_LIMITS
from unet_demo.teach.settings import TeachSettings
from unet_demo.teach.strokes import COLOURS
from unet_demo.ui.components.paint import ids_png
from unet_demo.ui.server import zero_gpu
from unet_demo.ui.server.trainings import Trainings
from unet_demo.ui.teach.page import TeachPage
from unet_demo.ui.teach.session import Paper

TINY = LiveSettings(SceneOptions(size=64, colour_is_clue=True), width=8, batch=1, steps=4)
ENDLESS = replace(TINY, steps=2000)
PICTURE = np.random.default_rng(0).integers(0, 256, (1, 40, 48, 3), np.uint8)


def probabilities(run: LiveRun) -> list[float]:
    return run.predict(PICTURE).probabilities.ravel()[:50].tolist()


def trained() -> dict:
    run = zero_gpu.new_run(TINY, SPACE)
    before = probabilities(run)
    snapshots = list(run.play())
    here = LiveRun(TINY, SPACE)
    last = list(here.play())[-1]
    return {
        "is_remote": isinstance(run, remote.RemoteRun),
        "states": [snapshot.state for snapshot in snapshots],
        "losses": snapshots[-1].losses,
        "losses_here": last.losses,
        "before": before,
        "after": probabilities(run),
        "after_here": probabilities(here),
        "looks": [validation.step for validation in run.reel.validations],
        "steps_done": run.checkpoint().card.recipe["steps_done"],
    }


def interrupted(wish: str) -> dict:
    run = zero_gpu.new_run(ENDLESS, SPACE)
    running = 0
    for snapshot in run.play():
        running += snapshot.state == "running" and snapshot.step > 0
        if running == 1:
            getattr(run, wish)()
    held = run.snapshot()
    return {"state": held.state, "step": held.step, "trained": run.state().progress.losses[:1]}


def resumed() -> dict:
    run = zero_gpu.new_run(TINY, SPACE)
    rests = [list(run.play(steps))[-1] for steps in (1, 2, None)]
    return {"states": [rest.state for rest in rests], "losses": rests[-1].losses}


def left() -> dict:
    run = zero_gpu.new_run(ENDLESS, SPACE)
    with closing(run.play()) as snapshots:
        next(snapshots)
    return {"state": run.snapshot().state, "step": run.snapshot().step}


def broken_off() -> dict:
    run = remote.RemoteRun(TINY, SPACE, in_fork=lambda *_: (_ for _ in [1 / 0]))
    with suppress(ZeroDivisionError):
        list(run.play())
    return {"state": run.snapshot().state}


def segmented(file: Path) -> dict:
    predictor = zero_gpu.open_predictor(file)
    passes: list[tuple[int, int]] = []
    prediction = predictor.predict(
        PICTURE, tta=True, progress=lambda done, total: passes.append((done, total))
    )
    here = segmentation.open_predictor(file).predict(PICTURE, tta=True)
    return {
        "is_remote": isinstance(predictor, remote.RemotePredictor),
        "passes": passes,
        "difference": float(np.abs(prediction.probabilities - here.probabilities).max()),
        "classes": prediction.task.classes,
    }


def cancelled(file: Path) -> str:
    signal = threading.Event()
    try:
        zero_gpu.open_predictor(file).predict(
            PICTURE, tta=True, progress=lambda *_: signal.set(), cancelled=signal
        )
    except Cancelled:
        return "cancelled"
    return "went on"


def refused(file: Path) -> str:
    predictor = zero_gpu.open_predictor(file)
    file.write_bytes(file.read_bytes()[:-100])
    try:
        predictor.predict(PICTURE)
    except CheckpointError as error:
        return str(error)
    return "went on"


def halves() -> tuple[Picture, np.ndarray]:
    """Two slices, bright to the right, and strokes on the first."""
    slices = np.full((2, 40, 48, 1), 60, np.uint8)
    slices[:, :, 24:] = 200
    labels = np.full((2, 40, 48), 255, np.uint8)
    labels[0, 8:11, 4:14], labels[0, 8:11, 28:38] = 0, 1
    return Picture(slices, "x", ()), labels


def taught() -> dict:
    picture, labels = halves()
    more = labels.copy()
    more[1, 20:30, 30:40] = 1
    more[1, 5:10, 5:10] = 2
    settings = TeachSettings(width=4, crop=32, batch=2)
    lesson = zero_gpu.new_lesson(picture, labels, settings, TEACH_LIMITS)
    seen = []
    for snapshot in lesson.play():
        if snapshot.step > 1 and snapshot.painted[1] == 30:
            lesson.set_classes(("left", "right", "corner"), COLOURS)
            lesson.set_labels(more)
            lesson.watch(1)
        look = snapshot.validation
        seen.append((snapshot.painted[1], look.slice if look else 0))
        if snapshot.painted[1] == 130 and look and look.slice == 1:
            lesson.pause()
    return {
        "is_remote": isinstance(lesson, RemoteLesson),
        "seen": seen[-1],
        "state": lesson.snapshot().state,
        "classes": lesson.predict_all().task.classes,
    }


def pressed() -> dict:
    """Two presses on the Teach page: Step, and Resume until Pause."""
    with gr.Blocks() as demo, gr.Tabs(), gr.Tab("Teach") as tab:
        page = TeachPage(demo, tab, Trainings())
    asked = Request({"type": "http", "headers": [], "query_string": b""})
    request = gr.Request(asked, session_hash="visitor")
    session = page.sessions.visitor(request)
    picture, labels = halves()
    session.take(Paper.own(picture))
    told = {
        "made": session.paper.made, "edit": 2, "slice": 1, "classes": ["left", "right"],
        "stamps": {"1": 1}, "labels": {"1": ids_png(labels[0])},
    }  # fmt: skip
    *_, rested = page.on_step(request, told, "random")
    lesson, losses = session.run, list(session.run.snapshot().losses)
    for _ in page.on_resume(request, told, "random"):
        if lesson.snapshot().step > 2:
            page.on_pause(request)
    after = lesson.snapshot()
    return {
        "is_remote": isinstance(lesson, RemoteLesson),
        "resumable": rested[page.buttons["resume"]].interactive,
        "steps": [len(losses), after.step],
        "goes_on": session.run is lesson and list(after.losses)[: len(losses)] == losses,
        "state": after.state,
        "predicted": lesson.predict_all().task.classes,
    }


if __name__ == "__main__":
    file = Path(sys.argv[1])
    told = {
        "trained": trained(),
        "paused": interrupted("pause"),
        "stopped": interrupted("stop"),
        "resumed": resumed(),
        "left": left(),
        "broken off": broken_off(),
        "taught": taught(),
        "pressed": pressed(),
        "segmented": segmented(file),
        "cancelled": cancelled(file),
        "refused": refused(file),
        "asked": spaces.ASKED,
    }
    json.dump(told, sys.stdout)
