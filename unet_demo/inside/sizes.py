"""The sizes of maps from station to station: the paper's unpadded convolutions, and a network of ours."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..checkpoints import Card
from ..inference import padded_length
from ..networks.anatomy import anatomy

LEVELS = 4
"""How often the paper's network halves a map."""

LOST = 4
"""Px that the two unpadded 3×3 convolutions of a station take off a side."""

LEAST, GREATEST, STEP = 188, 1020, 16
"""Sides in px that the paper's network takes: with others a max-pool would meet an odd side."""

PAPER = 572
"""The side in px in the paper's figure."""


@dataclass(frozen=True)
class Size:
    """The side in px of a station's map; of the map its skip connection brings, and of the part that is joined.

    Both are 0 where there is none.
    """

    station: str
    side: int
    skip: int = 0
    joined: int = 0


def valid(side: int) -> Iterator[Size]:
    """Yield the stations of the paper's network on a tile of so many px (Ronneberger et al. 2015, figure 1).

    ``side``: from LEAST in steps of STEP.
    """
    skips = []
    for level in range(LEVELS):
        side -= LOST
        skips.append(side)
        yield Size(f"encoder {level}", side)
        side //= 2
    side -= LOST
    yield Size("bottleneck", side)
    for level in reversed(range(LEVELS)):
        joined = 2 * side
        side = joined - LOST
        yield Size(f"decoder {level}", side, skips[level], joined)
    yield Size("logits", side)


def same(card: Card, side: int) -> Iterator[Size]:
    """Yield the stations of a card's network on a picture of so many px, mirrored up to a size it takes."""
    described = anatomy(card.network, card.options, padded_length(side, 0))
    sides = {station.name: station.shape[1] for station in described.stations}
    skips = {skip.target: sides[skip.source] for skip in described.skips}
    for station, length in sides.items():
        skip = skips.get(station, 0)
        yield Size(station, length, skip, skip)
