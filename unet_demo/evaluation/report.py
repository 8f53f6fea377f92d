"""Draws and writes what an evaluation leaves: pictures with ground truth and output, curves, confusion matrices.

As in article 0's evaluation, input, label and output of every picture are written as PNG and NPY.
The SVGs suit light and dark pages.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from ..data.images import write_mask_png
from ..metrics import confusion_matrix
from ..render import colour_mask, to_rgb
from ..saving import replacing
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


CURVE_SIZE = (640, 260)
MARGIN = 46

CELL = 30
"""Side in px of a cell of a confusion matrix."""

NAMES_SPACE = 118
"""Px for the names of the classes, to the left of and above a confusion matrix."""

INK, FRAME = "#777777", "#999999"


@dataclass(frozen=True)
class Series:
    """A named line of a curve: steps and values, and its colour."""

    name: str
    steps: np.ndarray
    values: np.ndarray
    colour: str


def curve_svg(lines: Sequence[Series]) -> str:
    """Draw an SVG with a panel for each series, side by side, each with its own range."""
    width, height = CURVE_SIZE
    panels = "".join(
        f'<g transform="translate({index * width},0)">{_panel(line)}</g>'
        for index, line in enumerate(lines)
    )
    return _svg(width * len(lines), height, 14, panels)


def _panel(line: Series) -> str:
    width, height = CURVE_SIZE
    low, high = float(line.values.min()), float(line.values.max())
    across = (line.steps - line.steps[0]) / max(1, line.steps[-1] - line.steps[0])
    up = (line.values - low) / ((high - low) or 1)
    x = MARGIN + across * (width - 2 * MARGIN)
    y = height - MARGIN - up * (height - 2 * MARGIN)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<text x="{MARGIN}" y="24">{escape(line.name)}: {line.values[0]:.3f} → '
        f"{line.values[-1]:.4f}</text>"
        f'<text x="{MARGIN - 6}" y="{MARGIN + 5}" text-anchor="end">{high:.2f}</text>'
        f'<text x="{MARGIN - 6}" y="{height - MARGIN + 5}" text-anchor="end">{low:.2f}</text>'
        f'<text x="{width - MARGIN}" y="{height - 18}" text-anchor="end">step '
        f"{int(line.steps[-1])}</text>"
        f'<path d="M{MARGIN} {MARGIN}V{height - MARGIN}H{width - MARGIN}" fill="none"'
        f' stroke="{FRAME}"/>'
        f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2"/>'
    )


def confusion_svg(matrix: np.ndarray, classes: Sequence[str]) -> str:
    """Draw a confusion matrix (rows: ground truth) as SVG, in per cent of each true class's pixels.

    The diagonal is blue and errors are orange; a class without pixels has an empty row.
    """
    totals = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    cells = "".join(
        _cell(row, column, float(shares[row, column]))
        for row, column in zip(*np.nonzero(shares >= 0.005), strict=True)
    )
    names = "".join(_names(index, name) for index, name in enumerate(classes))
    side = CELL * len(classes)
    frame = (
        f'<rect x="{NAMES_SPACE}" y="{NAMES_SPACE}" width="{side}" height="{side}" fill="none"'
        f' stroke="{FRAME}"/>'
    )
    titles = (
        f'<text x="{NAMES_SPACE - 8}" y="18" text-anchor="end">predicted ↗</text>'
        f'<text x="8" y="{NAMES_SPACE - 8}">true ↓ (%)</text>'
    )
    # The last name is slanted and reaches to the right by half the space above the matrix.
    width, height = NAMES_SPACE + side + NAMES_SPACE // 2, NAMES_SPACE + side + 8
    return _svg(width, height, 13, titles + cells + names + frame)


def _cell(row: int, column: int, share: float) -> str:
    x, y = NAMES_SPACE + column * CELL, NAMES_SPACE + row * CELL
    colour = "#0072b2" if row == column else "#d55e00"
    # A pale cell shows the page behind it, so its number has the page's text colour.
    ink = ' fill="#ffffff"' if share > 0.55 else ""
    return (
        f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{colour}"'
        f' fill-opacity="{share:.2f}"/>'
        f'<text x="{x + CELL / 2}" y="{y + CELL / 2 + 4}" font-size="11" text-anchor="middle"{ink}>'
        f"{100 * share:.0f}</text>"
    )


def _names(index: int, name: str) -> str:
    middle = NAMES_SPACE + index * CELL + CELL / 2
    return (
        f'<text x="{NAMES_SPACE - 6}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>'
        f'<text transform="translate({middle + 4},{NAMES_SPACE - 6}) rotate(-60)">{escape(name)}'
        "</text>"
    )


def _svg(width: int, height: int, size: int, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' font-family="system-ui, sans-serif" font-size="{size}" fill="{INK}">{inside}</svg>\n'
    )
