"""The weight map of touching cells, with the distances that it is made of."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from skimage.segmentation import expand_labels, watershed

from ..data.em import synthetic_em
from ..data.weight_map import REACH, cells_of, nearest_two, weights_at
from ..tasks import VOID

MOST = 512
"""Longest side in px of what is weighed; of a larger mask, the middle."""


@dataclass(frozen=True)
class Weighing:
    """A mask's cells and what they make of each pixel, all (H, W).

    ``cells``: int, numbered from 1, 0 = background; ``nearest``, ``second``: float, d1 and d2 in px,
    infinite where no cell is within ``reach``; ``weights``: float32, w, 0 where the mask is void.
    """

    cells: np.ndarray
    nearest: np.ndarray
    second: np.ndarray
    weights: np.ndarray
    reach: float

    @property
    def count(self) -> int:
        """Number of cells."""
        return int(self.cells.max())


def weigh(labels: np.ndarray, w0: float, sigma: float) -> Weighing:
    """Weigh label ids uint8 (H, W), 255 = void; ``sigma`` in px, above 0."""
    cells, reach = cells_of(labels), REACH * sigma
    nearest, second = nearest_two(cells, reach)
    weights = weights_at(cells, nearest, second, w0=w0, sigma=sigma, void=labels == VOID)
    # Cells lie in boxes, in which distances beyond the reach are found, too: by chance.
    nearest, second = (np.where(far <= reach, far, np.inf) for far in (nearest, second))
    return Weighing(cells, nearest, second, weights, reach)


def middle(labels: np.ndarray, most: int = MOST) -> np.ndarray:
    """Cut the middle out of (H, W, …), at most ``most`` px high and wide."""
    top, left = (max(side - most, 0) // 2 for side in labels.shape[:2])
    return labels[top : top + most, left : left + most]


@lru_cache(1)
def membrane_label(side: int = 256) -> np.ndarray:
    """Draw an ISBI-like label, uint8 (side, side): 1 in cells, 0 on the membranes between them."""
    _, truth = synthetic_em(side, seed=1)
    return (truth[0] > 0).astype(np.uint8)


@lru_cache(1)
def touching_cells(side: int = 128) -> np.ndarray:
    """Draw cells that touch, uint8 (side, side): those of a label, grown until 1 px is between them."""
    cells = cells_of(membrane_label()[:side, :side])
    near = expand_labels(cells, 3) > 0
    grown = watershed(np.zeros(cells.shape), cells, mask=near, watershed_line=True)
    return (grown > 0).astype(np.uint8)
