"""The networks: the articles' own sizes, any picture's size, and what a skip connection does."""

import pytest
import torch
from torch import nn

from unet_demo.checkpoints import Card, load_checkpoint, save_checkpoint
from unet_demo.data.shapes import SceneOptions, scene_batch
from unet_demo.networks import BEYOND, NETWORKS, Network, count_parameters, create_network
from unet_demo.networks.base import he_initialise, parameter_count
from unet_demo.tasks import SHAPES

ARTICLES = [
    ("IsbiUNet", {}, 1, 1, 23_379_969),
    ("ShapesUNet", {}, 3, 3, 31_037_763),
    ("ClassicUNet", {}, 1, 1, 17_266_241),
    ("ClassicUNet", {"bilinear": False}, 1, 1, 31_042_369),
    ("VocUNet", {}, 3, 22, 31_392_086),
    ("ResNetUNet", {}, 3, 22, 11_006_614),
    ("StridedUNet", {}, 3, 3, 37_665_027),
]
"""Name, options, channels in and out, and parameters, of the seven networks of the five articles."""

IDS = [f"{name}{'-transposed' if options else ''}" for name, options, *_ in ARTICLES]

ROWS = [row[:2] for row in ARTICLES]

every_articles_network = pytest.mark.parametrize(("name", "options"), ROWS, ids=IDS)

every_network = pytest.mark.parametrize(
    ("name", "options"), [*ROWS, ("PretrainedUNet", {})], ids=[*IDS, "PretrainedUNet"]
)

LEVELS = {"ResNetUNet": range(2), "PretrainedUNet": range(1, 5)}
"""The levels whose skip connections can be dropped, where they are not the first four."""


OPTIONS = {"in_channels": 3, "out_channels": 3, "width": 4}


def tiny(name: str, width: int = 4, **options: object) -> Network:
    """A network that takes RGB and gives three logits."""
    torch.manual_seed(0)
    return create_network(name, in_channels=3, out_channels=3, width=width, **options)


@pytest.mark.parametrize(("name", "options", "inputs", "outputs", "count"), ARTICLES, ids=IDS)
def test_at_width_64_a_network_has_the_articles_channels_and_parameters(
    name, options, inputs, outputs, count
):
    with torch.device("meta"):
        network = create_network(name, **options)
    assert (network.in_channels, network.out_channels) == (inputs, outputs)
    assert parameter_count(network) == count


@pytest.mark.parametrize("name", NETWORKS | BEYOND)
def test_a_network_is_registered_under_its_own_name(name):
    assert (NETWORKS | BEYOND)[name].__name__ == name


@every_network
def test_every_parameter_receives_a_gradient(name, options):
    assert_all_learn(tiny(name, **options))


@every_articles_network
def test_every_parameter_receives_a_gradient_without_batch_norm(name, options):
    assert_all_learn(tiny(name, batch_norm=False, **options))


def assert_all_learn(network: Network) -> None:
    """Fails for a weight that has no gradient."""
    he_initialise(network)
    network(torch.randn(2, 3, 64, 64)).square().mean().backward()
    # The bias of a convolution before a BatchNorm has a gradient that is exactly nought.
    silent = [
        key
        for key, parameter in network.named_parameters()
        if parameter.grad is None or (parameter.ndim > 1 and not parameter.grad.any())
    ]
    assert silent == []


@every_articles_network
def test_without_batch_norm_there_is_none(name, options):
    network = tiny(name, batch_norm=False, **options)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (33, 20), (50, 97)], ids=str)
@every_network
def test_a_picture_of_any_size_gives_logits_of_its_size(name, options, size):
    logits = tiny(name, **options).eval()(torch.randn(1, 3, *size))
    assert logits.shape == (1, 3, *size)
    assert logits.isfinite().all()


