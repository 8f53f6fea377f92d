"""Stations: the U of the network, the maps at one of its stations, and what their pixels have seen."""

import json
from html import escape

import gradio as gr
from gradio.components import Component

from ...inside.stations import Walked, walk
from ...networks.drawing import station_name
from ...render import to_rgb
from ..components.u import u_value
from ..text import translated
from .topic import Look, Shown, Topic, figure, figures, named


def controls() -> dict[str, Component]:
    """Make what holds the station's name; it is picked in the U."""
    return {"station": gr.Textbox("", visible="hidden", **named("station"))}


def show(look: Look) -> Shown:
    """Show the U, and large the most varied maps of the station beside the picture as the network gets it."""
    walked = walk(look.subject)
    names = list(walked.maps)
    station = look.values["station"] if look.values["station"] in names else names[0]
    u = u_value(
        walked.anatomy, walked.small(), skips=True, language=look.language,
        picked=names.index(station),
    )  # fmt: skip
    return Shown(_maps(walked, station, look), u=u, moved={"station": station})


def _maps(walked: Walked, station: str, look: Look) -> str:
    """Return the maps for figures.js, which tells of the pixel that one points at what it has seen."""
    name = translated(station_name(station), look.language)
    large = walked.large(station)
    told = look.say(
        f"station_{walked.part(station)}", name=name, shown=len(large),
        channels=len(walked.maps[station]), side=large.shape[-1],
    )  # fmt: skip
    maps = (
        figure(channel, "", described=f"{name}, {number}")
        for number, channel in enumerate(large, 1)
    )
    spans = [
        [span.first.tolist(), (span.last + 1).tolist()] for span in walked.fields[station][::-1]
    ]
    side = len(walked.seen)
    field = f'<svg viewBox="0 0 {side} {side}"><rect class="reach"/></svg>'
    return (
        f'<div class="reaching" data-spans="{escape(json.dumps(spans))}">'
        f"{figure(to_rgb(walked.seen), look.say('seen'), over=field)}"
        f'<div><p class="plain">{told}</p>'
        f'<div class="maps" tabindex="0" role="group" aria-label="{look.say("point")}">'
        f"{figures(*maps)}</div>"
        f'<p class="told" role="status" data-told="{look.say("sees")}"></p></div></div>'
    )


TOPIC = Topic("stations", controls, show)
