"""Lists the networks by name: six of the five articles, and two of none."""

from collections.abc import Mapping

import torch

from .articles import ClassicUNet, IsbiUNet, ResNetUNet, ShapesUNet, StridedUNet, VocUNet
from .base import PUBLISHED_WIDTH, Network, parameter_count
from .smp import PretrainedUNet, SmpNetwork

NETWORKS: dict[str, type[Network]] = {
    network.__name__: network
    for network in (IsbiUNet, ShapesUNet, ClassicUNet, VocUNet, ResNetUNet, StridedUNet)
}
"""In the order of the articles."""

BEYOND: dict[str, type[Network]] = {
    network.__name__: network for network in (PretrainedUNet, SmpNetwork)
}
"""Networks of no article."""


def create_network(name: str, **options: object) -> Network:
    """Build a network from its name and its constructor's options (in_channels, out_channels, width, …).

    Raises ValueError for an unknown name or option.
    """
    networks = NETWORKS | BEYOND
    if name not in networks:
        raise ValueError(f"there is no network {name!r}; the networks are {', '.join(networks)}")
    try:
        return networks[name](**options)  # type: ignore[arg-type]
    except TypeError as error:
        raise ValueError(f"{name} cannot be built with {options}: {error}") from error


def count_parameters(name: str, options: Mapping[str, object]) -> int:
    """Count a network's trainable parameters without allocating them.

    Raises ValueError for an unknown name or option.
    """
    with torch.device("meta"):
        return parameter_count(create_network(name, **options))


__all__ = ["BEYOND", "NETWORKS", "PUBLISHED_WIDTH", "Network", "count_parameters", "create_network"]
