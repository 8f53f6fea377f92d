"""Network 4, article "UNet in PyTorch": strided convolutions instead of pooling, colours instead of classes."""

from torch import nn

from .base import UNet, convolution, level_widths, two_convolutions


class StridedUNet(UNet):
    """Learns down- and upsampling; the 3×3 head gives logits of R, G and B of the label's colour."""

    article = "UNet in PyTorch"
    published_channels = (3, 3)

    def build(self) -> None:
        w1, w2, w4, w8, w16 = level_widths(self.width)

        def block(inputs: int, outputs: int) -> nn.Sequential:
            return two_convolutions(inputs, outputs, batch_norm=self.batch_norm)

        def up(inputs: int, outputs: int) -> nn.Sequential:
            layers: list[nn.Module] = [
                nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1)
            ]
            if self.batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            return nn.Sequential(*layers, nn.ReLU(inplace=True))

        self.encoders = nn.ModuleList(
            [block(self.in_channels, w1), block(w1, w2), block(w2, w4), block(w4, w8)]
        )
        self.downs = nn.ModuleList(
            convolution(w, w, stride=2, batch_norm=self.batch_norm) for w in (w1, w2, w4, w8)
        )
        self.bottleneck = block(w8, w16)
        self.ups = nn.ModuleList(up(2 * w, w) for w in (w8, w4, w2, w1))
        self.decoders = nn.ModuleList(block(2 * w, w) for w in (w8, w4, w2, w1))
        self.head = nn.Conv2d(w1, self.out_channels, 3, padding=1)
