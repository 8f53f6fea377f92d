"""Network 0, article "PyTorch U-Net": cell membranes of the ISBI 2012 challenge."""

from torch import nn

from .base import UNet, convolution, level_widths, max_pools, two_convolutions


class IsbiUNet(UNet):
    """Keeps its channels while upsampling; the bottleneck doubles the channels and halves them again."""

    article = "PyTorch U-Net"
    published_channels = (1, 1)

    def build(self) -> None:
        w1, w2, w4, w8, w16 = level_widths(self.width)

        def block(inputs: int, outputs: int, middle: int | None = None) -> nn.Sequential:
            return two_convolutions(inputs, outputs, middle=middle, batch_norm=self.batch_norm)

        self.encoders = nn.ModuleList(
            [block(self.in_channels, w1), block(w1, w2), block(w2, w4), block(w4, w8)]
        )
        self.downs = max_pools()
        self.bottleneck = nn.Sequential(
            convolution(w8, w16, batch_norm=self.batch_norm),
            convolution(w16, w8, batch_norm=self.batch_norm),
        )
        self.ups = nn.ModuleList(nn.ConvTranspose2d(w, w, 2, stride=2) for w in (w8, w4, w2, w1))
        self.decoders = nn.ModuleList(
            [block(w16, w4, w8), block(w8, w2, w4), block(w4, w1, w2), block(w2, w1, w1)]
        )
        self.head = nn.Conv2d(w1, self.out_channels, 1)
