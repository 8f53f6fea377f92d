"""A U-Net of no article, from segmentation-models-pytorch; its encoder can take ImageNet weights."""

from collections.abc import Collection, Iterator

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
    random; training loads ImageNet's (training/encoder_weights.py). Raises ValueError for an encoder
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
