"""Times the answers of the page "Look inside": what each topic computes and draws, on a warm CPU."""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ...checkpoints import find_offered, read_index
from ...examples import load_example
from ...inside.subject import look_inside
from .link import known_example
from .topic import Look
from .topics import TOPICS

REPEATS = 3

HARDEST: dict[str, dict[str, Any]] = {
    "skips": {"dropped": "0"},
    "tiles": {"tile": 256, "halo": 112},
}
"""Topic → values of its controls that are more work than those that it begins with."""


@dataclass(frozen=True)
class AnswerTime:
    """Median seconds of an answer of a topic, for a square of ``side`` px."""

    checkpoint: str
    topic: str
    side: int
    seconds: float


def time_answers() -> Iterator[AnswerTime]:
    """Time each topic with each bundled checkpoint on the first example that shows what it knows."""
    with gr.Blocks():
        begins = {
            name: {control: one.value for control, one in topic.controls().items()}
            for name, topic in TOPICS.items()
        }
    for checkpoint in read_index():
        subject = look_inside(load_example(known_example(checkpoint)), find_offered(checkpoint))
        for name, topic in TOPICS.items():
            look = Look(subject, {**begins[name], **HARDEST.get(name, {})}, "en")
            topic.show(look)  # the first one is slower
            seconds = []
            for _ in range(REPEATS):
                begun = time.perf_counter()
                topic.show(look)
                seconds.append(time.perf_counter() - begun)
            yield AnswerTime(checkpoint, name, subject.side, statistics.median(seconds))
