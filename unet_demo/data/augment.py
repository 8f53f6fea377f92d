"""Changes training pictures and their masks at random: geometry, light, photographs, the articles' ways.

A warp is one sampling grid: crop, rotation, scale, mirror and elastic deformation in one
interpolation, bicubic for the picture and nearest for the mask, with mirrored borders.
All random numbers come from the given generator, so that a batch is a pure function of its step.
torchvision is imported where it is used, by photographs and articles alone: it takes a second.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..tasks import VOID


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


def warp_grid(
    count: int,
    height: int,
    width: int,
    warp: Warp,
    rng: torch.Generator,
    slack: float | None = None,
) -> Tensor:
    """Draw sampling positions (x, y) in px of a picture (height, width): (N, crop, crop, 2).

    The middles of the crops lie within ``slack`` px; by default as far apart as crops fit.
    """
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
    centre_x = _centres(count, width, side if slack is None else width - slack, rng)
    centre_y = _centres(count, height, side if slack is None else height - slack, rng)
    return torch.stack([cosine * x - sine * y + centre_x, sine * x + cosine * y + centre_y], -1)


def _centres(count: int, length: int, side: float, rng: torch.Generator) -> Tensor:
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


MEAN_COLOUR = (124, 116, 104)
"""ImageNet's mean RGB, which surrounds photographs that are smaller than their crop."""


@dataclass(frozen=True)
class PhotoAugment:
    """``crop``: side of the output in px; ``scale``: range of the photo's longest side, in crops.

    ``brightness``, ``contrast``, ``saturation`` (0..1): factors lie within 1 ± these; ``hue``
    (0..0.5): shift within ± this share of the colour circle, 0 since it takes longer than the rest;
    ``grayscale``: probability of a gray photo; ``on_object``: probability that the crop is laid over
    an object, of one of the photo's classes, each as likely.
    """

    crop: int
    scale: tuple[float, float] = (0.5, 2.0)
    mirror: bool = True
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    grayscale: float = 0.1
    hue: float = 0.0
    on_object: float = 0.0


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
    over: tuple[int, int] | None = None
    if augment.on_object and chance(rng) < augment.on_object:
        over = object_pixel(labels, rng)
    rows, columns = (
        random_span(side, ratio, augment.crop, rng, over and over[axis])
        for axis, side in enumerate(labels.shape)
    )
    photo = recolour(_cut(photo, rows, columns, "bilinear"), augment, rng)
    # "nearest" is half a pixel off from the photo's filter.
    mask = _cut(mask, rows, columns, "nearest-exact")
    photo = _place(photo, rows, columns, augment.crop, MEAN_COLOUR)
    mask = _place(mask, rows, columns, augment.crop, (VOID,))
    if augment.mirror and chance(rng) < 0.5:
        photo, mask = photo.flip(-1), mask.flip(-1)
    return photo, mask[0]


def objects_pasted(onto: tuple[Tensor, Tensor], of: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Paste one crop's objects onto another: pictures (3, H, W), ids (H, W). After Ghiasi et al. 2021."""
    (photo, ids), (other, other_ids) = onto, of
    objects = (other_ids != 0) & (other_ids != VOID)
    return torch.where(objects, other, photo), torch.where(objects, other_ids, ids)


def object_pixel(labels: np.ndarray, rng: torch.Generator) -> tuple[int, int] | None:
    """Draw a class of the objects in ids (H, W) and one of its pixels: row and column, or None."""
    ids = [number for number in np.unique(labels) if number not in (0, VOID)]
    if not ids:
        return None
    pixels = np.flatnonzero(labels == ids[whole(0, len(ids) - 1, rng)])
    row, column = divmod(int(pixels[whole(0, len(pixels) - 1, rng)]), labels.shape[1])
    return row, column


def random_span(
    length: int, ratio: float, crop: int, rng: torch.Generator, over: int | None = None
) -> Span:
    """Place a crop at random on an axis of ``length`` px resized by ``ratio``: within it, or around it.

    With ``over``, the crop covers that pixel of the axis.
    """
    scaled = max(round(length * ratio), 1)
    low, high = sorted((0, scaled - crop))
    if over is not None:
        centre = min(int((over + 0.5) * ratio), scaled - 1)
        low, high = max(low, centre - crop + 1), min(high, centre)
    offset = whole(low, high, rng)
    first, last = max(offset, 0), min(offset + crop, scaled)
    # Cropped before resizing, so that only the crop is resized.
    start = min(int(first * length / scaled), length - 1)
    stop = max(round(last * length / scaled), start + 1)
    return Span(start, stop, last - first, first - offset)


def _cut(picture: Tensor, rows: Span, columns: Span, mode: str) -> Tensor:
    """Cut out the spans' pixels and resize them: (C, H, W) → (C, rows.size, columns.size)."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.v2.functional import resize

    cut = picture[:, rows.start : rows.stop, columns.start : columns.stop]
    return resize(cut, [rows.size, columns.size], InterpolationMode(mode), antialias=True)


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
    import torchvision.transforms.v2.functional as tv

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
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms.v2.functional import resize

        images = resize(images, [side, side], antialias=True).clamp(0, 1)
        # The article blends its masks, which makes ids of other classes.
        labels = resize(labels, [side, side], InterpolationMode.NEAREST_EXACT)
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
    from torchvision.transforms.v2.functional import adjust_contrast

    factor = 1 + chance(rng, -augment.contrast, augment.contrast)
    return adjust_contrast(images, factor), labels


def horizontal_flip(
    images: Tensor, labels: Tensor, augment: ArticleAugmentation, rng: torch.Generator
) -> Pair:
    """Flip left to right."""
    return images.flip(-1), labels.flip(-1)


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
    return images.flip(-2), labels.flip(-2)


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
