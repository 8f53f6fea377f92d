"""Recipe → batches: every batch is a pure function of its step number and the recipe's seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .data.augment import Light, PhotoAugment, Warp, augment_photo, relight, warp_pair
from .data.isbi import Frames
from .data.shapes import SceneOptions, scene_batch
from .data.voc import Photos
from .training import Batch

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
class FrameBatches:
    """Crops of frames drawn at random, warped and relit."""

    frames: Frames
    count: int
    seed: int
    normalisation: Normalisation
    warp: Warp
    light: Light

    def __call__(self, step: int) -> Batch:
        """(N, 1, crop, crop) and (N, crop, crop) for one step."""
        rng = generator(self.seed, step)
        chosen = torch.randint(len(self.frames.images), (self.count,), generator=rng).numpy()
        images = to_tensor(self.frames.images[chosen])
        labels = torch.from_numpy(self.frames.labels[chosen])
        images, labels = warp_pair(images, labels, self.warp, rng)
        return self.normalisation(relight(images, self.light, rng)), labels


@dataclass(frozen=True)
class PhotoBatches:
    """Crops of photos, drawn by ``weights`` (float64 (photos,), summing to 1), each changed at random.

    ``growth`` holds (first step, crop's side in px) in order; without it ``augment`` says the side.
    """

    photos: Photos
    weights: np.ndarray
    count: int
    seed: int
    normalisation: Normalisation
    augment: PhotoAugment
    growth: tuple[tuple[int, int], ...] = ()

    def __call__(self, step: int) -> Batch:
        """(N, 3, crop, crop) and (N, crop, crop) for one step."""
        rng = generator(self.seed, step)
        crop = [self.augment.crop, *(side for first, side in self.growth if first <= step)][-1]
        augment = replace(self.augment, crop=crop)
        weights = torch.from_numpy(self.weights)
        chosen = torch.multinomial(weights, self.count, replacement=True, generator=rng).tolist()
        pairs = [
            augment_photo(self.photos.images[n], self.photos.labels[n], augment, rng)
            for n in chosen
        ]
        images = torch.stack([image for image, _ in pairs]).float() / 255
        return self.normalisation(images), torch.stack([labels for _, labels in pairs])
