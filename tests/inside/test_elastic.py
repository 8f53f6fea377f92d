"""How Look inside bends a picture."""

import numpy as np
import torch

from unet_demo.data.augment import Warp, warp_pair
from unet_demo.inside.elastic import bend, control_points, straight
from unet_demo.inside.weights import membrane_label

SIDE = 128
LABELS = membrane_label()[:SIDE, :SIDE]
PICTURE = np.where(LABELS, 200, 60).astype(np.uint8)[..., None]


def test_it_bends_as_training_does() -> None:
    bent = bend(straight(PICTURE, LABELS), 3, 10, seed=4)
    warp = Warp(SIDE, rotation=0, scale=(1, 1), mirror=False, elastic=10)
    images = torch.from_numpy(PICTURE[None, ..., 0]).unsqueeze(1) / 255
    rng = torch.Generator().manual_seed(4)
    picture, labels = warp_pair(images, torch.from_numpy(LABELS[None]), warp, rng)
    assert np.array_equal(bent.labels, labels[0].numpy())
    assert np.abs(bent.picture[..., 0] - 255 * picture[0, 0].numpy()).max() <= 1


def test_picture_mask_and_grid_move_alike() -> None:
    plain = straight(PICTURE, LABELS)
    bent = bend(plain, 4, 8, seed=1)
    assert (bent.labels != plain.labels).mean() > 0.05
    # Bicubic and nearest differ by less than a pixel: off the outlines both say the same.
    agree = (bent.picture[..., 0] > 130) == (bent.labels == 1)
    assert agree.mean() > 0.97
    assert set(np.unique(bent.labels)) == {0, 1}


def test_a_control_point_shows_what_was_where_it_came_from() -> None:
    columns = np.tile(np.arange(SIDE, dtype=np.uint8), (SIDE, 1))[..., None]
    bent = bend(straight(columns, LABELS), 3, 5, seed=2)
    points, moved = control_points(SIDE, 3, 5, seed=2)
    x, y = points[1, 1]
    assert (x, y) == (64, 64)
    assert abs(int(bent.picture[y, x, 0]) - (x + moved[1, 1, 0])) < 1


def test_without_displacement_nothing_moves_and_each_seed_draws_anew() -> None:
    plain = straight(PICTURE, LABELS)
    still, one, other = (bend(plain, 3, sigma, seed) for sigma, seed in ((0, 0), (10, 0), (10, 1)))
    assert np.array_equal(still.picture, plain.picture) and np.array_equal(still.lines, plain.lines)
    assert (one.labels != other.labels).any()
