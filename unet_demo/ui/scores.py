"""Scores as a table, under the names that people know them by."""

from collections.abc import Mapping
from html import escape

from .notices import table
from .texts import say, say_name


def score_table(scores: Mapping[str, float], language: str) -> str:
    """HTML table of scores; one that does not exist (a class in neither mask) is a dash."""
    rows = (
        f"<tr><td>{escape(score_name(name, language))}</td>"
        f"<td>{f'{value:.4f}' if value == value else '–'}</td></tr>"
        for name, value in scores.items()
    )
    return table((say("segment_score", language), say("segment_value", language)), rows)


def score_name(name: str, language: str) -> str:
    """A score's name in words: ``IoU circle`` is a measure and a class."""
    measure, _, of_class = name.partition(" ")
    if measure in ("IoU", "Dice"):
        return f"{measure} {say_name('class', of_class, language)}"
    return say_name("score", name, language)
