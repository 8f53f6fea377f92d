"""What the Segment page shows of a result: slices for the viewer, status, scores; and its menus."""

from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from ...checkpoints import CheckpointError, find_offered, read_card, read_index
from ...examples import load_thumbnail, offered_examples
from ...render import View
from ...segmentation import Result, truth_scores
from ..components.viewer import viewer_value
from ..files import fresh_folder
from ..html import note, score_table
from ..text import say, say_name, translated

HEADLINES = ("V_rand", "mIoU")
"""The score by which the menu tells of a checkpoint: the first of these that its card has."""


def whole_slice(number: float | None, slices: int) -> int:
    """Return the number of a slice that there is, from 1, nearest to what stands in the slider's box."""
    return min(max(round(number or 1), 1), slices)


def slice_value(result: Result, view: View) -> dict[str, Any]:
    """Make the viewer's value for the view's slice."""
    slices = result.request.picture.slices
    number = whole_slice(view.slice, len(slices))
    void, truth, painted = (
        None if array is None else array[number - 1]
        for array in (result.prediction.void, result.truth, result.prediction.painted)
    )
    return viewer_value(
        slices[number - 1],
        result.prediction.probabilities[number - 1],
        result.card.task,
        threshold=result.prediction.threshold if view.threshold is None else view.threshold,
        slice=number,
        slices=len(slices),
        void=void,
        truth=truth,
        painted=painted,
        made=result.made,
        layer=view.layer,
        zoom=view.zoom,
        x=view.x,
        y=view.y,
    )


def status(result: Result, threshold: float, language: str) -> str:
    """Say what was done in a line, and below it whatever a person should know."""
    count, height, width, _ = result.request.picture.slices.shape
    done = say(
        "segment_done",
        language,
        title=say_name("title", result.card.title or result.card.name, language),
        pages=say("segment_pages", language, count=count) if count > 1 else "",
        width=width,
        height=height,
        seconds=f"{result.prediction.seconds:.2f}",
        device=result.prediction.device.upper(),
    )
    said = (escape(translated(text, language)) for text in result.notes(threshold))
    return note(done) + "".join(f'<p class="notice">{text}</p>' for text in said)


def comparison(result: Result, view: View, language: str) -> str:
    """Make the table of the scores, which says what slices they cover; "" without a truth."""
    if result.truth is None:
        return ""
    labels = result.prediction.labels(view.threshold)
    scores = truth_scores(labels, result.truth, result.card)
    covered = say("segment_scores_of", language, count=len(labels)) if len(labels) > 1 else ""
    return (f'<p class="hint">{covered}</p>' if covered else "") + score_table(scores, language)


@cache
def menu(names: tuple[str, ...], language: str) -> list[tuple[str, str]]:
    """List checkpoints for the menu: title, score and, in a second line, what each is for; its name."""
    bundled = read_index()
    return [(_label(name, language) if name in bundled else name, name) for name in names]


def _label(name: str, language: str) -> str:
    try:
        card = read_card(find_offered(name))
    except CheckpointError:  # whoever opens it is told what is wrong
        return name
    score = next(
        (f" · {score} {card.scores[score]:.3f}" for score in HEADLINES if score in card.scores), ""
    )
    summary = say_name("summary", card.summary, language)
    return f"{say_name('title', card.title or name, language)}{score}\n{summary}"


def captioned_examples(folder: Path, language: str) -> list[tuple[str, str]]:
    """Give each example's thumbnail, a file in the folder that is made once, and its caption.

    Of pixels Gradio would write the files anew, while another visitor's browser reads them.
    """
    captioned = []
    for example in offered_examples():
        path = folder / f"{example.name}.png"
        if not path.exists():
            aside = fresh_folder() / path.name
            Image.fromarray(load_thumbnail(example.name)).save(aside)
            aside.replace(path)
        captioned.append((str(path), say_name("example", example.caption, language)))
    return captioned
