"""What a topic of the page "Look inside" is; `topics` says how to add one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from ...checkpoints import Card
from ...inside.subject import Subject
from ..html import png_url
from ..text import say, say_name, t


@dataclass(frozen=True)
class Look:
    """What a visitor looks at: ``values`` are those of the topic's controls, by name."""

    subject: Subject
    values: Mapping[str, Any]
    language: str

    def say(self, key: str, **places: object) -> str:
        """Return a text of this page, ready for HTML: that of ``inside_KEY``."""
        return escape(say(f"inside_{key}", self.language, **places))

    def title(self, card: Card) -> str:
        """Return the name of a checkpoint, in words."""
        return say_name("title", card.title or card.name, self.language)


@dataclass(frozen=True)
class Shown:
    """What a topic shows of a look.

    ``figures``: HTML, see `figure` and `figures`. ``told``: HTML below the controls, what was measured.
    ``u``: a `u_value`, where the living U stands above the figures. ``moved``: name of a control → its
    new value, where what it said cannot be.
    """

    figures: str
    told: str = ""
    u: Mapping[str, Any] | None = None
    moved: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Topic:
    """A topic: its name in the address, what makes its controls, and what shows a look.

    ``controls`` runs where the controls stand on the page, and returns them by their names in the
    address. ``show`` may raise the errors of `segmentation.EXPECTED_ERRORS`, which are told.
    """

    name: str
    controls: Callable[[], Mapping[str, Component]]
    show: Callable[[Look], Shown]


def named(name: str) -> dict[str, Any]:
    """Return the label, ``inside_NAME``, and the id, ``inside-NAME``, of a control."""
    return {"label": t(f"inside_{name}"), "elem_id": f"inside-{name.replace('_', '-')}"}


def slider(name: str, least: float, most: float, value: float, step: float = 1) -> gr.Slider:
    """Make a slider, see `named`."""
    return gr.Slider(least, most, value, step=step, buttons=[], min_width=0, **named(name))


def radio(name: str, choices: tuple[str, ...], value: str) -> gr.Radio:
    """Make radio buttons; the text of a choice is ``inside_NAME_CHOICE``."""
    labelled = [(t(f"inside_{name}_{choice}"), choice) for choice in choices]
    return gr.Radio(labelled, value=value, min_width=0, elem_classes="strip", **named(name))


def dropdown(name: str, choices: Mapping[str, Any], value: str) -> gr.Dropdown:
    """Make a menu; ``choices``: value → its label."""
    labelled = [(label, choice) for choice, label in choices.items()]
    return gr.Dropdown(labelled, value=value, filterable=False, min_width=0, **named(name))


def figures(*inside: str, kind: str = "", label: str = "") -> str:
    """Lay figures side by side, as wide as there is room for.

    ``kind``: "pairs", "row" or "large", see figures.css. ``label``: what is done with the keys, where they are
    pointed at.
    """
    keys = f' tabindex="0" role="group" aria-label="{label}"' if label else ""
    return f'<div class="figures {kind}"{keys}>{"".join(inside)}</div>'


@dataclass(frozen=True)
class Reading:
    """What is told of a pixel that one points at: uint8 (H, W), of which 1 stands for ``step``.

    ``most``: what is told where it is 255. ``names``: of the values, in place of numbers.
    """

    values: np.ndarray
    step: float = 1.0
    most: str = ""
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: np.ndarray, most: float, step: float = 0.0) -> "Reading":
        """Read values float (H, W) from 0 to ``most``, or in steps of ``step`` as far as they go."""
        step = max(most / 254, step)
        return cls(
            (values / step).clip(0, 255).round().astype(np.uint8), step, f"> {254 * step:.0f}"
        )


def pointed(inside: str, told: str, **readings: Reading) -> str:
    """Have figures (`figures`) of one size pointed at; below them is told what the pixel is.

    ``told``: a text with ``[x]``, ``[y]`` and the names of the ``readings`` in brackets.
    """
    values = {
        name: {"src": png_url(one.values), "step": one.step, "most": one.most, "names": one.names}
        for name, one in readings.items()
    }
    height, width = next(iter(readings.values())).values.shape
    return (
        f'<div class="pointed" data-size="[{width}, {height}]"'
        f' data-readings="{escape(json.dumps(values))}">{inside}'
        f'<p class="told" role="status" data-told="{told}"></p></div>'
    )


def figure(pixels: np.ndarray, caption: str, *, described: str = "", over: str = "") -> str:
    """Return a picture uint8 (H, W), (H, W, 3) or (H, W, 4) over its caption, both texts ready for HTML.

    ``described``: what it says to whom does not see it, by default the caption. ``over``: SVG laid over
    it, its ``viewBox`` in pixels of the picture.
    """
    image = f'<img src="{png_url(pixels)}" alt="{described or caption}">'
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f"<figure><div>{image}{over}</div>{below}</figure>"
