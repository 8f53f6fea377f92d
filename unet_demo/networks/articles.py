"""Builds the networks of the five articles, side by side: how they differ is what there is to compare."""

from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn

from .base import Network, UNet, convolution, two_convolutions, upsample


class IsbiUNet(UNet):
    """Network 0: keeps its channels while upsampling; the bottleneck doubles and halves them again."""

    article = "PyTorch U-Net"
    published_channels = (1, 1)

    def build(self) -> None:
        w1, w2, w4, w8, w16 = self.build_encoders()
        self.bottleneck = nn.Sequential(
            convolution(w8, w16, batch_norm=self.batch_norm),
            convolution(w16, w8, batch_norm=self.batch_norm),
        )
        self.ups = nn.ModuleList(nn.ConvTranspose2d(w, w, 2, stride=2) for w in (w8, w4, w2, w1))
        self.decoders = nn.ModuleList(
            [
                self.block(w16, w4, w8),
                self.block(w8, w2, w4),
                self.block(w4, w1, w2),
                self.block(w2, w1, w1),
            ]
        )
        self.head = nn.Conv2d(w1, self.out_channels, 1)


class ShapesUNet(UNet):
    """Network 1, the paper's: transposed convolutions that halve the channels; no biases in the blocks."""

    article = "U-Net from scratch"
    published_channels = (3, 3)
    skip_first = True
    biases = False

    def build(self) -> None:
        w1, w2, w4, w8, w16 = self.build_encoders()
        self.bottleneck = self.block(w8, w16)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in (w8, w4, w2, w1)
        )
        self.decoders = nn.ModuleList(self.block(2 * w, w) for w in (w8, w4, w2, w1))
        self.head = nn.Conv2d(w1, self.out_channels, 1)


class ClassicUNet(UNet):
    """Network 2, the best-known; ``bilinear`` (the article's default) also halves the bottleneck's channels."""

    article = "What is U-Net?"
    published_channels = (1, 1)
    skip_first = True

    def build(self, *, bilinear: bool = True) -> None:
        w1, w2, w4, w8, w16 = self.build_encoders()
        if bilinear:
            self.bottleneck = self.block(w8, w8)
            self.ups = nn.ModuleList(upsample() for _ in range(4))
            self.decoders = nn.ModuleList(
                [
                    self.block(w16, w4, w8),
                    self.block(w8, w2, w4),
                    self.block(w4, w1, w2),
                    self.block(w2, w1, w1),
                ]
            )
        else:
            self.bottleneck = self.block(w8, w16)
            self.ups = nn.ModuleList(
                nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in (w8, w4, w2, w1)
            )
            self.decoders = nn.ModuleList(self.block(2 * w, w) for w in (w8, w4, w2, w1))
        self.head = nn.Conv2d(w1, self.out_channels, 1)


class VocUNet(UNet):
    """Network 3: keeps all channels while upsampling.

    22 outputs: background, 20 classes, and void, the border between objects that has no label.
    """

    article = "VOC final project"
    published_channels = (3, 22)

    def build(self) -> None:
        w1, w2, w4, w8, w16 = self.build_encoders()
        self.bottleneck = self.block(w8, w16)
        self.ups = nn.ModuleList(upsample() for _ in range(4))
        self.decoders = nn.ModuleList(self.block(3 * w, w) for w in (w8, w4, w2, w1))
        self.head = nn.Conv2d(w1, self.out_channels, 1)


