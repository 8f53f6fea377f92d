"""Writes a live run as files: its losses, an animation, and a curve in the size of a slide."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..render import colour_mask, error_map
from ..tasks import Task
from .play import PlaySnapshot
from .run import LiveRun, Snapshot, Validation, is_short, task_of

SLIDE = (1920, 1080)
"""Pixels of a full-HD slide, width and height."""

ANIMATION = (960, 540)
FRAME_MS = 120
LAST_FRAME_MS = 2500

FINENESS = 2
"""Factor by which everything is drawn larger and then reduced, for smooth lines."""

PAPER, INK, RULE = (255, 255, 255), (33, 37, 41), (222, 226, 230)
TRAINING, FAINT, VALIDATION, REFERENCE = (
    (0, 103, 168),
    (150, 195, 224),
    (184, 67, 0),
    (110, 110, 110),
)

LOG_RATIO = 50.0
"""The axis is logarithmic where the greatest loss is more than so many times the least."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in px."""


@dataclass(frozen=True)
class Line:
    """One line of a plot, ``width`` in tenths of the text's height; infinite values and NaN are not drawn."""

    name: str
    steps: Sequence[float]
    values: Sequence[float]
    colour: tuple[int, int, int]
    width: float
    dots: bool = False


def write_losses(path: Path, snapshot: PlaySnapshot) -> None:
    """Write a CSV row for each step: step, loss, validation_loss, validation_mIoU (empty in between)."""
    validations = {step: (loss, miou) for step, loss, miou in snapshot.validations}
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "validation_loss", "validation_mIoU"])
        for step, loss in enumerate(snapshot.losses, 1):
            writer.writerow([step, loss, *validations.get(step, ("", ""))])


def write_curve(
    path: Path, snapshot: PlaySnapshot, title: str, published: Sequence[float] | None = None
) -> None:
    """Write a PNG of the run's losses, 1920×1080 px, behind them those that were published, if any."""
    picture, draw = _sheet(SLIDE)
    width, height = picture.size
    unit = height / 30
    draw.text((unit * 2, unit), title, INK, _font(unit * 1.3))
    lines = curve_lines(snapshot)
    if published:
        lines.append(Line("published", range(1, len(published) + 1), published, REFERENCE, 1.5))
    draw_plot(draw, (unit * 2, unit * 3.2, width - unit * 2, height - unit), lines, unit)
    picture.resize(SLIDE, Image.Resampling.LANCZOS).save(path, "PNG")


def write_animation(path: Path, run: LiveRun, title: str) -> None:
    """Write a GIF of the run, 960×540 px: pictures beside losses, a frame for each kept validation."""
    snapshot = run.snapshot()
    task = task_of(run.settings)
    write_frames(
        path, [_frame(snapshot, validation, task, title) for validation in run.reel.validations]
    )


def write_frames(path: Path, sheets: Sequence[Image.Image]) -> None:
    """Write an animation of sheets, each made by :func:`sheet_with_plot`; the last one rests longest."""
    frames = [sheet.resize(ANIMATION, Image.Resampling.LANCZOS) for sheet in sheets]
    first, *others = [frame.quantize(256, dither=Image.Dither.NONE) for frame in frames]
    durations = [FRAME_MS] * len(others) + [LAST_FRAME_MS]
    first.save(
        path, "GIF", save_all=True, append_images=others, duration=durations, loop=0, optimize=False
    )


def sheet_with_plot(
    snapshot: PlaySnapshot, step: int, title: str, heading: str
) -> tuple[Image.Image, ImageDraw.ImageDraw, Box]:
    """Draw a frame's title, heading, and losses up to ``step``; return it with the room for pictures."""
    sheet, draw = _sheet(ANIMATION)
    width, height = sheet.size
    unit = height / 24
    draw.text((unit, unit * 0.7), title, INK, _font(unit))
    draw.text((width - unit, unit * 0.7), heading, INK, _font(unit), "ra")
    box = (width * 0.54, unit * 2.6, width - unit, height - unit)
    draw_plot(draw, box, curve_lines(snapshot, step), unit * 0.8, span=curve_lines(snapshot))
    return sheet, draw, (unit, unit * 2.6, width * 0.52, height)


def curve_lines(snapshot: PlaySnapshot, until: int | None = None) -> list[Line]:
    """Return the training, smoothed and validation losses as lines, up to step ``until``."""
    last = len(snapshot.losses) if until is None else until
    steps = range(1, last + 1)
    smooth = not is_short(snapshot.steps)
    lines = [
        Line(
            "training", steps, snapshot.losses[:last],
            FAINT if smooth else TRAINING, 1 if smooth else 2.5,
        )
    ]  # fmt: skip
    if smooth:
        lines.append(Line("smoothed", steps, snapshot.smoothed[:last], TRAINING, 3))
    losses = {step: loss for step, loss, _ in snapshot.validations if 0 < step <= last}
    lines.append(
        Line("validation", tuple(losses), tuple(losses.values()), VALIDATION, 2, dots=True)
    )
    return lines