@every_network
def test_an_odd_size_is_mirrored_at_the_bottom_and_at_the_right(name, options):
    network = tiny(name, **options).eval()
    picture = torch.randn(1, 3, 30, 25)
    mirrored = torch.cat([picture, picture[..., -3:-1, :].flip(-2)], dim=-2)
    mirrored = torch.cat([mirrored, mirrored[..., -8:-1].flip(-1)], dim=-1)
    assert torch.equal(network(picture), network(mirrored)[..., :30, :25])


@pytest.mark.parametrize("size", [(1, 1), (15, 40), (40, 15)], ids=str)
@every_network
def test_a_picture_under_16_px_is_refused_with_the_way_out(name, options, size):
    with pytest.raises(ValueError, match=r"at least 16 px; pad the picture first"):
        tiny(name, **options)(torch.randn(1, 3, *size))


@pytest.mark.parametrize("shape", [(1, 4, 32, 32), (3, 32, 32)], ids=str)
def test_a_wrong_number_of_channels_or_axes_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(N, 3, H, W\)"):
        tiny("ShapesUNet")(torch.randn(shape))


@every_network
def test_a_network_overfits_one_batch(name, options):
    images, labels = scene_batch(SceneOptions(size=32, count=(1, 2), noise=2), 2, seed=1)
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    targets = torch.from_numpy(labels).long()
    network = tiny(name, width=8, **options)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    accuracy = 0.0
    for _ in range(150):
        logits = network(pictures)
        accuracy = float((logits.argmax(1) == targets).float().mean())
        if accuracy > 0.97:
            break
        optimiser.zero_grad()
        nn.functional.cross_entropy(logits, targets).backward()
        optimiser.step()
    assert accuracy > 0.97


@every_network
def test_without_skips_the_parameters_stay_and_the_output_changes(name, options):
    joined, cut = tiny(name, **options).eval(), tiny(name, skips=False, **options).eval()
    cut.load_state_dict(joined.state_dict(), strict=True)
    picture = torch.randn(1, 3, 32, 32)
    assert not torch.allclose(joined(picture), cut(picture))


@every_network
def test_dropping_every_skip_equals_a_network_without_skips(name, options):
    joined, cut = tiny(name, **options).eval(), tiny(name, skips=False, **options).eval()
    picture = torch.randn(1, 3, 32, 32)
    assert torch.equal(joined(picture, dropped_skips=range(5)), cut(picture))


@every_network
def test_each_dropped_skip_changes_the_output_in_its_own_way(name, options):
    network = tiny(name, **options).eval()
    picture = torch.randn(1, 3, 64, 64)
    levels = LEVELS.get(name, range(4))
    outputs = [network(picture), *(network(picture, {level}) for level in levels)]
    pairs = [(a, b) for i, a in enumerate(outputs) for b in outputs[:i]]
    assert not any(torch.equal(a, b) for a, b in pairs)


