"""Recipe → batches of drawn scenes. Every batch is a pure function of its step number and a seed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.shapes import SceneOptions, article_scene, scene_batch
from .loop import Batch

BatchOf = Callable[[int], Batch]

STEPS_OF_A_SEED = 1_000_003
"""Seeds lie so far apart, no farther: torch's generator on the CPU looks at 32 bits only."""


def generator(seed: int, step: int) -> torch.Generator:
    """The source of one step's random choices."""
    return torch.Generator().manual_seed(seed * STEPS_OF_A_SEED + step)


@dataclass(frozen=True)
class Normalisation:
    """Shift and scale of pictures in 0..1, a value per channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """(N, C, H, W) in 0..1 → normalised."""
        mean = torch.tensor(self.mean).view(1, -1, 1, 1)
        std = torch.tensor(self.std).view(1, -1, 1, 1)
        return (images - mean) / std


def to_tensor(images: np.ndarray) -> Tensor:
    """uint8 (N, H, W, C) → float32 (N, C, H, W) in 0..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


@dataclass(frozen=True)
class SceneBatches:
    """Random scenes; step n takes the n-th of ``kinds``, in turn, so that sizes may differ."""

    kinds: tuple[SceneOptions, ...]
    count: int
    seed: int
    normalisation: Normalisation

    def __call__(self, step: int) -> Batch:
        """(N, 3, H, W) and (N, H, W) for one step."""
        kind = self.kinds[step % len(self.kinds)]
        images, labels = scene_batch(kind, self.count, self.seed, step)
        return self.normalisation(to_tensor(images)), torch.from_numpy(labels)


@dataclass(frozen=True)
class ArticleBatches:
    """Article 1's one picture, ``count`` times, at every step."""

    count: int
    normalisation: Normalisation

    def __call__(self, step: int) -> Batch:
        """(N, 3, 256, 256) and (N, 256, 256) for one step."""
        image, labels = article_scene()
        images = self.normalisation(to_tensor(np.stack([image] * self.count)))
        return images, torch.from_numpy(np.stack([labels] * self.count))
