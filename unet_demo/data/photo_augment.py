"""Random changes of photographs for training: crop, size, mirror image and colour."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torchvision.transforms.v2.functional as tv
from torch import Tensor
from torchvision.transforms import InterpolationMode

from ..constants import VOID
from .augment import chance, whole

MEAN_COLOUR = (124, 116, 104)
"""ImageNet's mean RGB, which surrounds photographs that are smaller than their crop."""


@dataclass(frozen=True)
class PhotoAugment:
    """``crop``: side of the output in px; ``scale``: range of the photo's longest side, in crops.

    ``brightness``, ``contrast``, ``saturation`` (0..1): factors lie within 1 ± these; ``hue``
    (0..0.5): shift within ± this share of the colour circle, 0 since it takes longer than the rest;
    ``grayscale``: probability of a gray photo.
    """

    crop: int
    scale: tuple[float, float] = (0.5, 2.0)
    mirror: bool = True
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    grayscale: float = 0.1
    hue: float = 0.0


@dataclass(frozen=True)
class Span:
    """One axis of a crop: pixels start..stop of the source are resized to ``size`` px at ``before`` px."""

    start: int
    stop: int
    size: int
    before: int


def augment_photo(
    image: np.ndarray, labels: np.ndarray, augment: PhotoAugment, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Crop, resize, mirror and recolour: uint8 (H, W, 3) and ids (H, W) → (3, crop, crop), (crop, crop).

    The photo is resized with antialiasing, the mask by nearest pixels. Where the crop is larger than
    the photo, the photo is filled with MEAN_COLOUR and the mask with void.
    """
    photo = torch.from_numpy(image).permute(2, 0, 1)
    mask = torch.from_numpy(labels).unsqueeze(0)
    ratio = augment.crop * chance(rng, *augment.scale) / max(labels.shape)
    rows, columns = (random_span(side, ratio, augment.crop, rng) for side in labels.shape)
    photo = recolour(_cut(photo, rows, columns, InterpolationMode.BILINEAR), augment, rng)
    # NEAREST_EXACT: NEAREST is half a pixel off from the photo's filter.
    mask = _cut(mask, rows, columns, InterpolationMode.NEAREST_EXACT)
    photo = _place(photo, rows, columns, augment.crop, MEAN_COLOUR)
    mask = _place(mask, rows, columns, augment.crop, (VOID,))
    if augment.mirror and chance(rng) < 0.5:
        photo, mask = tv.horizontal_flip(photo), tv.horizontal_flip(mask)
    return photo, mask[0]


def random_span(length: int, ratio: float, crop: int, rng: torch.Generator) -> Span:
    """Place a crop at random on an axis of ``length`` px resized by ``ratio``: within it, or around it."""
    scaled = max(round(length * ratio), 1)
    low, high = sorted((0, scaled - crop))
    offset = whole(low, high, rng)
    first, last = max(offset, 0), min(offset + crop, scaled)
    # Cropped before resizing, so that only the crop is resized.
    start = min(int(first * length / scaled), length - 1)
    stop = max(round(last * length / scaled), start + 1)
    return Span(start, stop, last - first, first - offset)


def _cut(picture: Tensor, rows: Span, columns: Span, mode: InterpolationMode) -> Tensor:
    """Cut out the spans' pixels and resize them: (C, H, W) → (C, rows.size, columns.size)."""
    height, width = rows.stop - rows.start, columns.stop - columns.start
    size = [rows.size, columns.size]
    return tv.resized_crop(
        picture, rows.start, columns.start, height, width, size, mode, antialias=True
    )


def _place(
    picture: Tensor, rows: Span, columns: Span, crop: int, around: tuple[int, ...]
) -> Tensor:
    """Place (C, rows.size, columns.size) into (C, crop, crop); fill the rest, one value per channel."""
    canvas = torch.tensor(around, dtype=picture.dtype).view(-1, 1, 1).repeat(1, crop, crop)
    top, left = rows.before, columns.before
    canvas[:, top : top + rows.size, left : left + columns.size] = picture
    return canvas


def recolour(photo: Tensor, augment: PhotoAugment, rng: torch.Generator) -> Tensor:
    """Jitter the colours in random order, and sometimes make the photo gray: uint8 (3, H, W) → the same."""
    jitters: tuple[tuple[Callable[[Tensor, float], Tensor], float, float], ...] = (
        (tv.adjust_brightness, augment.brightness, 1),
        (tv.adjust_contrast, augment.contrast, 1),
        (tv.adjust_saturation, augment.saturation, 1),
        (tv.adjust_hue, augment.hue, 0),
    )
    for index in torch.randperm(len(jitters), generator=rng).tolist():
        adjust, strength, neutral = jitters[index]
        if strength:
            photo = adjust(photo, neutral + chance(rng, -strength, strength))
    if chance(rng) < augment.grayscale:
        photo = tv.rgb_to_grayscale(photo, num_output_channels=3)
    return photo
