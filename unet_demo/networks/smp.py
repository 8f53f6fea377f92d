"""Builds models of segmentation-models-pytorch (smp), which are of no article, from their settings."""

import inspect
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Network

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
