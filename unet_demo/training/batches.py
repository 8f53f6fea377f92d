"""Makes batches of frames and photos. Every batch is a pure function of its step number and a seed."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..constants import VOID
from ..data.article_augment import ArticleAugmentation, Flips, Pair, article_augment
from ..data.augment import Light, Warp, relight, warp_pair
from ..data.isbi import Frames
from ..data.photo_augment import PhotoAugment, augment_photo
from ..data.voc import Photos
from .loop import Batch
from .scene_batches import Normalisation, Shuffled, generator, to_tensor


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

    def __call__(self, step: int) -> Batch:
        """Return pictures (N, 3, crop, crop), normalised, and label ids (N, crop, crop) of one step."""
        rng = generator(self.seed, step)
        if self.order:
            chosen = self.order(step)
        else:
            weights = torch.from_numpy(self.weights)
            drawn = torch.multinomial(weights, self.count, replacement=True, generator=rng)
            chosen = drawn.tolist()
        pairs = [self._changed(number, step, rng) for number in chosen]
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