U_SHAPES = [
    ("encoder 0", 4, 48, 32),
    ("encoder 1", 8, 24, 16),
    ("encoder 2", 16, 12, 8),
    ("encoder 3", 32, 6, 4),
    ("bottleneck", 64, 3, 2),
    ("decoder 3", 32, 6, 4),
    ("decoder 2", 16, 12, 8),
    ("decoder 1", 8, 24, 16),
    ("decoder 0", 4, 48, 32),
    ("logits", 3, 48, 32),
]
NARROW_BOTTOM = [(n, 32, h, w) if n == "bottleneck" else (n, c, h, w) for n, c, h, w in U_SHAPES]
NARROW_DECODERS = [
    (name, max(4, channels // 2), height, width) if "decoder" in name else (name, channels, height, width)
    for name, channels, height, width in NARROW_BOTTOM
]  # fmt: skip
RESNET_SHAPES = [
    ("stem", 4, 24, 16),
    ("pooled stem", 4, 12, 8),
    ("layer 2", 16, 6, 4),
    ("layer 3", 32, 6, 4),
    ("bridge", 32, 6, 4),
    ("decoder 2", 16, 6, 4),
    ("decoder 1", 8, 12, 8),
    ("half size", 8, 24, 16),
    ("full size", 4, 48, 32),
    ("logits", 3, 48, 32),
]

PRETRAINED_SHAPES = [
    ("encoder 1", 16, 24, 16),
    ("encoder 2", 24, 12, 8),
    ("encoder 3", 40, 6, 4),
    ("encoder 4", 112, 3, 2),
    ("bottleneck", 320, 2, 1),
    ("decoder 4", 32, 3, 2),
    ("decoder 3", 16, 6, 4),
    ("decoder 2", 12, 12, 8),
    ("decoder 1", 6, 24, 16),
    ("logits", 3, 48, 32),
]


@pytest.mark.parametrize(
    ("name", "options", "stations"),
    [
        ("IsbiUNet", {}, NARROW_DECODERS),
        ("ShapesUNet", {}, U_SHAPES),
        ("ClassicUNet", {}, NARROW_DECODERS),
        ("ClassicUNet", {"bilinear": False}, U_SHAPES),
        ("VocUNet", {}, U_SHAPES),
        ("ResNetUNet", {}, RESNET_SHAPES),
        ("StridedUNet", {}, U_SHAPES),
        ("PretrainedUNet", {}, PRETRAINED_SHAPES),
    ],
    ids=[*IDS, "PretrainedUNet"],
)
def test_the_walk_names_every_station_and_its_shape(name, options, stations):
    picture = torch.randn(2, 3, 48, 32)
    walk = tiny(name, **options).eval().walk(picture, ())
    assert [(station, *x.shape) for station, x in walk] == [
        (station, 2, *shape) for station, *shape in stations
    ]


def test_an_unknown_network_is_refused_and_the_known_ones_named():
    with pytest.raises(ValueError, match=r"there is no network 'UNet9'.*IsbiUNet"):
        create_network("UNet9")


def test_an_unknown_option_is_refused():
    with pytest.raises(ValueError, match="ShapesUNet cannot be built"):
        create_network("ShapesUNet", depth=9)


def test_he_initialisation_spreads_the_weights_by_their_inputs_and_clears_the_biases():
    torch.manual_seed(0)
    network = tiny("ClassicUNet", width=16)
    he_initialise(network)
    layer = network.get_submodule("encoders.3.1.0")
    assert layer.weight.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.02)
    assert not layer.bias.any()


def test_the_network_on_a_pretrained_encoder_is_small():
    options = {"in_channels": 3, "out_channels": 21, "width": 16}
    assert count_parameters("PretrainedUNet", options) == 3_816_941


def test_an_encoder_that_timm_might_look_for_on_the_network_is_refused():
    with pytest.raises(ValueError, match="no encoder 'hf-hub:owner/repo'; use one of tf_efficient"):
        create_network("PretrainedUNet", encoder="hf-hub:owner/repo")


def test_a_network_on_a_pretrained_encoder_survives_being_saved_and_opened(tmp_path):
    network = tiny("PretrainedUNet").eval()
    card = Card("tiny", "PretrainedUNet", OPTIONS, SHAPES, (0.5,) * 3, (0.5,) * 3)
    save_checkpoint(tmp_path / "tiny.safetensors", network, card)
    opened = load_checkpoint(tmp_path / "tiny.safetensors").network
    picture = torch.randn(1, 3, 32, 48)
    assert torch.allclose(opened(picture), network(picture), atol=1e-2)


def test_counting_without_making_a_network_gives_the_same_number():
    options = {"in_channels": 1, "out_channels": 2, "width": 8}
    counted = count_parameters("ResNetUNet", options)
    assert counted == parameter_count(create_network("ResNetUNet", **options))


def test_a_network_that_there_is_not_is_a_value_error():
    with pytest.raises(ValueError, match="no network"):
        count_parameters("NoUNet", {})
