"""Network 2, article "What is U-Net?": bilinear or transposed upsampling."""

from torch import nn

from .base import UNet, level_widths, max_pools, two_convolutions, upsample


class ClassicUNet(UNet):
    """The best-known U-Net; ``bilinear`` (the article's default) also halves the bottleneck's channels."""

    article = "What is U-Net?"
    published_channels = (1, 1)
    skip_first = True

    def build(self, *, bilinear: bool = True) -> None:
        w1, w2, w4, w8, w16 = level_widths(self.width)

        def block(inputs: int, outputs: int, middle: int | None = None) -> nn.Sequential:
            return two_convolutions(inputs, outputs, middle=middle, batch_norm=self.batch_norm)

        self.encoders = nn.ModuleList(
            [block(self.in_channels, w1), block(w1, w2), block(w2, w4), block(w4, w8)]
        )
        self.downs = max_pools()
        if bilinear:
            self.bottleneck = block(w8, w8)
            self.ups = nn.ModuleList(upsample() for _ in range(4))
            self.decoders = nn.ModuleList(
                [block(w16, w4, w8), block(w8, w2, w4), block(w4, w1, w2), block(w2, w1, w1)]
            )
        else:
            self.bottleneck = block(w8, w16)
            self.ups = nn.ModuleList(
                nn.ConvTranspose2d(2 * w, w, 2, stride=2) for w in (w8, w4, w2, w1)
            )
            self.decoders = nn.ModuleList(block(2 * w, w) for w in (w8, w4, w2, w1))
        self.head = nn.Conv2d(w1, self.out_channels, 1)
