"""The weight map of touching cells: distances, weights, and what they are of a pixel."""

import gradio as gr
import numpy as np
from gradio.components import Component

from ...data.truth import read_truth
from ...data.weight_map import SIGMA, W0
from ...inside.weights import MOST, Weighing, membrane_label, middle, touching_cells, weigh
from ...render import colour_mask, heat, lifted
from ...tasks import VOID, voc_palette
from .topic import Look, Reading, Shown, Topic, figure, figures, named, pointed, radio, slider

OWN = "own"
WEIGHED = ("cells", "membranes", "found", OWN)
"""Masks that there are to weigh: two that are drawn, what the network finds, and the visitor's."""

CELLS = [lifted(colour) for colour in voc_palette()]
"""Colours of cells that are told apart; the first one is the background's."""

PX = 0.1
"""To so many px distances are told."""


def controls() -> dict[str, Component]:
    """Make the choice of a mask, the place for one's own, and the sliders."""
    return {
        "weighed": radio("weighed", WEIGHED, WEIGHED[0]),
        "own_mask": gr.File(visible=False, height=120, **named("own_mask")),
        "w0": slider("w0", 0, 30, W0, 0.5),
        "sigma": slider("sigma", 0.5, 20, SIGMA, 0.5),
    }


def show(look: Look) -> Shown:
    """Show a mask's cells, d1, d2 and w."""
    own = look.values["weighed"] == OWN
    moved = {"own_mask": gr.File(visible=own)}
    if own and not look.values["own_mask"]:
        return Shown(f"<p>{look.say('weigh_own')}</p>", moved=moved)
    labels = _labels(look)
    seen = middle(labels)
    weighing = weigh(seen, look.values["w0"], look.values["sigma"])
    cut = look.say("weigh_middle", side=MOST) if seen.shape != labels.shape else ""
    return Shown(_figures(weighing, seen, look) + (f"<p>{cut}</p>" if cut else ""), moved=moved)


def _labels(look: Look) -> np.ndarray:
    """Return the mask that is chosen, label ids uint8 (H, W)."""
    match look.values["weighed"]:
        case "cells":
            return touching_cells()
        case "membranes":
            return membrane_label()
        case "found":
            return look.subject.whole.labels()[0]
    return read_truth(look.values["own_mask"], look.subject.card.task)[0]


def _figures(weighing: Weighing, labels: np.ndarray, look: Look) -> str:
    colours = np.where(weighing.cells > 0, (weighing.cells - 1) % (len(CELLS) - 1) + 1, 0)
    colours[labels == VOID] = VOID
    far = f"> {weighing.reach:g} px"
    shown = [figure(colour_mask(colours, CELLS), look.say("weigh_cells", count=weighing.count))]
    readings = {}
    for name, distance in (("d1", weighing.nearest), ("d2", weighing.second)):
        near = distance[np.isfinite(distance)]
        most = float(near.max()) if near.size else weighing.reach
        end = f"{most:.1f} px" if near.size == distance.size else far
        shown.append(figure(heat(distance, max(most, 1)), look.say(f"weigh_{name}", most=end)))
        readings[name] = Reading.of(distance, most, PX)
    least, most = float(weighing.weights.min()), float(weighing.weights.max())
    caption = look.say("weigh_w", least=f"{least:.2f}", most=f"{most:.2f}")
    shown.append(figure(heat(weighing.weights, max(most, 1)), caption))
    readings["w"] = Reading.of(weighing.weights, most)
    inside = figures(*shown, kind="large", label=look.say("point"))
    return pointed(inside, look.say("weigh_told"), **readings)


TOPIC = Topic("weights", controls, show)
