"""Recipe → batches of real pictures. Every batch is a pure function of its step number and a seed."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..data.article_augment import Pair, article_augment
from ..data.augment import relight, warp_pair
from ..data.augment_settings import ArticleAugmentation, Light, PhotoAugment, Warp
from ..data.isbi import Frames
from ..data.photo_augment import augment_photo
from ..data.voc import FRAMINGS, Photos
from ..data.weight_map import weight_map
from ..void import VOID
from .loop import Batch
from .scene_batches import Normalisation, generator, to_tensor


@dataclass(frozen=True)
class FrameBatches:
    """Crops of frames drawn at random, warped and relit, or changed as article 2 does.

    With ``weight_map``, the U-Net paper's loss weights, drawn up for each crop as it is warped.
    """

    frames: Frames
    count: int
    seed: int
    normalisation: Normalisation
    warp: Warp
    light: Light
    article: ArticleAugmentation | None = None
    weight_map: bool = False

    def __call__(self, step: int) -> Batch:
        """(N, 1, crop, crop) and (N, crop, crop) for one step, and maybe weights (N, crop, crop)."""
        rng = generator(self.seed, step)
        chosen = torch.randint(len(self.frames.images), (self.count,), generator=rng).numpy()
        images = to_tensor(self.frames.images[chosen])
        labels = torch.from_numpy(self.frames.labels[chosen])
        if self.article:
            images, labels = article_augment(images, labels, self.article, rng)
        else:
            images, labels = warp_pair(images, labels, self.warp, rng)
            images = relight(images, self.light, rng)
        images = self.normalisation(images)
        if not self.weight_map:
            return images, labels
        weights = np.stack([weight_map(ids) for ids in labels.numpy()])
        return images, labels, torch.from_numpy(weights)


@dataclass(frozen=True)
class PhotoBatches:
    """Crops of photos, drawn by ``weights`` (float64 (photos,), summing to 1), each changed at random.

    ``growth`` holds (first step, crop's side in px) in order; without it ``augment`` says the side.
    ``framing`` (one of FRAMINGS) takes the place of cropping and changing. ``void_id`` is the id
    that void pixels get: an article counts them as a class of their own.
    """

    photos: Photos
    weights: np.ndarray
    count: int
    seed: int
    normalisation: Normalisation
    augment: PhotoAugment
    growth: tuple[tuple[int, int], ...] = ()
    framing: str = ""
    void_id: int = VOID

    def __call__(self, step: int) -> Batch:
        """(N, 3, crop, crop) and (N, crop, crop) for one step."""
        rng = generator(self.seed, step)
        weights = torch.from_numpy(self.weights)
        chosen = torch.multinomial(weights, self.count, replacement=True, generator=rng).tolist()
        pairs = [self._square(number, self.augment_at(step), rng) for number in chosen]
        images = torch.stack([image for image, _ in pairs]).float() / 255
        labels = torch.stack([labels for _, labels in pairs])
        labels[labels == VOID] = self.void_id
        return self.normalisation(images), labels

    def augment_at(self, step: int) -> PhotoAugment:
        """The augmentation of a step, with its crop's side."""
        crop = [self.augment.crop, *(side for first, side in self.growth if first <= step)][-1]
        return replace(self.augment, crop=crop)

    def _square(self, number: int, augment: PhotoAugment, rng: torch.Generator) -> Pair:
        photo, ids = self.photos.images[number], self.photos.labels[number]
        if not self.framing:
            return augment_photo(photo, ids, augment, rng)
        photo, ids = FRAMINGS[self.framing](photo, ids, augment.crop)
        return torch.from_numpy(photo).permute(2, 0, 1), torch.from_numpy(ids)
