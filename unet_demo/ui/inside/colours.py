"""Colours: what a network paints that regresses colours, and what becomes of two colours' mean."""

from html import escape

from gradio.components import Component

from ...inside.paint import Mixture, mixtures, paint, strays
from ...inside.subject import open_bundled
from ...render import colour_mask, heat, to_rgb
from ...tasks import RGB, VOC_COLOUR, ColourTask
from ..text import say_name, t_name
from .topic import Look, Reading, Shown, Topic, dropdown, figure, figures, pointed

PAINTS = "voc-color"
"""The bundled checkpoint that regresses colours."""

STEPS = 65
"""Mixtures in the strip, an odd number: the mean is one of them."""


def controls() -> dict[str, Component]:
    """Make the menus of two classes."""
    names = {name: t_name("class", name) for name in VOC_COLOUR.classes}
    return {
        "mix_first": dropdown("mix_first", names, "background"),
        "mix_second": dropdown("mix_second", names, "person"),
    }


def show(look: Look) -> Shown:
    """Show colours, classes and distances, and below them a strip of mixtures."""
    own = look.subject.predictor
    paints = isinstance(own.card.task, ColourTask)
    predictor = own if paints else open_bundled(PAINTS)
    said = (
        ""
        if paints
        else f"<p>{look.say('paint_not', title=look.title(own.card), painter=look.title(predictor.card))}</p>"
    )
    task = predictor.card.task
    assert isinstance(task, ColourTask)
    painted = paint(predictor, look.subject.image)
    most = float(painted.distance.max())
    shown = (
        figure(to_rgb(predictor.seen(look.subject.image)), look.say("paint_seen")),
        figure(painted.colours, look.say("paint_painted")),
        figure(colour_mask(painted.labels, task.palette), look.say("paint_classes")),
        figure(
            heat(painted.distance, max(most, 1)), look.say("paint_distance", most=f"{most:.0f}")
        ),
    )
    names = tuple(say_name("class", name, look.language) for name in task.classes)
    red, green, blue = (Reading(painted.colours[..., channel]) for channel in range(3))
    told = pointed(
        figures(*shown, kind="large", label=look.say("point")), look.say("paint_told"),
        red=red, green=green, blue=blue,
        nearest=Reading(painted.labels, names=names), distance=Reading.of(painted.distance, most),
    )  # fmt: skip
    return Shown(said + told + _mixture(task, names, look))


def _mixture(task: ColourTask, names: tuple[str, ...], look: Look) -> str:
    """Return two classes' mixtures over the classes that they become, and what becomes of the mean."""
    first, second = (task.classes.index(look.values[f"mix_{one}"]) for one in ("first", "second"))
    mixed = mixtures(task, first, second, STEPS)
    mean = mixed[STEPS // 2]
    third = mean.label not in (first, second)
    key = "mix_same" if first == second else "mix_third" if third else "mix_own"
    told = look.say(
        key, first=names[first], second=names[second], mean=names[mean.label], colour=_rgb(mean.colour),
        distance=f"{mean.distance:.0f}", own=f"{mean.own:.0f}",
    )  # fmt: skip
    count, pairs = strays(task)
    strip = "".join(
        f'<div role="img" aria-label="{look.say(label)}">{_fields(colours)}</div>'
        for label, colours in (
            ("mix_colours", [one.colour for one in mixed]),
            ("mix_classes", [task.palette[one.label] for one in mixed]),
        )
    )
    met = ", ".join(escape(names[label]) for label in dict.fromkeys(one.label for one in mixed))
    return (
        f"<h3>{look.say('mix_title')}</h3><p>{_patch(mean, task)} {told}</p>"
        f'<div class="mixtures">{strip}</div><p>{look.say("mix_met")} {met}. '
        f"{look.say('mix_strays', count=count, pairs=pairs)}</p>"
    )


def _fields(colours: list[RGB]) -> str:
    return "".join(f'<i style="background: rgb{colour}"></i>' for colour in colours)


def _patch(mean: Mixture, task: ColourTask) -> str:
    return f'<span class="patch">{_fields([mean.colour, task.palette[mean.label]])}</span>'


def _rgb(colour: RGB) -> str:
    return ", ".join(map(str, colour))


TOPIC = Topic("colours", controls, show)
