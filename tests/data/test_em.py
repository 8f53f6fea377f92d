import numpy as np
import pytest
from skimage.measure import label

from unet_demo.data.em import SMALLEST_SIZE, synthetic_em


@pytest.fixture(scope="module")
def stack():
    return synthetic_em(size=256, seed=3, slices=3)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Dice coefficient of the membranes of two truths."""
    return (
        2
        * np.count_nonzero((one == 0) & (other == 0))
        / np.count_nonzero(np.stack([one, other]) == 0)
    )


def test_image_and_truth_are_bytes_of_the_size_asked_for():
    for array in synthetic_em(size=100, seed=0, slices=2):
        assert array.shape == (2, 100, 100)
        assert array.dtype == np.uint8


def test_a_default_picture_is_one_slice_of_512_pixels():
    image, truth = synthetic_em()
    assert image.shape == truth.shape == (1, 512, 512)


def test_the_truth_holds_interior_and_membrane_only(stack):
    assert set(np.unique(stack[1])) == {0, 255}


def test_the_same_seed_gives_the_same_stack(stack):
    again = synthetic_em(size=256, seed=3, slices=3)
    assert all(np.array_equal(a, b) for a, b in zip(stack, again, strict=True))


def test_a_longer_stack_begins_with_a_shorter_one(stack):
    shorter = synthetic_em(size=256, seed=3, slices=1)
    assert all(np.array_equal(a[:1], b) for a, b in zip(stack, shorter, strict=True))


def test_another_seed_gives_another_picture(stack):
    image, truth = synthetic_em(size=256, seed=4)
    assert not np.array_equal(image[0], stack[0][0])
    assert not np.array_equal(truth[0], stack[1][0])


def test_membranes_are_darker_than_interiors(stack):
    image, truth = stack
    assert image[truth == 0].mean() < image[truth == 255].mean() - 30


@pytest.mark.parametrize("seed", range(5))
def test_membranes_cover_a_tenth_to_a_third_of_the_picture(seed):
    share = np.mean(synthetic_em(size=256, seed=seed)[1] == 0)
    assert 0.10 < share < 0.35


@pytest.mark.parametrize("seed", range(5))
def test_membranes_close_around_many_cells(seed):
    truth = synthetic_em(size=256, seed=seed)[1][0]
    parts = np.asarray(label(truth, connectivity=1))
    cells = np.bincount(parts.ravel())[1:]
    assert len(cells) > 15
    assert cells.max() < truth.size / 2


def test_consecutive_slices_overlap_more_than_unrelated_ones(stack):
    truth = stack[1]
    strangers = [synthetic_em(size=256, seed=seed)[1][0] for seed in (5, 6)]
    neighbours = min(overlap(truth[0], truth[1]), overlap(truth[1], truth[2]))
    assert neighbours > 1.5 * max(overlap(truth[0], stranger) for stranger in strangers)


def test_grey_values_spread_like_those_of_a_real_micrograph(stack):
    # Mean 125 and standard deviation 44 over the training slices of the ISBI 2012 challenge.
    assert stack[0].mean() == pytest.approx(125, abs=25)
    assert stack[0].std() == pytest.approx(44, abs=12)


@pytest.mark.parametrize("arguments", [{"size": SMALLEST_SIZE - 1}, {"slices": 0}, {"seed": -1}])
def test_a_stack_that_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(ValueError, match="at least"):
        synthetic_em(**arguments)


@pytest.mark.parametrize("seed", range(10))
def test_the_smallest_picture_can_be_drawn(seed):
    image, _ = synthetic_em(size=SMALLEST_SIZE, seed=seed)
    assert image.shape == (1, SMALLEST_SIZE, SMALLEST_SIZE)
