"""Batches of crops round strokes."""

import numpy as np
import torch

from unet_demo.data.augment import Light, Warp
from unet_demo.tasks import VOID
from unet_demo.teach.crops import Crops, balance, window
from unet_demo.training.batches import Normalisation


def crops_of(labels: np.ndarray, count: int = 6, patches: int = 0) -> Crops:
    """Make crops of pictures whose pixels tell their label: 40 times it, 200 where not painted."""
    slices = np.where(labels == VOID, 200, 40 * labels.astype(int)).astype(np.uint8)[..., None]
    warp = Warp(32, elastic=0)
    as_is = Normalisation((0.0,), (1.0,))
    return Crops(slices, labels, count, 0, as_is, warp, Light(0, 0, 0, 0), patches)


def dotted() -> np.ndarray:
    """Paint two large strokes of class 0 and a small one of class 1, on other slices."""
    labels = np.full((2, 80, 80), VOID, np.uint8)
    labels[0, 10:20, 10:60] = 0
    labels[1, 70:74, 70:74] = 1
    return labels


def test_each_class_is_in_the_middle_of_as_many_crops():
    _, labels, _ = crops_of(dotted())(0)
    with_rare = (labels == 1).flatten(1).any(1)
    assert labels.shape == (6, 32, 32)
    assert with_rare.sum() == 3


def test_labels_move_with_the_picture():
    images, labels, _ = crops_of(dotted())(1)
    inside = labels == 0
    assert inside.any()
    assert images[:, 0][inside].median() < 0.05


def test_patches_of_other_crops_bring_their_labels():
    images, labels, _ = crops_of(dotted(), patches=3)(0)
    taught = labels != VOID
    assert ((labels == 1).flatten(1).any(1) & (labels == 0).flatten(1).any(1)).any()
    # Where a crop was turned, its edges are mixtures.
    assert (images[:, 0][taught] * 255 - 40 * labels[taught]).abs().median() < 1


def test_a_batch_is_a_function_of_its_step():
    crops = crops_of(dotted())
    assert all(torch.equal(one, other) for one, other in zip(crops(3), crops(3), strict=True))
    assert not torch.equal(crops(3)[0], crops(4)[0])


def test_nothing_is_taught_beyond_the_border():
    image, labels = window(
        np.zeros((1, 40, 40, 1), np.uint8), np.ones((1, 40, 40), np.uint8), (0, 2, 2), 20
    )
    assert image.shape == (20, 20, 1)
    assert (labels[:8] == VOID).all()
    assert (labels[8:, 8:] == 1).all()


def test_a_rare_class_weighs_as_much_as_a_frequent_one():
    labels = torch.full((1, 4, 4), VOID, dtype=torch.uint8)
    labels[0, 0], labels[0, 1, 0] = 0, 1
    weights = balance(labels)
    assert torch.isclose(weights[labels == 0].sum(), weights[labels == 1].sum())
    assert torch.isclose(weights[labels != VOID].mean(), torch.tensor(1.0))
