"""Makes batches of scenes, frames and photos. Every batch is a pure function of its step number and a seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..data.augment import (
    ArticleAugmentation,
    Flips,
    Light,
    Pair,
    PhotoAugment,
    Warp,
    article_augment,
    augment_photo,
    chance,
    objects_pasted,
    relight,
    warp_pair,
)
from ..data.isbi import Frames
from ..data.shapes import SceneOptions, article_scene, scene_batch
from ..data.voc import Photos
from ..data.weight_map import weight_map
from ..tasks import VOID
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

    def undo(self, images: Tensor) -> Tensor:
        """Return pictures (N, C, H, W) in 0..1 of normalised ones."""
        mean = torch.tensor(self.mean, device=images.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(1, -1, 1, 1)
        return images * std + mean


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


@dataclass(frozen=True)
class FrameBatches:
    """Crops of frames with random warp and light, or with the ``article``'s augmentation.

    Frames are drawn at random; with ``order``, each comes once an epoch.
    """

    frames: Frames
    count: int
    seed: int
    normalisation: Normalisation
    warp: Warp
    light: Light
    article: Flips | ArticleAugmentation | None = None
    order: Shuffled | None = None

    def __call__(self, step: int) -> Batch:
        """Return pictures (N, 1, crop, crop), normalised, and label ids (N, crop, crop) of one step."""
        rng = generator(self.seed, step)
        if self.order:
            chosen = np.array(self.order(step))
        else:
            chosen = torch.randint(len(self.frames.images), (self.count,), generator=rng).numpy()
        images = to_tensor(self.frames.images[chosen])
        labels = torch.from_numpy(self.frames.labels[chosen])
        if self.article:
            images, labels = article_augment(images, labels, self.article, rng)
        else:
            images, labels = warp_pair(images, labels, self.warp, rng)
            images = relight(images, self.light, rng)
        return self.normalisation(images), labels


@dataclass(frozen=True)
class PhotoBatches:
    """Crops of photos, drawn with probabilities ``weights`` (float64 (photos,)), randomly augmented.

    ``growth``: (first step, side of the crop in px), in order; empty: the side is ``augment.crop``.
    With ``order``, each photo comes once an epoch. Without ``augment``, photos stay as they are and
    must have one size. ``void_id``: the id of void pixels; an article teaches void as a class.
    ``paste``: share of the crops that get the objects of the one before, where they stand.
    """

    photos: Photos
    weights: np.ndarray
    count: int
    seed: int
    normalisation: Normalisation
    augment: PhotoAugment | None
    growth: tuple[tuple[int, int], ...] = ()
    order: Shuffled | None = None
    void_id: int = VOID
    paste: float = 0.0

    def __call__(self, step: int) -> Batch:
        """Return pictures (N, 3, crop, crop), normalised, and label ids (N, crop, crop) of one step."""
        rng = generator(self.seed, step)
        if self.order:
            chosen = self.order(step)
        else:
            weights = torch.from_numpy(self.weights)
            drawn = torch.multinomial(weights, self.count, replacement=True, generator=rng)
            chosen = drawn.tolist()
        crops = [self._changed(number, step, rng) for number in chosen]
        pairs = [
            objects_pasted(crop, before) if self.paste and chance(rng) < self.paste else crop
            for crop, before in zip(crops, [crops[-1], *crops], strict=False)
        ]
        images = torch.stack([image for image, _ in pairs]).float() / 255
        labels = torch.stack([labels for _, labels in pairs])
        labels[labels == VOID] = self.void_id
        return self.normalisation(images), labels

    def _changed(self, number: int, step: int, rng: torch.Generator) -> Pair:
        photo, ids = self.photos.images[number], self.photos.labels[number]
        if self.augment is None:
            return torch.from_numpy(photo).permute(2, 0, 1), torch.from_numpy(ids)
        crop = [self.augment.crop, *(side for first, side in self.growth if first <= step)][-1]
        return augment_photo(photo, ids, replace(self.augment, crop=crop), rng)
