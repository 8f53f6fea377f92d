"""The receptive fields that kernels and strides lead to are those along which gradients flow."""

import numpy as np
import pytest
import torch
from torch import nn

from unet_demo.checkpoints import find_offered, read_card, read_index
from unet_demo.networks import NETWORKS, create_network
from unet_demo.networks.reach import receptive_fields

SIDE = 96

KINDS = {
    **{name: (name, {"in_channels": 1, "out_channels": 2, "width": 2}) for name in NETWORKS},
    "ClassicUNet, transposed": ("ClassicUNet", {"width": 2, "bilinear": False}),
    "PretrainedUNet": ("PretrainedUNet", {"in_channels": 3, "out_channels": 2, "width": 8}),
    "smp's Unet": ("SmpNetwork", {"encoder": "resnet18"}),
    "smp's FPN": ("SmpNetwork", {"kind": "FPN", "encoder": "resnet18"}),
    "smp's DeepLabV3": ("SmpNetwork", {"kind": "DeepLabV3", "encoder": "resnet18"}),
}


def gradients(name: str, options: dict[str, object], place: float) -> dict[str, np.ndarray]:
    """Station → bool (SIDE, SIDE): the pixels that its pixel at ``place`` (0..1) depends on.

    Weights are positive and small, and a pool takes the mean: nothing stops a gradient on its way.
    """
    torch.manual_seed(0)
    network = create_network(name, **options).double().eval()
    for parameter in network.parameters():
        parameter.data = (torch.rand_like(parameter) + 0.1) / max(parameter[0].numel(), 1)
    for module in list(network.modules()):
        for child, pool in module.named_children():
            if isinstance(pool, nn.MaxPool2d):
                mean = nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding)
                setattr(module, child, mean)
    picture = torch.rand(1, network.in_channels, SIDE, SIDE, dtype=torch.float64)
    picture.requires_grad_()
    reached = {}
    for station, maps in network.walk(picture, ()):
        at = int(place * (maps.shape[-1] - 1))
        (slope,) = torch.autograd.grad(maps[0, :, at, at].sum(), picture, retain_graph=True)
        reached[station] = (slope[0].abs().sum(0) > 0).numpy()
    return reached


@pytest.mark.parametrize("place", [0.0, 0.4])
@pytest.mark.parametrize("kind", KINDS)
def test_a_pixel_depends_on_its_receptive_field_and_on_nothing_else(
    kind: str, place: float
) -> None:
    name, options = KINDS[kind]
    fields = receptive_fields(name, options, SIDE)
    for station, reached in gradients(name, options, place).items():
        for axis, span in enumerate(fields[station]):
            at = int(place * (len(span.first) - 1))
            (seen,) = np.nonzero(reached.any(axis=1 - axis))
            assert (span.first[at], span.last[at]) == (seen.min(), seen.max()), (station, axis)


def test_every_bundled_checkpoint_has_a_field_for_each_pixel_of_each_station() -> None:
    for name in read_index():
        card = read_card(find_offered(name))
        for rows, columns in receptive_fields(card.network, card.options, 160).values():
            assert np.all(rows.first <= rows.last) and np.all(np.diff(rows.first) >= 0)
            assert (rows.first.tolist(), rows.last.tolist()) == (
                columns.first.tolist(),
                columns.last.tolist(),
            )
