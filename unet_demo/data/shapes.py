"""Draws circles and rectangles: the article's own picture, and random scenes.

Labels: 0 background, 1 circle, 2 rectangle (``tasks.SHAPES``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage import draw

ARTICLE_SIZE = 256
"""Side in px of the article's own picture."""

BACKGROUND, CIRCLE, RECTANGLE = 0, 1, 2

Scene = tuple[np.ndarray, np.ndarray]
"""A picture uint8 (H, W, 3) and its labels uint8 (H, W)."""

VALIDATION_SEED = 1_000_003
"""Seed of the scenes that validate a training; the final score uses other scenes."""


@dataclass(frozen=True)
class SceneOptions:
    """Settings of random scenes.

    ``size``: side in px. ``count`` and ``radius``: inclusive ranges; a radius is a share of the side
    (a rectangle's: half its diagonal). ``noise``: standard deviation of Gaussian noise on 0–255;
    ``blur``: σ of a Gaussian in px. With ``colour_is_clue`` every circle is reddish and every
    rectangle greenish on black, as in the article; without it all colours are random.
    """

    size: int = 128
    count: tuple[int, int] = (2, 5)
    radius: tuple[float, float] = (0.08, 0.24)
    overlap: bool = True
    colour_is_clue: bool = False
    noise: float = 8.0
    blur: float = 0.0
    rotated: bool = False
    shading: float = 0.0
    """Largest difference, on 0–255, that a linear ramp of brightness adds across the scene."""


def article_scene() -> Scene:
    """Draw the article's one picture: a red disk at (64, 64), radius 40, and a green rectangle, on black.

    The rectangle starts at row and column 120 and has 50 rows and 80 columns.
    """
    image = np.zeros((ARTICLE_SIZE, ARTICLE_SIZE, 3), np.uint8)
    labels = np.zeros((ARTICLE_SIZE, ARTICLE_SIZE), np.uint8)
    disk = draw.disk((64, 64), 40, shape=labels.shape)
    rectangle = draw.rectangle((120, 120), extent=(50, 80), shape=labels.shape)
    for label, pixels, colour in (
        (CIRCLE, disk, (255, 0, 0)),
        (RECTANGLE, rectangle, (0, 255, 0)),
    ):
        image[pixels] = colour
        labels[pixels] = label
    return image, labels


def random_scene(options: SceneOptions, rng: np.random.Generator) -> Scene:
    """Draw one scene; the same generator state gives the same scene.

    Later shapes cover earlier ones. Without ``overlap`` a shape that would touch another is moved,
    or left out when no free place is found.
    """
    size = options.size
    labels = np.zeros((size, size), np.uint8)
    background = _background_colour(options, rng)
    image = np.broadcast_to(background, (size, size, 3)).astype(np.float32)
    for _ in range(rng.integers(options.count[0], options.count[1] + 1)):
        kind = int(rng.integers(CIRCLE, RECTANGLE + 1))
        pixels = _place(options, kind, labels, rng)
        if pixels is None:
            continue
        image[pixels] = _shape_colour(options, kind, background, rng)
        labels[pixels] = kind
    return _photograph(image, options, rng), labels


def scene_batch(options: SceneOptions, count: int, seed: int, step: int = 0) -> Scene:
    """Draw scenes uint8 (count, H, W, 3), and labels (count, H, W), a pure function of seed and step."""
    rng = np.random.default_rng([seed, step])
    images, labels = zip(*(random_scene(options, rng) for _ in range(count)), strict=True)
    return np.stack(images), np.stack(labels)


def _place(
    options: SceneOptions, kind: int, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the pixels (rows, columns) of one shape, or None if no free place is found."""
    outline = _circle if kind == CIRCLE else _rectangle
    for _ in range(20):
        pixels = outline(options, rng)
        if options.overlap or not labels[pixels].any():
            return pixels
    return None


def _circle(options: SceneOptions, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    radius = _radius(options, rng)
    centre = _centre(options, radius, rng)
    return draw.disk(tuple(centre), radius, shape=(options.size, options.size))


def _rectangle(options: SceneOptions, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    radius = _radius(options, rng)
    corner = rng.uniform(np.pi / 8, 3 * np.pi / 8)
    half = radius * np.array([np.sin(corner), np.cos(corner)])
    centre = _centre(options, radius, rng)
    turn = rng.uniform(0, np.pi) if options.rotated else 0.0
    signs = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)])
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = centre + (signs * half) @ rotation.T
    return draw.polygon(corners[:, 0], corners[:, 1], shape=(options.size, options.size))


def _radius(options: SceneOptions, rng: np.random.Generator) -> float:
    smallest, largest = options.radius
    return options.size * float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))


def _centre(options: SceneOptions, radius: float, rng: np.random.Generator) -> np.ndarray:
    """Draw (row, column) so that the border cuts off less than half a shape: a person can still name it."""
    return rng.uniform(radius / 2, options.size - radius / 2, 2)


def _background_colour(options: SceneOptions, rng: np.random.Generator) -> np.ndarray:
    if options.colour_is_clue:
        return np.zeros(3)
    return rng.uniform(0, 255, 3)


def _shape_colour(
    options: SceneOptions, kind: int, background: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    if options.colour_is_clue:
        clue = np.array([220, 40, 40] if kind == CIRCLE else [40, 200, 40])
        return np.clip(clue + rng.uniform(-35, 35, 3), 0, 255)
    return _distinct(lambda: rng.uniform(0, 255, 3), background)


def _distinct(sample: Callable[[], np.ndarray], background: np.ndarray) -> np.ndarray:
    """Draw a colour that a person can tell from the background: 60 of 255 away in some channel."""
    colour = sample()
    while np.abs(colour - background).max() < 60:
        colour = sample()
    return colour


def _photograph(image: np.ndarray, options: SceneOptions, rng: np.random.Generator) -> np.ndarray:
    """Add shading, blur and noise, as a camera does: float (H, W, 3) → uint8."""
    if options.shading:
        rows, columns = np.mgrid[-0.5 : 0.5 : options.size * 1j, -0.5 : 0.5 : options.size * 1j]
        direction = rng.uniform(0, 2 * np.pi)
        ramp = np.cos(direction) * rows + np.sin(direction) * columns
        image = image + (rng.uniform(0, options.shading) * ramp)[..., None]
    if options.blur:
        image = ndimage.gaussian_filter(image, (options.blur, options.blur, 0))
    if options.noise:
        image = image + rng.normal(0, options.noise, image.shape)
    return np.clip(image, 0, 255).round().astype(np.uint8)
