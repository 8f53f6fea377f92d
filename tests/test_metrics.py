import math
from collections import Counter

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import adapted_rand_error

from unet_demo.metrics import (
    THRESHOLDS,
    MembraneScore,
    best_membrane_score,
    boundary_iou,
    confusion_matrix,
    dice_per_class,
    even_mean_iou,
    iou_per_class,
    mean_iou,
    membrane_scores,
    pixel_accuracy,
    segments_from_interior,
    v_info,
    v_rand,
)
from unet_demo.tasks import VOID

TRUTH = np.array([[0, 0, 1, 1], [0, 0, 1, VOID]])
PREDICTION = np.array([[0, 1, 1, 1], [0, 0, 0, 2]])


def random_segments(seed: int, size: int = 512) -> np.ndarray:
    """A few dozen cells, parted by lines of 0, from smoothed noise."""
    noise = np.random.default_rng(seed).standard_normal((size, size))
    smooth = gaussian_filter(noise, size / 24)
    return segments_from_interior(np.abs(smooth) > 0.3 * smooth.std())


def four_cells(size: int = 64) -> np.ndarray:
    """A mask of four square cells parted by a membrane three pixels thick."""
    inner = np.ones((size, size), bool)
    middle = size // 2
    inner[middle - 1 : middle + 2] = False
    inner[:, middle - 1 : middle + 2] = False
    return inner


def v_info_by_definition(proposal: np.ndarray, truth: np.ndarray) -> float:
    pairs = [
        (("line", index) if s == 0 else s, t)
        for index, (s, t) in enumerate(zip(proposal.flat, truth.flat, strict=True))
        if t != 0
    ]

    def entropy(items: list) -> float:
        shares = [count / len(items) for count in Counter(items).values()]
        return -sum(share * math.log(share) for share in shares)

    of_proposal, of_truth = (entropy([pair[side] for pair in pairs]) for side in (0, 1))
    mutual = of_proposal + of_truth - entropy(pairs)
    return 2 * mutual / (of_proposal + of_truth)


def test_the_confusion_matrix_has_truth_in_rows_and_prediction_in_columns():
    matrix = confusion_matrix(TRUTH, PREDICTION, classes=3)
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[3, 1, 0], [1, 2, 0], [0, 0, 0]]


def test_void_pixels_count_for_nothing():
    other = PREDICTION.copy()
    other[TRUTH == VOID] = 0
    assert np.array_equal(confusion_matrix(TRUTH, PREDICTION, 3), confusion_matrix(TRUTH, other, 3))


def test_unsigned_bytes_do_not_overflow():
    labels = np.full((4, 4), 20, np.uint8)
    assert confusion_matrix(labels, labels, classes=21)[20, 20] == 16


@pytest.mark.parametrize("stray", [-1, 3, VOID])
def test_a_prediction_out_of_range_is_refused(stray):
    with pytest.raises(ValueError, match="The prediction holds labels"):
        confusion_matrix(TRUTH, np.full_like(TRUTH, stray), classes=3)


def test_a_truth_out_of_range_is_refused():
    with pytest.raises(ValueError, match="The truth holds labels"):
        confusion_matrix(np.full((2, 2), 7), np.zeros((2, 2), int), classes=3)


def test_labels_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        confusion_matrix(TRUTH, PREDICTION[:1], classes=3)


def test_iou_matches_the_hand_computed_values_and_is_nan_for_an_absent_class():
    iou = iou_per_class(confusion_matrix(TRUTH, PREDICTION, 3))
    np.testing.assert_allclose(iou, [3 / 5, 2 / 4, np.nan])


def test_dice_matches_the_hand_computed_values_and_is_nan_for_an_absent_class():
    dice = dice_per_class(confusion_matrix(TRUTH, PREDICTION, 3))
    np.testing.assert_allclose(dice, [6 / 8, 4 / 6, np.nan])


def test_mean_iou_leaves_out_absent_classes():
    assert mean_iou(confusion_matrix(TRUTH, PREDICTION, 3)) == pytest.approx((0.6 + 0.5) / 2)


