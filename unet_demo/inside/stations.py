"""What a network's stations see: the map of each, for one picture, and how much of it a pixel has seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..networks.anatomy import Anatomy, anatomy
from ..networks.maps import black_to_white, mosaic, most_varied
from ..networks.reach import Field, receptive_fields
from .subject import Subject

SHOWN = 12
"""Channels of a map that are shown, at most."""


@dataclass(frozen=True, eq=False)
class Walked:
    """A network's walk over a picture: name of a station → its map (C, H, W), and what its pixels have seen.

    ``seen``: uint8 (side, side, C), the picture as the network gets it, with its mirrored border.
    """

    anatomy: Anatomy
    seen: np.ndarray
    maps: Mapping[str, Tensor]
    fields: Mapping[str, Field]

    def small(self) -> np.ndarray:
        """Return a small picture of each map, uint8 (stations, s, s)."""
        return np.stack([mosaic(features).numpy() for features in self.maps.values()])

    def large(self, station: str) -> np.ndarray:
        """Return the most varied channels of a station's map, each from black to white: uint8 (n, H, W)."""
        return black_to_white(most_varied(self.maps[station], SHOWN)).numpy()

    def part(self, station: str) -> str:
        """Tell where in the U a station is: "contracting", "lowest", "expanding", or "logits"."""
        names, sides = list(self.maps), [features.shape[-1] for features in self.maps.values()]
        index, lowest = names.index(station), sides.index(min(sides))
        if index == len(names) - 1:
            return "logits"
        if sides[index] == sides[lowest]:
            return "lowest"
        return "contracting" if index < lowest else "expanding"


def walk(subject: Subject) -> Walked:
    """Walk through the subject's network with its picture."""
    card, seen = subject.card, subject.predictor.seen(subject.image)
    side = len(seen)
    return Walked(
        anatomy(card.network, card.options, side),
        seen,
        dict(subject.predictor.walk(subject.image)),
        receptive_fields(card.network, card.options, side),
    )
