"""Elastic deformation: a picture, its mask and a grid, bent alike."""

import json
from collections.abc import Sequence
from html import escape

import numpy as np
from gradio.components import Component

from ...inside.elastic import Bent, bend, control_points, straight
from ...render import colour_mask
from ...tasks import RGB
from .topic import Look, Shown, Topic, figure, figures, slider

SEEDS = 999


def controls() -> dict[str, Component]:
    """Make the sliders; at first they are the paper's, section 3.1."""
    return {
        "bend_grid": slider("bend_grid", 2, 8, 3),
        "bend_sigma": slider("bend_sigma", 0, 30, 10),
        "bend_seed": slider("bend_seed", 0, SEEDS, 0),
    }


def show(look: Look) -> Shown:
    """Show picture, mask and grid, straight and bent."""
    grid, sigma, seed = (int(look.values[f"bend_{name}"]) for name in ("grid", "sigma", "seed"))
    image, labels, side = look.subject.image, look.subject.truth, look.subject.side
    caption = "bend_truth"
    if labels is None:
        caption, labels = "bend_found", look.subject.whole.labels()[0]
    plain = straight(image, labels)
    points, moved = control_points(side, grid, sigma, seed)
    pairs = zip(
        ("bend_picture", caption, "bend_lines"),
        _pictures(plain, look.subject.card.task.palette),
        _pictures(bend(plain, grid, sigma, seed), look.subject.card.task.palette),
        ("", "", _dots(points + moved, side)),
        ("", "", _dots(points, side)),
        strict=True,
    )
    shown = (
        figure(before, look.say(of), over=from_where)
        + figure(after, look.say("bend_bent"), over=to)
        for of, before, after, from_where, to in pairs
    )
    again = escape(json.dumps({"bend_seed": (seed + 1) % (SEEDS + 1)}))
    button = f'<button type="button" data-pick="{again}">{look.say("bend_again")}</button>'
    spacing = look.say("bend_spacing", spacing=f"{(side - 1) / (grid - 1):.0f}")
    return Shown(f"<p>{button} {spacing}</p>{figures(*shown, kind='pairs')}")


def _pictures(one: Bent, palette: Sequence[RGB]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return one.picture, colour_mask(one.labels, palette), 255 - one.lines


def _dots(points: np.ndarray, side: int) -> str:
    """Mark points (n, n, 2), x and y in px."""
    marks = "".join(
        f'<circle cx="{x + 0.5:.1f}" cy="{y + 0.5:.1f}" r="{side / 50:.1f}"/>'
        for x, y in points.reshape(-1, 2)
    )
    return f'<svg viewBox="0 0 {side} {side}" class="dots" aria-hidden="true">{marks}</svg>'


TOPIC = Topic("elastic", controls, show)
