"""Skips: each skip connection switched by itself, and the levels below one left out."""

import gradio as gr
from gradio.components import Component

from ...inside.skips import Cut, below, cut, structure
from ...render import colour_mask, error_map, to_rgb
from ..components.u import u_value
from ..html import table
from .topic import Look, Shown, Topic, figure, figures, named, radio

ALL = "all"

LEVELS = ("0", "1", "2", "3", ALL)
"""The deepest level that takes part."""


def controls() -> dict[str, Component]:
    """Make the levels' buttons, and what holds the levels of the skips that are off; the U's arrows switch them."""
    return {
        "deepest": radio("deepest", LEVELS, ALL),
        "dropped": gr.Textbox("", visible="hidden", **named("dropped")),
    }


def show(look: Look) -> Shown:
    """Show the masks of the whole network and of what is left of it, and how they differ."""
    network, subject = structure(look.subject), look.subject
    levels = {skip.level for skip in network.skips}
    dropped = {level for level in levels if str(level) in look.values["dropped"]}
    deepest = look.values["deepest"]
    if deepest != ALL and below(network, int(deepest)) is None:
        deepest = ALL
    result = cut(subject, dropped, None if deepest == ALL else int(deepest))
    palette = subject.card.task.palette
    drawn = figures(
        figure(to_rgb(subject.image), look.say("picture")),
        figure(colour_mask(result.whole, palette), look.say("whole")),
        figure(colour_mask(result.left, palette), look.say("left")),
        figure(error_map(subject.image, result.left, result.whole), look.say("differs")),
    )
    u = u_value(network, None, skips=True, language=look.language, switchable=True, dropped=dropped)
    moved = {"deepest": deepest, "dropped": "".join(map(str, sorted(dropped)))}
    return Shown(drawn, scores(result, look), u=u, moved=moved)


def scores(result: Cut, look: Look) -> str:
    """Return the table of both masks' scores, as HTML."""
    whole = {"boundary_whole": 1.0, **result.whole_scores}
    left = {"boundary_whole": result.boundary, **result.left_scores}
    rows = (
        f'<tr><th scope="row">{look.say(measure)}</th><td>{whole[measure]:.3f}</td>'
        f"<td>{left[measure]:.3f}</td></tr>"
        for measure in whole
    )
    return table(("", look.say("whole"), look.say("left")), rows)


TOPIC = Topic("skips", controls, show)
