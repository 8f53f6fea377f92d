"""Recipe → batches of drawn scenes, and what all batches share.

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
"""Seeds lie so far apart, no farther: torch's generator on the CPU looks at 32 bits only."""


def generator(seed: int, step: int) -> torch.Generator:
    """The source of one step's random choices."""
    return torch.Generator().manual_seed(seed * STEPS_OF_A_SEED + step)


@dataclass(frozen=True)
class Shuffled:
    """Epochs as torch's DataLoader has them: each of ``length`` pictures once, in a new order each time.

    The last batch of an epoch is smaller than ``batch``, or with ``drop_last`` left out.
    """

    length: int
    batch: int
    seed: int
    drop_last: bool = False

    @property
    def steps(self) -> int:
        """Batches of an epoch."""
        whole = self.length // self.batch
        return whole if self.drop_last and whole else -(-self.length // self.batch)

    @property
    def smallest(self) -> int:
        """Pictures of the smallest batch."""
        return min(self.length - (self.steps - 1) * self.batch, self.batch)

    def __call__(self, step: int) -> list[int]:
        """The numbers of the pictures of a step's batch."""
        epoch, place = divmod(step, self.steps)
        # A source of its own: steps, from 0 up, draw from the others what they do to the pictures.
        order = torch.randperm(self.length, generator=generator(self.seed, -1 - epoch))
        return order[place * self.batch :][: self.batch].tolist()


@dataclass(frozen=True)
class WithWeightMaps:
    """Batches with the U-Net paper's loss weights, drawn up for the labels as they are."""

    batches: BatchOf

    def __call__(self, step: int) -> Batch:
        """Pictures, labels (N, H, W), and weights (N, H, W) for one step."""
        images, labels, *_ = self.batches(step)
        weights = np.stack([weight_map(ids) for ids in labels.numpy()])
        return images, labels, torch.from_numpy(weights)


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
