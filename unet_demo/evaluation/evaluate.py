"""Scores a checkpoint on pictures with ground truth."""

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
    even_mean_iou,
    iou_per_class,
    mean_iou,
    membrane_scores,
    pixel_accuracy,
)

Scores = dict[str, float]

FRESH_SEED = 20_151_005
"""Seed of the scenes that score the shapes checkpoint; no training uses it."""

FRESH_SCENES = 200

EVEN_MIOU = "mIoU, all classes alike"
"""Of photos: the mean over the classes of each one's mean IoU over the photos that hold it."""


@dataclass(frozen=True)
class Case:
    """One scored picture uint8 (H, W, C): ground truth and labels (H, W), probabilities (K, H, W)."""

    name: str
    picture: np.ndarray
    truth: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray


Keep = Callable[[Case], None]
"""Called with each scored picture, to keep more than the scores."""


@dataclass(frozen=True)
class Evaluation:
    """Scores, their data in words, and whether test-time averaging was on.

    ``void``: share of the pixels that are void, 0..1; no score counts them.
    """

    scores: Scores
    scored_on: str
    tta: bool
    void: float = 0


def class_scores(matrix: np.ndarray, classes: Sequence[str]) -> Scores:
    """Compute mIoU, pixel accuracy, IoU and Dice of each class from a confusion matrix (classes, classes)."""
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
    tta: bool,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Scores:
    """Score frames by V_rand and V_info, each at its best threshold as in the challenge, and by pixels.

    The scores of the pixels are at the best threshold of V_rand, which is returned as "threshold".
    """
    prediction = predictor.predict(frames.images, tta=tta, progress=progress)
    best = best_membrane_score(membrane_scores(prediction.probabilities[:, 0], frames.labels == 1))
    labels = prediction.labels(best.threshold)
    matrix = confusion_matrix(frames.labels, labels, 2)
    names = [f"frame-{number:02}" for number in frames.numbers]
    _keep_cases(keep, names, frames.images, frames.labels, prediction.probabilities, labels)
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
    tta: bool = False,
    seed: int = FRESH_SEED,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Scores:
    """Score ``count`` new scenes, equally many of each kind, as :func:`class_scores` does."""
    task = predictor.card.task
    matrix = np.zeros((len(task.classes), len(task.classes)), np.int64)
    for index, kind in enumerate(kinds):
        images, labels = scene_batch(kind, count // len(kinds), seed, index)
        names = [f"scene-{index + 1}-{number + 1:03}" for number in range(len(images))]
        matrix += _stack_matrix(predictor, images, labels, names, tta, progress, keep)
    return class_scores(matrix, task.classes)


def evaluate_stack(
    predictor: Predictor,
    images: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    *,
    tta: bool = False,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Scores:
    """Score pictures uint8 (N, H, W, C) with ground truth (N, H, W) as :func:`class_scores` does."""
    matrix = _stack_matrix(predictor, images, labels, names, tta, progress, keep)
    return class_scores(matrix, predictor.card.task.classes)


def _stack_matrix(
    predictor: Predictor,
    images: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    tta: bool,
    progress: Progress | None,
    keep: Keep | None,
) -> np.ndarray:
    prediction = predictor.predict(images, tta=tta, progress=progress)
    guess = prediction.labels()
    _keep_cases(keep, names, images, labels, prediction.probabilities, guess)
    return confusion_matrix(labels, guess, len(predictor.card.task.classes))


def evaluate_photos(
    predictor: Predictor,
    photos: Photos,
    *,
    tta: bool = False,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> Scores:
    """Score all photos, at their own size, in one confusion matrix as :func:`class_scores` does.

    EVEN_MIOU tells what the mIoU would be about if all classes were in as many photos.
    """
    matrices = []
    for number, name in enumerate(photos.names):
        image, truth = photos.images[number][None], photos.labels[number][None]
        matrices.append(_stack_matrix(predictor, image, truth, [name], tta, None, keep))
        if progress:
            progress(number + 1, len(photos))
    scores = class_scores(np.sum(matrices, axis=0), predictor.card.task.classes)
    return {"mIoU": scores["mIoU"], EVEN_MIOU: even_mean_iou(matrices), **scores}


def _keep_cases(keep: Keep | None, names: Sequence[str], *stacks: np.ndarray) -> None:
    """Call ``keep`` for each picture of stacks (N, …), which are in the order of a Case's fields."""
    if keep:
        for case in zip(names, *stacks, strict=True):
            keep(Case(*case))