class Residual(nn.Module):
    """1×1 → 3×3 → 1×1 plus a projection of the input: (N, in, H, W) → (N, out, H/2 or H, W/2 or W).

    Departs from He et al. as the article does: always projects, and no ReLU follows the sum.
    """

    def __init__(
        self, inputs: int, middle: int, outputs: int, *, down: bool = False, batch_norm: bool = True
    ):
        super().__init__()
        stride = 2 if down else 1
        self.body = nn.Sequential(
            convolution(inputs, middle, kernel=1, stride=stride, batch_norm=batch_norm),
            convolution(middle, middle, batch_norm=batch_norm),
            convolution(middle, outputs, kernel=1, batch_norm=batch_norm),
        )
        self.projection = convolution(
            inputs, outputs, kernel=1, stride=stride, batch_norm=batch_norm
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.projection(x)


class ResNetUNet(Network):
    """Network 3 with a ResNet-50-style encoder: two skip connections, one transposed convolution used twice.

    The article also declares an un-pool and another transposed convolution that its forward never
    uses; they are left out. Level 0 of ``dropped_skips`` is the pooled stem, level 1 is layer 2.
    """

    article = "VOC final project"
    published_channels = (3, 22)

    def build(self) -> None:
        w = self.width

        def residual(inputs: int, middle: int, outputs: int, down: bool = False) -> Residual:
            return Residual(inputs, middle, outputs, down=down, batch_norm=self.batch_norm)

        self.stem = convolution(self.in_channels, w, kernel=7, stride=2, batch_norm=self.batch_norm)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer2 = nn.Sequential(
            residual(w, w, 4 * w), residual(4 * w, w, 4 * w), residual(4 * w, w, 4 * w, down=True)
        )
        self.layer3 = nn.Sequential(
            residual(4 * w, 2 * w, 8 * w), *(residual(8 * w, 2 * w, 8 * w) for _ in range(3))
        )
        self.bridge = two_convolutions(8 * w, 8 * w, batch_norm=self.batch_norm)
        self.narrow2 = nn.Conv2d(8 * w, 4 * w, 3, padding=1)
        self.decoder2 = two_convolutions(8 * w, 4 * w, batch_norm=self.batch_norm)
        self.up2 = nn.ConvTranspose2d(4 * w, 4 * w, 3, stride=2, padding=1)
        self.narrow1 = nn.Conv2d(4 * w, w, 3, padding=1)
        self.up1 = nn.ConvTranspose2d(2 * w, 2 * w, 3, stride=2, padding=1)
        self.narrow0 = nn.Conv2d(2 * w, w, 3, padding=1)
        self.head = nn.Conv2d(w, self.out_channels, 1)

    def walk(self, x: Tensor, dropped_skips: Collection[int]) -> Iterator[tuple[str, Tensor]]:
        full_size = x.shape[-2:]
        stem = self.stem(x)
        yield "stem", stem
        pooled = self.pool(stem)
        yield "pooled stem", pooled
        layer2 = self.layer2(pooled)
        yield "layer 2", layer2
        x = self.layer3(layer2)
        yield "layer 3", x
        x = self.bridge(x)
        yield "bridge", x
        x = torch.cat([self.narrow2(x), self.skip_or_zeros(layer2, 1, dropped_skips)], dim=1)
        x = self.decoder2(x)
        yield "decoder 2", x
        x = self.narrow1(self.up2(x, output_size=pooled.shape[-2:]))
        x = torch.cat([x, self.skip_or_zeros(pooled, 0, dropped_skips)], dim=1)
        yield "decoder 1", x
        x = self.up1(x, output_size=stem.shape[-2:])
        yield "half size", x
        x = self.narrow0(self.up1(x, output_size=full_size))
        yield "full size", x
        yield "logits", self.head(x)


class StridedUNet(UNet):
    """Network 4: learns down- and upsampling; the 3×3 head gives logits of the label's R, G and B."""

    article = "UNet in PyTorch"
    published_channels = (3, 3)

    def build(self) -> None:
        w1, w2, w4, w8, w16 = self.build_encoders()

        def up(inputs: int, outputs: int) -> nn.Sequential:
            layers: list[nn.Module] = [
                nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
            ]
            if self.batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            return nn.Sequential(*layers, nn.ReLU(inplace=True))

        self.downs = nn.ModuleList(
            convolution(w, w, stride=2, batch_norm=self.batch_norm) for w in (w1, w2, w4, w8)
        )
        self.bottleneck = self.block(w8, w16)
        self.ups = nn.ModuleList(up(2 * w, w) for w in (w8, w4, w2, w1))
        self.decoders = nn.ModuleList(self.block(2 * w, w) for w in (w8, w4, w2, w1))
        self.head = nn.Conv2d(w1, self.out_channels, 3, padding=1)
