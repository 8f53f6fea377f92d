"""What Look inside tells of the layers that make maps smaller and larger."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unet_demo.checkpoints import find_offered, read_card, read_index
from unet_demo.examples import load_example
from unet_demo.inside.resampling import (
    checkerboard,
    counterpart,
    moved,
    uses,
    views,
)
from unet_demo.inside.subject import Subject, look_inside, open_bundled
from unet_demo.networks.anatomy import DOWN, UP


def subject(name: str, example: str = "membranes") -> Subject:
    return look_inside(load_example(example), Path(find_offered(name)))


@pytest.mark.parametrize("name", list(read_index()))
@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_bundled_network_has_a_layer_down_and_up_at_each_level(name: str, level: int) -> None:
    one = subject(name)
    down = moved(one.predictor, one.image, level)
    up = checkerboard(one.predictor, one.image, level)
    assert down is not None and down.kind in DOWN and len(down.taken) == 2 * len(down.before)
    assert up is not None and up.kind in UP and up.real.shape == up.flat.shape
    # Max-pool forgets a move of a pixel at every fifth place; a strided convolution at hardly any, but
    # for EfficientNet's first, some of whose filters are all but nought.
    assert (down.share > 0.2) == (down.kind == "max-pool")
    # A network may learn any pattern; bilinear cannot have one.
    assert up.share > 0.2 if up.kind == "transposed convolution" else up.share < 1e-6


def test_the_layer_at_work_is_the_networks_own() -> None:
    one = subject("isbi")
    network = one.predictor.network
    picture, _ = views(one.card, one.image, 1)
    first, *_ = uses(network, picture, DOWN)
    with torch.no_grad():
        taken = network.encoders[0](picture)[0]  # type: ignore[union-attr, index]
    assert torch.equal(first.taken, taken)
    assert torch.equal(first.given, F.max_pool2d(taken, 2))
    assert torch.equal(first.again(taken), first.given)


def test_what_is_kept_is_what_the_layer_gives_unchanged() -> None:
    one = subject("shapes", "shapes")
    down = moved(one.predictor, one.image, 0)
    assert down is not None
    assert np.allclose(down.before[down.kept], down.after[down.kept], atol=1e-3 * down.before.std())
    # A move by one pixel, of the very map that is shown.
    inner = np.s_[4:-4, 4:-4]
    there = moved(one.predictor, np.roll(one.image, -1, axis=1), 0)
    assert there is not None
    assert np.allclose(there.before[inner], down.after[inner], atol=1e-4)


def test_the_second_view_is_the_first_one_moved() -> None:
    one = subject("shapes", "shapes")
    here, there = views(one.card, one.image, 4)
    assert torch.equal(here[..., 4:], there[..., :-4])
    assert here.shape[-1] % 16 == here.shape[-2] % 16 == 0


@pytest.mark.parametrize("shape", [(2, 3, 3), (20, 300, 3), (300, 20, 3), (700, 500, 3)])
def test_a_picture_of_any_size_will_do(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    down = moved(open_bundled("shapes"), picture, 2)
    assert down is not None and 0 <= down.share <= 1


def test_a_network_is_shown_beside_one_that_does_it_otherwise() -> None:
    cards = {name: read_card(find_offered(name)) for name in read_index()}

    def beside(name: str, kinds: tuple[str, ...]) -> str:
        other = counterpart(cards[name], cards.values(), kinds)
        assert other is not None
        return other.name

    assert beside("isbi", UP) == "isbi-elastic" and beside("isbi-elastic", UP) == "isbi"
    assert beside("voc", DOWN) == "voc-pretrained" and beside("voc-color", DOWN) == "voc"
    assert counterpart(cards["isbi"], [cards["isbi"]], UP) is None
