"""How training changes its pictures: settings only, so that a recipe loads without torchvision."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Warp:
    """``crop`` is the output's side in px; ``rotation`` ± degrees; ``scale`` a range of zoom factors.

    ``elastic`` is the σ in px of displacements on a 3×3 grid (Ronneberger et al. 2015: 10 px).
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


@dataclass(frozen=True)
class Flips:
    """As in "PyTorch U-Net": left to right, and upside down, each with this ``probability``."""

    probability: float = 0.5


@dataclass(frozen=True)
class ArticleAugmentation:
    """As in "What is U-Net?": resized to a square, then one of EFFECTS, elastic deformation, one of TURNS.

    Each of the three with this ``probability``, albumentations' own, drawn for each picture.
    ``crop``: the output's side in px; ``elastic``: σ in px of displacements on a 3×3 grid.
    ``blur``: longest motion in px; ``distortion``: how far, at most, a lens moves the corners, as a
    share of their distance from the centre; ``noise``: largest σ, on pictures in 0..1;
    ``contrast`` (0..1): factors lie within 1 ± this. The article gives no strengths; these are ours.
    """

    crop: int
    elastic: float = 10.0
    blur: float = 7.0
    distortion: float = 0.1
    noise: float = 0.05
    contrast: float = 0.2
    probability: float = 0.5


@dataclass(frozen=True)
class PhotoAugment:
    """``crop``: the output's side in px; ``scale``: range of the photo's longest side, in crops.

    ``brightness``, ``contrast``, ``saturation`` (0..1): factors lie within 1 ± these; ``hue``
    (0..0.5): shift within ± this share of the colour circle, off as it takes longer than the rest;
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
