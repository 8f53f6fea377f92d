"""The U-Net paper's weight map."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from skimage.measure import label

from unet_demo.data.weight_map import SIGMA, W0, balance, weight_map, weight_map_of_cells
from unet_demo.tasks import VOID


def two_squares(gap: int) -> np.ndarray:
    """Labels uint8 (40, 60): two cells, 16 px square, so many px apart."""
    labels = np.zeros((40, 60), np.uint8)
    labels[10:26, 10:26] = 1
    labels[10:26, 26 + gap : 42 + gap] = 1
    return labels


def discs(side: int, count: int) -> np.ndarray:
    """Labels uint8 (side, side): discs at random places; some of them flow together."""
    dice = np.random.default_rng(3)
    y, x = np.indices((side, side))
    labels = np.zeros((side, side), np.uint8)
    for top, left in dice.integers(side, size=(count, 2)):
        labels[np.hypot(y - top, x - left) < 6] = 1
    return labels


def gaps_by_definition(cells: np.ndarray, w0: float, sigma: float) -> np.ndarray:
    """w0 · exp(−(d1 + d2)² / 2σ²) on the background, each cell's distances from the whole picture."""
    distances = [distance_transform_edt(cells != n) for n in np.unique(cells[cells > 0])]
    nearest, second = np.sort(distances, axis=0)[:2]
    return np.where(cells > 0, 0, w0 * np.exp(-((nearest + second) ** 2) / (2 * sigma**2)))


@pytest.mark.parametrize(("w0", "sigma"), [(W0, SIGMA), (3.0, 2.0), (10.0, 0.5), (10.0, 40.0)])
@pytest.mark.parametrize("labels", [two_squares(3), discs(90, 25)], ids=["two cells", "many"])
def test_the_map_is_the_papers_formula(labels, w0, sigma):
    cells = label(labels, connectivity=1)
    expected = balance(cells > 0, np.ones(cells.shape, bool)) + gaps_by_definition(cells, w0, sigma)
    weights = weight_map(labels, w0=w0, sigma=sigma)
    assert weights.dtype == np.float32 and weights.shape == labels.shape
    assert np.allclose(weights, expected, rtol=1e-6, atol=1e-6)


def test_the_gap_between_two_cells_weighs_what_its_width_says():
    labels = two_squares(1)
    # The one pixel of the gap is 1 px from either cell.
    gap = weight_map(labels)[18, 26] - weight_map(labels, w0=0)[18, 26]
    assert gap == pytest.approx(10 * np.exp(-(2**2) / (2 * 5**2)), rel=1e-5)


def test_a_narrow_gap_weighs_more_than_a_wide_one():
    middles = [weight_map(two_squares(gap), w0=10)[18, 26 + gap // 2] for gap in (1, 3, 7, 15)]
    assert middles == sorted(middles, reverse=True)


@pytest.mark.parametrize("labels", [np.zeros((20, 30), np.uint8), np.ones((20, 30), np.uint8)])
def test_a_picture_all_of_one_kind_weighs_1_everywhere(labels):
    assert (weight_map(labels) == 1).all()


def test_a_cell_alone_has_no_gap_to_weigh():
    labels = two_squares(3)
    labels[:, 27:] = 0
    assert np.array_equal(weight_map(labels), weight_map(labels, w0=0))


def test_cell_and_background_weigh_alike_on_the_whole():
    labels = two_squares(3)
    weights = weight_map(labels, w0=0)
    assert weights[labels == 1].sum() == pytest.approx(weights[labels == 0].sum(), rel=1e-5)
    assert weights.mean() == pytest.approx(1, rel=1e-5)


def test_cells_that_touch_by_number_are_two_and_by_label_one():
    cells = np.zeros((20, 40), int)
    cells[5:15, 5:20] = 1
    cells[5:15, 20:35] = 7
    # Where they meet, the background above is 1 px from the one and √2 from the other.
    above = weight_map_of_cells(cells)[4, 19] - weight_map_of_cells(cells, w0=0)[4, 19]
    assert above == pytest.approx(10 * np.exp(-((1 + np.sqrt(2)) ** 2) / 50), rel=1e-5)
    merged = (cells > 0).astype(np.uint8)
    assert np.array_equal(weight_map(merged), weight_map(merged, w0=0))


def test_cells_that_touch_at_a_corner_alone_are_two():
    labels = np.zeros((30, 30), np.uint8)
    labels[5:15, 5:15] = labels[15:25, 15:25] = 1
    assert weight_map(labels)[14, 15] > weight_map(labels, w0=0)[14, 15] + 9


def test_a_cells_own_pixels_get_nothing_but_the_balance():
    labels = discs(90, 25)
    assert np.array_equal(weight_map(labels)[labels == 1], weight_map(labels, w0=0)[labels == 1])


def test_void_weighs_nothing_and_does_not_count_in_the_balance():
    labels = two_squares(3)
    labels[:, 27] = VOID
    labels[30:] = VOID
    weights = weight_map(labels)
    assert (weights[labels == VOID] == 0).all() and (weights[labels != VOID] > 0).all()
    assert weight_map(labels, w0=0)[labels != VOID].mean() == pytest.approx(1, rel=1e-5)


def test_a_picture_of_nothing_but_void_weighs_nothing():
    assert not weight_map(np.full((8, 8), VOID, np.uint8)).any()


def test_any_id_can_be_the_cells():
    labels = discs(60, 10)
    assert np.array_equal(weight_map(4 * labels), weight_map(labels))


def test_the_numbers_of_the_cells_do_not_matter():
    cells = label(discs(60, 10), connectivity=1)
    renumbered = np.where(cells > 0, 2_000_000_000 - 1_000_000 * cells, 0)
    assert np.array_equal(weight_map_of_cells(renumbered), weight_map_of_cells(cells))


@pytest.mark.parametrize("sigma", [0, -1, float("nan")])
def test_a_width_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match="must be above 0"):
        weight_map(two_squares(3), sigma=sigma)
