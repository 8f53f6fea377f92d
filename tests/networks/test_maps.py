"""The small pictures of feature maps."""

import torch

from unet_demo.networks.maps import CELL, SIDE, mosaic


def test_a_mosaic_shows_the_most_varied_channels_each_from_black_to_white() -> None:
    features = torch.zeros(8, 64, 64)
    for channel, contrast in ((1, 5.0), (3, 1.0), (4, 0.1), (6, 9.0), (7, 0.01)):
        features[channel, :, 32:] = contrast
    cells = mosaic(features).view(2, CELL, 2, CELL).transpose(1, 2).reshape(4, CELL, CELL)
    cells = cells[:, :-1, :-1]  # without the line between them
    assert [(int(cell.min()), int(cell.max())) for cell in cells] == [(0, 255)] * 4
    assert all(int(cell[:, : CELL // 2].max()) == 0 for cell in cells)


def test_a_channel_that_stays_among_them_stays_in_its_place() -> None:
    features = torch.rand(4, 32, 32)
    paler = features * torch.tensor([0.01, 1, 1, 1]).view(4, 1, 1)
    assert torch.equal(mosaic(features)[:CELL, :CELL], mosaic(paler)[:CELL, :CELL])


def test_maps_of_few_channels_flat_ones_and_ones_that_overflowed_have_a_mosaic() -> None:
    for features in (torch.rand(1, 8, 8), torch.ones(3, 8, 8), torch.full((8, 4, 4), torch.nan)):
        assert mosaic(features).shape == (SIDE, SIDE) and mosaic(features).dtype == torch.uint8