def test_mean_iou_counts_a_class_that_only_the_prediction_holds():
    truth, prediction = np.array([0, 0]), np.array([0, 1])
    assert mean_iou(confusion_matrix(truth, prediction, 2)) == pytest.approx((0.5 + 0) / 2)


def test_pixel_accuracy_is_the_share_of_right_pixels():
    assert pixel_accuracy(confusion_matrix(TRUTH, PREDICTION, 3)) == pytest.approx(5 / 7)


def test_scores_of_nothing_but_void_are_nan():
    matrix = confusion_matrix(np.full((2, 2), VOID), np.zeros((2, 2), int), 2)
    assert math.isnan(mean_iou(matrix))
    assert math.isnan(pixel_accuracy(matrix))


@pytest.mark.parametrize("score", [v_rand, v_info])
def test_a_perfect_segmentation_scores_one(score):
    truth = random_segments(0, size=128)
    assert score(truth, truth) == pytest.approx(1)


@pytest.mark.parametrize("score", [v_rand, v_info])
def test_one_segment_in_both_scores_one(score):
    assert score(np.ones((8, 8), int), np.ones((8, 8), int)) == pytest.approx(1)


@pytest.mark.parametrize("score", [v_rand, v_info])
def test_the_numbers_of_the_segments_do_not_matter(score):
    proposal, truth = random_segments(1, 128), random_segments(2, 128)
    renumbered = np.where(proposal > 0, proposal.max() + 1 - proposal, 0)
    assert score(renumbered, truth) == pytest.approx(score(proposal, truth))


@pytest.mark.parametrize("seed", range(4))
def test_v_rand_agrees_with_scikit_image(seed):
    truth, proposal = random_segments(seed), random_segments(seed + 100)
    theirs = 1 - adapted_rand_error(truth, proposal)[0]
    # scikit-image leaves out the pairs of a pixel with itself and takes all lines as one segment.
    assert v_rand(proposal, truth) == pytest.approx(theirs, abs=1e-4)


def test_v_rand_treats_line_pixels_as_segments_of_their_own():
    # Three true pixels in one segment; the proposal: two together, one on a line.
    proposal, truth = np.array([[1, 1, 0]]), np.array([[1, 1, 1]])
    assert v_rand(proposal, truth) == pytest.approx(2 * (4 + 1) / ((4 + 1) + 9))


def test_two_line_pixels_do_not_share_a_segment():
    proposal, truth = np.array([[0, 0]]), np.array([[1, 1]])
    assert v_rand(proposal, truth) == pytest.approx(2 * 2 / (2 + 4))


def test_v_info_agrees_with_the_definition():
    proposal, truth = random_segments(3, 96), random_segments(4, 96)
    assert v_info(proposal, truth) == pytest.approx(v_info_by_definition(proposal, truth))


@pytest.mark.parametrize("score", [v_rand, v_info])
def test_pixels_whose_truth_is_membrane_do_not_count(score):
    truth = segments_from_interior(four_cells()) * four_cells()
    proposal = truth.copy()
    proposal[truth == 0] = 99
    assert score(proposal, truth) == pytest.approx(1)


@pytest.mark.parametrize("score", [v_rand, v_info])
def test_merging_two_cells_lowers_the_score(score):
    truth = segments_from_interior(four_cells())
    merged = np.where(truth == 2, 1, truth)
    assert score(merged, truth) < 0.9


@pytest.mark.parametrize("score", [v_rand, v_info])
def test_a_truth_without_segments_is_refused(score):
    with pytest.raises(ValueError, match="no segment"):
        score(np.ones((4, 4), int), np.zeros((4, 4), int))


@pytest.mark.parametrize("score", [v_rand, v_info])
def test_segments_of_different_shapes_are_refused(score):
    with pytest.raises(ValueError, match="same shape"):
        score(np.ones((4, 4), int), np.ones((4, 5), int))


def test_segments_meet_in_lines_one_pixel_thick():
    segments = segments_from_interior(four_cells(64))
    assert set(np.unique(segments)) == {0, 1, 2, 3, 4}
    assert np.all(np.count_nonzero(segments[:20] == 0, axis=1) == 1)


def test_cells_that_touch_only_at_a_corner_stay_apart():
    assert segments_from_interior(np.eye(2, dtype=bool)).max() == 2


