"""What the Train page shows of a run: sentences, readings, curves, pictures and tables."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from ...live.experiment import SHOWN, task_of, watched_scenes
from ...live.run import LiveRun, Snapshot, is_short
from ...live.settings import LiveSettings, differing_fields, flatten
from ...messages import in_full
from ...networks import count_parameters
from ...networks.anatomy import anatomy
from ...training import published_losses
from ...training.published_losses import ENVELOPE
from ..components.chart import Curve, chart_value
from ..components.scenes import scenes_value
from ..components.u import u_value
from ..html import table
from ..text import say, say_name
from .session import Attempt, Session

NOTHING = "–"

WHOLE = 1000.0
"""From here on a number is told without digits after the point, and its thousands are set apart."""

IN_FULL = 1e6
"""From here on a number is told as a power of ten: a loss may grow without end."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

LABEL_FIELDS = 3
"""Settings that a legend names; the table below names all."""


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with so many digits: 0.052, 1,234, 1.23×10⁹; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    told = f"{value:.{digits}g}"
    if WHOLE <= abs(float(told)) < IN_FULL:
        return f"{value:,.0f}"
    mantissa, _, power = told.partition("e")
    return f"{mantissa}×10{str(int(power)).translate(RAISED)}" if power else told


def fixed(value: float | None, places: int) -> str:
    """Write a share with so many digits after the point; a dash where there is none."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:.{places}f}"


def places_of(settings: LiveSettings) -> dict[str, str]:
    """Map the places in the sentences about a run to its settings."""
    return {
        "network": settings.network,
        "width": str(settings.width),
        "parameters": f"{count_parameters(settings.network, settings.network_options):,}",
        "rate": in_full(settings.rate),
        "optimiser": settings.optimiser,
    }


def ready_sentence(settings: LiveSettings, language: str) -> str:
    """Say what pressing Train will train."""
    return say("train_said_ready", language, **places_of(settings))


def run_sentence(snapshot: Snapshot, run: LiveRun, language: str) -> str:
    """Say what has become of a run, and what to do where it went wrong."""
    known = places_of(run.settings) | {"step": f"{snapshot.step:,}"}
    if snapshot.exploded:
        times = snapshot.smoothed[-1] / snapshot.losses[0]
        return say(
            "train_said_exploded", language, **known, loss=number(snapshot.loss),
            times=number(times),
        )  # fmt: skip
    seconds = run.limits.seconds if snapshot.state == "out of time" else snapshot.seconds
    return say(
        f"train_said_{snapshot.state}",
        language,
        **known,
        seconds=number(seconds),
        restored=str(snapshot.restored_step),
        miou=fixed(snapshot.validation.miou if snapshot.validation else None, 3),
    )


def readings(snapshot: Snapshot | None, language: str) -> str:
    """Return the run's numbers as HTML; dashes before there is one."""
    last = snapshot.validation if snapshot else None
    left = None if snapshot is None or snapshot.over else snapshot.seconds_left
    shown = {
        "step": f"{snapshot.step} / {snapshot.steps}" if snapshot else NOTHING,
        "loss": number(snapshot.loss if snapshot else None, 4),
        "miou": fixed(last.miou if last else None, 3),
        "accuracy": fixed(100 * last.accuracy if last else None, 1) + (" %" if last else ""),
        "speed": number(snapshot.steps_per_second if snapshot and snapshot.step else None),
        "left": clock(left),
        "device": snapshot.device.upper() if snapshot else NOTHING,
    }
    tiles = "".join(tile(name, value, language) for name, value in shown.items())
    return f'<dl class="readings">{tiles}</dl>'


def tile(name: str, value: str, language: str, page: str = "train") -> str:
    """Return one reading of a page as HTML, explained where the pointer rests on it."""
    told = escape(say(f"{page}_told_{name}", language))
    label = escape(say(f"{page}_reading_{name}", language))
    return (
        f'<div data-reading="{name}" title="{told}"><dt>{label}</dt><dd>{escape(value)}</dd></div>'
    )


def clock(seconds: float | None) -> str:
    """Write seconds as m:ss."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    whole = max(0, math.ceil(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def proposed(session: Session, settings: LiveSettings) -> dict[str, Any]:
    """Return the pictures that a run would be looked at by; where it is those of the last run, as that left them."""
    run = session.run
    if run and run.settings.scenes == settings.scenes:
        return pictures(session, run.settings, run.snapshot())
    watched = watched_scenes(settings)
    return pictures_value(settings, watched.images, watched.labels, None, session.language)


def pictures(session: Session, settings: LiveSettings, snapshot: Snapshot) -> dict[str, Any]:
    """Return the pictures of a run as it is now, beside the one before on the same pictures."""
    watched, validation = snapshot.watched, snapshot.validation
    same = [
        one for one in session.past
        if one.settings.scenes == settings.scenes and one.snapshot.validation
    ]  # fmt: skip
    other = same[-1] if same else None
    labels = run_labels([*same[-1:], Attempt(session.number, settings, snapshot)], session.language)
    return pictures_value(
        settings,
        watched.images,
        watched.labels,
        validation.prediction if validation else None,
        session.language,
        before=other.snapshot.validation.prediction
        if other and other.snapshot.validation
        else None,
        heads=(labels[0], labels[1]) if other else None,
    )


def pictures_value(
    settings: LiveSettings,
    images: Any,
    labels: Any,
    prediction: Any,
    language: str,
    **beside: Any,
) -> dict[str, Any]:
    """Return the scenes component's value for all watched pictures (N, H, W, 3), of which it shows the first."""
    kind = "scenes" if settings.scenes else "article"
    note = say(f"train_note_{kind}", language, count=len(images))
    shown = slice(SHOWN)
    task = task_of(settings)
    return scenes_value(images[shown], labels[shown], prediction, task, note, **beside)


