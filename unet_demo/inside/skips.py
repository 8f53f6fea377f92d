"""What a network does without some of its parts: skip connections, or the levels below one."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ..metrics import boundary_iou, confusion_matrix, mean_iou
from ..networks.anatomy import Anatomy, anatomy
from .subject import Subject


@dataclass(frozen=True, eq=False)
class Cut:
    """Two masks, uint8 (side, side): of the whole network, and of what is left of it.

    ``boundary``: the boundary IoU of the second with the first. The scores, of both, are by the ground truth:
    ``boundary_truth``, boundary IoU, and ``miou_truth``; neither where there is none.
    """

    whole: np.ndarray
    left: np.ndarray
    boundary: float
    whole_scores: Mapping[str, float]
    left_scores: Mapping[str, float]


def structure(subject: Subject) -> Anatomy:
    """Describe the subject's network, on the picture as it gets it."""
    card = subject.card
    return anatomy(card.network, card.options, len(subject.predictor.seen(subject.image)))


def below(network: Anatomy, level: int) -> str | None:
    """Return the last station below a level: the one before the skip connection of the level comes in.

    None where the level has no skip connection.
    """
    names = [station.name for station in network.stations]
    targets = [names.index(skip.target) for skip in network.skips if skip.level == level]
    return names[min(targets) - 1] if targets else None


def cut(subject: Subject, dropped: Collection[int], deepest: int | None = None) -> Cut:
    """Segment with the whole network, and without the skip connections of the ``dropped`` levels.

    ``deepest``: the last level that takes part, None for all of them.
    """
    station = None if deepest is None else below(structure(subject), deepest)
    left = subject.predictor.without(dropped, () if station is None else (station,))
    masks = [one.labels()[0] for one in (subject.whole, left.predict(subject.image[None]))]
    classes = len(subject.card.task.classes)
    return Cut(
        masks[0], masks[1], boundary_iou(masks[0], masks[1], classes),
        scores(subject, masks[0]), scores(subject, masks[1]),
    )  # fmt: skip


def scores(subject: Subject, labels: np.ndarray) -> dict[str, float]:
    """Score labels uint8 (side, side) by the subject's truth: boundary IoU and mIoU, if they exist."""
    if subject.truth is None:
        return {}
    classes = len(subject.card.task.classes)
    found = {
        "boundary_truth": boundary_iou(subject.truth, labels, classes),
        "miou_truth": mean_iou(confusion_matrix(subject.truth, labels, classes)),
    }
    return {name: value for name, value in found.items() if not math.isnan(value)}
