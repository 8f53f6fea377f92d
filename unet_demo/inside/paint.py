"""What a network paints that regresses colours, and the classes that its colours and their means become."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from ..inference import Predictor
from ..tasks import RGB, ColourTask

SAME = 1e-3
"""Distances that differ by less are the same; colours are whole numbers."""


@dataclass(frozen=True)
class Painted:
    """Colours uint8 (H, W, 3), the nearest classes uint8 (H, W), and how far these are, float (H, W).

    Distances are Euclidean, of RGB in 0..255.
    """

    colours: np.ndarray
    labels: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True)
class Mixture:
    """A mixture of two classes' colours, and the class whose colour is nearest; see `Painted`.

    ``own``: the distance to the nearer one of the two; ``label`` is one of them unless ``distance``
    is less.
    """

    colour: RGB
    label: int
    distance: float
    own: float


def paint(predictor: Predictor, image: np.ndarray) -> Painted:
    """Paint a slice uint8 (H, W, C), as the network sees it and at that size.

    Raises PictureError unless the checkpoint regresses colours.
    """
    seen = predictor.seen(image)[None]
    colours, labels = predictor.paint(seen)[0], predictor.predict(seen).labels()[0]
    away = colours - np.array(predictor.card.task.palette, float)[labels]
    return Painted(colours, labels, np.sqrt(np.square(away).sum(axis=-1)))


def mixtures(task: ColourTask, first: int, second: int, steps: int) -> list[Mixture]:
    """Mix the colours of two classes in equal steps, from the first to the second; see where each lands."""
    palette = task.palette_tensor(torch.device("cpu"))
    colours = torch.stack(
        [torch.lerp(palette[first], palette[second], s / (steps - 1)) for s in range(steps)]
    )
    distances = 255 * task.squared_distances(colours.T[None, :, None]).sqrt()[0, :, 0].numpy()
    mixed = []
    for colour, away in zip((255 * colours).round().int().tolist(), distances.T, strict=True):
        own = min((first, second), key=lambda label: away[label])
        # Equally far is no third class.
        label = own if away[own] <= away.min() + SAME else int(away.argmin())
        mixed.append(Mixture(tuple(colour), label, float(away[label]), float(away[own])))
    return mixed


def strays(task: ColourTask) -> tuple[int, int]:
    """Count the pairs of classes whose mean colour is nearest to a third class's, and all pairs."""
    pairs = list(combinations(range(len(task.classes)), 2))
    means = (mixtures(task, *pair, steps=3)[1] for pair in pairs)
    return sum(mean.label not in pair for mean, pair in zip(means, pairs, strict=True)), len(pairs)
