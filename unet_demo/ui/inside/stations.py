"""Stations: the U of the network, and the maps that it has at one of its stations."""

import gradio as gr
from gradio.components import Component

from ...inside.stations import maps_at, walk
from ..components.u import u_value
from .topic import Look, Shown, Topic, figure, figures, named


def controls() -> dict[str, Component]:
    """Make what holds the station's name; it is picked in the U."""
    return {"station": gr.Textbox("", visible="hidden", **named("station"))}


def show(look: Look) -> Shown:
    """Show the U, and large the most varied maps of the station."""
    walked = walk(look.subject)
    names = list(walked.maps)
    station = look.values["station"] if look.values["station"] in names else names[0]
    u = u_value(
        walked.anatomy,
        walked.small,
        skips=True,
        language=look.language,
        picked=names.index(station),
    )
    large = (figure(channel, "") for channel in maps_at(walked, station))
    return Shown(figures(*large), u=u, moved={"station": station})


TOPIC = Topic("stations", controls, show)
