"""Network 1, article "U-Net from scratch": circles and rectangles."""

from torch import nn

from .base import UNet, level_widths, max_pools, two_convolutions


class ShapesUNet(UNet):
    """The paper's U-Net: transposed convolutions that halve the channels; no biases in the blocks."""

    article = "U-Net from scratch"
    published_channels = (3, 3)
    skip_first = True

    def build(self) -> None:
        w1, w2, w4, w8, w16 = level_widths(self.width)

        def block(inputs: int, outputs: int) -> nn.Sequential:
            return two_convolutions(inputs, outputs, bias=False, batch_norm=self.batch_norm)

        self.encoders = nn.ModuleList(
            [block(self.in_channels, w1), block(w1, w2), block(w2, w4), block(w4, w8)]
        )
        self.downs = max_pools()
        self.bottleneck = block(w8, w16)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in (w8, w4, w2, w1)
        )
        self.decoders = nn.ModuleList(block(2 * w, w) for w in (w8, w4, w2, w1))
        self.head = nn.Conv2d(w1, self.out_channels, 1)
