"""Makes a bundled checkpoint of a finished run: scores its float16 weights, draws the model card."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..checkpoints.card import Card
from ..checkpoints.files import WEIGHTS, Checkpoint, bundle_checkpoint, load_checkpoint
from ..evaluation.evaluate import Evaluation
from ..evaluation.report import MatrixOfCases, Series, confusion_svg, curve_svg
from ..inference import Predictor, Progress
from ..networks.base import parameter_count
from ..saving import replacing
from . import RunError
from .datasets import DATASETS, evaluate
from .recipe import Recipe
from .runs import LOSSES, SCORES, RunFolder

SMOOTHING = 0.98
"""Decay of the moving average of the losses that the curve shows."""


HEADLINES = ("V_rand", "V_info", "mIoU")
"""Scores that the card also gives without test-time averaging, for float16 and for float32 weights."""


def bundle(
    recipe: Recipe,
    run: Path,
    data: Path | None,
    device: str | None,
    progress: Progress | None = None,
) -> Evaluation:
    """Write a run's best checkpoint to ``weights/``: file, entry in the index, model card and curve.

    The scores, with and without test-time averaging, are those of the float16 weights that are
    shipped. The threshold is the best one without averaging, since pages predict so by default.
    Raises RunError when the run has no such checkpoint, DataError when the data is missing.
    """
    source = RunFolder(run, recipe).best
    if not source.is_file():
        raise RunError(f"{str(run)!r} holds no {source.name}; train it first, or give its folder.")
    checkpoint = load_checkpoint(source)
    # With today's recipe's margin and the like, not those that the run began with.
    undecided = Checkpoint(recipe.scored_card({}, ""), checkpoint.network)
    predictor = Predictor(undecided, device)
    single = evaluate(predictor, data, tta=False, progress=progress).scores
    confusion = MatrixOfCases(len(undecided.card.task.classes))
    evaluation = evaluate(predictor, data, tta=True, progress=progress, keep=confusion)
    trained = checkpoint.card.scores  # measured in training, before the weights became float16
    scores = dict(evaluation.scores)
    for headline in (name for name in HEADLINES if name in single):
        scores[f"{headline} without averaging"] = single[headline]
        if DATASETS[recipe.data].needs_folder:  # scenes are drawn anew: the score sees other ones
            scores[f"{headline} without averaging, float32"] = trained[headline]
    card = replace(
        recipe.scored_card(scores, f"{evaluation.scored_on}, {averaging(undecided.card)}"),
        recipe=checkpoint.card.recipe,
        threshold=single.get("threshold", 0.5),
    )
    target = WEIGHTS / source.name
    curve = curve_svg([_losses(run / LOSSES), _scores(run / SCORES, _headline(card))])
    texts = {target.with_suffix(".svg"): curve}
    if len(confusion.matrix) > 2:  # of two classes the scores tell all
        texts[confusion_path(target)] = confusion_svg(confusion.matrix, card.task.classes)
    parameters = parameter_count(checkpoint.network)
    texts[target.with_suffix(".md")] = model_card(card, recipe, parameters)
    for path, text in texts.items():
        with replacing(path) as file:
            file.write_text(text, encoding="utf-8")
    bundle_checkpoint(target, checkpoint.network, card)
    return evaluation


def confusion_path(checkpoint: Path) -> Path:
    """Return the path of a bundled checkpoint's confusion matrix, an SVG."""
    return checkpoint.with_name(f"{checkpoint.stem}-confusion.svg")


def averaging(card: Card) -> str:
    """Describe in words what test-time averaging does for a checkpoint."""
    views = {"dihedral": "8-fold averaging", "mirror": "averaged with its mirror image"}
    sizes = "" if len(card.scales) == 1 else f" at {len(card.scales)} sizes"
    return views[card.symmetry] + sizes


def sizes(card: Card) -> str:
    """Describe in words the sizes at which a checkpoint's network gets a picture."""
    size = f"the size whose longest side is {card.side} px" if card.side else "its own size"
    seen = f"a picture at {size}" if card.scale == 1 else f"a picture at {card.scale:g} of {size}"
    averaged = ", ".join(f"{scale:g}" for scale in card.scales)
    return seen + (f"; averaging goes over {averaged} of it" if len(card.scales) > 1 else "")


def model_card(card: Card, recipe: Recipe, parameters: int) -> str:
    """Return the model card, in Markdown: what a checkpoint is, how it was trained, how well it scores."""
    train_command, bundle_command = recipe.commands
    scores = "\n".join(
        f"| {name} | {value:.4f} |" for name, value in card.scores.items() if value == value
    )
    confusion = (
        f"\n![Confusion matrix]({confusion_path(Path(card.name)).name})\n"
        if len(card.task.classes) > 2
        else ""
    )
    seen = f"\nOn the contact sheet: {recipe.seen}\n" if recipe.seen else ""
    tried = f"What was tried: {recipe.tried}\n\n" if recipe.tried else ""
    return f"""# {card.name}: {card.title}

{card.summary}

- **Article:** {card.article}
- **Network:** {card.network}, {_in_words(card.options)}; {parameters:,} parameters, float16
- **Sees:** {sizes(card)}
- **Data and split:** {recipe.data_note}
- **Terms:** {card.licence}
- **Credit:** {card.credit or "none needed"}

## Scores

Measured on {card.scored_on}, with the file that is bundled.

| score | value |
|---|---|
{scores}

{recipe.scores_note}
{confusion}
## What it is bad at

{recipe.limits}
{seen}
## How it was trained

![Loss and validation score over the steps]({card.name}.svg)

```
{train_command}
{bundle_command}
```

{tried}The whole recipe, as it stands in the file's header:

```json
{json.dumps(card.recipe, indent=2, ensure_ascii=False)}
```
"""


def _losses(path: Path) -> Series:
    """Read the training losses; smooth them and keep about 300 of them."""
    steps, values = _columns(path, "loss")
    smooth = np.empty_like(values)
    mean = float(values[0])
    for index, value in enumerate(values):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * float(value)
        smooth[index] = mean
    thin = slice(None, None, max(1, len(steps) // 300))
    return Series("training loss, smoothed", steps[thin], smooth[thin], "#d55e00")


def _headline(card: Card) -> str:
    """Return the name of a checkpoint's main score."""
    return next(name for name in HEADLINES if name in card.scores)


def _scores(path: Path, name: str) -> Series:
    steps, values = _columns(path, name)
    return Series(f"validation {name}, no averaging over flips", steps, values, "#0072b2")


def _columns(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return np.array([int(r["step"]) for r in rows]), np.array([float(r[name]) for r in rows])


def _in_words(options: object) -> str:
    return ", ".join(f"{key} {value}" for key, value in dict(options).items())  # type: ignore[call-overload]
