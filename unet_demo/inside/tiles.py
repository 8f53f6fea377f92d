"""The overlap-tile strategy at work: a picture in tiles with a halo, against the same picture whole."""

from dataclasses import dataclass

import numpy as np

from ..inference import GRID, Tile, tile_starts, tiles_of
from .subject import Subject

STEP = GRID // 2
"""Of halos, in px: then tiles begin where the network's maps have a pixel."""

MOST_WORK = 3.2
"""The most pixels of all tiles together, in pictures: an answer comes at once."""


@dataclass(frozen=True, eq=False)
class Tiled:
    """A picture that was segmented in tiles.

    ``seen``: uint8 (s, s, C), the picture as the network gets it; ``tiles`` lie on it. ``labels``: uint8
    (side, side). ``error``: float32 (side, side), by how much a probability differs, at most, from the
    whole picture's.
    """

    seen: np.ndarray
    tiles: tuple[Tile, ...]
    labels: np.ndarray
    error: np.ndarray

    def shares(self, colours: np.ndarray) -> np.ndarray:
        """Paint each tile's share, uint8 (s, s, 3), in one of four ``colours`` (4, 3): neighbours differ."""
        rows, columns, _ = self.seen.shape
        painted, weight = np.zeros((rows, columns, 3)), np.zeros((rows, columns, 1))
        lefts = sorted({tile.place[1].start for tile in self.tiles})
        tops = sorted({tile.place[0].start for tile in self.tiles})
        for tile in self.tiles:
            row, column = tops.index(tile.place[0].start), lefts.index(tile.place[1].start)
            painted[tile.place] += tile.share[..., None] * colours[2 * (row % 2) + column % 2]
            weight[tile.place] += tile.share[..., None]
        return (painted / weight).round().astype(np.uint8)


def most_halo(side: int, tile: int) -> int:
    """Return the largest halo in px for tiles of a picture of ``side`` px that is not more than MOST_WORK."""
    halos = range(0, (tile - GRID) // 2 + 1, STEP)
    work = {halo: (len(tile_starts(side, tile, halo)) * min(tile, side)) ** 2 for halo in halos}
    return max(halo for halo in halos if work[halo] <= MOST_WORK * side**2)


def in_tiles(subject: Subject, tile: int, halo: int) -> Tiled:
    """Segment a subject whole and in tiles with a halo, at most `most_halo`, both in px."""
    parts = subject.predictor.tiled(tile, halo).predict(subject.image[None])
    seen = subject.predictor.seen(subject.image)
    return Tiled(
        seen,
        tuple(tiles_of(len(seen), len(seen), tile, halo)),
        parts.labels()[0],
        np.abs(parts.probabilities - subject.whole.probabilities)[0].max(axis=0),
    )
