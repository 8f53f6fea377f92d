"""A finished run → a bundled checkpoint: scored anew from its float16 file, with a model card and a curve."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np

from .checkpoints import WEIGHTS, Card, Checkpoint, add_to_index, load_checkpoint, save_checkpoint
from .evaluation import Evaluation, evaluate
from .inference import Predictor, Progress
from .networks.base import parameter_count
from .recipes import RECIPES
from .runs import LOSSES, SCORES, RunError, RunFolder

CURVE_SIZE = (640, 260)
MARGIN = 46
SMOOTHING = 0.98
"""Decay of the moving average that the curve draws of the losses."""


HEADLINES = ("V_rand", "V_info", "mIoU")
"""Scores that the card gives without averaging too."""


@dataclass(frozen=True)
class Series:
    """A named line of a curve: steps and values, and its colour."""

    name: str
    steps: np.ndarray
    values: np.ndarray
    colour: str


def bundle(
    name: str, run: Path, data: Path | None, device: str | None, progress: Progress | None = None
) -> Evaluation:
    """Enter the best checkpoint of a run into ``weights/``: file, index, model card and curve.

    Its scores, with and without 8-fold averaging, are measured on the float16 weights that are
    shipped; its threshold is the best one without, since that is how pages predict by default.
    Raises RunError when the run has no such checkpoint, DataError when the data is not there.
    """
    source = RunFolder(run, RECIPES[name]).best
    if not source.is_file():
        raise RunError(f"{str(run)!r} holds no {source.name}; train it first, or give its folder.")
    checkpoint = load_checkpoint(source)
    # With today's recipe's margin and the like, not those that the run began with.
    undecided = Checkpoint(RECIPES[name].card({}, ""), checkpoint.network)
    predictor = Predictor(undecided, device)
    single = evaluate(predictor, data, flips=False, progress=progress).scores
    evaluation = evaluate(predictor, data, flips=True, progress=progress)
    scores = evaluation.scores | {
        f"{score} without averaging": single[score] for score in HEADLINES if score in single
    }
    card = replace(
        RECIPES[name].card(scores, f"{evaluation.scored_on}, 8-fold averaging"),
        recipe=checkpoint.card.recipe,
        threshold=single.get("threshold", 0.5),
    )
    target = WEIGHTS / source.name
    save_checkpoint(target, checkpoint.network, card)
    add_to_index(target)
    curve = curve_svg([_losses(run / LOSSES), _scores(run / SCORES, RECIPES[name].choose_by)])
    target.with_suffix(".svg").write_text(curve, encoding="utf-8")
    parameters = parameter_count(checkpoint.network)
    target.with_suffix(".md").write_text(model_card(card, parameters), encoding="utf-8")
    return evaluation


def model_card(card: Card, parameters: int) -> str:
    """Markdown that tells a person what a checkpoint is, how it came about and what it is worth."""
    recipe = RECIPES[card.name]
    needs_data = "" if recipe.data == "shapes" else " --data DIR"
    scores = "\n".join(
        f"| {name} | {value:.4f} |" for name, value in card.scores.items() if value == value
    )
    return f"""# {card.name}: {card.title}

{card.summary}

- **Article:** {card.article}
- **Network:** {card.network}, {_in_words(card.options)}; {parameters:,} parameters, float16
- **Data and split:** {recipe.data_note}
- **Terms:** {card.licence}
- **Credit:** {card.credit or "none needed"}

## Scores

Measured on {card.scored_on}, with the file that is bundled.

| score | value |
|---|---|
{scores}

{recipe.scores_note}

## What it is bad at

{recipe.limits}

## How it was trained

![Loss and validation score over the steps]({card.name}.svg)

```
python -m unet_demo train {card.name}{needs_data} --out RUN
python -m unet_demo bundle {card.name} RUN{needs_data}
```

The whole recipe, as it stands in the file's header:

```json
{json.dumps(card.recipe, indent=2, ensure_ascii=False)}
```
"""


def curve_svg(lines: Sequence[Series]) -> str:
    """An SVG of one panel a series, side by side, each with its range; readable in light and dark."""
    width, height = CURVE_SIZE
    panels = "".join(
        f'<g transform="translate({index * width},0)">{_panel(line)}</g>'
        for index, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * len(lines)} {height}"'
        ' font-family="system-ui, sans-serif" font-size="14" fill="#777777">'
        f"{panels}</svg>\n"
    )


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
        ' stroke="#999999"/>'
        f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2"/>'
    )


def _losses(path: Path) -> Series:
    """The training losses, smoothed and thinned to what a curve can show."""
    steps, values = _columns(path, "loss")
    smooth = np.empty_like(values)
    mean = float(values[0])
    for index, value in enumerate(values):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * float(value)
        smooth[index] = mean
    thin = slice(None, None, max(1, len(steps) // 300))
    return Series("training loss, smoothed", steps[thin], smooth[thin], "#d55e00")


def _scores(path: Path, name: str) -> Series:
    steps, values = _columns(path, name)
    return Series(f"validation {name}, no averaging over flips", steps, values, "#0072b2")


def _columns(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([int(r["step"]) for r in rows]), np.array([float(r[name]) for r in rows])


def _in_words(options: object) -> str:
    return ", ".join(f"{key} {value}" for key, value in dict(options).items())  # type: ignore[call-overload]
