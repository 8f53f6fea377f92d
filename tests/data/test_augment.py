"""Random geometry and light: picture and mask move together."""

import pytest
import torch

from unet_demo.data.augment import (
    Light,
    Warp,
    elastic_displacement,
    relight,
    sample,
    warp_grid,
    warp_pair,
)

STILL = Warp(64, rotation=0, scale=(1, 1), mirror=False, elastic=0)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blobs(count: int = 4, side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth pictures (N, 1, H, W) in 0..1 and the labels (N, H, W) of what is bright in them."""
    coarse = torch.rand(count, 1, 5, 5, generator=dice(9))
    images = torch.nn.functional.interpolate(
        coarse, size=(side, side), mode="bicubic", align_corners=True
    ).clamp(0, 1)
    return images, (images[:, 0] > 0.5).to(torch.uint8)


def test_a_warp_that_does_nothing_gives_back_picture_and_mask():
    images, labels = blobs()
    moved, ids = warp_pair(images, labels, STILL, dice())
    assert torch.allclose(moved, images, atol=1e-4)
    assert torch.equal(ids, labels)


@pytest.mark.parametrize(
    "warp",
    [
        Warp(48, rotation=180, scale=(1, 1), mirror=False, elastic=0),
        Warp(48, rotation=0, scale=(0.5, 2), mirror=False, elastic=0),
        Warp(48, rotation=0, scale=(1, 1), mirror=True, elastic=0),
        Warp(48, rotation=0, scale=(1, 1), mirror=False, elastic=5),
        Warp(48),
    ],
    ids=["rotation", "scale", "mirror", "elastic", "all"],
)
def test_the_mask_goes_where_the_picture_goes(warp):
    images, labels = blobs(16)
    moved, ids = warp_pair(images, labels, warp, dice())
    assert moved.shape == (16, 1, 48, 48) and ids.shape == (16, 48, 48)
    agree = ((moved[:, 0] > 0.5) == ids.bool()).float().mean()
    assert agree > 0.98
    assert not torch.equal(moved[..., :48, :48], images[..., :48, :48])


def test_a_warped_mask_holds_no_label_that_was_not_there():
    labels = torch.tensor([0, 7, 255], dtype=torch.uint8)[
        torch.randint(3, (4, 64, 64), generator=dice())
    ]
    _, ids = warp_pair(torch.rand(4, 1, 64, 64), labels, Warp(64), dice())
    assert ids.dtype == torch.uint8
    assert set(ids.unique().tolist()) == {0, 7, 255}


def test_a_mirroring_warp_mirrors_about_half_of_the_pictures():
    ramp = torch.linspace(0, 1, 64).expand(200, 1, 64, 64)
    warp = Warp(64, rotation=0, scale=(1, 1), mirror=True, elastic=0)
    moved, _ = warp_pair(ramp, ramp[:, 0].to(torch.uint8), warp, dice())
    mirrored = (moved[:, 0, 0, 0] > moved[:, 0, 0, -1]).float().mean()
    assert 0.4 < mirrored < 0.6


@pytest.mark.parametrize("draw", ["warp", "light"])
def test_the_same_generator_draws_the_same_and_another_another(draw):
    images, labels = blobs()

    def drawn(seed: int) -> torch.Tensor:
        if draw == "warp":
            return warp_pair(images, labels, Warp(48), dice(seed))[0]
        return relight(images, Light(), dice(seed))

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_crops_lie_within_the_picture():
    warp = Warp(32, rotation=0, scale=(1, 1), mirror=False, elastic=0)
    grid = warp_grid(100, 80, 50, warp, dice())
    assert grid.shape == (100, 32, 32, 2)
    assert grid.min() >= 0
    assert grid[..., 0].max() <= 49 and grid[..., 1].max() <= 79
    assert grid[:, 0, 0, 1].std() > 5


def test_beyond_the_border_the_picture_is_mirrored():
    picture = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 1, 5, 5)
    columns = torch.arange(-2.0, 7.0)
    positions = torch.stack([columns, torch.full((9,), 2.0)], -1).view(1, 1, 9, 2)
    values = sample(picture, positions, mode="nearest")
    assert values.flatten().tolist() == [2, 1, 0, 1, 2, 3, 4, 3, 2]


def test_elastic_displacements_are_as_large_as_their_sigma_and_smooth():
    moves = elastic_displacement(300, 65, 65, 10.0, dice())
    assert moves.shape == (300, 2, 65, 65)
    # The corners and the middle are the coarse grid's own normal numbers.
    assert moves[..., ::32, ::32].std().item() == pytest.approx(10, rel=0.05)
    assert moves.diff(dim=-1).abs().max() < 4


@pytest.mark.parametrize("light", [Light(), Light(contrast=1, brightness=1, gamma=2, noise=1)])
def test_relit_pictures_stay_within_0_and_1(light):
    lit = relight(blobs()[0], light, dice())
    assert lit.min() >= 0 and lit.max() <= 1


def test_each_picture_of_a_batch_gets_its_own_light():
    lit = relight(torch.full((8, 1, 4, 4), 0.5), Light(noise=0), dice())
    assert len(set(lit.mean(dim=(1, 2, 3)).tolist())) == 8


def test_no_light_at_all_changes_nothing():
    images, _ = blobs()
    assert torch.allclose(relight(images, Light(0, 0, 0, 0), dice()), images, atol=1e-6)