def draw_plot(
    draw: ImageDraw.ImageDraw,
    box: Box,
    lines: Sequence[Line],
    unit: float,
    span: Sequence[Line] | None = None,
) -> None:
    """Draw axes, lines and a legend within ``box``; ``unit`` is the height of the text in px.

    The axes span ``lines``, or ``span``, which keeps them equal in all frames of an animation.
    """
    left, top, right, bottom = box
    inside = (left + unit * 3.5, top + unit * 2.2, right, bottom - unit * 2.8)
    scale = _Scale.of(span or lines, inside)
    font = _font(unit)
    for value in scale.value_ticks():
        y = scale.y(value)
        draw.line([(inside[0], y), (inside[2], y)], RULE, max(1, int(unit / 16)))
        draw.text((inside[0] - unit / 2, y), f"{value:.3g}", INK, font, "rm")
    for step in scale.step_ticks():
        draw.text((scale.x(step), inside[3] + unit / 2), f"{step:g}", INK, font, "ma")
    draw.text((inside[2], bottom), "step", INK, font, "rd")
    draw.text((left, top + unit), "loss", INK, font, "lm")
    at = inside[0]
    for line in lines:
        _draw_line(draw, line, scale, unit)
        draw.line(
            [(at, top + unit), (at + unit * 1.5, top + unit)],
            line.colour,
            int(line.width * unit / 10) + 1,
        )
        draw.text((at + unit * 2, top + unit), line.name, INK, font, "lm")
        at += unit * 3 + font.getlength(line.name)


def _draw_line(draw: ImageDraw.ImageDraw, line: Line, scale: "_Scale", unit: float) -> None:
    points = [
        (scale.x(step), scale.y(value))
        for step, value in zip(line.steps, line.values, strict=True)
        if scale.has(value)
    ]
    if len(points) > 1:
        draw.line(points, line.colour, int(line.width * unit / 10) + 1, joint="curve")
    if line.dots or len(points) == 1:
        radius = unit / 5
        for x, y in points:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), line.colour)


@dataclass(frozen=True)
class _Scale:
    """Steps and losses → px."""

    box: Box
    last_step: float
    least: float
    greatest: float
    log: bool

    @classmethod
    def of(cls, lines: Sequence[Line], box: Box) -> "_Scale":
        values = np.array([v for line in lines for v in line.values if math.isfinite(v)] or [1.0])
        positive = values[values > 0]
        log = bool(positive.size == values.size and values.max() > LOG_RATIO * values.min())
        last = max((step for line in lines for step in line.steps), default=1)
        least = float(values.min()) / 1.1 if log else min(0.0, float(values.min()))
        return cls(box, max(last, 2), least, float(values.max()) * 1.05 or 1.0, log)

    def has(self, value: float) -> bool:
        return math.isfinite(value) and (value > 0 or not self.log)

    def x(self, step: float) -> float:
        left, _, right, _ = self.box
        return left + (step - 1) / (self.last_step - 1) * (right - left)

    def y(self, value: float) -> float:
        _, top, _, bottom = self.box
        bend = math.log if self.log else float
        share = (bend(value) - bend(self.least)) / (bend(self.greatest) - bend(self.least))
        return bottom - share * (bottom - top)

    def value_ticks(self) -> list[float]:
        if not self.log:
            return _round_numbers(self.least, self.greatest)
        powers = range(math.ceil(math.log10(self.least)), math.floor(math.log10(self.greatest)) + 1)
        return [10.0**power for power in powers][:: max(1, len(powers) // 6)]

    def step_ticks(self) -> list[float]:
        return [step for step in _round_numbers(1, self.last_step) if step == int(step)]


def _round_numbers(least: float, greatest: float) -> list[float]:
    """Return about six multiples of 1, 2 or 5 times a power of ten."""
    rough = (greatest - least) / 6
    power = 10 ** math.floor(math.log10(rough))
    gap = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    numbers = range(math.ceil(least / gap - 1e-9), math.floor(greatest / gap + 1e-9) + 1)
    return [number * gap for number in numbers]


def _frame(snapshot: Snapshot, validation: Validation, task: Task, title: str) -> Image.Image:
    heading = f"step {validation.step} of {snapshot.steps}    validation mIoU {validation.miou:.2f}"
    sheet, draw, box = sheet_with_plot(snapshot, validation.step, title, heading)
    _paste_scenes(sheet, draw, snapshot, validation, task, box)
    return sheet


def _paste_scenes(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    snapshot: Snapshot,
    validation: Validation,
    task: Task,
    box: Box,
) -> None:
    left, top, right, bottom = box
    pictures, truth, _ = snapshot.shown
    unit = sheet.height / 24
    rows = len(pictures)
    side = int(min((right - left) / 4 - unit / 4, (bottom - top - unit * 1.6) / rows - unit / 4))
    gap = unit / 4
    for column, name in enumerate(("picture", "truth", "prediction", "errors")):
        draw.text((left + column * (side + gap), top), name, INK, _font(unit * 0.8))
    for row in range(rows):
        columns = (
            pictures[row],
            colour_mask(truth[row], task.palette),
            colour_mask(validation.prediction[row], task.palette),
            error_map(pictures[row], validation.prediction[row], truth[row]),
        )
        for column, pixels in enumerate(columns):
            tile = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
            at = left + column * (side + gap), top + unit * 1.4 + row * (side + gap)
            sheet.paste(tile, (int(at[0]), int(at[1])))


def _sheet(size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sheet = Image.new("RGB", (size[0] * FINENESS, size[1] * FINENESS), PAPER)
    return sheet, ImageDraw.Draw(sheet)


def _font(height: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(height)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
