"""Scores of a segmentation: counts of pixels (IoU, Dice, accuracy) and of objects (V_rand, V_info).

The object scores are those of the ISBI 2012 challenge, after Arganda-Carreras et al.,
"Crowdsourcing the creation of image segmentation algorithms for connectomics", Frontiers in
Neuroanatomy 9 (2015).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.ndimage import binary_erosion
from scipy.special import entr
from skimage.measure import label
from skimage.segmentation import watershed

from .tasks import VOID

THRESHOLDS = tuple(step / 10 for step in range(11))
"""Thresholds of P(interior) that the ISBI challenge tries."""


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Count pixels by true class (rows) and predicted class (columns).

    truth, prediction: integer labels 0 .. classes-1 of one shape, any shape; truth may hold VOID,
    which is left out. Returns int64 (classes, classes); matrices of several pictures may be added.
    Raises ValueError when the shapes differ or a label is out of range.
    """
    if truth.shape != prediction.shape:
        raise ValueError(
            f"The truth has shape {truth.shape} and the prediction {prediction.shape}: "
            "give both the same shape."
        )
    decided = truth != VOID
    rows = truth[decided].astype(np.int64)
    _require_range("prediction", prediction, classes)
    _require_range("truth", rows, classes)
    cells = rows * classes + prediction[decided].astype(np.int64)
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def iou_per_class(matrix: np.ndarray) -> np.ndarray:
    """Compute each class's intersection over union, float64 (classes,); NaN for a class in neither.

    matrix: (classes, classes) from `confusion_matrix`.
    """
    both, true, predicted = _class_counts(matrix)
    return _ratio(both, true + predicted - both)


def even_mean_iou(matrices: Sequence[np.ndarray]) -> float:
    """Average over the classes each one's mean IoU over the pictures that hold it; NaN for none.

    So a class counts alike however many pictures hold it, and a picture however large it is.
    matrices: one a picture, (classes, classes), from `confusion_matrix`.
    """
    both, true, predicted = np.stack([_class_counts(matrix) for matrix in matrices], axis=1)
    ious = np.where(true > 0, _ratio(both, true + predicted - both), 0.0)
    pictures = (true > 0).sum(axis=0)
    means = ious.sum(axis=0)[pictures > 0] / pictures[pictures > 0]
    return float(means.mean()) if len(means) else math.nan


def dice_per_class(matrix: np.ndarray) -> np.ndarray:
    """Compute each class's Dice coefficient (F1), float64 (classes,); NaN for a class in neither.

    matrix: (classes, classes) from `confusion_matrix`.
    """
    both, true, predicted = _class_counts(matrix)
    return _ratio(2 * both, true + predicted)


def mean_iou(matrix: np.ndarray) -> float:
    """Average the IoU over the classes that occur in truth or prediction; NaN when no pixel counts."""
    iou = iou_per_class(matrix)
    occurs = ~np.isnan(iou)
    return float(iou[occurs].mean()) if occurs.any() else float("nan")


BOUNDARY = 2
"""Px from an outline within which a class counts as its boundary."""


def boundary_iou(
    truth: np.ndarray, prediction: np.ndarray, classes: int, width: int = BOUNDARY
) -> float:
    """Average over the classes the IoU of their boundaries alone (Cheng et al. 2021); NaN where none has one.

    truth, prediction: label ids (H, W); truth may hold VOID, which is left out. A class's boundary are
    its pixels within ``width`` px of another label; the picture's border is no outline.
    """
    decided = truth != VOID
    filled = np.where(decided, truth, prediction)  # where nobody knows, there is no outline, either
    ious = []
    for label_id in range(classes):
        true, predicted = (
            _boundary(labels == label_id, width) & decided for labels in (filled, prediction)
        )
        ious.append(_ratio((true & predicted).sum(), (true | predicted).sum()))
    occurs = ~np.isnan(ious)
    return float(np.mean(ious, where=occurs)) if occurs.any() else math.nan


def _boundary(inside: np.ndarray, width: int) -> np.ndarray:
    return inside & ~binary_erosion(inside, iterations=width, border_value=1)


def pixel_accuracy(matrix: np.ndarray) -> float:
    """Compute the share of the pixels whose class is right, 0 .. 1; NaN when no pixel counts."""
    return float(_ratio(np.trace(matrix), matrix.sum()))


@dataclass(frozen=True)
class MembraneScore:
    """ISBI scores at a threshold of P(interior), each 0 .. 1, higher is better."""

    threshold: float
    v_rand: float
    v_info: float


def v_rand(proposal_segments: np.ndarray, truth_segments: np.ndarray) -> float:
    """Compute the foreground-restricted Rand F-score after thinning, 0 .. 1; 1 is perfect.

    Both (H, W), non-negative segment numbers. Pixels whose truth is 0 (membrane) are left out; a
    proposal pixel 0 (watershed line) is a segment of its own. Raises ValueError when the shapes
    differ or the truth holds no segment.
    """
    return _v_rand(_contingency(proposal_segments, truth_segments))


