"""What the Segment page shows of a segmentation: painted pages, legend, status."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..data.images import Picture
from ..exports import Look
from ..render import LegendEntry, legend, overlay, to_rgb
from . import later
from .files import fresh_folder
from .notices import note, table
from .texts import say, say_name, translated
from .viewer import viewer_value

if TYPE_CHECKING:
    from ..segmentation import Segmentation

PREVIEW = "unet_demo-preview.png"
"""Name of the files that the page itself puts into the picture's box; a visitor's have others."""


@dataclass(frozen=True)
class Shown:
    """What a visitor is looking at, the truth to compare it with, and how it was asked for."""

    segmentation: "Segmentation"
    truth: np.ndarray | None
    checkpoint: str
    flips: bool


def whole_page(page: float | None, segmentation: "Segmentation") -> int:
    """The number of a page that there is, from 1, nearest to what stands in the slider's box."""
    return min(max(round(page or 1), 1), len(segmentation.picture.pages))


def thumbnail(picture: Picture) -> np.ndarray:
    """The first page as RGB, uint8 (H, W, 3)."""
    return to_rgb(picture.pages[0])


def preview(picture: Picture) -> str:
    """A PNG of the first page for the picture's box, since browsers draw no TIFF."""
    path = fresh_folder() / PREVIEW
    Image.fromarray(thumbnail(picture)).save(path)
    return str(path)


def paint(shown: Shown, page: int, look: Look) -> tuple[np.ndarray, tuple[LegendEntry, ...]]:
    """Overlay (H, W, 3) and legend of a page, numbered from 1."""
    segmentation = shown.segmentation
    page = whole_page(page, segmentation)
    one = segmentation.prediction.page(page - 1)
    labels = one.labels(look.threshold)[0]
    picture = segmentation.picture.pages[page - 1]
    painted = overlay(picture, labels, one.task, look.opacity, look.style)
    return painted, legend(labels, one.confidence(look.threshold)[0], one.task)


def view(shown: Shown, page: int, look: Look, language: str) -> tuple[dict, str]:
    """The viewer's whole value for a page, and the legend's table."""
    segmentation = shown.segmentation
    task = segmentation.card.task
    page = whole_page(page, segmentation)
    painted, entries = paint(shown, page, look)
    value = viewer_value(
        to_rgb(segmentation.picture.pages[page - 1]),
        painted,
        task.classes,
        task.palette,
        segmentation.prediction.probabilities[page - 1],
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
