"""Tiles: the overlap-tile strategy, its halo and its seams."""

import numpy as np
from gradio.components import Component

from ...inference import Tile
from ...inside.skips import structure
from ...inside.tiles import STEP, Tiled, in_tiles, most_halo
from ...render import colour_mask, to_rgb
from .topic import Look, Shown, Topic, figure, figures, slider

COLOURS = np.array([(0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167)])
"""Of neighbouring tiles; they differ for colour-blind eyes, too."""

SEEN = 1e-3
"""A difference of probabilities that nobody sees."""


def controls() -> dict[str, Component]:
    """Make the sliders, in px."""
    return {"tile": slider("tile", 64, 256, 128, 32), "halo": slider("halo", 0, 112, 16, STEP)}


def show(look: Look) -> Shown:
    """Show the tiles on the picture, what each counts for, the mask, and where it is not the whole picture's."""
    subject, tile = look.subject, int(look.values["tile"])
    most = most_halo(len(subject.predictor.seen(subject.image)), tile)
    halo = min(int(look.values["halo"]), most)
    tiled = in_tiles(subject, tile, halo)
    worst = float(tiled.error.max())
    error = (255 * tiled.error / max(worst, SEEN)).astype(np.uint8)
    drawn = figures(
        figure(to_rgb(tiled.seen), look.say("tiles_drawn"), over=outlines(tiled, subject.card.margin)),
        figure(tiled.shares(COLOURS), look.say("tiles_shares")),
        figure(colour_mask(tiled.labels, subject.card.task.palette), look.say("tiles_mask")),
        figure(error, look.say("tiles_error", white=f"{max(worst, SEEN):.3g}")),
    )  # fmt: skip
    kind = "one" if len(tiled.tiles) == 1 else "none" if worst < SEEN else "some"
    told = [look.say(f"seam_{kind}", worst=f"{worst:.2g}", count=len(tiled.tiles))]
    if kind == "some" and any(one.step == "bilinear" for one in structure(subject).stations):
        told.append(look.say("seam_corners"))
    if most < int(look.values["halo"]):
        told.append(look.say("halo_most", tile=tile, most=most))
    paragraphs = "".join(f"<p>{one}</p>" for one in told)
    return Shown(drawn, f'<div role="status">{paragraphs}</div>', moved={"halo": halo})


def outlines(tiled: Tiled, margin: int) -> str:
    """Draw where each tile counts most, the mirrored border, and one tile with its halo, as SVG."""
    side = len(tiled.seen)
    one = tiled.tiles[len(tiled.tiles) // 2]
    cores = "".join(rectangle(core(tile), "core") for tile in tiled.tiles)
    inside = rectangle((margin, margin, side - margin, side - margin), "border") if margin else ""
    rows, columns = one.place
    whole = rectangle((rows.start, columns.start, rows.stop, columns.stop), "halo")
    return (
        f'<svg viewBox="0 0 {side} {side}">{cores}{inside}{whole}'
        f"{rectangle(core(one), 'chosen')}</svg>"
    )


def core(tile: Tile) -> tuple[int, int, int, int]:
    """Return top, left, bottom, right of the part of a tile that counts for more than its neighbours'."""
    rows, columns = tile.place
    down, across = (np.flatnonzero(tile.share.max(axis=axis) >= 0.5) for axis in (1, 0))
    return (
        rows.start + int(down[0]), columns.start + int(across[0]),
        rows.start + int(down[-1]) + 1, columns.start + int(across[-1]) + 1,
    )  # fmt: skip


def rectangle(place: tuple[int, int, int, int], kind: str) -> str:
    """Draw top, left, bottom, right."""
    top, left, bottom, right = place
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"/>'


TOPIC = Topic("tiles", controls, show)
