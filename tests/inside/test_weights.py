"""What Look inside tells of the weight map."""

import numpy as np
import pytest
from skimage.measure import label

from unet_demo.data.weight_map import weight_map
from unet_demo.inside.weights import membrane_label, middle, touching_cells, weigh
from unet_demo.tasks import VOID


@pytest.mark.parametrize("sigma", [0.5, 5.0, 20.0])
@pytest.mark.parametrize("labels", [touching_cells(), membrane_label()], ids=["cells", "membranes"])
def test_the_weights_are_those_of_training(labels: np.ndarray, sigma: float) -> None:
    weighing = weigh(labels, 7, sigma)
    assert np.array_equal(weighing.weights, weight_map(labels, w0=7, sigma=sigma))
    assert weighing.count == label(labels, connectivity=1).max() > 5


def test_a_distance_that_is_told_is_the_true_one() -> None:
    labels = np.zeros((60, 80), np.uint8)
    labels[20:30, 5:10] = labels[20:30, 13:20] = 1
    weighing = weigh(labels, 10, 2)
    assert (weighing.nearest[25, 11], weighing.second[25, 11]) == (2, 2)
    assert (weighing.nearest[25, 21], weighing.second[25, 21]) == (2, 12)
    known = np.isfinite(weighing.second)
    assert weighing.second[known].max() <= weighing.reach < np.hypot(60, 80)
    assert np.isinf(weighing.nearest[50, 70])


def test_drawn_cells_touch() -> None:
    labels = touching_cells()
    weighing = weigh(labels, 10, 5)
    gap = labels == 0
    assert np.median((weighing.nearest + weighing.second)[gap & np.isfinite(weighing.second)]) < 4
    assert weighing.weights[gap].max() > 9


def test_void_weighs_nothing() -> None:
    labels = membrane_label().copy()
    labels[:40] = VOID
    assert not weigh(labels, 10, 5).weights[:40].any()


def test_of_a_large_mask_the_middle_is_weighed() -> None:
    labels = np.arange(600 * 700).reshape(600, 700)
    assert np.array_equal(middle(labels, 512), labels[44:556, 94:606])
    assert np.array_equal(middle(labels, 700), labels)
