"""A person's ground truth, in whatever form they have it → label ids of a task."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..messages import sentence, words_of
from ..tasks import RGB, VOID, VOID_COLOUR, Task
from . import PictureError
from .images import StoredMask, read_mask
from .planes import turned

_WHITES = (1, VOID, 65535)
"""The second value of a mask of two, beside 0; the greatest of its own type is another."""


def read_truth(path: str | os.PathLike, task: Task, *, lone_void: bool = False) -> np.ndarray:
    """Read a mask of ids, of gray levels or of palette colours: ids uint8 (N, H, W), 255 = void.

    Two classes may be 0 and 1, 1 and 2, or black and white of any depth; what the file stores counts, not
    how it is displayed. With ``lone_void``, or where the file's palette has void's colour there, 255 is void
    even if only 0 occurs beside; else, with more classes, where other ids do. Raises PictureError, beginning with the
    file's name: for values or colours that are none of the task's, and for lossy files.
    """
    mask = read_mask(path)
    try:
        return _labels(mask, task, lone_void)
    except PictureError as error:
        problem = words_of(error)
        raise PictureError(
            sentence('"{name}" {problem}', name=Path(path).name, problem=problem)
        ) from None


def read_truth_of(
    path: str | os.PathLike,
    task: Task,
    shape: tuple[int, int, int],
    orientations: tuple[int, ...] = (),
) -> np.ndarray:
    """Read the ground truth of a picture of ``shape`` (pages, height, width), to score against.

    ``orientations``: as in :func:`fit_truth`.

    Raises PictureError as :func:`read_truth` does, for another size, and if fewer than two classes
    are in it: then no score would mean anything.
    """
    truth = fit_truth(read_truth(path, task), shape, orientations)
    present = np.setdiff1d(present_values(truth), [VOID])
    if len(present) > 1:
        return truth
    void = f"{void_share([truth]):.1%}"
    if len(present) == 0:
        raise PictureError(
            sentence("The ground truth is void throughout, so there is nothing to score.")
        )
    raise PictureError(
        sentence(
            "Apart from void ({void}) the ground truth is all {class!r}, so there is nothing to score;"
            " give a mask of two classes or more.",
            **{"class": task.classes[present[0]]}, void=void,
        )
    )  # fmt: skip


def fit_truth(
    truth: np.ndarray, shape: tuple[int, int, int], orientations: tuple[int, ...] = ()
) -> np.ndarray:
    """Return the truth if it is of the picture's (pages, height, width); raises PictureError otherwise.

    Turned as the picture was (``orientations``: of each page, if any was) where it is one of the
    stored pixels; refused where it may be that as well as one of the pixels that are shown.
    """
    as_stored = _turned(truth, shape, orientations)
    if as_stored is not None and truth.shape == shape:
        raise PictureError(
            sentence(
                "The picture was turned or mirrored as its orientation tag says, and this ground truth"
                " would fit it either way; save the picture as it is shown, without the tag, and give"
                " the mask that lies over it."
            )
        )
    if as_stored is not None:
        return as_stored
    if truth.shape != shape:
        raise PictureError(
            sentence(
                "The ground truth is {truth} and the picture {picture}:"
                " they must be of one size; give the mask that belongs to this picture.",
                truth=_size(truth.shape), picture=_size(shape),
            )
        )  # fmt: skip
    return truth


def _turned(
    truth: np.ndarray, shape: tuple[int, int, int], orientations: tuple[int, ...]
) -> np.ndarray | None:
    """Turn the truth as the picture was; None if it was not, or if that does not fit it."""
    if not orientations or len(truth) != len(orientations):
        return None
    pages = [turned(page, how) for page, how in zip(truth, orientations, strict=True)]
    return np.stack(pages) if all(page.shape == shape[1:] for page in pages) else None


def void_share(truths: Sequence[np.ndarray]) -> float:
    """Compute the share of the labels of several truths, each of any shape, that are void."""
    void = sum(np.count_nonzero(labels == VOID) for labels in truths)
    return void / sum(labels.size for labels in truths)


def present_values(values: np.ndarray) -> np.ndarray:
    """Return the values that occur in (N, …), sorted. One page at a time, as they are sorted for it."""
    return np.unique(np.concatenate([np.unique(page) for page in values]))


def _labels(mask: StoredMask, task: Task, lone_void: bool) -> np.ndarray:
    """Return what a mask's values mean: uint8 (N, H, W)."""
    if mask.lossy:
        raise PictureError(
            sentence(
                "is compressed as {format}, which changes the labels near every edge: save the mask"
                " as PNG, or as TIFF without {format}.",
                format=mask.lossy,
            )
        )  # fmt: skip
    if mask.values.shape[-1] == 3:
        return _from_colours(mask.values, task, lone_void)
    values = mask.values[..., 0]
    if mask.palette is not None:
        return _from_indices(values, mask.palette, task, lone_void)
    return _from_values(values, task, lone_void)


