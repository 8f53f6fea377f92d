"""Measures what it costs a training to be watched: the same one alone, and on a served Train page."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

import gradio as gr
import numpy as np
import torch

from ...devices import pick_device, threads_released
from ...live.experiment import batches_of, fit_options_of, seeded_network, task_of
from ...live.settings import PRESETS, LiveSettings
from ...training.loop import Trainer, fit, load_batches
from .controls import FIRST_PRESET, values_of
from .page import TrainPage

STEPS = 30
ROUNDS = 3

IN_A_CHART = b'"live":true'
"""What says, in an answer of the page's, that the chart has a line of the run in hand."""


@dataclass(frozen=True)
class WatchingTiming:
    """Medians of a training alone and of one on a page; ``threads``: of torch.

    ``rate``: steps a second. ``seconds``: CPU time that the whole program takes for a step.
    ``first_seconds``: from the press of Train until the chart is sent its first change.
    """

    alone_rate: float
    watched_rate: float
    alone_seconds: float
    watched_seconds: float
    first_seconds: float
    threads: int

    @property
    def cost(self) -> float:
        """Share of the steps a second that watching takes; within the noise it can be below 0."""
        return 1 - self.watched_rate / self.alone_rate

    @property
    def work(self) -> float:
        """CPU time that watching adds, as a share: no load on the machine changes it."""
        return self.watched_seconds / self.alone_seconds - 1


class ServedPage:
    """A Train page on a server of its own."""

    def __init__(self) -> None:
        with gr.Blocks() as self.demo:
            self.page = TrainPage(self.demo)
        _, self.address, _ = self.demo.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1"
        )
        self.first_seconds: list[float] = []
        """Of each training, from the press until the chart's first change."""

    def train(self, settings: LiveSettings) -> float:
        """Press Train as a browser does, read all that comes, and return the steps a second."""
        values = values_of(settings)
        visitor = uuid4().hex
        session = self.page.sessions.of(visitor)
        start = next(
            number for number, one in self.demo.fns.items() if one.fn == self.page.on_start
        )
        body = {
            "data": [values[name] for name in self.page.controls],
            "fn_index": start,
            "session_hash": visitor,
        }
        api = f"{self.address}gradio_api/queue"
        asked = urllib.request.Request(
            f"{api}/join", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        pressed = time.perf_counter()
        urllib.request.urlopen(asked).close()
        with urllib.request.urlopen(f"{api}/data?session_hash={visitor}") as stream:
            drawn = False
            for line in stream:
                if IN_A_CHART in line and not drawn:
                    drawn = True
                    self.first_seconds.append(time.perf_counter() - pressed)
                if b'"msg":"process_completed"' in line:
                    break
            assert session.run
            return session.run.snapshot().steps_per_second


@contextmanager
def served() -> Iterator[ServedPage]:
    """Serve a page for as long as it is used."""
    page = ServedPage()
    try:
        yield page
    finally:
        page.demo.close()


@threads_released()
def train_alone(settings: LiveSettings) -> float:
    """Train as the page does, but with nobody to watch, and return the steps a second."""
    trainer = Trainer(
        seeded_network(settings), task_of(settings), fit_options_of(settings), pick_device(None)
    )
    begun = time.perf_counter()
    for _ in fit(trainer, load_batches(batches_of(settings), 0, settings.steps)):
        pass
    return settings.steps / (time.perf_counter() - begun)


def time_watching(
    settings: LiveSettings = PRESETS[FIRST_PRESET], steps: int = STEPS, rounds: int = ROUNDS
) -> WatchingTiming:
    """Time both in turns, so that other load on the machine affects both, after a short run of each."""
    with served() as page:
        ways = (train_alone, page.train)
        for way in ways:
            way(replace(settings, steps=2))
        counted = replace(settings, steps=steps)
        timed = [[_timed(way, counted) for way in ways] for _ in range(rounds)]
    (alone, watched), (alone_seconds, watched_seconds) = np.median(timed, axis=0).T.tolist()
    threads = torch.get_num_threads()
    first = float(np.median(page.first_seconds[1:]))  # of a page that has trained before
    return WatchingTiming(alone, watched, alone_seconds, watched_seconds, first, threads)


def _timed(way: Callable[[LiveSettings], float], settings: LiveSettings) -> tuple[float, float]:
    begun = time.process_time()
    rate = way(settings)
    return rate, (time.process_time() - begun) / settings.steps
