"""Reads and writes what belongs to a lesson: its strokes, and its course as an animation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..data.images import Picture, write_mask_png, write_mask_tiff
from ..data.truth import fit_truth, read_truth
from ..exports import replacing
from ..live.files import Box, sheet_with_plot, write_frames
from ..render import colour_mask, to_rgb
from ..tasks import VOID, MulticlassTask, Task
from .lesson import Lesson, Look, TeachSnapshot
from .strokes import LEAST_CLASSES, MOST_CLASSES, other_size, task_of


def read_strokes(path: Path, task: Task, picture: Picture) -> np.ndarray:
    """Read labels of a picture, in any form that a ground truth may have: ids uint8 (N, H, W), 255 not painted.

    Raises PictureError, or TeachError for another size than the picture's.
    """
    labels = read_truth(path, task, lone_void=True)
    shape = picture.slices.shape[:3]
    if sorted(labels.shape) != sorted(shape):  # a picture may have been turned
        raise other_size(labels.shape, shape)
    return fit_truth(labels, shape, picture.orientations)


def read_labels(
    path: Path, names: tuple[str, ...], picture: Picture
) -> tuple[np.ndarray, MulticlassTask]:
    """Read labels as :func:`read_strokes` does, and return their task; without names, ids name the classes.

    Raises PictureError, or TeachError for too many classes.
    """
    if not names:
        ids = read_truth(path, task_of(class_names(MOST_CLASSES)), lone_void=True)
        names = class_names(max(LEAST_CLASSES, int(ids[ids != VOID].max(initial=0)) + 1))
    task = task_of(names)
    return read_strokes(path, task, picture), task


def class_names(count: int) -> tuple[str, ...]:
    """Name classes by their ids."""
    return tuple(f"class {label}" for label in range(count))


def write_strokes(folder: Path, name: str, labels: np.ndarray, task: Task) -> Path:
    """Write label ids (N, H, W) without loss, in the task's palette: NAME-strokes.png; of a stack, .tif.

    Raises OSError.
    """
    single = len(labels) == 1
    path = folder / f"{name}-strokes{'.png' if single else '.tif'}"
    with replacing(path) as file:
        if single:
            write_mask_png(file, labels[0], task.palette)
        else:
            write_mask_tiff(file, labels, task.palette)
    return path


def write_animation(path: Path, lesson: Lesson, title: str) -> None:
    """Write a GIF of the lesson, 960×540 px: strokes and prediction beside losses, a frame a kept look."""
    snapshot = lesson.snapshot()
    write_frames(path, [_frame(lesson, snapshot, look, title) for look in lesson.reel.validations])


def _frame(lesson: Lesson, snapshot: TeachSnapshot, look: Look, title: str) -> Image.Image:
    told = f"    mIoU {look.truth_miou:.2f}" if look.truth_miou == look.truth_miou else ""
    sheet, _, box = sheet_with_plot(snapshot, look.step, title, f"step {look.step}{told}")
    image = to_rgb(lesson.picture.slices[look.slice])
    palette = lesson.settings.task.palette
    labels = lesson.strokes.labels[look.slice]
    strokes = image.copy()
    strokes[labels != VOID] = colour_mask(labels, palette)[labels != VOID]
    ids = Image.fromarray(look.labels).resize(image.shape[1::-1], Image.Resampling.NEAREST)
    predicted = (image // 2 + colour_mask(np.asarray(ids), palette) // 2).astype(np.uint8)
    _paste(sheet, [strokes, predicted], box)
    return sheet


def _paste(sheet: Image.Image, pictures: Sequence[np.ndarray], box: Box) -> None:
    """Paste pictures (H, W, 3) of one size below one another, as large as they fit."""
    left, top, right, bottom = box
    gap = (bottom - top) / 40
    height, width, _ = pictures[0].shape
    room = (bottom - top) / len(pictures) - gap
    scale = min((right - left) / width, room / height)
    size = max(1, int(width * scale)), max(1, int(height * scale))
    for number, pixels in enumerate(pictures):
        tile = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
        sheet.paste(tile, (int(left), int(top + number * (size[1] + gap))))
