"""What the Train page shows of a run: sentences, readings, curves, pictures and tables."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from ..article_losses import ENVELOPE, PUBLISHED, STEPS
from ..live import (
    FEW_STEPS,
    SHOWN,
    LiveRun,
    LiveSettings,
    Snapshot,
    count_parameters,
    differing_fields,
    flatten,
    watched_scenes,
)
from .chart import Curve, chart_value
from .scenes import scenes_value
from .segment_page import table
from .texts import say
from .train_session import Attempt, Session

NOTHING = "–"

LABEL_FIELDS = 3
"""Settings that a legend names; the table below names all."""


def number(value: float | None, form: str = ".3g") -> str:
    """A number as a person reads it; a dash where there is none."""
    return NOTHING if value is None or not math.isfinite(value) else format(value, form)


def plain(settings: LiveSettings) -> dict[str, str]:
    """What sentences say of the settings."""
    return {
        "network": settings.network,
        "width": str(settings.width),
        "parameters": f"{count_parameters(settings):,}",
        "rate": f"{settings.rate:g}",
        "optimiser": settings.optimiser,
    }


def ready_sentence(settings: LiveSettings) -> str:
    """What pressing Train will train."""
    return say("train_said_ready", **plain(settings))


def sentence(snapshot: Snapshot, run: LiveRun) -> str:
    """What has become of a run, and what to do where it went wrong."""
    known = plain(run.settings) | {"step": str(snapshot.step)}
    if snapshot.exploded:
        times = snapshot.smoothed[-1] / snapshot.losses[0]
        return say("train_said_exploded", **known, loss=number(snapshot.loss), times=number(times))
    seconds = run.limits.seconds if snapshot.state == "out of time" else snapshot.seconds
    return say(
        f"train_said_{snapshot.state}",
        **known,
        seconds=number(seconds),
        restored=str(snapshot.restored_step),
        miou=number(snapshot.look.miou if snapshot.look else None),
    )


def readings(snapshot: Snapshot | None) -> str:
    """The run's numbers as HTML; dashes before there is one."""
    look = snapshot.look if snapshot else None
    left = None if snapshot is None or snapshot.over else snapshot.seconds_left
    shown = {
        "step": f"{snapshot.step} / {snapshot.steps}" if snapshot else NOTHING,
        "loss": number(snapshot.loss if snapshot else None, ".4g"),
        "miou": number(look.miou if look else None, ".3f"),
        "accuracy": number(100 * look.accuracy if look else None, ".1f") + (" %" if look else ""),
        "speed": number(snapshot.steps_per_second if snapshot and snapshot.step else None),
        "left": clock(left),
        "device": snapshot.device.upper() if snapshot else NOTHING,
    }
    tiles = "".join(tile(name, value) for name, value in shown.items())
    return f'<dl class="readings">{tiles}</dl>'


def tile(name: str, value: str) -> str:
    """One reading as HTML, explained where the pointer rests on it."""
    told, label = escape(say(f"train_told_{name}")), escape(say(f"train_reading_{name}"))
    return (
        f'<div data-reading="{name}" title="{told}"><dt>{label}</dt><dd>{escape(value)}</dd></div>'
    )


def clock(seconds: float | None) -> str:
    """Seconds as m:ss."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    whole = max(0, math.ceil(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def preview(settings: LiveSettings) -> dict[str, Any]:
    """The pictures that a run would be looked at by, before there is one."""
    watched = watched_scenes(settings)
    return pictures_value(settings, watched.images, watched.labels, None)


def pictures(snapshot: Snapshot, settings: LiveSettings) -> dict[str, Any]:
    """The pictures of a run as it is now."""
    return pictures_value(settings, snapshot.watched.images, snapshot.watched.labels, snapshot)


def pictures_value(
    settings: LiveSettings, images: Any, labels: Any, snapshot: Snapshot | None
) -> dict[str, Any]:
    """The scenes component's value for all watched pictures (N, H, W, 3), of which it shows the first."""
    prediction = snapshot.look.prediction if snapshot and snapshot.look else None
    kind = "scenes" if settings.scenes else "article"
    note = say(f"train_note_{kind}", count=len(images))
    return scenes_value(images[:SHOWN], labels[:SHOWN], prediction, settings.task, note)


def curves(session: Session, settings: LiveSettings) -> dict[str, Any]:
    """The chart's value: the run in hand before those behind it, and the article's where it applies."""
    attempts = session.attempts
    labels = run_labels(attempts)
    return chart_value(
        [
            curve(
                attempt.snapshot, label, live=attempt.number == session.number and bool(session.run)
            )
            for attempt, label in zip(attempts, labels, strict=True)
        ],
        reference() if settings.scenes is None else None,
    )


def reference() -> Curve:
    """The article's published losses."""
    return Curve(say("train_published"), range(1, STEPS + 1), PUBLISHED)


def curve(snapshot: Snapshot, label: str, *, live: bool) -> Curve:
    """A run's losses as the chart takes them."""
    looks = [look for look in snapshot.looks if look[0] > 0]
    steps = range(1, snapshot.step + 1)
    return Curve(
        label,
        steps,
        snapshot.losses,
        snapshot.smoothed if snapshot.steps > FEW_STEPS else None,
        [look[0] for look in looks],
        [look[1] for look in looks],
        live,
    )


def run_labels(attempts: Sequence[Attempt]) -> list[str]:
    """For each run its number and the first settings in which the runs differ."""
    fields = differing_fields([attempt.settings for attempt in attempts])[:LABEL_FIELDS]
    return [
        say("train_run_label", number=attempt.number, differs=differences(attempt.settings, fields))
        for attempt in attempts
    ]


def differences(settings: LiveSettings, fields: Sequence[str]) -> str:
    """The named fields of some settings, in words; network and width where there is none."""
    values = flatten(settings)
    return ", ".join(
        f"{say(f'train_field_{name}')} {in_words(values[name])}"
        for name in fields or ("network", "width")
    )


def in_words(value: object) -> str:
    """A setting's value as a person reads it."""
    if isinstance(value, bool):
        return say("train_on" if value else "train_off")
    if isinstance(value, tuple):
        return "–".join(f"{part:g}" for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def runs_table(session: Session) -> str:
    """HTML table of the session's runs, the newest first."""
    attempts = session.attempts
    if not attempts:
        return f'<p class="hint">{escape(say("train_runs_none"))}</p>'
    fields = differing_fields([attempt.settings for attempt in attempts])
    heads = (
        say(f"train_run_{column}")
        for column in ("number", "differs", "steps", "loss", "miou", "seconds")
    )
    rows = []
    for attempt in reversed(attempts):
        snapshot = attempt.snapshot
        cells = (
            attempt.number,
            differences(attempt.settings, fields),
            snapshot.step,
            number(snapshot.smoothed[-1] if snapshot.steps > FEW_STEPS else snapshot.loss),
            number(snapshot.look.miou if snapshot.look else None, ".3f"),
            number(snapshot.seconds),
        )
        rows.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>")
    return table(heads, rows)


def envelope_table() -> str:
    """HTML table: each of the article's steps, the seeds' envelope, and whether its loss lies inside."""
    heads = (
        say(f"train_envelope_{column}")
        for column in ("step", "least", "greatest", "published", "inside")
    )
    rows = (
        f"<tr><td>{row.step}</td><td>{row.least:.4f}</td><td>{row.greatest:.4f}</td>"
        f"<td>{row.published:.4f}</td><td>{escape(say('train_yes' if row.inside else 'train_no'))}</td></tr>"
        for row in ENVELOPE
    )
    return table(heads, rows)
