"""Sizes from station to station, unpadded and padded."""

import pytest
import torch
from torch import Tensor

from unet_demo.checkpoints import find_offered, read_card, read_index
from unet_demo.inside.sizes import GREATEST, LEAST, PAPER, STEP, Size, same, valid
from unet_demo.networks import create_network
from unet_demo.networks.articles import ShapesUNet


def unpadded(side: int) -> list[Size]:
    """The paper's network made of our layers, without their padding: what torch says of its maps."""

    def side_of(features: Tensor) -> int:
        assert features.shape[-2] == features.shape[-1]
        return features.shape[-1]

    found, skips = [], []
    with torch.device("meta"), torch.no_grad():
        network = create_network("ShapesUNet")
        assert isinstance(network, ShapesUNet)
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.padding = (0, 0)
        x = torch.empty(1, 3, side, side)
        for level, (encoder, down) in enumerate(zip(network.encoders, network.downs, strict=True)):
            x = encoder(x)
            found.append(Size(f"encoder {level}", side_of(x)))
            skips.append(x)
            assert side_of(x) % 2 == 0
            x = down(x)
        x = network.bottleneck(x)
        found.append(Size("bottleneck", side_of(x)))
        for up, decoder in zip(network.ups, network.decoders, strict=True):
            skip, x = skips.pop(), up(x)
            joined = side_of(x)
            cut = (side_of(skip) - joined) // 2
            cropped = skip[..., cut : cut + joined, cut : cut + joined]
            x = decoder(torch.cat([cropped, x], dim=1))
            found.append(Size(f"decoder {len(skips)}", side_of(x), side_of(skip), joined))
        found.append(Size("logits", side_of(network.head(x))))
    return found


@pytest.mark.parametrize("side", [LEAST, PAPER, GREATEST])
def test_the_papers_sizes_are_those_of_layers_without_padding(side: int) -> None:
    assert list(valid(side)) == unpadded(side)


def test_of_572_px_the_paper_labels_388() -> None:
    assert [size.side for size in valid(PAPER)][-1] == 388
    assert (PAPER - LEAST) % STEP == (GREATEST - LEAST) % STEP == 0


@pytest.mark.parametrize("name", list(read_index()))
def test_a_padded_network_ends_at_the_size_it_began_with(name: str) -> None:
    sizes = list(same(read_card(find_offered(name)), PAPER))
    assert sizes[-1].side == 576
    assert all(size.skip == size.joined == (size.side if size.skip else 0) for size in sizes)
    assert any(size.skip for size in sizes)
