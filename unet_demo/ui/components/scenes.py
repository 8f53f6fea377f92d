"""The pictures of a run: input, truth, prediction and errors side by side, as they change."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from ...render import WRONG_COLOUR, colour_mask
from ...tasks import VOID, Task
from ..html import png_url
from ..text import component_texts
from .component import component


def scenes(value: dict[str, Any] | None = None, **html: Any) -> gr.HTML:
    """Return the grid of pictures; its value is a `scenes_value`.

    Args:
        value: what it shows at first.
        html: further arguments of ``gr.HTML``.
    """
    return component("scenes", value, component_texts("scenes"), **html)


def scenes_value(
    pictures: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray | None,
    task: Task,
    note: str,
    *,
    before: np.ndarray | None = None,
    heads: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Collect what the component shows, JSON-able.

    The errors are transparent where the prediction is right: the browser lays them over the faded
    picture, so that a noisy picture travels once and not at every update.

    Args:
        pictures: uint8 (n, H, W, 3).
        truth: label ids (n, H, W).
        prediction: label ids (n, H, W), None where there is none yet.
        task: names and colours of the labels.
        note: a sentence below the grid.
        before: label ids (n, H, W) of an earlier run, to stand beside the prediction.
        heads: what to call that run and this one, where there is one.
    """
    rows = []
    for row, picture in enumerate(pictures):
        mask, errors = _shown(prediction, truth, row, task)
        mask_before, errors_before = _shown(before, truth, row, task)
        rows.append(
            {
                "picture": png_url(picture),
                "truth": png_url(colour_mask(truth[row], task.palette)),
                "prediction": mask,
                "errors": errors,
                "before": mask_before,
                "before errors": errors_before,
            }
        )
    classes = [
        {"name": name, "colour": _css(colour)}
        for label, (name, colour) in enumerate(zip(task.classes, task.palette, strict=True))
        if label != task.background
    ]
    return {"rows": rows, "note": note, "classes": classes, "heads": heads}


def _shown(
    prediction: np.ndarray | None, truth: np.ndarray, row: int, task: Task
) -> tuple[str | None, str | None]:
    """Return a prediction's mask and its errors as pictures."""
    if prediction is None:
        return None, None
    ids = prediction[row]
    return png_url(colour_mask(ids, task.palette)), png_url(_wrong(ids, truth[row]))


def _wrong(labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    pixels = np.zeros((*labels.shape, 4), np.uint8)
    pixels[(labels != truth) & (truth != VOID)] = (*WRONG_COLOUR, 255)
    return pixels


def _css(colour: Sequence[int]) -> str:
    return f"rgb({', '.join(str(channel) for channel in colour)})"
