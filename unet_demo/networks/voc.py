"""Network 3, article "VOC final project": a U-Net that keeps all channels while upsampling."""

from torch import nn

from .base import UNet, level_widths, max_pools, two_convolutions, upsample


class VocUNet(UNet):
    """22 outputs: background, 20 classes, and void, the border between objects that has no label."""

    article = "VOC final project"
    published_channels = (3, 22)

    def build(self) -> None:
        w1, w2, w4, w8, w16 = level_widths(self.width)

        def block(inputs: int, outputs: int) -> nn.Sequential:
            return two_convolutions(inputs, outputs, batch_norm=self.batch_norm)

        self.encoders = nn.ModuleList(
            [block(self.in_channels, w1), block(w1, w2), block(w2, w4), block(w4, w8)]
        )
        self.downs = max_pools()
        self.bottleneck = block(w8, w16)
        self.ups = nn.ModuleList(upsample() for _ in range(4))
        self.decoders = nn.ModuleList(block(3 * w, w) for w in (w8, w4, w2, w1))
        self.head = nn.Conv2d(w1, self.out_channels, 1)
