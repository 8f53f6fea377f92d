"""The overlap-tile strategy: its seams, and the work that it takes."""

import numpy as np
import pytest

from unet_demo.checkpoints import find_offered
from unet_demo.examples import load_example
from unet_demo.inside.subject import Subject, look_inside
from unet_demo.inside.tiles import in_tiles, most_halo


@pytest.fixture(scope="module")
def membranes() -> Subject:
    return look_inside(load_example("membranes"), find_offered("isbi"))


def test_a_sufficient_halo_leaves_no_seam_and_none_leaves_one_that_is_seen(
    membranes: Subject,
) -> None:
    most = most_halo(len(membranes.predictor.seen(membranes.image)), 256)
    with_halo, without = in_tiles(membranes, 256, most), in_tiles(membranes, 256, 0)
    assert len(with_halo.tiles) == len(without.tiles) == 4
    assert with_halo.error.max() < 1e-3
    assert without.error.max() > 0.1


def test_a_larger_halo_makes_the_seams_fainter(membranes: Subject) -> None:
    errors = [in_tiles(membranes, 192, halo).error.mean() for halo in (0, 16, 32)]
    assert errors == sorted(errors, reverse=True)


def test_the_tiles_share_every_pixel_among_them_and_neighbours_blend(membranes: Subject) -> None:
    tiled = in_tiles(membranes, 160, 16)
    black, white = (0, 0, 0), (255, 255, 255)
    assert (tiled.shares(np.array([white] * 4)) == 255).all()
    shares = tiled.shares(np.array([white, black, white, black]))[0, :, 0]
    assert {0, 255} <= set(shares.tolist()) and len(set(shares.tolist())) > 2


@pytest.mark.parametrize("side", [160, 256, 288, 320])
def test_the_largest_halo_is_one_that_tiles_can_have(side: int) -> None:
    for tile in range(64, 257, 32):
        halo = most_halo(side, tile)
        assert halo % 8 == 0 and 2 * halo < tile


def test_a_picture_that_fits_into_a_tile_has_no_seam() -> None:
    subject = look_inside(load_example("cat"), find_offered("voc"))
    tiled = in_tiles(subject, 160, 0)
    assert len(tiled.tiles) == 1 and tiled.error.max() == 0


def test_a_square_is_cut_once_and_another_truth_makes_another() -> None:
    request, file = load_example("shapes"), find_offered("shapes")
    once = look_inside(request, file)
    assert look_inside(request, file) is once
    assert once.side == 256 and once.truth is not None
    other = look_inside(load_example("article"), file)
    assert other is not once
