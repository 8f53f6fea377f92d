"""What every page is told things with: small pieces of HTML (a line, a mistake, a table), and updates."""

import base64
import io
import zlib
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .text import say, say_name, t, translated

STRATEGY = zlib.Z_RLE
"""How zlib packs: runs only. On filtered photographs it is faster than level 1, and smaller."""


def png_url(pixels: NDArray[np.uint8]) -> str:
    """Encode pixels uint8 (H, W), (H, W, 3) or (H, W, 4) as ``data:image/png``."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1, compress_type=STRATEGY)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


Update = dict[Any, Any]
"""Component → its new value or properties: what a handler says to the page."""

QUICK: dict[str, Any] = {
    "queue": False,  # it loses what is asked for while the stream of the answer before is closing
    "show_progress": "hidden",
    # On no component: Gradio would show the wait of the event before beside the hidden one.
    "show_progress_on": [],
    "trigger_mode": "always_last",
    "api_visibility": "private",
}
"""How a page listens for what is made anew with each movement of a control: the last one counts."""


def note(text: str) -> str:
    """Return a quiet line that screen readers announce."""
    return f'<p role="status">{escape(text)}</p>'


def heading(key: str) -> str:
    """Return the heading of a part of a page, which the browser translates."""
    return f"<h2>{t(key)}</h2>"


def hint(key: str) -> str:
    """Return a quiet sentence, which the browser translates."""
    return f'<p class="hint" role="status">{t(key)}</p>'


def alert(error: object, language: str) -> str:
    """Return a mistake in one plain sentence, announced at once."""
    return f'<p role="alert" class="mistake">{escape(translated(error, language))}</p>'


def alerts(mistakes: Iterable[object], language: str) -> str:
    """Join mistakes, with the button that closes a box of them that lies over a page (address.js)."""
    name = escape(say("link_close", language))
    close = f'<button type="button" class="close" aria-label="{name}">×</button>'
    return close + "".join(alert(mistake, language) for mistake in mistakes)


def table(heads: Iterable[str], rows: Iterable[str]) -> str:
    """Return an HTML table from head texts and ready-made rows."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return f'<table class="numbers"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def scrolled(inside: str, label: str, kind: str = "") -> str:
    """Let what may be wider than a phone scroll by itself, with the keyboard too; ``label`` is HTML."""
    return f'<div class="scrolled {kind}" role="region" aria-label="{label}" tabindex="0">{inside}</div>'


def folded(summary: str, inside: str) -> str:
    """Fold away what only some want to read; both are HTML."""
    return f"<details><summary>{summary}</summary>{inside}</details>"


def score_table(scores: Mapping[str, float], language: str) -> str:
    """Return an HTML table of scores; one that does not exist (a class in neither mask) is a dash."""
    rows = (
        f"<tr><td>{escape(score_name(name, language))}</td>"
        f"<td>{f'{value:.4f}' if value == value else '–'}</td></tr>"
        for name, value in scores.items()
    )
    return table((say("segment_score", language), say("segment_value", language)), rows)


def score_name(name: str, language: str) -> str:
    """Return a score's name in words: ``IoU circle`` is a measure and a class."""
    measure, _, of_class = name.partition(" ")
    if measure in ("IoU", "Dice"):
        return f"{measure} {say_name('class', of_class, language)}"
    return say_name("score", name, language)
