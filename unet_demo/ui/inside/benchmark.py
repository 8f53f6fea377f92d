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
from .topic import Look, Topic
from .topics import TOPICS

REPEATS = 3

HARDEST: dict[str, dict[str, Any]] = {
    "skips": {"dropped": "0"},
    "tiles": {"tile": 256, "halo": 112},
}
"""Topic → values of its controls that are more work than those that it begins with."""


@dataclass(frozen=True)
class AnswerTime:
    """Median seconds of an answer of a topic, for a square of ``side`` px, and of CPU time.

    On a busy machine the first is longer than on a quiet one, the second hardly.
    """

    checkpoint: str
    topic: str
    side: int
    seconds: float
    cpu_seconds: float


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
            pairs = [_seconds(topic, look) for _ in range(REPEATS)]
            seconds, cpu = (statistics.median(column) for column in zip(*pairs, strict=True))
            yield AnswerTime(checkpoint, name, subject.side, seconds, cpu)


def _seconds(topic: Topic, look: Look) -> tuple[float, float]:
    begun, begun_cpu = time.perf_counter(), time.process_time()
    topic.show(look)
    return time.perf_counter() - begun, time.process_time() - begun_cpu