def v_info(proposal_segments: np.ndarray, truth_segments: np.ndarray) -> float:
    """Compute the foreground-restricted information F-score after thinning, 0 .. 1; see `v_rand`."""
    return _v_info(_contingency(proposal_segments, truth_segments))


def segments_from_interior(inner: np.ndarray) -> np.ndarray:
    """Number the cells of a bool mask (H, W) of cell interiors, and thin the membranes.

    Each 4-connected component grows until one-pixel lines, labelled 0, separate it from its
    neighbours. Returns int (H, W); all 0 when no pixel is interior.
    """
    return watershed(~inner, _components(inner), connectivity=1, watershed_line=True)


def membrane_scores(
    probabilities: np.ndarray, truth: np.ndarray, thresholds: Iterable[float] = THRESHOLDS
) -> tuple[MembraneScore, ...]:
    """Score P(interior) at each of the thresholds, averaged over the slices.

    probabilities: (N, H, W) float, 0 .. 1. truth: (N, H, W), non-zero = cell interior.
    Raises ValueError when the shapes differ, there is no slice, or a slice of the truth is empty.
    """
    if probabilities.ndim != 3 or len(probabilities) == 0 or probabilities.shape != truth.shape:
        raise ValueError(
            f"The probabilities have shape {probabilities.shape} and the truth {truth.shape}: "
            "give both as (slices, height, width) with at least one slice."
        )
    cells = [_components(slice_truth != 0) for slice_truth in truth]
    return tuple(_score_at(threshold, probabilities, cells) for threshold in thresholds)


def best_membrane_score(scores: Iterable[MembraneScore]) -> MembraneScore:
    """Return the best V_rand and the best V_info over all thresholds, as the challenge ranks entries.

    The returned threshold is that of the best V_rand.
    """
    scores = tuple(scores)
    best = max(scores, key=lambda score: score.v_rand)
    return MembraneScore(best.threshold, best.v_rand, max(score.v_info for score in scores))


def _components(inner: np.ndarray) -> np.ndarray:
    """Number the 4-connected components of a bool mask (H, W) from 1; 0 is the rest."""
    return np.asarray(label(inner, connectivity=1))


@dataclass(frozen=True)
class _Contingency:
    """Shares of the kept pixels: in each overlap, each proposal segment, each true segment."""

    overlap: np.ndarray
    proposal: np.ndarray
    truth: np.ndarray


def _contingency(proposal_segments: np.ndarray, truth_segments: np.ndarray) -> _Contingency:
    if proposal_segments.shape != truth_segments.shape:
        raise ValueError(
            f"The proposal has shape {proposal_segments.shape} and the truth "
            f"{truth_segments.shape}: give both the same shape."
        )
    kept = truth_segments != 0
    if not kept.any():
        raise ValueError("The truth holds no segment, so nothing can be scored: check the labels.")
    truth = truth_segments[kept]
    proposal = _number_lines(proposal_segments[kept])
    # Building the sparse table adds up the pixels that share a pair of segments.
    pairs = sparse.csr_array((np.ones(truth.size), (proposal, truth)))
    return _Contingency(
        overlap=pairs.data / truth.size,
        proposal=np.bincount(proposal) / truth.size,
        truth=np.bincount(truth) / truth.size,
    )


def _number_lines(segments: np.ndarray) -> np.ndarray:
    """Give each line pixel (0) of flat segments (P,) a number that no other pixel has."""
    segments = segments.astype(np.int64)
    lines = np.flatnonzero(segments == 0)
    segments[lines] = segments.max() + 1 + np.arange(lines.size)
    return segments


def _v_rand(shares: _Contingency) -> float:
    together = np.square(shares.overlap).sum()
    return float(2 * together / (np.square(shares.proposal).sum() + np.square(shares.truth).sum()))


def _v_info(shares: _Contingency) -> float:
    entropies = entr(shares.proposal).sum() + entr(shares.truth).sum()
    if entropies == 0:
        # One segment in both: they agree, though there is no information to share.
        return 1.0
    mutual = entropies - entr(shares.overlap).sum()
    return float(2 * mutual / entropies)


def _score_at(
    threshold: float, probabilities: np.ndarray, cells: list[np.ndarray]
) -> MembraneScore:
    tables = [
        _contingency(segments_from_interior(slice_probabilities > threshold), slice_cells)
        for slice_probabilities, slice_cells in zip(probabilities, cells, strict=True)
    ]
    return MembraneScore(
        threshold=threshold,
        v_rand=float(np.mean([_v_rand(table) for table in tables])),
        v_info=float(np.mean([_v_info(table) for table in tables])),
    )


def _require_range(name: str, labels: np.ndarray, classes: int) -> None:
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"The {name} holds labels from {labels.min()} to {labels.max()}: "
            f"with {classes} classes they must lie in 0 .. {classes - 1}."
        )


def _class_counts(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the pixels of each class (classes,): in both, in truth, in prediction."""
    return np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide counts; NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole != 0)
