"""The articles' own augmentations: flips of article 0; effects, deformation and turns of article 2."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torchvision.transforms.v2.functional as tv
from torch import Tensor
from torchvision.transforms import InterpolationMode

from .augment import Warp, chance, pixel_grid, sample, sample_pair, warp_pair, whole


@dataclass(frozen=True)
class Flips:
    """The flips of "PyTorch U-Net": left to right, and upside down, each with this ``probability``."""

    probability: float = 0.5


@dataclass(frozen=True)
class ArticleAugmentation:
    """The changes of "What is U-Net?": a square, then one of EFFECTS, elastic deformation, one of TURNS.

    Each of the three with this ``probability`` (albumentations' default), drawn for each picture.
    ``crop``: side of the output in px; ``elastic``: σ in px of displacements on a 3×3 grid;
    ``blur``: longest motion in px; ``distortion``: largest shift of the corners, as a share of their
    distance from the centre; ``noise``: largest σ, on pictures in 0..1; ``contrast`` (0..1): factors
    lie within 1 ± this. The article gives no strengths; these are ours.
    """

    crop: int
    elastic: float = 10.0
    blur: float = 7.0
    distortion: float = 0.1
    noise: float = 0.05
    contrast: float = 0.2
    probability: float = 0.5


Pair = tuple[Tensor, Tensor]
"""Pictures (N, C, H, W) in 0..1 and their ids (N, H, W)."""

Change = Callable[[Tensor, Tensor, ArticleAugmentation, torch.Generator], Pair]


def article_augment(
    images: Tensor, labels: Tensor, augment: Flips | ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Change pictures (N, C, H, W) in 0..1 and their ids (N, H, W) alike, each pair at random.

    Article 0's flips keep the size; article 2's changes give squares of ``augment.crop`` px.
    """
    if isinstance(augment, Flips):
        return random_flips(images, labels, augment, rng)
    pairs = [
        _changed(image, ids, augment, rng)
        for image, ids in zip(*resized(images, labels, augment.crop), strict=True)
    ]
    changed, moved = zip(*pairs, strict=True)
    return torch.cat(changed), torch.cat(moved)


def random_flips(images: Tensor, labels: Tensor, augment: Flips, rng: torch.Generator) -> Pair:
    """Flip each picture with its label, at random, left to right and upside down."""
    # Where the article flips the label upside down, it flips the picture left to right.
    for axis in (-1, -2):
        chosen = torch.rand(len(images), generator=rng) < augment.probability
        images = torch.where(chosen.view(-1, 1, 1, 1), images.flip(axis), images)
        labels = torch.where(chosen.view(-1, 1, 1), labels.flip(axis), labels)
    return images, labels


def resized(images: Tensor, labels: Tensor, side: int) -> tuple[list[Tensor], list[Tensor]]:
    """Resize to single pictures (1, C, side, side) and their ids (1, side, side), by nearest pixels."""
    if images.shape[-2:] != (side, side):
        images = tv.resize(images, [side, side], antialias=True).clamp(0, 1)
        # The article blends its masks, which makes ids of other classes.
        labels = tv.resize(labels, [side, side], InterpolationMode.NEAREST_EXACT)
    return list(images.split(1)), list(labels.split(1))


def _changed(
    image: Tensor, ids: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    for family in (EFFECTS, ELASTIC, TURNS):
        change = list(family.values())[whole(0, len(family) - 1, rng)]
        if chance(rng) < augment.probability:
            image, ids = change(image, ids, augment, rng)
    return image, ids


def elastic_deformation(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Displace pixels smoothly, as in the U-Net paper."""
    warp = Warp(augment.crop, rotation=0, scale=(1, 1), mirror=False, elastic=augment.elastic)
    return warp_pair(images, labels, warp, rng)


def motion_blur(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Blur along a straight line, as of a moving camera; the mask shows the middle of the motion."""
    length = chance(rng, 0, augment.blur)
    angle = torch.tensor(chance(rng, 0, torch.pi))
    direction = torch.stack([torch.cos(angle), torch.sin(angle)])
    places = torch.linspace(-length / 2, length / 2, round(length) + 2)
    still = pixel_grid(*images.shape[-2:]).expand(len(images), -1, -1, -1)
    moments = [sample(images, still + place * direction, "bilinear") for place in places]
    return torch.stack(moments).mean(0), labels


def optical_distortion(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Distort as a lens does: points at distance r from the centre are read at r·(1 + k·r²)."""
    strength = chance(rng, -augment.distortion, augment.distortion)
    grid = pixel_grid(*images.shape[-2:])
    centre = grid[:, -1, -1].view(1, 1, 1, 2) / 2
    outwards = grid - centre
    squared = outwards.square().sum(-1, keepdim=True) / centre.square().sum()
    positions = centre + outwards * (1 + strength * squared)
    return sample_pair(images, labels, positions.expand(len(images), -1, -1, -1))


def gaussian_noise(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Add noise to the pictures. (torchvision's function takes no generator.)"""
    noise = torch.randn(images.shape, generator=rng) * chance(rng, 0, augment.noise)
    return (images + noise).clamp(0, 1), labels


def random_contrast(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Change the contrast around the pictures' mean."""
    factor = 1 + chance(rng, -augment.contrast, augment.contrast)
    return tv.adjust_contrast(images, factor), labels


def horizontal_flip(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Flip left to right."""
    return tv.horizontal_flip(images), tv.horizontal_flip(labels)


def quarter_turns(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Rotate by 90°, 180° or 270°."""
    turns = whole(1, 3, rng)
    return images.rot90(turns, (-2, -1)), labels.rot90(turns, (-2, -1))


def vertical_flip(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Flip upside down."""
    return tv.vertical_flip(images), tv.vertical_flip(labels)


EFFECTS: dict[str, Change] = {
    "motion blur": motion_blur,
    "optical distortion": optical_distortion,
    "Gaussian noise": gaussian_noise,
    "contrast": random_contrast,
}

ELASTIC: dict[str, Change] = {"elastic deformation": elastic_deformation}

TURNS: dict[str, Change] = {
    "horizontal flip": horizontal_flip,
    "rotation by 90°": quarter_turns,
    "vertical flip": vertical_flip,
}
