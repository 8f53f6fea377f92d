"""Writes the files of ``evaluate --save``: each picture, ground truth and output, and an overview.

As in article 0's evaluation, input, label and output of every picture are written as PNG and NPY.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..data.images import write_mask_png
from ..exports import replacing
from ..metrics import confusion_matrix
from ..plots import confusion_svg
from ..render import colour_mask, to_rgb
from ..tasks import Task
from .evaluate import Case

SHEET_CASES = 20
SHEET_COLUMNS = 5
SHEET_SIDE = 192
"""Side in px of a picture on the contact sheet."""


class MatrixOfCases:
    """The confusion matrix of all cases, int64 (classes, classes): rows ground truth, columns prediction."""

    def __init__(self, classes: int):
        self.matrix = np.zeros((classes, classes), np.int64)

    def __call__(self, case: Case) -> None:
        self.matrix += confusion_matrix(case.truth, case.labels, len(self.matrix))


class CaseFolder:
    """A folder with the files of every case, and after :meth:`finish` an overview."""

    def __init__(self, folder: Path, task: Task):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.task = task
        self.confusion = MatrixOfCases(len(task.classes))
        self.rows: list[np.ndarray] = []

    def __call__(self, case: Case) -> None:
        """Write NAME-input, NAME-label and NAME-output, each as .png and as .npy."""
        self.confusion(case)
        self.rows.append(sheet_row(case, self.task))
        path = self.folder / case.name
        with replacing(Path(f"{path}-input.png")) as file:
            Image.fromarray(to_rgb(case.picture)).save(file)
        for kind, ids in (("label", case.truth), ("output", case.labels)):
            with replacing(Path(f"{path}-{kind}.png")) as file:
                write_mask_png(file, ids, self.task.palette)
        arrays = {"input": case.picture, "label": case.truth, "output": case.probabilities}
        for kind, array in arrays.items():
            with replacing(Path(f"{path}-{kind}.npy")) as file:
                np.save(file, array)

    def finish(self) -> list[Path]:
        """Write contact-sheet.png of SHEET_CASES cases, and the confusion matrix as .svg and .csv."""
        sheet = self.folder / "contact-sheet.png"
        Image.fromarray(contact_sheet(self.rows)).save(sheet)
        picture, table = (self.folder / f"confusion.{kind}" for kind in ("svg", "csv"))
        drawing = confusion_svg(self.confusion.matrix, self.task.classes)
        picture.write_text(drawing, encoding="utf-8")
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["truth", *self.task.classes])
            for name, counts in zip(self.task.classes, self.confusion.matrix, strict=True):
                writer.writerow([name, *counts])
        return [sheet, picture, table]


def sheet_row(case: Case, task: Task) -> np.ndarray:
    """Draw picture, ground truth and output one below the other: uint8 (3 × SHEET_SIDE, SHEET_SIDE, 3)."""
    parts = (
        to_rgb(case.picture),
        colour_mask(case.truth, task.palette),
        colour_mask(case.labels, task.palette),
    )
    return np.concatenate([square(part) for part in parts])


def square(picture: np.ndarray) -> np.ndarray:
    """Fit a picture (H, W, 3) into the middle of a gray square of SHEET_SIDE px."""
    image = Image.fromarray(picture)
    factor = SHEET_SIDE / max(image.size)
    width, height = (max(1, round(length * factor)) for length in image.size)
    square = Image.new("RGB", (SHEET_SIDE, SHEET_SIDE), (127, 127, 127))
    where = ((SHEET_SIDE - width) // 2, (SHEET_SIDE - height) // 2)
    square.paste(image.resize((width, height), Image.Resampling.NEAREST), where)
    return np.asarray(square)


def contact_sheet(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Draw SHEET_CASES of the rows at most, evenly spread, in SHEET_COLUMNS columns: uint8 (H, W, 3)."""
    count = min(SHEET_CASES, len(rows))
    chosen = [rows[index] for index in np.linspace(0, len(rows) - 1, count).round().astype(int)]
    blank = np.full_like(chosen[0], 127)
    chosen += [blank] * (-count % SHEET_COLUMNS)
    lines = [
        np.concatenate(chosen[start : start + SHEET_COLUMNS], axis=1)
        for start in range(0, len(chosen), SHEET_COLUMNS)
    ]
    return np.concatenate(lines)
