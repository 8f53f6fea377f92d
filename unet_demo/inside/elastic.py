"""Elastic deformation, as training bends pictures, with the grid that shows how."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.augment import elastic_displacement, pixel_grid, sample_pair
from ..render import to_rgb

LINE_EVERY = 16
"""Px between the lines of the drawn grid."""


@dataclass(frozen=True)
class Bent:
    """A picture uint8 (H, W, 3), its mask of ids uint8 (H, W), and a drawn grid's lines uint8 (H, W)."""

    picture: np.ndarray
    labels: np.ndarray
    lines: np.ndarray


def straight(picture: np.ndarray, labels: np.ndarray) -> Bent:
    """Lay a straight grid beside a picture uint8 (H, W, 1 or 3) and its mask ids (H, W)."""
    lines = np.zeros(labels.shape, np.uint8)
    lines[::LINE_EVERY] = lines[:, ::LINE_EVERY] = 255
    return Bent(to_rgb(picture), labels, lines)


def bend(plain: Bent, grid: int, sigma: float, seed: int) -> Bent:
    """Read picture, mask and lines at the same displaced places, as training does.

    ``grid``: points a side whose displacements are drawn, normal with ``sigma`` px.
    """
    height, width = plain.labels.shape
    positions = pixel_grid(height, width) + _displacement(height, width, grid, sigma, seed)
    lines = np.repeat(plain.lines[..., None], 3, axis=2)
    images = torch.from_numpy(np.stack([plain.picture, lines])).float() / 255
    ids = torch.from_numpy(np.stack([plain.labels, plain.labels]))
    pictures, masks = sample_pair(images.permute(0, 3, 1, 2), ids, positions.expand(2, -1, -1, -1))
    shown = (pictures.permute(0, 2, 3, 1) * 255).round().byte().numpy()
    return Bent(shown[0], masks[0].numpy(), shown[1, ..., 0])


def control_points(side: int, grid: int, sigma: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of the grid, and how far from each is read what it shows: (x, y) in px, (n, n, 2) each."""
    at = np.linspace(0, side - 1, grid).round().astype(int)
    points = np.stack(np.meshgrid(at, at), axis=-1)
    return points, _displacement(side, side, grid, sigma, seed)[0, at[:, None], at].numpy()


def _displacement(height: int, width: int, grid: int, sigma: float, seed: int) -> Tensor:
    """Draw how far from each pixel is read what it shows: (x, y) in px, (1, H, W, 2)."""
    rng = torch.Generator().manual_seed(seed)
    drawn = elastic_displacement(1, height, width, sigma, rng, grid)
    return drawn.permute(0, 2, 3, 1)
