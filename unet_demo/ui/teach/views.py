"""What the Teach page shows of a lesson: what to do next, readings, curve, network, prediction."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...checkpoints import read_card
from ...live.run import is_short
from ...networks.anatomy import anatomy
from ...tasks import VOID
from ...teach.examples import EXAMPLES, thumbnail
from ...teach.lesson import Lesson, Look, TeachSnapshot, decided, voided
from ...teach.network import FRESH
from ...teach.settings import TeachSettings
from ...teach.strokes import MOST_CLASSES, count_ids
from ..components.chart import Curve, chart_value
from ..components.paint import prediction_value
from ..components.u import u_value
from ..html import alert, note, png_url
from ..text import say, translated
from ..train.views import NOTHING, clock, fixed, number, tile
from .session import Session

THUMBNAIL = 88
"""Longest side in px of an example's picture."""

SHADES = 0xE0
"""Bits of an uncertainty that the browser gets: eight shades take a quarter of the bytes."""


def next_step(session: Session) -> str:
    """Say, before there is a lesson, what to do next, as HTML."""
    language = session.language
    if session.paper is None or session.labels is None:
        return alert(say(why_nothing(session), language), language)
    counts = count_ids(session.labels)[:VOID]
    key = ("paint", "second", "train")[min(int(np.count_nonzero(counts)), 2)]
    share = f"{float(f'{100 * counts.sum() / session.labels.size:.2g}'):g}"
    said = note(say(f"teach_next_{key}", language, share=share))
    return said + hints(session.paper.picture.notes, language)


def why_nothing(session: Session) -> str:
    """Return the key of the text that says why there is no picture."""
    if session.evicted:
        return "teach_put_away"
    return "teach_no_picture" if session.opened else "lost_forgotten"


def free_name(names: Sequence[str], language: str) -> str:
    """Name one more class, as the brush does."""
    numbers = range(len(names) + 1, 2 * len(names) + 2)
    wishes = (say("paint_unnamed", language, number=str(number)) for number in numbers)
    return next(wish for wish in wishes if wish not in names)


def hints(texts: Iterable[str], language: str) -> str:
    """Return what is less urgent, as HTML."""
    said = (escape(translated(one, language)) for one in texts)
    return "".join(f'<p class="hint">{one}</p>' for one in said)


def lesson_said(run: Lesson, snapshot: TeachSnapshot, language: str) -> str:
    """Say what has become of a lesson, and what to do next, as HTML."""
    places = {"step": f"{snapshot.step:,}", "seconds": number(snapshot.seconds)}
    if snapshot.exploded:
        return alert(say("teach_said_exploded", language, **places), language)
    said = say(
        f"teach_said_{snapshot.state}", language, **places, restored=str(snapshot.restored_step),
    )  # fmt: skip
    if snapshot.state == "diverged":
        return alert(said, language)
    noted = (
        escape(translated(one, language)) for one in (*held_out(snapshot, language), *run.notes)
    )
    return note(said) + "".join(f'<p class="hint">{one}</p>' for one in noted)


def held_out(snapshot: TeachSnapshot, language: str) -> tuple[str, ...]:
    """Say how much of the strokes is kept out, if any is."""
    share = f"{100 * snapshot.held_out:.0f}"
    return (say("teach_held_out", language, share=share),) if snapshot.held_out else ()


def readings(snapshot: TeachSnapshot | None, language: str) -> str:
    """Return the lesson's numbers as HTML; dashes before there is one."""
    look = snapshot.validation if snapshot else None
    left = None if snapshot is None or snapshot.over else snapshot.seconds_left
    shown = {
        "step": f"{snapshot.step:,}" if snapshot else NOTHING,
        "loss": number(snapshot.loss if snapshot else None, 3),
        "kept": fixed(look.miou if look and look.held_out else None, 2),
        "truth": fixed(look.truth_miou if look else None, 2),
        "speed": number(snapshot.steps_per_second if snapshot and snapshot.step else None, 2),
        "left": clock(left),
    }
    tiles = "".join(tile(name, value, language, "teach") for name, value in shown.items())
    return f'<dl class="readings">{tiles}</dl>'


def curve(snapshot: TeachSnapshot | None, language: str) -> dict[str, Any]:
    """Return the chart's value."""
    if snapshot is None:
        return chart_value([])
    steps = range(1, snapshot.step + 1)
    validated = {step: loss for step, loss, _ in snapshot.validations if step > 0}
    smoothed = None if is_short(snapshot.step) else snapshot.smoothed
    line = Curve(
        say("teach_curve", language), steps, snapshot.losses, smoothed, list(validated),
        list(validated.values()), live=True,
    )  # fmt: skip
    return chart_value([line])


SIDE = 96
"""Px of the picture by which the network's layers are told."""


def living_u(
    session: Session, start: Path | None, snapshot: TeachSnapshot | None = None
) -> dict[str, Any]:
    """Return the U of the lesson's network, or of that which one would begin with.

    Raises CheckpointError for a start that cannot be read.
    """
    if session.run:
        card = session.run.card()
        network, options = card.network, card.options
    else:
        network, options = planned(session, start)
    look = snapshot.validation if snapshot else None
    return u_value(
        anatomy(network, options, SIDE), look.maps if look else None,
        skips=bool(options.get("skips", True)), language=session.language,
    )  # fmt: skip


def planned(session: Session, start: Path | None) -> tuple[str, dict[str, Any]]:
    """Return name and options of the network that a lesson would begin with. Raises CheckpointError."""
    if start:
        card = read_card(start)
        return card.network, {**card.options, "out_channels": MOST_CLASSES}
    channels = session.paper.picture.slices.shape[-1] if session.paper else 1
    width = TeachSettings().width
    return FRESH, {"in_channels": channels, "out_channels": MOST_CLASSES, "width": width}


def laid_over(session: Session, look: Look | None) -> dict[str, Any] | None:
    """Return what is laid over the slice that is shown: of all slices' prediction, else of a look."""
    run = session.run
    if session.paper is None or run is None or run.picture is not session.paper.picture:
        return None
    if session.predicted:
        one = session.predicted.slice(session.slice - 1)
        labels, doubt = decided(one.probabilities[0])
        if one.void is not None:
            labels, doubt = voided(labels, doubt, one.void[0])
        return _laid(session, session.slice, labels, doubt)
    return _laid(session, look.slice + 1, look.labels, look.uncertainty) if look else None


def _laid(session: Session, slice: int, labels: np.ndarray, doubt: np.ndarray) -> dict[str, Any]:
    assert session.paper
    return prediction_value(session.paper.key, slice, labels, doubt & np.uint8(SHADES))


def examples(session: Session) -> str:
    """Return the examples as buttons, as HTML for `components.figures`."""
    chosen = session.paper.example if session.paper else ""
    return "".join(_example(name, name == chosen, session.language) for name in EXAMPLES)


def _example(name: str, chosen: bool, language: str) -> str:
    image = Image.fromarray(thumbnail(name))
    image.thumbnail((THUMBNAIL * 2, THUMBNAIL * 2))
    caption = escape(say(f"teach_example_{name}", language))
    pick = escape(f'{{"example": "{name}"}}')
    return (
        f'<button type="button" data-pick="{pick}" aria-pressed="{str(chosen).lower()}">'
        f'<img src="{png_url(np.asarray(image))}" alt=""><span>{caption}</span></button>'
    )
