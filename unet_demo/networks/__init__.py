"""The six networks of the five articles, by name."""

from .base import Network
from .classic import ClassicUNet
from .isbi import IsbiUNet
from .resnet import ResNetUNet
from .shapes import ShapesUNet
from .strided import StridedUNet
from .voc import VocUNet

NETWORKS: dict[str, type[Network]] = {
    "IsbiUNet": IsbiUNet,
    "ShapesUNet": ShapesUNet,
    "ClassicUNet": ClassicUNet,
    "VocUNet": VocUNet,
    "ResNetUNet": ResNetUNet,
    "StridedUNet": StridedUNet,
}


def create_network(name: str, **options: object) -> Network:
    """Build a network from its name and its constructor's options (in_channels, out_channels, width, …).

    Raises ValueError for an unknown name or option.
    """
    if name not in NETWORKS:
        raise ValueError(f"there is no network {name!r}; the networks are {', '.join(NETWORKS)}")
    try:
        return NETWORKS[name](**options)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"{name} cannot be built with {options}: {error}") from error


__all__ = ["NETWORKS", "Network", "create_network"]
