"""Draws the SVGs of the model cards, for light and dark pages: curves and confusion matrices."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

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
