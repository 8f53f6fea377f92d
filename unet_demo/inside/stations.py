"""What a network's stations see: the map of each, for one picture."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..networks.anatomy import Anatomy, anatomy
from ..networks.maps import black_to_white, mosaic, most_varied
from .subject import Subject

SHOWN = 12
"""Channels of a map that are shown, at most."""


@dataclass(frozen=True, eq=False)
class Walked:
    """A network's walk over a picture: name of a station → its map (C, H, W), and what the network is.

    ``seen``: uint8 (H, W, C), the picture as the network gets it, with its mirrored border.
    ``small``: uint8 (stations, side, side), a small picture of each map.
    """

    anatomy: Anatomy
    seen: np.ndarray
    maps: Mapping[str, Tensor]
    small: np.ndarray


def walk(subject: Subject) -> Walked:
    """Walk through the subject's network with its picture."""
    seen = subject.predictor.seen(subject.image)
    maps = dict(subject.predictor.walk(subject.image))
    card = subject.card
    small = np.stack([mosaic(features).numpy() for features in maps.values()])
    return Walked(anatomy(card.network, card.options, len(seen)), seen, maps, small)


def maps_at(walked: Walked, station: str) -> np.ndarray:
    """Return the most varied channels of a station's map, each from black to white: uint8 (n, H, W)."""
    return black_to_white(most_varied(walked.maps[station], SHOWN)).numpy()
