"""What is told and drawn of a network is what the module itself does."""

from itertools import product
from xml.etree import ElementTree

import pytest
import torch
from test_networks import ARTICLES, IDS, LEVELS

from unet_demo.networks import NETWORKS, create_network
from unet_demo.networks.anatomy import Anatomy, anatomy
from unet_demo.networks.base import parameter_count
from unet_demo.networks.drawing import described, u_svg

SVG = "{http://www.w3.org/2000/svg}"

PUBLISHED_GFLOP = (84.4, 96.4, 79.8, 96.2, 111.5, 40.4, 106.8)
"""At 256 × 256 and width 64, in the order of ARTICLES: multiplications and additions, counted by hand."""

RGB = {"in_channels": 3, "out_channels": 3}

every_network = pytest.mark.parametrize("name", [*NETWORKS, "PretrainedUNet"])


def described_at(name: str, width: int) -> Anatomy:
    return anatomy(name, {**RGB, "width": width}, 32)


@every_network
def test_shapes_and_parameters_are_the_modules_own_at_any_width(name: str) -> None:
    for width in (4, 12):
        network = create_network(name, **RGB, width=width).eval()
        with torch.no_grad():
            walk = [
                (station, tuple(x.shape[1:]))
                for station, x in network.walk(torch.zeros(1, 3, 32, 32), ())
            ]
        told = described_at(name, width)
        assert [(station.name, station.shape) for station in told.stations] == walk
        assert told.parameters == parameter_count(network)


@pytest.mark.parametrize(
    ("name", "options", "gflop"),
    [(name, options, gflop) for (name, options, *_), gflop in zip(ARTICLES, PUBLISHED_GFLOP, strict=True)],
    ids=IDS,
)  # fmt: skip
def test_the_arithmetic_is_what_the_articles_networks_need(
    name: str, options: dict, gflop: float
) -> None:
    assert anatomy(name, options, 256).gflop == pytest.approx(gflop, rel=0.01)


@every_network
def test_the_skips_are_those_whose_loss_changes_the_logits(name: str) -> None:
    torch.manual_seed(0)
    network = create_network(name, **RGB, width=4).eval()
    picture = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        whole = network(picture)
        felt = [level for level in range(6) if not torch.equal(network(picture, {level}), whole)]
    assert (
        [skip.level for skip in described_at(name, 4).skips]
        == felt
        == list(LEVELS.get(name, range(4)))
    )


@pytest.mark.parametrize(
    ("name", "station", "step", "blocks"),
    [
        ("IsbiUNet", "encoder 1", "max-pool", [("convolution", 8), ("convolution", 8)]),
        ("IsbiUNet", "bottleneck", "max-pool", [("convolution", 64), ("convolution", 32)]),
        ("ShapesUNet", "decoder 0", "transposed convolution", [("convolution", 4)] * 2),
        ("ClassicUNet", "decoder 0", "bilinear", [("convolution", 4)] * 2),
        ("VocUNet", "logits", None, [("convolution", 3)]),
        ("ResNetUNet", "stem", "strided convolution", []),
        ("ResNetUNet", "pooled stem", "max-pool", []),
        ("ResNetUNet", "layer 3", None, [("sum", 32)] * 4),
        ("StridedUNet", "bottleneck", "strided convolution", [("convolution", 64)] * 2),
        ("PretrainedUNet", "decoder 4", "nearest", [("convolution", 32)] * 2),
    ],
)
def test_a_station_tells_what_leads_to_it(name: str, station: str, step: str, blocks: list) -> None:
    (one,) = [one for one in described_at(name, 4).stations if one.name == station]
    assert one.step == step
    assert [(layer.kind, layer.channels) for layer in one.blocks] == blocks


def test_the_skips_of_the_residual_network_end_where_its_walk_joins_them() -> None:
    joins = {(skip.source, skip.target) for skip in described_at("ResNetUNet", 4).skips}
    assert joins == {("pooled stem", "decoder 1"), ("layer 2", "decoder 2")}


@every_network
def test_a_drawing_shows_each_station_step_and_skip_and_says_them(name: str) -> None:
    told = described_at(name, 4)
    for upright in (False, True):
        root = ElementTree.fromstring(u_svg(told, upright=upright))
        stations = {
            group.get("data-station"): group for group in root.findall(f"{SVG}g[@data-station]")
        }
        assert list(stations) == [station.name for station in told.stations]
        for station in told.stations:
            assert stations[station.name].findtext(f"{SVG}title") == described(told, station)
        assert len(root.findall(f"{SVG}g[@data-skip]")) == len(told.skips)
        legend = {station.step for station in told.stations} - {None}
        marks = [mark.get("data-step") for mark in root.iter(f"{SVG}path") if mark.get("data-step")]
        assert len(marks) == sum(bool(one.step) for one in told.stations) + len(legend)
        assert root.findtext(f"{SVG}title") == name and f"{told.parameters:,}" in root.findtext(
            f"{SVG}desc"
        )


@every_network
def test_no_two_faces_of_a_drawing_overlap_and_none_leaves_it(name: str) -> None:
    for upright in (False, True):
        root = ElementTree.fromstring(u_svg(described_at(name, 4), upright=upright))
        faces = [
            [float(group.find(f"{SVG}rect").get(key)) for key in ("x", "y", "width", "height")]
            for group in root.findall(f"{SVG}g[@data-station]")
        ]
        _, _, wide, high = map(float, root.get("viewBox").split())
        assert all(x >= 0 and y >= 0 and x + w <= wide and y + h <= high for x, y, w, h in faces)
        for (x, y, w, h), (x1, y1, *_) in product(faces, faces):
            assert (x, y) == (x1, y1) or abs(x - x1) >= w or abs(y - y1) >= h
