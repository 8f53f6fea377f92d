"""Random geometry and light for training. A picture and its mask get the same warp.

A warp is one sampling grid: crop, rotation, scale, mirror and elastic deformation in one
interpolation, bicubic for the picture and nearest for the mask, with mirrored borders.
All random numbers come from the given generator, so that a batch is a pure function of its step.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Warp:
    """``crop``: side of the output in px; ``rotation``: ± degrees; ``scale``: range of zoom factors.

    ``elastic``: σ in px of displacements on a 3×3 grid (Ronneberger et al. 2015: 10 px).
    """

    crop: int
    rotation: float = 180.0
    scale: tuple[float, float] = (0.8, 1.25)
    mirror: bool = True
    elastic: float = 10.0


@dataclass(frozen=True)
class Light:
    """Ranges of contrast factor, brightness shift, gamma exponent and noise σ, on pictures in 0..1."""

    contrast: float = 0.2
    brightness: float = 0.1
    gamma: float = 0.2
    noise: float = 0.03


def uniform(low: float, high: float, shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    """Draw uniform float32 numbers in low..high."""
    return torch.rand(shape, generator=rng) * (high - low) + low


def chance(rng: torch.Generator, low: float = 0.0, high: float = 1.0) -> float:
    """Draw one uniform number in low..high."""
    return uniform(low, high, (), rng).item()


def whole(low: int, high: int, rng: torch.Generator) -> int:
    """Draw one whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def pixel_grid(height: int, width: int) -> Tensor:
    """Return the position (x, y) in px of each pixel: (1, H, W, 2)."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y], -1).float().unsqueeze(0)


def elastic_displacement(
    count: int, height: int, width: int, sigma: float, rng: torch.Generator, grid: int = 3
) -> Tensor:
    """Draw displacements (x, y) in px, (N, 2, H, W): normal on a coarse grid, bicubic in between.

    Ronneberger et al. 2015, section 3.1: 3×3 grid, σ = 10 px, bicubic interpolation.
    """
    coarse = torch.randn((count, 2, grid, grid), generator=rng) * sigma
    return F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=True)


def warp_grid(count: int, height: int, width: int, warp: Warp, rng: torch.Generator) -> Tensor:
    """Draw sampling positions (x, y) in px of a picture (height, width): (N, crop, crop, 2)."""
    side = warp.crop
    offsets = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    y, x = torch.meshgrid(offsets, offsets, indexing="ij")
    positions = torch.stack([x, y]).expand(count, 2, side, side)
    if warp.elastic:
        positions = positions + elastic_displacement(count, side, side, warp.elastic, rng)
    angle = uniform(-warp.rotation, warp.rotation, (count,), rng) * torch.pi / 180
    zoom = uniform(warp.scale[0], warp.scale[1], (count,), rng)
    flip = torch.where(torch.rand(count, generator=rng) < 0.5, -1.0, 1.0) if warp.mirror else 1.0
    cosine, sine = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    x, y = positions[:, 0] * (flip * torch.ones(count)).view(-1, 1, 1), positions[:, 1]
    cosine, sine = cosine.view(-1, 1, 1), sine.view(-1, 1, 1)
    centre_x = _centres(count, width, side, rng)
    centre_y = _centres(count, height, side, rng)
    return torch.stack([cosine * x - sine * y + centre_x, sine * x + cosine * y + centre_y], -1)


def _centres(count: int, length: int, side: int, rng: torch.Generator) -> Tensor:
    """Draw centres of crops of ``side`` px within ``length`` px; the middle if no crop fits."""
    slack = max(length - side, 0) / 2
    middle = (length - 1) / 2
    return uniform(middle - slack, middle + slack, (count, 1, 1), rng)


def sample(images: Tensor, positions: Tensor, mode: str = "bicubic") -> Tensor:
    """Read (N, C, H, W) at (N, h, w, 2) pixel positions (x, y), borders mirrored → (N, C, h, w)."""
    height, width = images.shape[-2:]
    size = torch.tensor([width, height], dtype=positions.dtype)
    normalised = 2 * positions / (size - 1).clamp(min=1) - 1
    return F.grid_sample(
        images, normalised, mode=mode, padding_mode="reflection", align_corners=True
    )


def warp_pair(
    images: Tensor, labels: Tensor, warp: Warp, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Warp pictures float (N, C, H, W) and ids (N, H, W) alike: (N, C, crop, crop) and (N, crop, crop)."""
    positions = warp_grid(len(images), images.shape[-2], images.shape[-1], warp, rng)
    return sample_pair(images, labels, positions)


def sample_pair(images: Tensor, labels: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Read pictures in 0..1 (bicubic) and ids (nearest) at the same (N, h, w, 2) positions."""
    moved = sample(images, positions).clamp(0, 1)
    ids = sample(labels.unsqueeze(1).float(), positions, mode="nearest")[:, 0]
    return moved, ids.round().to(labels.dtype)


def relight(images: Tensor, light: Light, rng: torch.Generator) -> Tensor:
    """Change contrast, brightness, gamma and noise of each picture: (N, C, H, W) in 0..1 → the same."""
    shape = (len(images), 1, 1, 1)
    gamma = torch.exp(uniform(-light.gamma, light.gamma, shape, rng))
    contrast = 1 + uniform(-light.contrast, light.contrast, shape, rng)
    shift = uniform(-light.brightness, light.brightness, shape, rng)
    lit = (images.clamp(0, 1) ** gamma - 0.5) * contrast + 0.5 + shift
    noise = torch.randn(images.shape, generator=rng) * uniform(0, light.noise, shape, rng)
    return (lit + noise).clamp(0, 1)
