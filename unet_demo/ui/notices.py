"""The small pieces of HTML that every page is told things with: a line, a mistake, a table."""

from collections.abc import Iterable
from html import escape
from typing import Any

from .texts import say, t, translated

Update = dict[Any, Any]
"""Component → its new value or properties: what a handler says to the page."""


def note(text: str) -> str:
    """A quiet line that screen readers announce."""
    return f'<p role="status">{escape(text)}</p>'


def hint(key: str) -> str:
    """A quiet sentence, which the browser translates."""
    return f'<p class="hint" role="status">{t(key)}</p>'


def alert(error: object, language: str) -> str:
    """A mistake in one plain sentence, announced at once."""
    return f'<p role="alert" class="mistake">{escape(translated(error, language))}</p>'


def alerts(mistakes: Iterable[object], language: str) -> str:
    """Mistakes together, and the button that closes a box of them that lies over a page: address.js."""
    name = escape(say("link_close", language))
    close = f'<button type="button" class="close" aria-label="{name}">×</button>'
    return close + "".join(alert(mistake, language) for mistake in mistakes)


def table(heads: Iterable[str], rows: Iterable[str]) -> str:
    """An HTML table from head texts and ready-made rows."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    return f'<table class="numbers"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
