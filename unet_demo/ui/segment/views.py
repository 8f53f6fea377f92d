"""What the Segment page shows of a result: slices for the viewer, status, comparison, preview."""

import secrets
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...data.images import Picture
from ...examples import load_thumbnail, offered_examples
from ...render import View, error_map, to_rgb
from ...segmentation import Result, truth_scores
from ..components.viewer import viewer_value
from ..files import fresh_folder
from ..html import note, score_table
from ..text import say, say_name, translated

PREVIEW_SIDE = 800
"""Longest side in px of the picture's box, at two pixels of a screen for one of the page."""


def whole_slice(number: float | None, slices: int) -> int:
    """Return the number of a slice that there is, from 1, nearest to what stands in the slider's box."""
    return min(max(round(number or 1), 1), slices)


def slice_value(result: Result, view: View) -> dict[str, Any]:
    """Make the viewer's value for the view's slice."""
    slices, void = result.request.picture.slices, result.prediction.void
    number = whole_slice(view.slice, len(slices))
    return viewer_value(
        slices[number - 1],
        result.prediction.probabilities[number - 1],
        result.card.task,
        threshold=result.prediction.threshold if view.threshold is None else view.threshold,
        slice=number,
        slices=len(slices),
        void=None if void is None else void[number - 1],
        made=result.made,
    )


def status(result: Result, language: str) -> str:
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
    said = (escape(translated(text, language)) for text in result.notes())
    return note(done) + "".join(f'<p class="notice">{text}</p>' for text in said)


def comparison(result: Result, view: View, language: str) -> tuple[str, np.ndarray | None]:
    """Make the scores' table and the slice's errors, uint8 (H, W, 3); "" and None without a truth."""
    if result.truth is None:
        return "", None
    slices = result.request.picture.slices
    at = whole_slice(view.slice, len(slices)) - 1
    labels = result.prediction.labels(view.threshold)
    scores = truth_scores(labels, result.truth, result.card)
    return score_table(scores, language), error_map(slices[at], labels[at], result.truth[at])


def preview(picture: Picture) -> Path:
    """Write a PNG of the first page for the picture's box, since browsers draw no TIFF.

    It is small, and quickly made rather than well compressed. Its name is like no other file's.
    """
    path = fresh_folder() / f"preview-{secrets.token_hex(8)}.png"
    image = Image.fromarray(to_rgb(picture.slices[0]))
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    image.save(path, compress_level=1)
    return path


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
