"""Describes a network's layers and skips from one pass of the real module over tensors without values.

No network's structure is written here: the pass records each operation, and an operation belongs to
the station of the walk whose map it leads to.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from . import create_network
from .base import GRID, Network

DOWN = ("max-pool", "strided convolution")
"""Kinds of layers that make a map smaller."""

UP = ("transposed convolution", "bilinear", "nearest")
"""Kinds of layers that make it larger."""


@dataclass(frozen=True)
class Layer:
    """One operation: of `DOWN` or `UP`, a "convolution", the "sum" of a residual block, a "join" of channels.

    ``channels``: of its output; ``kernel``: side in px, 0 for none; ``flop``: multiplications plus
    additions.
    """

    kind: str
    channels: int
    kernel: int = 0
    flop: int = 0


@dataclass(frozen=True)
class Station:
    """A feature map (channels, height, width) of the walk, and the layers since the one before.

    A layer that is used twice counts its parameters in the first station alone.
    """

    name: str
    shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    parameters: int

    @property
    def gflop(self) -> float:
        """Billions of multiplications and additions for one picture."""
        return sum(layer.flop for layer in self.layers) / 1e9

    @property
    def step(self) -> str | None:
        """The kind of layer that changed the map's size, one of `DOWN` or `UP`; None: it kept its size."""
        kinds = (layer.kind for layer in self.layers)
        return next((kind for kind in kinds if kind in DOWN + UP), None)

    @property
    def blocks(self) -> tuple[Layer, ...]:
        """The other layers: the residual blocks, or else the convolutions."""
        sums = tuple(layer for layer in self.layers if layer.kind == "sum")
        return sums or tuple(layer for layer in self.layers if layer.kind == "convolution")


@dataclass(frozen=True)
class Skip:
    """A skip connection from one station to another; ``level``: its number in ``dropped_skips``."""

    level: int
    source: str
    target: str


@dataclass(frozen=True)
class Anatomy:
    """A network on a picture of ``side`` × ``side`` px: its stations, in the order of the walk, and its skips."""

    network: str
    side: int
    stations: tuple[Station, ...]
    skips: tuple[Skip, ...]

    @property
    def parameters(self) -> int:
        """Trainable parameters of all stations."""
        return sum(station.parameters for station in self.stations)

    @property
    def gflop(self) -> float:
        """Billions of multiplications and additions for one picture."""
        return sum(station.gflop for station in self.stations)


def anatomy(name: str, options: Mapping[str, object], side: int) -> Anatomy:
    """Describe a network on a picture of ``side`` × ``side`` px, a multiple of 16, without making it.

    Skips that ``options`` turn off are described, too: their layers exist. Raises ValueError for an
    unknown name or option.
    """
    return _described(name, json.dumps({**options, "skips": True}, sort_keys=True), side)


@lru_cache(maxsize=64)
def _described(name: str, options: str, side: int) -> Anatomy:
    with torch.device("meta"):
        network = create_network(name, **json.loads(options)).eval()
        picture = torch.empty(1, network.in_channels, side, side)
    whole = _Pass(network, picture)
    skips = tuple(
        Skip(level, *join)
        for level in range(GRID.bit_length())
        for join in whole.joins() - _Pass(network, picture, dropped=level).joins()
    )
    return Anatomy(name, side, tuple(whole.stations()), skips)


@dataclass(frozen=True)
class _Operation:
    """An operation of torch: its layer, if it is one to describe, its inputs and its output."""

    layer: Layer | None
    taken: tuple[Tensor, ...]
    given: Tensor


class _Pass(TorchDispatchMode):
    """One pass through a network with all its operations; ``dropped``: the level of a skip to drop."""

    def __init__(self, network: Network, picture: Tensor, dropped: int | None = None):
        super().__init__()
        self.operations: list[_Operation] = []
        with torch.no_grad(), self:
            self.maps = list(network.walk(picture, () if dropped is None else (dropped,)))

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        given = func(*args, **(kwargs or {}))
        first = given[0] if isinstance(given, tuple | list) else given
        if isinstance(first, Tensor):
            self.operations.append(
                _Operation(
                    layer_of(func.overloadpacket, args, first), tuple(tensors_in(args)), first
                )
            )
        return given

    def stations(self) -> Iterator[Station]:
        """Yield the stations; each has the operations since the one before."""
        counted: set[int] = set()
        for (name, features), operations in self._legs():
            new = {
                id(tensor): tensor.numel()
                for operation in operations
                for tensor in operation.taken
                if isinstance(tensor, nn.Parameter) and id(tensor) not in counted
            }
            counted.update(new)
            _, *shape = features.shape
            layers = tuple(operation.layer for operation in operations if operation.layer)
            yield Station(name, (shape[0], shape[1], shape[2]), layers, sum(new.values()))

    def joins(self) -> set[tuple[str, str]]:
        """Return (source, target) of each map of a station that is joined to another's channels."""
        names = {id(features): name for name, features in self.maps}
        return {
            (names[id(tensor)], name)
            for (name, _), operations in self._legs()
            for operation in operations
            if operation.layer and operation.layer.kind == "join"
            for tensor in operation.taken
            if id(tensor) in names
        }

    def _legs(self) -> Iterator[tuple[tuple[str, Tensor], list[_Operation]]]:
        begin = 0
        for name, features in self.maps:
            end = 1 + max(
                index for index, one in enumerate(self.operations) if one.given is features
            )
            yield (name, features), self.operations[begin:end]
            begin = end


def tensors_in(values: Sequence[Any]) -> Iterator[Tensor]:
    """Yield the tensors among the arguments of an operation of torch, and in its lists."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from tensors_in(value)


def layer_of(operation: Any, args: Sequence[Any], given: Tensor) -> Layer | None:
    """Return the layer that an operation of torch is; None for BatchNorm, ReLU and the like."""
    aten = torch.ops.aten
    channels = given.shape[1] if given.ndim == 4 else 0
    if operation is aten.convolution:
        taken, weight, _, stride, _, _, transposed, *_ = args
        # Each weight of a transposed convolution is used once for a pixel of its input, not its output.
        pixels = prod((taken if transposed else given).shape[2:])
        strided = "strided convolution" if max(stride) > 1 else "convolution"
        kind = "transposed convolution" if transposed else strided
        return Layer(kind, channels, weight.shape[-1], 2 * weight.numel() * pixels)
    if operation is aten.max_pool2d_with_indices:
        return Layer("max-pool", channels, args[1][0])
    if operation is aten.upsample_bilinear2d:
        return Layer("bilinear", channels)
    if operation is aten.upsample_nearest2d:
        return Layer("nearest", channels)
    if operation in (aten.add, aten.add_):
        return Layer("sum", channels)
    return Layer("join", channels) if operation is aten.cat else None
