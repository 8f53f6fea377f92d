"""Computes the receptive field of each pixel of each feature map, from one pass of the real module.

The pass is over tensors without values, as in anatomy.py: it records each operation of torch, and kernel,
stride and padding lead the intervals of rows and columns that a pixel has seen on to the next.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from . import create_network
from .anatomy import tensors_in


@dataclass(frozen=True, eq=False)
class Span:
    """Along an axis, for each pixel of a map the first and the last pixel of the picture that it has seen."""

    first: np.ndarray
    last: np.ndarray

    def through(self, begin: np.ndarray, end: np.ndarray) -> "Span":
        """Return the span of pixels that see this map's from ``begin`` to ``end``, which may lie outside of it."""
        most = len(self.first) - 1
        return Span(self.first[begin.clip(0, most)], self.last[end.clip(0, most)])

    def joined(self, other: "Span") -> "Span":
        """Return the span of pixels that see what this one and the other have seen; one pixel is seen by all."""
        return Span(np.minimum(self.first, other.first), np.maximum(self.last, other.last))

    def everywhere(self, length: int) -> "Span":
        """Return the span of ``length`` pixels that see the whole map."""
        return Span(np.full(length, self.first.min()), np.full(length, self.last.max()))


Field = tuple[Span, Span]
"""The rows, and the columns, that the pixels of a map have seen."""


def receptive_fields(name: str, options: Mapping[str, object], side: int) -> Mapping[str, Field]:
    """Return station → field of a network on a picture of ``side`` × ``side`` px, a multiple of 16.

    An operation of torch that is not known here is taken to see the whole map. Raises ValueError for
    an unknown name or option.
    """
    return _fields(name, json.dumps(options, sort_keys=True), side)


@lru_cache(maxsize=64)
def _fields(name: str, options: str, side: int) -> Mapping[str, Field]:
    with torch.device("meta"):
        network = create_network(name, **json.loads(options)).eval()
        picture = torch.empty(1, network.in_channels, side, side)
    follower = _Follower(picture)
    with torch.no_grad(), follower:
        stations = list(network.walk(picture, ()))
    return {station: follower.fields[id(maps)] for station, maps in stations}


class _Follower(TorchDispatchMode):
    """Follows what the pixels of each tensor have seen."""

    def __init__(self, picture: Tensor):
        super().__init__()
        rows, columns = (np.arange(length) for length in picture.shape[2:])
        self.fields: dict[int, Field] = {id(picture): (Span(rows, rows), Span(columns, columns))}
        self.alive: list[Tensor] = [picture]  # or an id would come again

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        given = func(*args, **(kwargs or {}))
        taken = [one for one in tensors_in(args) if id(one) in self.fields]
        for one in tensors_in([given]) if taken else ():
            fields = [self.fields[id(tensor)] for tensor in taken]
            self.fields[id(one)] = _field(func.overloadpacket, args, fields, one)
            self.alive.append(one)
        return given


def _field(operation: Any, args: Sequence[Any], fields: list[Field], given: Tensor) -> Field:
    lengths = given.shape[2:] if given.ndim == 4 else (1, 1)
    if operation in ALONG:
        along = (ALONG[operation](args, axis, fields[0][axis], lengths[axis]) for axis in (0, 1))
        rows, columns = along
        return rows, columns
    field = fields[0]
    for rows, columns in fields[1:]:
        field = field[0].joined(rows), field[1].joined(columns)
    same = [len(span.first) for span in field] == list(lengths)
    pointwise = same and operation not in MIXING
    return (
        field if pointwise else (field[0].everywhere(lengths[0]), field[1].everywhere(lengths[1]))
    )


def _four(args: Sequence[Any]) -> Sequence[Any]:
    """Return the first four arguments; None for those that were left out."""
    return (*args, None, None, None)[:4]


def _pair(value: Any, axis: int, default: int = 1) -> int:
    """Return the part of a number, or of a list of one or two, that is for an axis."""
    values = list(value) if isinstance(value, tuple | list) else [value]
    return (values * 2)[axis] if values and values[0] is not None else default


def _convolution(args: Sequence[Any], axis: int, span: Span, length: int) -> Span:
    _, weight, _, stride, padding, dilation, transposed, *_ = args
    if not transposed:
        window = weight.shape[2 + axis], *(_pair(one, axis) for one in (stride, padding, dilation))
        return _window(span, length, *window)
    step, skipped = _pair(stride, axis), _pair(padding, axis)
    reach = _pair(dilation, axis) * (weight.shape[2 + axis] - 1)
    pixels = np.arange(length) + skipped
    return span.through(-((reach - pixels) // step), pixels // step)


def _window(
    span: Span, length: int, kernel: int, stride: int, padding: int, dilation: int = 1
) -> Span:
    begin = np.arange(length) * stride - padding
    return span.through(begin, begin + dilation * (kernel - 1))


def _pool(args: Sequence[Any], axis: int, span: Span, length: int) -> Span:
    _, kernel, stride, padding = _four(args)
    size = _pair(kernel, axis)
    return _window(span, length, size, _pair(stride, axis, size), _pair(padding, axis, 0))


def _bilinear(args: Sequence[Any], axis: int, span: Span, length: int) -> Span:
    here, pixels = len(span.first), np.arange(length)
    if args[2]:  # corners aligned
        place, parts = pixels * (here - 1), max(length - 1, 1)
    else:
        place, parts = np.maximum((2 * pixels + 1) * here - length, 0), 2 * length
    return span.through(place // parts, -(-place // parts))


def _nearest(args: Sequence[Any], axis: int, span: Span, length: int) -> Span:
    pixels = np.arange(length) * len(span.first) // length
    return span.through(pixels, pixels)


def _slice(args: Sequence[Any], axis: int, span: Span, length: int) -> Span:
    _, dim, start, _ = _four(args)
    begin = start if start and dim in (2 + axis, axis - 2) else 0
    pixels = np.arange(length) + (begin if begin >= 0 else len(span.first) + begin)
    return span.through(pixels, pixels)


def _pad(args: Sequence[Any], axis: int, span: Span, length: int) -> Span:
    before = args[1][2] if axis == 0 and len(args[1]) > 2 else args[1][0] if axis else 0
    pixels = np.arange(length) - before
    return span.through(pixels, pixels)


aten = torch.ops.aten

ALONG: dict[Any, Callable[[Sequence[Any], int, Span, int], Span]] = {
    aten.convolution: _convolution,
    aten.max_pool2d_with_indices: _pool,
    aten.avg_pool2d: _pool,
    aten.upsample_bilinear2d: _bilinear,
    aten.upsample_nearest2d: _nearest,
    aten.slice: _slice,
    aten.constant_pad_nd: _pad,
    aten.replication_pad2d: _pad,
}
"""What leads along rows and columns: (arguments, 0 for rows or 1, span of the input, length) → span."""

MIXING = (aten.mean, aten.native_group_norm, aten.bmm, aten.mm, aten.addmm)
"""What sees the whole map, though its output may be as large."""
