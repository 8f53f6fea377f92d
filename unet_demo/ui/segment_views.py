"""What the Segment page shows of a segmentation: painted pages, legend, status."""

import secrets
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..data.images import Picture
from ..exports import Look
from ..render import LegendEntry, legend, overlay, to_rgb
from . import later
from .components.viewer import repaint_value, viewer_value
from .files import fresh_folder
from .html import note, table
from .text import say, say_name, translated

if TYPE_CHECKING:
    from ..segmentation import Segmentation

PREVIEW_SIDE = 800
"""Longest side in px of the picture's box, at two pixels of a screen for one of the page."""


@dataclass(frozen=True)
class PageLook(Look):
    """How a person looks at a result: a `Look`, at one page of a stack, numbered from 1."""

    page: float


def new_token() -> str:
    """Told from every other, and not to be guessed."""
    return secrets.token_hex(8)


@dataclass(frozen=True)
class Shown:
    """What a visitor is looking at, the truth to compare it with, and how it was asked for."""

    segmentation: "Segmentation"
    truth: np.ndarray | None
    checkpoint: str
    flips: bool
    token: str = field(default_factory=new_token)
    """Tells it from every other result, so that no repaint lands on a wrong one."""
    shared: bool = False
    """Whether it was made once for all visitors, so that no one's memory is the less for its loss."""

    @property
    def bytes(self) -> int:
        """Memory that its arrays take."""
        arrays = (
            self.segmentation.picture.pages,
            self.segmentation.prediction.probabilities,
            self.truth,
        )
        return sum(array.nbytes for array in arrays if array is not None)

    def token_of(self, page: float) -> str:
        """The viewer's token for a page."""
        return f"{self.token}/{whole_page(page, self.segmentation)}"


def whole_page(page: float | None, segmentation: "Segmentation") -> int:
    """The number of a page that there is, from 1, nearest to what stands in the slider's box."""
    return min(max(round(page or 1), 1), len(segmentation.picture.pages))


def preview(picture: Picture) -> Path:
    """A PNG of the first page for the picture's box, since browsers draw no TIFF.

    It is small, and quickly made rather than well compressed. Its name is like no other file's.
    """
    path = fresh_folder() / f"preview-{new_token()}.png"
    image = Image.fromarray(to_rgb(picture.pages[0]))
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    image.save(path, compress_level=1)
    return path


def paint(shown: Shown, look: PageLook) -> tuple[np.ndarray, tuple[LegendEntry, ...]]:
    """Overlay (H, W, 3) and legend of a page."""
    segmentation = shown.segmentation
    page = whole_page(look.page, segmentation)
    one = segmentation.prediction.page(page - 1)
    labels = one.labels(look.threshold)[0]
    picture = segmentation.picture.pages[page - 1]
    painted = overlay(picture, labels, one.task, look.opacity, look.style)
    return painted, legend(labels, one.confidence(look.threshold)[0], one.task)


def repainted(shown: Shown, look: PageLook, language: str) -> tuple[dict, str]:
    """The viewer's new overlay for the page that it shows, and the legend's table."""
    painted, entries = paint(shown, look)
    return repaint_value(painted, shown.token_of(look.page)), legend_table(entries, language)


def view(shown: Shown, look: PageLook, language: str) -> tuple[dict, str]:
    """The viewer's whole value for a page, and the legend's table."""
    segmentation = shown.segmentation
    task = segmentation.card.task
    page = whole_page(look.page, segmentation)
    painted, entries = paint(shown, look)
    value = viewer_value(
        to_rgb(segmentation.picture.pages[page - 1]),
        painted,
        task.classes,
        task.palette,
        segmentation.prediction.probabilities[page - 1],
        token=shown.token_of(page),
    )
    return value, legend_table(entries, language)


def legend_table(entries: tuple[LegendEntry, ...], language: str) -> str:
    """HTML table: colour, class, share, mean confidence."""
    columns = ("class", "share", "confidence")
    heads = (say(f"segment_legend_{column}", language) for column in columns)
    rows = (
        f'<tr><td><span class="swatch" style="background:rgb{entry.colour}"></span>'
        f"{escape(say_name('class', entry.name, language))}</td>"
        f"<td>{entry.share:.1%}</td><td>{entry.confidence:.1%}</td></tr>"
        for entry in entries
    )
    return table(heads, rows)


def status(segmentation: "Segmentation", language: str) -> str:
    """What was done in a line, and below it whatever a person should know."""
    prediction, picture = segmentation.prediction, segmentation.picture
    count, height, width, _ = picture.pages.shape
    done = say(
        "segment_done",
        language,
        title=say_name("title", segmentation.card.title or segmentation.card.name, language),
        pages=say("segment_pages", language, count=count) if count > 1 else "",
        width=width,
        height=height,
        seconds=f"{prediction.seconds:.2f}",
        device=prediction.device.upper(),
    )
    reason = later.segmentation.one_class_reason(prediction.labels(), segmentation.card)
    notes = [*picture.notes, *prediction.notes, *([reason] if reason else [])]
    said = (escape(translated(text, language)) for text in notes)
    return note(done) + "".join(f'<p class="notice">{text}</p>' for text in said)
