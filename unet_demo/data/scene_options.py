"""What a scene may look like; :mod:`shapes` draws it."""

from dataclasses import dataclass

ARTICLE_SIZE = 256
"""Side in px of the article's own picture."""


@dataclass(frozen=True)
class SceneOptions:
    """What a random scene may look like.

    ``count`` and ``radius`` are inclusive ranges; a radius is a fraction of the side (for a
    rectangle: of half its diagonal). ``noise`` is the standard deviation of Gaussian noise on
    0–255, ``blur`` a Gaussian's σ in px. With ``colour_is_clue`` every circle is reddish and every
    rectangle greenish on black, as in the article; without it all colours are drawn at random.
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