def test_a_mask_without_interior_has_no_segments():
    assert not segments_from_interior(np.zeros((8, 8), bool)).any()


def test_there_is_one_membrane_score_a_threshold():
    truth = four_cells()[None].astype(np.uint8) * 255
    scores = membrane_scores(truth.astype(np.float32) / 255, truth)
    assert tuple(score.threshold for score in scores) == THRESHOLDS
    assert THRESHOLDS[0] == 0 and THRESHOLDS[-1] == 1 and len(THRESHOLDS) == 11


def test_a_perfect_probability_map_scores_one_below_the_last_threshold():
    truth = np.stack([four_cells(), four_cells()])
    *most, last = membrane_scores(truth.astype(np.float32), truth)
    assert all(score.v_rand == score.v_info == pytest.approx(1) for score in most)
    # Nothing exceeds 1, so at the last threshold each pixel is a segment of its own.
    assert last.v_rand < 0.01


def test_membrane_scores_are_averaged_over_the_slices():
    truth = np.stack([four_cells(), four_cells()])
    everything = np.ones_like(truth[0], np.float32)
    probabilities = np.stack([truth[0].astype(np.float32), everything])
    half, one, none = (
        membrane_scores(p, t)[5].v_rand
        for p, t in (
            (probabilities, truth),
            (probabilities[:1], truth[:1]),
            (probabilities[1:], truth[1:]),
        )
    )
    assert none < half < one
    assert half == pytest.approx((one + none) / 2)


def test_a_gap_in_a_membrane_is_closed_by_the_right_threshold():
    truth = four_cells()
    probabilities = truth.astype(np.float32)
    probabilities[31:34, 10] = 0.45
    scores = membrane_scores(probabilities[None], truth[None])
    assert scores[4].v_rand < 0.9
    assert scores[5].v_rand == pytest.approx(1)
    assert best_membrane_score(scores).v_rand == pytest.approx(1)


def test_the_best_score_takes_each_measure_at_its_own_threshold():
    scores = (MembraneScore(0.3, 0.9, 0.7), MembraneScore(0.4, 0.8, 0.95))
    assert best_membrane_score(scores) == MembraneScore(0.3, 0.9, 0.95)


@pytest.mark.parametrize(
    "probabilities", [np.zeros((4, 4)), np.zeros((0, 4, 4)), np.zeros((1, 4, 5))]
)
def test_probabilities_of_the_wrong_shape_are_refused(probabilities):
    with pytest.raises(ValueError, match="slices, height, width"):
        membrane_scores(probabilities, np.ones((1, 4, 4)))


def test_a_class_in_many_pictures_counts_no_more_than_one_in_few():
    right, wrong = np.diag([3, 1]), np.array([[0, 3], [0, 0]])
    assert even_mean_iou([right, right, right]) == 1
    # Class 0: right in two pictures of three; class 1: right in both that hold it.
    assert even_mean_iou([right, right, wrong]) == pytest.approx((2 / 3 + 1) / 2)


def test_pictures_of_nothing_but_void_have_no_mean():
    assert math.isnan(even_mean_iou([np.zeros((2, 2), int)]))


def test_boundary_iou_counts_the_pixels_near_an_outline_alone() -> None:
    truth = np.zeros((20, 20), np.uint8)
    truth[:, 10:] = 1
    moved = np.roll(truth, 1, axis=1)
    moved[:, 0] = 0
    assert boundary_iou(truth, truth, 2) == 1
    # Each class's boundary is two columns, of which one is shared by both masks.
    assert boundary_iou(truth, moved, 2) == pytest.approx(1 / 3)
    assert boundary_iou(truth, np.zeros_like(truth), 2) == 0
    assert math.isnan(boundary_iou(np.zeros_like(truth), np.zeros_like(truth), 2))


def test_boundary_iou_counts_no_void_pixel() -> None:
    truth = np.zeros((20, 20), np.uint8)
    truth[:, 10:] = 1
    wrong = truth.copy()
    wrong[:5] = 0
    truth[:8] = VOID
    assert boundary_iou(truth, wrong, 2) == 1
