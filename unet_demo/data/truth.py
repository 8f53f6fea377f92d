"""A person's ground truth, in whatever form they have it → label ids of a task."""

import os

import numpy as np

from ..sentences import sentence
from ..tasks import BinaryTask, Task
from ..void import VOID, VOID_COLOUR
from .errors import PictureError
from .images import read_mask


def read_truth(path: str | os.PathLike, task: Task) -> np.ndarray:
    """Label ids uint8 (N, H, W), 255 = void, from a mask of ids, of gray levels or of palette colours.

    A binary task takes 0 and 255 (the challenge's form) as well as 0 and 1. Raises PictureError
    when a value or a colour is none of the task's.
    """
    values = read_mask(path)
    if values.ndim == 4:
        return _from_colours(values, task)
    if isinstance(task, BinaryTask) and set(np.unique(values)) <= {0, VOID}:
        return (values == VOID).astype(np.uint8)
    return _known_ids(values, task)


def fit_truth(truth: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The truth if it is of the picture's (pages, height, width); raises PictureError otherwise."""
    if truth.shape != shape:
        raise PictureError(
            sentence(
                "The ground truth is {truth} and the picture {picture}:"
                " they must be of one size; give the mask that belongs to this picture.",
                truth=_size(truth.shape), picture=_size(shape),
            )
        )  # fmt: skip
    return truth


def _from_colours(values: np.ndarray, task: Task) -> np.ndarray:
    labels = np.full(values.shape[:3], VOID, np.uint8)
    unknown = ~(values == np.array(VOID_COLOUR)).all(-1)
    for label, colour in enumerate(task.palette):
        of_class = (values == np.array(colour)).all(-1)
        labels[of_class] = label
        unknown &= ~of_class
    if unknown.any():
        red, green, blue = values[unknown][0]
        raise PictureError(
            sentence(
                "The ground truth holds the colour ({red}, {green}, {blue}), which is none of this"
                " checkpoint's palette; give a mask of label ids, or one painted in the palette.",
                red=red, green=green, blue=blue,
            )
        )  # fmt: skip
    return labels


def _known_ids(values: np.ndarray, task: Task) -> np.ndarray:
    strange = np.setdiff1d(np.unique(values), [*range(len(task.classes)), VOID])
    if len(strange):
        raise PictureError(
            sentence(
                "The ground truth holds the label {label}, but this checkpoint knows"
                " 0–{last} and {void} (void); give a mask of its own classes.",
                label=strange[0], last=len(task.classes) - 1, void=VOID,
            )
        )  # fmt: skip
    return values


def _size(shape: tuple[int, int, int]) -> str:
    pages, height, width = shape
    if pages == 1:
        return f"{width}×{height}"
    return sentence("{width}×{height} with {pages} pages", width=width, height=height, pages=pages)
