"""The five articles and their six networks, as the articles built them."""

from dataclasses import dataclass

from .networks import count_parameters

PUBLISHED_WIDTH = 64
"""Channels of the first level in every article."""


@dataclass(frozen=True)
class PublishedNetwork:
    """A network, the article that built it, and the channels that it takes and gives there."""

    article: str
    network: str
    in_channels: int
    out_channels: int

    @property
    def parameters(self) -> int:
        """Trainable parameters at the article's own width."""
        channels = {"in_channels": self.in_channels, "out_channels": self.out_channels}
        return count_parameters(self.network, {**channels, "width": PUBLISHED_WIDTH})


PUBLISHED_NETWORKS: tuple[PublishedNetwork, ...] = (
    PublishedNetwork("PyTorch U-Net", "IsbiUNet", 1, 1),
    PublishedNetwork("U-Net from scratch", "ShapesUNet", 3, 3),
    PublishedNetwork("What is U-Net?", "ClassicUNet", 1, 1),
    PublishedNetwork("VOC final project", "VocUNet", 3, 22),
    PublishedNetwork("VOC final project", "ResNetUNet", 3, 22),
    PublishedNetwork("UNet in PyTorch", "StridedUNet", 3, 3),
)
