"""Makes batches of drawn scenes, and holds what all batches share.

Every batch is a pure function of its step number and a seed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.shapes import SceneOptions, article_scene, scene_batch
from ..data.weight_map import weight_map
from .loop import Batch

BatchOf = Callable[[int], Batch]

STEPS_OF_A_SEED = 1_000_003
"""Distance of two seeds. No larger, since torch's generator on the CPU uses 32 bits only."""


def generator(seed: int, step: int) -> torch.Generator:
    """Return the random generator of one step."""
    return torch.Generator().manual_seed(seed * STEPS_OF_A_SEED + step)


@dataclass(frozen=True)
class Shuffled:
    """Epochs as in torch's DataLoader: each of ``length`` pictures once, in a new random order.

    The last batch of an epoch may be smaller than ``batch``; ``drop_last`` leaves such a one out.
    """

    length: int
    batch: int
    seed: int
    drop_last: bool = False

    @property
    def steps(self) -> int:
        """Number of batches in an epoch."""
        whole = self.length // self.batch
        return whole if self.drop_last and whole else -(-self.length // self.batch)

    @property
    def smallest(self) -> int:
        """Number of pictures in the smallest batch."""
        return min(self.length - (self.steps - 1) * self.batch, self.batch)

    def __call__(self, step: int) -> list[int]:
        """Return the numbers of the pictures in a step's batch."""
        epoch, place = divmod(step, self.steps)
        # Negative numbers, since steps use the generators from 0 up for augmentation.
        order = torch.randperm(self.length, generator=generator(self.seed, -1 - epoch))
        return order[place * self.batch :][: self.batch].tolist()


@dataclass(frozen=True)
class WithWeightMaps:
    """Batches with the U-Net paper's loss weights, computed from the labels of each batch."""

    batches: BatchOf

    def __call__(self, step: int) -> Batch:
        """Return pictures, label ids (N, H, W) and weights float32 (N, H, W) of one step."""
        images, labels, *_ = self.batches(step)
        weights = np.stack([weight_map(ids) for ids in labels.numpy()])
        return images, labels, torch.from_numpy(weights)


@dataclass(frozen=True)
class Normalisation:
    """Shift and scale of pictures in 0..1, one value for each channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """Normalise pictures (N, C, H, W) in 0..1."""
        mean = torch.tensor(self.mean).view(1, -1, 1, 1)
        std = torch.tensor(self.std).view(1, -1, 1, 1)
        return (images - mean) / std


def to_tensor(images: np.ndarray) -> Tensor:
    """Convert uint8 (N, H, W, C) to float32 (N, C, H, W) in 0..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


@dataclass(frozen=True)
class SceneBatches:
    """Random scenes. Steps take the ``kinds`` in turn, so that a batch has one size."""

    kinds: tuple[SceneOptions, ...]
    count: int
    seed: int
    normalisation: Normalisation

    def __call__(self, step: int) -> Batch:
        """Return pictures (N, 3, H, W), normalised, and label ids (N, H, W) of one step."""
        kind = self.kinds[step % len(self.kinds)]
        images, labels = scene_batch(kind, self.count, self.seed, step)
        return self.normalisation(to_tensor(images)), torch.from_numpy(labels)


@dataclass(frozen=True)
class ArticleBatches:
    """The one picture of article 1, ``count`` times, at every step."""

    count: int
    normalisation: Normalisation

    def __call__(self, step: int) -> Batch:
        """Return pictures (N, 3, 256, 256), normalised, and label ids (N, 256, 256) of any step."""
        image, labels = article_scene()
        images = self.normalisation(to_tensor(np.stack([image] * self.count)))
        return images, torch.from_numpy(np.stack([labels] * self.count))
