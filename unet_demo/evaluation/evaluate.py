"""Scores of a checkpoint on pictures whose truth is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.isbi import Frames
from ..data.shapes import SceneOptions, scene_batch
from ..data.voc import Photos
from ..inference import Predictor, Progress
from ..metrics import (
    best_membrane_score,
    confusion_matrix,
    dice_per_class,
    iou_per_class,
    mean_iou,
    membrane_scores,
    pixel_accuracy,
)

Scores = dict[str, float]

FRESH_SEED = 20_151_005
"""Seed of the scenes that score the shapes checkpoint; no training uses it."""


FRESH_SCENES = 200


@dataclass(frozen=True)
class Case:
    """One scored picture: uint8 (H, W, C), its truth (H, W), probabilities (K, H, W), labels (H, W)."""

    name: str
    picture: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray


Keep = Callable[[Case], None]
"""Told of each scored picture, for who wants to keep more than the scores."""


@dataclass(frozen=True)
class Evaluation:
    """Scores, the data that they were measured on, and whether test-time averaging was on.

    ``void``: the share of the pixels that no score counts.
    """

    scores: Scores
    scored_on: str
    flips: bool
    void: float = 0


def class_scores(matrix: np.ndarray, classes: Sequence[str]) -> Scores:
    """mIoU, pixel accuracy, and IoU and Dice of each class, from a confusion matrix (classes, classes)."""
    scores = {"mIoU": mean_iou(matrix), "pixel accuracy": pixel_accuracy(matrix)}
    iou, dice = iou_per_class(matrix), dice_per_class(matrix)
    for index, name in enumerate(classes):
        scores[f"IoU {name}"] = float(iou[index])
        scores[f"Dice {name}"] = float(dice[index])
    return scores


def evaluate_frames(
    predictor: Predictor,
    frames: Frames,
    *,
    flips: bool,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Scores:
    """V_rand and V_info (each at its best threshold, as the challenge ranks), and pixel scores there."""
    prediction = predictor.predict(frames.images, flips=flips, progress=progress)
    best = best_membrane_score(membrane_scores(prediction.probabilities[:, 0], frames.labels == 1))
    labels = prediction.labels(best.threshold)
    matrix = confusion_matrix(frames.labels, labels, 2)
    names = [f"frame-{number:02}" for number in frames.numbers]
    _tell(keep, names, frames.images, frames.labels, prediction.probabilities, labels)
    return {
        "V_rand": best.v_rand,
        "V_info": best.v_info,
        "threshold": best.threshold,
        **class_scores(matrix, prediction.task.classes),
    }


def evaluate_scenes(
    predictor: Predictor,
    kinds: Sequence[SceneOptions],
    count: int,
    *,
    flips: bool = False,
    seed: int = FRESH_SEED,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Scores:
    """mIoU and the like over ``count`` fresh scenes, an equal share of each kind."""
    task = predictor.card.task
    matrix = np.zeros((len(task.classes), len(task.classes)), np.int64)
    for index, kind in enumerate(kinds):
        images, labels = scene_batch(kind, count // len(kinds), seed, index)
        names = [f"scene-{index + 1}-{number + 1:03}" for number in range(len(images))]
        matrix += _stack_matrix(predictor, images, labels, names, flips, progress, keep)
    return class_scores(matrix, task.classes)


def evaluate_stack(
    predictor: Predictor,
    images: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    *,
    flips: bool = False,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Scores:
    """mIoU and the like of pictures uint8 (N, H, W, C) and their truth (N, H, W)."""
    matrix = _stack_matrix(predictor, images, labels, names, flips, progress, keep)
    return class_scores(matrix, predictor.card.task.classes)


def _stack_matrix(
    predictor: Predictor,
    images: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    flips: bool,
    progress: Progress | None,
    keep: Keep | None,
) -> np.ndarray:
    prediction = predictor.predict(images, flips=flips, progress=progress)
    guess = prediction.labels()
    _tell(keep, names, images, labels, prediction.probabilities, guess)
    return confusion_matrix(labels, guess, len(predictor.card.task.classes))


def evaluate_photos(
    predictor: Predictor,
    photos: Photos,
    *,
    flips: bool = False,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Scores:
    """mIoU and the like from one confusion matrix over all photos, at their own size, without void."""
    task = predictor.card.task
    matrix = np.zeros((len(task.classes), len(task.classes)), np.int64)
    for number, name in enumerate(photos.names):
        image, truth = photos.images[number][None], photos.labels[number][None]
        prediction = predictor.predict(image, flips=flips)
        labels = prediction.labels()
        matrix += confusion_matrix(truth, labels, len(task.classes))
        _tell(keep, [name], image, truth, prediction.probabilities, labels)
        if progress:
            progress(number + 1, len(photos))
    return class_scores(matrix, task.classes)


def _tell(keep: Keep | None, names: Sequence[str], *stacks: np.ndarray) -> None:
    """Hand the pictures of stacks (N, …), in the order of a Case's fields, over one by one."""
    if keep:
        for case in zip(names, *stacks, strict=True):
            keep(Case(*case))
