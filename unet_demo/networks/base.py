"""What all networks share: constructor, padding, and the pass through a U of encoders and decoders.

articles.py builds the layers of each network, in its article's order and sizes.
"""

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PUBLISHED_WIDTH = 64
"""Channels of the first level in every article."""

GRID = 16
"""Pixels that height and width must be a multiple of: a U halves them four times."""


def convolution(
    in_channels: int,
    out_channels: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    bias: bool = True,
    batch_norm: bool = True,
) -> nn.Sequential:
    """Build convolution → BatchNorm → ReLU: (N, in, H, W) → (N, out, H/stride, W/stride).

    Padded "same". Without BatchNorm the convolution always has a bias: nothing else shifts its output.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride,
            padding=kernel // 2,
            bias=bias or not batch_norm,
        )
    ]
    if batch_norm:
        layers.append(nn.BatchNorm2d(out_channels))
    layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def two_convolutions(
    in_channels: int,
    out_channels: int,
    *,
    middle: int | None = None,
    bias: bool = True,
    batch_norm: bool = True,
) -> nn.Sequential:
    """Build a U-Net's block: (N, in, H, W) → (N, middle, H, W) → (N, out, H, W).

    ``middle`` defaults to ``out_channels``.
    """
    middle = out_channels if middle is None else middle
    return nn.Sequential(
        convolution(in_channels, middle, bias=bias, batch_norm=batch_norm),
        convolution(middle, out_channels, bias=bias, batch_norm=batch_norm),
    )


def upsample() -> nn.Upsample:
    """Build bilinear upsampling by 2, corners aligned: (N, C, H, W) → (N, C, 2H, 2W)."""
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)


def match_size(x: Tensor, like: Tensor) -> Tensor:
    """Pad or crop ``x`` at its bottom and right to the height and width of ``like``."""
    missing_rows = like.shape[-2] - x.shape[-2]
    missing_columns = like.shape[-1] - x.shape[-1]
    if missing_rows == 0 and missing_columns == 0:
        return x
    return F.pad(x, (0, missing_columns, 0, missing_rows))


class Network(nn.Module):
    """A segmentation network for pictures of any size: pads to the grid, walks, crops back.

    A subclass makes its layers in :meth:`build` and applies them in :meth:`walk`. ``skips=False``
    makes the same layers, but feeds zeros to every skip connection: the number of parameters is
    unchanged, so that a comparison shows the effect of the skips alone.
    """

    article: ClassVar[str]
    """Title of the article that describes it."""
    published_channels: ClassVar[tuple[int, int]]
    """Input and output channels in the article."""

    def __init__(
        self,
        in_channels: int | None = None,
        out_channels: int | None = None,
        width: int = PUBLISHED_WIDTH,
        *,
        batch_norm: bool = True,
        skips: bool = True,
        **options: Any,
    ):
        """Build a network, with the article's channels by default. ``options`` go to :meth:`build`."""
        super().__init__()
        inputs, outputs = self.published_channels
        self.in_channels = inputs if in_channels is None else in_channels
        self.out_channels = outputs if out_channels is None else out_channels
        self.width = width
        self.batch_norm = batch_norm
        self.skips = skips
        self.build(**options)

    def build(self) -> None:
        """Make the layers from ``in_channels``, ``out_channels``, ``width`` and ``batch_norm``."""
        raise NotImplementedError

    def walk(self, x: Tensor, dropped_skips: Collection[int]) -> Iterator[tuple[str, Tensor]]:
        """Yield (name, feature map) after each block; the last map is the logits.

        ``x`` is (N, C, H, W) with H and W divisible by GRID.
        """
        raise NotImplementedError

    def forward(
        self, x: Tensor, dropped_skips: Collection[int] = (), silenced: Collection[str] = ()
    ) -> Tensor:
        """Return logits (N, out_channels, H, W), unbounded, of normalised pictures (N, in_channels, H, W).

        ``dropped_skips``: levels (0 = full resolution) whose skip connection is fed zeros. ``silenced``:
        stations of the walk whose map goes on as zeros; only without gradients.
        Raises ValueError for a wrong channel count or a side below GRID px.
        """
        height, width = x.shape[-2:]
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ValueError(f"expected (N, {self.in_channels}, H, W), got {tuple(x.shape)}")
        if min(height, width) < GRID:
            raise ValueError(
                f"{height}×{width} is too small: each side needs at least {GRID} px; pad the picture first"
            )
        padded = F.pad(x, (0, -width % GRID, 0, -height % GRID), mode="reflect")
        logits = padded
        for name, features in self.walk(padded, dropped_skips):
            logits = features.zero_() if name in silenced else features
        return logits[..., :height, :width]

    def skip_or_zeros(self, skip: Tensor, level: int, dropped_skips: Collection[int]) -> Tensor:
        """Return what the decoder of ``level`` gets: the encoder's map, or zeros where it is dropped."""
        if self.skips and level not in dropped_skips:
            return skip
        return torch.zeros_like(skip)


class UNet(Network):
    """The walk that five networks share; :meth:`build` sets its layers, the lists in order of use.

    ``skip_first``: whether the skip comes before the upsampled map when both are concatenated.
    ``biases``: whether the blocks' convolutions have biases beside BatchNorm.
    """

    skip_first = False
    biases = True

    encoders: nn.ModuleList
    downs: nn.ModuleList
    bottleneck: nn.Module
    ups: nn.ModuleList
    decoders: nn.ModuleList
    head: nn.Module

    def build_encoders(self) -> tuple[int, int, int, int, int]:
        """Make the encoders with 2×2 max-pools; return the channels of the five levels, top to bottom."""
        widths = self.width, 2 * self.width, 4 * self.width, 8 * self.width, 16 * self.width
        ways = pairwise((self.in_channels, *widths[:4]))
        self.encoders = nn.ModuleList(self.block(inputs, outputs) for inputs, outputs in ways)
        self.downs = nn.ModuleList(nn.MaxPool2d(2) for _ in range(4))
        return widths

    def block(self, inputs: int, outputs: int, middle: int | None = None) -> nn.Sequential:
        """Build one level's :func:`two_convolutions`."""
        return two_convolutions(
            inputs, outputs, middle=middle, bias=self.biases, batch_norm=self.batch_norm
        )

    def walk(self, x: Tensor, dropped_skips: Collection[int]) -> Iterator[tuple[str, Tensor]]:
        skips = []
        for level, (encoder, down) in enumerate(zip(self.encoders, self.downs, strict=True)):
            x = encoder(x)
            yield f"encoder {level}", x
            skips.append(self.skip_or_zeros(x, level, dropped_skips))
            x = down(x)
        x = self.bottleneck(x)
        yield "bottleneck", x
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            level = len(skips) - 1
            skip = skips.pop()
            x = match_size(up(x), skip)
            x = torch.cat([skip, x] if self.skip_first else [x, skip], dim=1)
            x = decoder(x)
            yield f"decoder {level}", x
        yield "logits", self.head(x)


def he_initialise(network: nn.Module) -> None:
    """Set Kaiming-normal weights (fan-in) and zero biases in place (He et al. 2015).

    Article 2 and the U-Net paper use it; the article's ``'kaming'`` is a typing error that raises.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def parameter_count(network: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
