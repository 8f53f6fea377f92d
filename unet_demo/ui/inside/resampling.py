"""Down and up: what layers that make maps smaller or larger do to a position, in two ways side by side."""

from collections.abc import Callable, Iterator

import numpy as np
from gradio.components import Component

from ...checkpoints import Card, find_offered, read_card, read_index
from ...inference import Predictor
from ...inside.resampling import Checkerboard, Moved, checkerboard, counterpart, moved
from ...inside.subject import open_bundled
from ...networks.anatomy import DOWN, UP
from ...networks.drawing import KINDS
from ..text import translated
from .topic import Look, Shown, Topic, figure, figures, radio

WAYS = ("down", "up")
LEVELS = ("0", "1", "2")
ZOOMED = 40
"""Px of the part of a map in which single pixels are seen."""


def controls() -> dict[str, Component]:
    """Make the choice of a direction and of a level."""
    return {
        "resize": radio("resize", WAYS, WAYS[0]),
        "at_level": radio("at_level", LEVELS, LEVELS[0]),
    }


def show(look: Look) -> Shown:
    """Show a layer of the network, and below it one of another network that does it another way."""
    down, level = look.values["resize"] == WAYS[0], int(look.values["at_level"])
    part: Callable[[Predictor, Look, int], str] = _down if down else _up
    own = look.subject.predictor
    shown = [part(own, look, level)]
    rival = counterpart(own.card, _bundled(), DOWN if down else UP)
    if rival:
        shown.append(part(open_bundled(rival.name), look, level))
    return Shown("".join(shown), look.say("down_told" if down else "up_told"))


def _bundled() -> Iterator[Card]:
    return (read_card(find_offered(name)) for name in read_index())


def _down(predictor: Predictor, look: Look, level: int) -> str:
    one = moved(predictor, look.subject.image, level)
    if one is None:
        return _none(predictor, look)
    before, after = _gray(np.stack([one.before, one.after]))
    shown = (
        figure(_gray(one.taken), look.say("down_taken", side=len(one.taken))),
        figure(before, look.say("down_before", side=len(one.before))),
        figure(after, look.say("down_after", px=2**level)),
        figure(np.where(one.kept, 255, 40).astype(np.uint8), look.say("down_kept")),
    )
    share = look.say("down_share", share=f"{one.share:.1%}") if one.share == one.share else ""
    return _section(one, predictor, look, share or look.say("down_still"), *shown)


def _up(predictor: Predictor, look: Look, level: int) -> str:
    one = checkerboard(predictor, look.subject.image, level)
    if one is None:
        return _none(predictor, look)
    real, flat = (_middle(channel) for channel in (one.real, one.flat))
    # In the same grays: how far the pattern goes is seen beside how far the map does.
    gray = _gray(np.stack([real, flat - flat.mean() + real.mean()]), real)
    shown = (
        figure(_gray(one.real), look.say("up_real", side=len(one.real))),
        figure(gray[0], look.say("up_zoomed", side=len(real))),
        figure(gray[1], look.say("up_flat", side=len(real))),
    )
    return _section(one, predictor, look, look.say("up_share", share=f"{one.share:.1%}"), *shown)


def _section(
    one: Moved | Checkerboard, predictor: Predictor, look: Look, told: str, *shown: str
) -> str:
    kind = translated(KINDS[one.kind], look.language)
    heading = look.say("layer_of", kind=kind, title=look.title(predictor.card))
    return f"<h3>{heading} {told}</h3>{figures(*shown, kind='row')}"


def _none(predictor: Predictor, look: Look) -> str:
    return f"<p>{look.say('layer_none', title=look.title(predictor.card))}</p>"


def _middle(channel: np.ndarray) -> np.ndarray:
    top, left = (max(side - ZOOMED, 0) // 2 // 2 * 2 for side in channel.shape)
    return channel[top : top + ZOOMED, left : left + ZOOMED]


def _gray(maps: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Stretch maps float (…, H, W) alike, from black to white: uint8; so that those of ``like`` are."""
    least, most = (maps if like is None else like).min(), (maps if like is None else like).max()
    return (255 * (maps - least) / max(most - least, 1e-6)).clip(0, 255).astype(np.uint8)


TOPIC = Topic("resampling", controls, show)
