"""The U-Net paper's weight map: high weights between touching cells, so that they are separated.

w(x) = w_c(x) + w0 · exp(−(d1(x) + d2(x))² / 2σ²), with the distances d1 and d2 to the nearest and
the second-nearest cell (Ronneberger et al. 2015, eq. 2).
"""

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects
from skimage.measure import label
from skimage.segmentation import relabel_sequential

from ..tasks import VOID

REACH = 6.0
"""In σ: farther cells add next to nothing (w0 · exp(−18))."""

W0, SIGMA = 10.0, 5.0
"""The paper's w0, and σ in px."""


def weight_map(labels: np.ndarray, *, w0: float = W0, sigma: float = SIGMA) -> np.ndarray:
    """Compute weights float32 (H, W) of label ids uint8 (H, W); void has weight 0.

    The cells are the 4-connected components of each id but 0, the background: objects in VOC and in
    scenes, cells between membranes in ISBI.
    """
    return weight_map_of_cells(cells_of(labels), w0=w0, sigma=sigma, void=labels == VOID)


def cells_of(labels: np.ndarray) -> np.ndarray:
    """Number the cells of label ids uint8 (H, W): int (H, W), 0 = background or void."""
    return label(np.where(labels == VOID, 0, labels), background=0, connectivity=1)


def weight_map_of_cells(
    cells: np.ndarray, *, w0: float = W0, sigma: float = SIGMA, void: np.ndarray | None = None
) -> np.ndarray:
    """Compute weights float32 (H, W) of numbered cells, int (H, W), 0 = background.

    ``void``: bool (H, W), pixels of weight 0. Raises ValueError unless ``sigma`` is above 0 and the
    numbers are not negative.
    """
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma}; it is a width in px and must be above 0")
    distances = nearest_two(cells, REACH * sigma)
    return weights_at(cells, *distances, w0=w0, sigma=sigma, void=void)


def weights_at(
    cells: np.ndarray,
    nearest: np.ndarray,
    second: np.ndarray,
    *,
    w0: float,
    sigma: float,
    void: np.ndarray | None,
) -> np.ndarray:
    """Compute the weights float32 (H, W) of cells whose distances :func:`nearest_two` has found."""
    decided = np.ones(cells.shape, bool) if void is None else ~void
    gap = w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2))
    weights = balance(cells > 0, decided) + np.where(cells > 0, 0, gap)
    return np.where(decided, weights, 0).astype(np.float32)


def balance(inside: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Compute w_c, float (H, W): cells and background weigh equally in sum, 1 on average.

    ``inside``, ``decided``: bool (H, W), pixels of cells, and pixels that are not void.
    """
    weights = np.zeros(inside.shape)
    regions = [region for region in (inside & decided, ~inside & decided) if region.any()]
    for region in regions:
        weights[region] = decided.sum() / (len(regions) * region.sum())
    return weights


def nearest_two(cells: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Compute the distances in px to the nearest and the second-nearest cell, float (H, W) each.

    They are exact up to ``reach`` px; larger ones may be infinite. Where there is no such cell, they are.
    """
    numbered = relabel_sequential(cells)[0]
    nearest, second = np.full(cells.shape, np.inf), np.full(cells.shape, np.inf)
    margin = int(np.ceil(reach))
    for number, box in enumerate(find_objects(numbered), start=1):
        # Only in each cell's neighbourhood: the whole picture for each would take ten times as long.
        around = tuple(slice(max(side.start - margin, 0), side.stop + margin) for side in box)
        distance = distance_transform_edt(numbered[around] != number)
        second[around] = np.minimum(second[around], np.maximum(nearest[around], distance))
        nearest[around] = np.minimum(nearest[around], distance)
    return nearest, second
