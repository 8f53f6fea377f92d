"""Elastic deformation, as training bends pictures, with the grid that shows how."""

from dataclasses import dataclass

import numpy as np
import torch

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


def displacement(height: int, width: int, grid: int, sigma: float, seed: int) -> np.ndarray:
    """Draw how far each pixel is read from, (2, H, W) in px: x and y, of ``grid`` × ``grid`` points."""
    rng = torch.Generator().manual_seed(seed)
    return elastic_displacement(1, height, width, sigma, rng, grid)[0].numpy()


def bend(plain: Bent, grid: int, sigma: float, seed: int) -> Bent:
    """Read all three at the same displaced places, as training does; the lines like the picture."""
    height, width = plain.labels.shape
    moved = torch.from_numpy(displacement(height, width, grid, sigma, seed))
    positions = pixel_grid(height, width) + moved.permute(1, 2, 0)
    lines = np.repeat(plain.lines[..., None], 3, axis=2)
    images = torch.from_numpy(np.stack([plain.picture, lines])).float() / 255
    ids = torch.from_numpy(np.stack([plain.labels, plain.labels]))
    pictures, masks = sample_pair(
        images.permute(0, 3, 1, 2), ids, positions.expand(2, -1, -1, -1)
    )
    shown = (pictures.permute(0, 2, 3, 1) * 255).round().byte().numpy()
    return Bent(shown[0], masks[0].numpy(), shown[1, ..., 0])