def living_u(
    session: Session, settings: LiveSettings, snapshot: Snapshot | None = None
) -> dict[str, Any]:
    """Return the U of a network, with what it sees in the first picture: in the run's ``snapshot``, or
    the last of the run in hand where that has a network alike.

    Its skips can be switched as long as no run is in progress.
    """
    run = session.run
    if run and alike(run.settings, settings):
        snapshot = snapshot or run.snapshot()
    validation = snapshot.validation if snapshot else None
    return u_value(
        anatomy(settings.network, settings.network_options, settings.size),
        validation.maps if validation else None,
        skips=settings.skips,
        language=session.language,
        switchable=not session.in_progress,
    )


def alike(one: LiveSettings, other: LiveSettings) -> bool:
    """Tell whether two runs' networks have the same stations, and look at the same pictures."""
    return (one.network, one.width, one.scenes) == (other.network, other.width, other.scenes)


def drawn(mask: str, language: str) -> str:
    """Return the mask of a drawing, an address of a picture, as HTML."""
    return f'<img src="{mask}" alt="{escape(say("train_drawn", language))}">'


def curves(session: Session, settings: LiveSettings) -> dict[str, Any]:
    """Return the chart's value: the run in hand before those behind it, and the article's where it applies."""
    attempts = session.attempts
    labels = run_labels(attempts, session.language)
    return chart_value(
        [
            curve(
                attempt.snapshot, label, live=attempt.number == session.number and bool(session.run)
            )
            for attempt, label in zip(attempts, labels, strict=True)
        ],
        reference(session.language) if settings.scenes is None else None,
    )


def reference(language: str) -> Curve:
    """Return the article's published losses."""
    published = published_losses
    return Curve(
        say("train_published", language), range(1, published.STEPS + 1), published.PUBLISHED
    )


def curve(snapshot: Snapshot, label: str, *, live: bool) -> Curve:
    """Return a run's losses as the chart takes them."""
    validated = {step: loss for step, loss, _ in snapshot.validations if step > 0}
    steps = range(1, snapshot.step + 1)
    return Curve(
        label,
        steps,
        snapshot.losses,
        None if is_short(snapshot.steps) else snapshot.smoothed,
        list(validated),
        list(validated.values()),
        live,
    )


def run_labels(attempts: Sequence[Attempt], language: str) -> list[str]:
    """Label each run by its number and the first settings in which the runs differ."""
    fields = differing_fields([attempt.settings for attempt in attempts])[:LABEL_FIELDS]
    return [
        say(
            "train_run_label",
            language,
            number=attempt.number,
            differs=differences(attempt.settings, fields, language),
        )
        for attempt in attempts
    ]


def differences(settings: LiveSettings, fields: Sequence[str], language: str) -> str:
    """Return the named fields of some settings, in words; network and width where there is none."""
    values = flatten(settings)
    return say("chart_comma", language).join(
        f"{say(f'train_field_{name}', language)} {in_words(values[name], language)}"
        for name in fields or ("network", "width")
    )


def in_words(value: object, language: str) -> str:
    """Write a setting's value as a person reads it."""
    if isinstance(value, bool):
        return say("train_on" if value else "train_off", language)
    if isinstance(value, tuple):
        return "–".join(in_full(part) for part in value)
    return in_full(value) if isinstance(value, float) else say_name("value", str(value), language)


def runs_table(session: Session) -> str:
    """Return an HTML table of the session's runs, the newest first."""
    attempts = session.attempts
    language = session.language
    if not attempts:
        return f'<p class="hint">{escape(say("train_runs_none", language))}</p>'
    fields = differing_fields([attempt.settings for attempt in attempts])
    heads = (
        say(f"train_run_{column}", language)
        for column in ("number", "differs", "steps", "loss", "miou", "seconds")
    )
    rows = []
    for attempt in reversed(attempts):
        snapshot = attempt.snapshot
        cells = (
            attempt.number,
            differences(attempt.settings, fields, language),
            f"{snapshot.step:,}",
            number(last_loss(snapshot)),
            fixed(snapshot.validation.miou if snapshot.validation else None, 3),
            number(snapshot.seconds),
        )
        rows.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>")
    return table(heads, rows)


def last_loss(snapshot: Snapshot) -> float | None:
    """Return the loss that a run came to: smoothed, unless it is too short for that."""
    return snapshot.loss if is_short(snapshot.steps) else snapshot.smoothed[-1]


def envelope_table(language: str) -> str:
    """Return an HTML table: each of the article's steps, the seeds' envelope, and whether its loss lies inside."""
    heads = (
        say(f"train_envelope_{column}", language)
        for column in ("step", "least", "greatest", "published", "inside")
    )
    rows = (
        f"<tr><td>{row.step}</td><td>{row.least:.4f}</td><td>{row.greatest:.4f}</td>"
        f"<td>{row.published:.4f}</td>"
        f"<td>{escape(say('train_yes' if row.inside else 'train_no', language))}</td></tr>"
        for row in ENVELOPE
    )
    return table(heads, rows)
