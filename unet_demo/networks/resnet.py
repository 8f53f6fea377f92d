"""Network 3, article "VOC final project": a U-Net with a ResNet-50-style encoder."""

from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn

from .base import Network, convolution, two_convolutions


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
    """Two skip connections (pooled stem, layer 2), and one transposed convolution used twice.

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