def _from_colours(values: np.ndarray, task: Task, lone_void: bool) -> np.ndarray:
    """Read labels of (N, H, W, 3) in the task's palette, or in gray."""
    if values.dtype == np.uint16 and not (values % 257).any():
        values = (values // 257).astype(np.uint8)  # as 8 bits are stored in 16
    labels = np.full(values.shape[:3], VOID, np.uint8)
    unknown = ~(values == np.array(VOID_COLOUR)).all(-1)
    for label, colour in enumerate(task.palette):
        of_class = (values == np.array(colour)).all(-1)
        labels[of_class] = label
        unknown &= ~of_class
    if not unknown.any():
        return labels
    if (values == values[..., :1]).all():
        return _from_values(values[..., 0], task, lone_void)
    red, green, blue = values[unknown][0]
    raise PictureError(
        sentence(
            "holds the colour ({red}, {green}, {blue}), which is none of the palette's; give a mask"
            " of label ids, or one painted in the palette.",
            red=red, green=green, blue=blue,
        )
    )  # fmt: skip


def _from_indices(
    values: np.ndarray, palette: np.ndarray, task: Task, lone_void: bool
) -> np.ndarray:
    """Read indices (N, H, W) of a palette's colours: those of the task, gray levels, or ids in any colours."""
    present = present_values(values)
    if present[-1] >= len(palette):
        return _from_values(values, task, lone_void)
    colours = [tuple(colour) for colour in palette[present].tolist()]
    known: Sequence[RGB] = (*task.palette, VOID_COLOUR)
    if len(set(colours)) == len(colours) and set(colours) <= set(known):
        ids = [*range(len(task.palette)), VOID]
        table = np.zeros(len(palette), np.uint8)
        table[present] = [ids[known.index(colour)] for colour in colours]
        return table[values]
    void_said = lone_void or tuple(palette[VOID:].ravel()[:3]) == VOID_COLOUR
    levels = palette[present, 0]
    if (palette[present] == levels[:, None]).all():
        if set(levels) == {0, VOID} and not void_said:
            _refuse_black_and_white(task, VOID)
        # Of an inverting look-up table what is stored counts.
        if (levels != VOID - present).any() and _are_ids(levels, task):
            return _from_values(palette[values, 0], task, void_said)
    return _from_values(values, task, void_said)


def _from_values(values: np.ndarray, task: Task, void_said: bool) -> np.ndarray:
    """Read ids (N, H, W), or two values in place of two classes."""
    present = present_values(values)
    whites = [*_WHITES, np.iinfo(values.dtype).max] if values.dtype.kind in "ui" else [*_WHITES]
    if void_said:
        whites = [white for white in whites if white != VOID]
    if len(task.classes) == 2:
        for black, white in [*((0, white) for white in whites), (1, 2)]:
            if np.isin(present, (black, white)).all():
                return (values == white).astype(np.uint8)
    else:
        for white in whites[1:]:
            if np.array_equal(present, (0, white)):
                _refuse_black_and_white(task, white)
    if not _are_ids(present, task):
        strange = np.setdiff1d(present, [*range(len(task.classes)), VOID])
        raise PictureError(
            sentence(
                "holds the label {label:g}, but the ids of the classes are 0–{last}, and {void} is void;"
                " give a mask of these ids.",
                label=strange[0], last=len(task.classes) - 1, void=VOID,
            )
        )  # fmt: skip
    return values.astype(np.uint8)


def _are_ids(present: np.ndarray, task: Task) -> bool:
    """Tell whether each of the values is a class's id, or void."""
    return bool(np.isin(present, [*range(len(task.classes)), VOID]).all())


def _refuse_black_and_white(task: Task, white: int) -> None:
    """Raise PictureError where more than two classes could be meant by white, and void as well."""
    if len(task.classes) > 2:
        raise PictureError(
            sentence(
                "holds nothing but 0 and {white}, and which of the {classes} classes {white} is, or"
                " whether it is void, cannot be told; give a mask of the ids 0–{last}.",
                white=white, classes=len(task.classes), last=len(task.classes) - 1,
            )
        )  # fmt: skip


def _size(shape: tuple[int, int, int]) -> str:
    pages, height, width = shape
    if pages == 1:
        return f"{width}×{height}"
    return sentence("{width}×{height} with {pages} pages", width=width, height=height, pages=pages)
