"""The live loss chart: the run that is watched, earlier runs behind it, on a canvas of our own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from ..text import component_texts
from .component import component

POINTS = 300
"""Points of a line that the browser receives at most, however long the run."""


@dataclass(frozen=True)
class Curve:
    """The losses of one run; a value that is NaN or infinite ends its line.

    Attributes:
        label: what tells this run from the others ("no skips, width 16").
        steps: the training step of each of ``train`` and ``smoothed``, rising.
        train: training loss.
        smoothed: its moving average, if there is one.
        validation_steps: the training step of each of ``validation``, rising.
        validation: validation loss.
        live: the run that is watched: drawn strong, in front. Where none is, the last one is.
    """

    label: str
    steps: Sequence[int]
    train: Sequence[float]
    smoothed: Sequence[float] | None = None
    validation_steps: Sequence[int] = ()
    validation: Sequence[float] = ()
    live: bool = False


def chart(value: dict[str, Any] | None = None, **html: Any) -> gr.HTML:
    """Return the chart; its value is a `chart_value`, or None for the empty state.

    Args:
        value: what it shows at first.
        html: further arguments of ``gr.HTML``.
    """
    return component("chart", value, component_texts("chart"), **html)


def chart_value(runs: Sequence[Curve], reference: Curve | None = None) -> dict[str, Any]:
    """Collect what the chart shows, JSON-able and whole: an update that gets lost harms nothing.

    Args:
        runs: the runs, oldest first. Up to four behind the front one look each their own way; a
            fifth looks like the first.
        reference: a published curve, dotted; its ``steps`` and ``train`` are drawn.

    Raises:
        ValueError: a run has not one value for each step.
    """
    return {
        "runs": [_run(curve) for curve in runs],
        "reference": None if reference is None else _run(reference),
    }


def _run(curve: Curve) -> dict[str, Any]:
    """Return the lines of a run, each as text ``[[step, …], [loss, …]]``.

    As text because Gradio compares streamed values item by item and wraps each list in a proxy;
    a string passes whole, and that of a finished run passes once.
    """
    lines = ((curve.steps, curve.train), (curve.validation_steps, curve.validation))
    ends = (_first_bad(steps, values) for steps, values in lines)
    diverged = min((end for end in ends if end is not None), default=None)
    return {
        "label": curve.label,
        "live": curve.live,
        "diverged": diverged,
        "train": _line(curve.steps, curve.train, diverged),
        "smoothed": None
        if curve.smoothed is None
        else _line(curve.steps, curve.smoothed, diverged),
        "validation": _line(curve.validation_steps, curve.validation, diverged),
    }


def _first_bad(steps: Sequence[int], losses: Sequence[float]) -> int | None:
    """Return the step of the first loss that is NaN or infinite."""
    bad = np.flatnonzero(~np.isfinite(np.asarray(losses, float)))
    return int(steps[bad[0]]) if bad.size else None


def _line(steps: Sequence[int], losses: Sequence[float], end: int | None) -> str:
    x, y = np.asarray(steps, int), np.asarray(losses, float)
    if x.shape != y.shape:
        raise ValueError(f"A curve has {x.size} steps but {y.size} losses: give one for each.")
    before = np.isfinite(y) & (x < end if end is not None else True)
    x, y = x[before], y[before]
    kept = thin_out(y)
    return json.dumps([x[kept].tolist(), [float(f"{loss:.5g}") for loss in y[kept]]])


def thin_out(values: NDArray[np.floating], points: int = POINTS) -> NDArray[np.intp]:
    """Indices of at most ``points`` values that draw the same line: the first, the last, and the
    least and the greatest of each stretch between them, in order.
    """
    count = len(values)
    if count <= points:
        return np.arange(count)
    edges = np.linspace(1, count - 1, (points - 2) // 2 + 1).astype(int)
    kept = [0, count - 1]
    for start, stop in pairwise(edges):
        stretch = values[start:stop]
        kept += [start + int(stretch.argmin()), start + int(stretch.argmax())]
    return np.unique(kept)
