"""Segments pictures of any size with a checkpoint, on the CPU or a GPU.

Small pictures go through the network whole. Large ones follow the paper's overlap-tile strategy:
each tile has a halo of its neighbours' pixels, mirrored at the border, and tiles are blended.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from copy import copy, deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.utils.flop_counter import FlopCounterMode

from .checkpoints import Card, Checkpoint, CheckpointError
from .data import Cancelled, PictureError
from .data.images import Picture, to_channels
from .devices import fast_dtype, memory_errors, pick_device, threads_released
from .environment import SPACE_VARIABLE
from .messages import sentence
from .networks.base import GRID, Network
from .tasks import VOID, ColourTask, PaintTask, Task

HALO = 104
"""Px of context around the part of a tile that counts."""

BLEND = 16
"""Px over which neighbouring tiles are blended; HALO − BLEND / 2 = 96 is a four-level U's reach."""

TILES = (768, 512, 384, 256)
"""Sides of tiles in px; the next smaller one is tried when a GPU runs out of memory."""

MAX_RESULT_BYTES = 3 * 2**30
"""Predictions with more bytes of probabilities are refused before they start."""

SPACE_SECONDS = 120
"""Predictions that would take longer are refused on the CPU of a Space, which visitors share."""

CPU_PACE, PASS_SECONDS = 1.5e11, 0.02
"""Multiplications and additions a second of two CPU cores; further seconds that each pass takes."""

DIHEDRAL = tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4))
"""(quarter turns, mirrored): the eight ways to turn and mirror a square."""

VIEWS = {"dihedral": DIHEDRAL, "mirror": ((0, False), (0, True))}

Progress = Callable[[int, int], None]
"""Called with (passes done, passes in all) after each pass of the network."""


@dataclass(frozen=True)
class Prediction:
    """A checkpoint's output for N slices.

    ``probabilities``: float32 (N, K, H, W), 0..1; K = 1 for a binary task: P(label 1).
    ``notes``: plain sentences on what went otherwise than asked.
    ``void``: bool (N, H, W), pixels without a value in the picture, which become void; or None.
    ``painted``: uint8 (N, H, W, 3), the colours themselves of a network that paints, if asked for.
    """

    probabilities: np.ndarray
    task: Task
    threshold: float
    seconds: float
    device: str
    notes: tuple[str, ...] = ()
    void: np.ndarray | None = None
    painted: np.ndarray | None = None

    def of(self, picture: Picture) -> "Prediction":
        """Return the prediction with the picture's pixels without a value as void."""
        return replace(self, void=picture.void)

    def slice(self, number: int) -> "Prediction":
        """Return the prediction of one slice, numbered from 0, as a stack of one."""
        one = slice(number, number + 1)
        void, painted = (
            None if array is None else array[one] for array in (self.void, self.painted)
        )
        return replace(self, probabilities=self.probabilities[one], void=void, painted=painted)

    def labels(self, threshold: float | None = None) -> np.ndarray:
        """Return label ids uint8 (N, H, W), 255 void.

        ``threshold``, for binary tasks only, defaults to the checkpoint's own.
        """
        labels = self.task.labels(self.probabilities, self._or_own(threshold))
        if self.void is not None:
            labels[self.void] = VOID
        return labels

    def confidence(self, threshold: float | None = None) -> np.ndarray:
        """Return the probability of each pixel's label, float32 (N, H, W)."""
        return self.task.confidence(self.probabilities, self._or_own(threshold))

    def _or_own(self, threshold: float | None) -> float:
        return self.threshold if threshold is None else threshold


class Predictor:
    """A checkpoint ready to segment pictures. It never changes, so threads may share it."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: str | None = None,
        dtype: torch.dtype | None = None,
        tiles: tuple[int, ...] = TILES,
    ):
        self.card: Card = checkpoint.card
        self.device = pick_device(device)
        self.tiles = tiles
        self.halo = HALO
        self._folded = fold_batch_norm(checkpoint.network)
        self._ready = _Ready(self._folded, self.device, dtype or fast_dtype(self.device))

    @threads_released()
    def predict(
        self,
        slices: np.ndarray,
        *,
        tta: bool = False,
        progress: Progress | None = None,
        cancelled: threading.Event | None = None,
    ) -> Prediction:
        """Segment uint8 slices (N, H, W, 1 or 3); ``tta`` averages over the card's symmetry and scales.

        When a GPU runs out of memory, uses smaller tiles, then the CPU, and says so in the
        prediction's notes. Raises Cancelled soon after ``cancelled`` is set; PictureError for what
        :meth:`check_size` refuses, or what would take a Space's CPU longer than SPACE_SECONDS;
        CheckpointError where the network gives NaN; MemoryError where the CPU's memory is too small, too.
        """
        self.check_size(slices, tta)
        begun = time.perf_counter()
        notes: list[str] = []
        for ready, tile in self._attempts(notes):
            try:
                passes = _Passes(ready, self.card, tile, self.halo, tta, progress, cancelled)
                with memory_errors():
                    probabilities = passes.run(to_channels(slices, self.card.channels))
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
                continue
            except MemoryError:
                break
            if not math.isfinite(probabilities.sum()):
                raise CheckpointError(
                    sentence(
                        "The network of {name!r} gives no numbers for this picture (NaN), as after a"
                        " training that diverged: choose another checkpoint.",
                        name=self.card.name,
                    )
                )
            return Prediction(
                probabilities,
                self.card.task,
                self.card.threshold,
                time.perf_counter() - begun,
                str(ready.device),
                tuple(notes),
            )
        raise MemoryError(
            sentence("The picture is too large for this machine's memory; make it smaller.")
        )

    def paint(
        self,
        slices: np.ndarray,
        *,
        tta: bool = False,
        progress: Progress | None = None,
        cancelled: threading.Event | None = None,
    ) -> np.ndarray:
        """Return the colours that a ColourTask's network paints, uint8 (N, H, W, 3); see :meth:`predict`.

        Raises PictureError as :meth:`predict` and :meth:`check_paints` do.
        """
        self.check_paints()
        task = self.card.task
        painter = copy(self)
        paint = PaintTask(task.classes, task.palette, task.background)
        painter.card = replace(self.card, task=paint)
        painted = painter.predict(slices, tta=tta, progress=progress, cancelled=cancelled)
        colours = painted.probabilities
        return (colours.transpose(0, 2, 3, 1) * 255).round().astype(np.uint8)

    def without(self, skips: Collection[int] = (), stations: Collection[str] = ()) -> "Predictor":
        """Return this one without the skip connections of some levels, and without what some stations say.

        Both are fed zeros, see `Network.forward`.
        """
        other = copy(self)
        other._ready = self._ready.without(skips, stations)
        return other

    @property
    def network(self) -> Network:
        """The network as it computes: in evaluation mode, with folded BatchNorm, on the device."""
        return self._ready.network

    def tiled(self, tile: int, halo: int) -> "Predictor":
        """Return this one with tiles of another side and halo, in px.

        The side is a multiple of GRID, the halo of half of it, and two halos are less than the side.
        """
        other = copy(self)
        other.tiles, other.halo = (tile,), halo
        return other

    def seen(self, image: np.ndarray) -> np.ndarray:
        """Return a slice uint8 (H, W, C) as the network gets it: resized, with its mirrored border."""
        height, width, _ = image.shape
        (size,) = sizes_seen(height, width, self.card, tta=False)
        return mirrored(resize_image(image, size), self.card.margin)

    def walk(self, image: np.ndarray) -> list[tuple[str, Tensor]]:
        """Return (station, map float32 (C, H, W)) for each station of the network, for a slice as it is `seen`."""
        return self._ready.walk(normalise(self.seen(image), self.card))

    def check_paints(self) -> None:
        """Raise PictureError unless the checkpoint's task is a ColourTask."""
        if not isinstance(self.card.task, ColourTask):
            raise PictureError(
                sentence(
                    "The checkpoint {name!r} tells classes and paints no colours; use 'voc-color',"
                    " or leave out --colours.",
                    name=self.card.name,
                )
            )

    def check_size(self, slices: np.ndarray, tta: bool = False) -> None:
        """Raise PictureError if slices (N, H, W, C) would take more than MAX_RESULT_BYTES.

        Counts all probabilities; or one slice in the network's input size, with its normalised copies.
        """
        count, height, width, _ = slices.shape
        seen = (
            math.prod(padded_length(side, self.card.margin) for side in size)
            for size in sizes_seen(height, width, self.card, tta)
        )
        maps = self.card.task.maps
        # Normalising makes two further copies of the slice.
        worked_on = max(seen) * (maps + 3 * self.card.channels)
        size = max(count * height * width * maps, worked_on) * np.dtype(np.float32).itemsize
        if size > MAX_RESULT_BYTES:
            raise PictureError(
                sentence(
                    "The prediction would take {size:.1f} GiB of memory, more than the {most} GiB"
                    " that it may; give fewer or smaller pages.",
                    size=size / 2**30, most=MAX_RESULT_BYTES // 2**30,
                )
            )  # fmt: skip

    def _attempts(self, notes: list[str]) -> Iterator[tuple["_Ready", int]]:
        yield self._ready, self.tiles[0]
        for tile in self.tiles[1:]:
            notes[:] = [
                sentence(
                    "The GPU ran out of memory, so the picture was segmented in {tile}-px tiles.",
                    tile=tile,
                )
            ]
            yield self._ready, tile
        notes[:] = [
            sentence("The GPU ran out of memory even for small tiles, so the CPU did the work.")
        ]
        cpu = torch.device("cpu")
        yield _Ready(self._folded, cpu, fast_dtype(cpu)), self.tiles[0]


CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def fold_batch_norm(network: Network) -> Network:
    """Copy a network in evaluation mode, with each BatchNorm folded into the convolution before it."""
    network = deepcopy(network).eval()
    for block in network.modules():
        if not isinstance(block, nn.Sequential):
            continue
        for index in range(len(block) - 1):
            layer, following = block[index], block[index + 1]
            # By type: timm's BatchNorm2d that activates, too, is more than its statistics.
            if type(following) is nn.BatchNorm2d and isinstance(layer, CONVOLUTIONS):
                transposed = isinstance(layer, nn.ConvTranspose2d)
                block[index] = fuse_conv_bn_eval(layer, following, transpose=transposed)  # type: ignore[type-var]
                block[index + 1] = nn.Identity()
    return network


@dataclass(frozen=True, eq=False)
class Tile:
    """Where a tile lies, as rows and columns, and how much it counts there: float32 (rows, columns), 0..1."""

    place: tuple[slice, slice]
    share: np.ndarray


def tiles_of(rows: int, columns: int, tile: int, halo: int = HALO) -> Iterator[Tile]:
    """Yield the tiles of a padded picture; see :func:`tile_starts` and :func:`fade`."""
    for top in tile_starts(rows, tile, halo):
        bottom = min(top + tile, rows)
        for left in tile_starts(columns, tile, halo):
            right = min(left + tile, columns)
            down = fade(bottom - top, top > 0, bottom < rows, halo)
            across = fade(right - left, left > 0, right < columns, halo)
            place = slice(top, bottom), slice(left, right)
            yield Tile(place, down[:, None] * across[None, :])


def tile_starts(length: int, tile: int, halo: int = HALO) -> list[int]:
    """Return where tiles start along ``length`` px; neighbours overlap by two halos.

    ``length`` and ``tile`` are multiples of GRID.
    """
    if length <= tile:
        return [0]
    starts = list(range(0, length - tile, tile - 2 * halo))
    return [*starts, length - tile]


def fade(length: int, at_start: bool, at_end: bool, halo: int = HALO) -> np.ndarray:
    """Return a tile's weights, float32 (length,): 1 inside, falling to 0 towards each neighbour."""
    distance = np.arange(length, dtype=np.float32) + 0.5
    weights = np.ones(length, np.float32)
    for has_neighbour, from_edge in ((at_start, distance), (at_end, distance[::-1])):
        if has_neighbour:
            weights = np.minimum(weights, ((from_edge - halo) / BLEND + 0.5).clip(0, 1))
    return weights


class _Ready:
    """A folded network on its device, in its precision, in channels-last order."""

    def __init__(self, folded: Network, device: torch.device, dtype: torch.dtype):
        self.device = device
        self.dtype = dtype
        self.without_parts: tuple[Collection[int], Collection[str]] | tuple[()] = ()
        self.network = deepcopy(folded).to(  # type: ignore[call-overload]
            device, dtype, memory_format=torch.channels_last
        )

    def logits(self, picture: Tensor) -> Tensor:
        with torch.inference_mode():
            picture = picture.to(self.device, self.dtype, memory_format=torch.channels_last)
            return self.network(picture, *self.without_parts)

    def without(self, skips: Collection[int], stations: Collection[str]) -> "_Ready":
        """Return this one with some parts fed zeros; both share the network."""
        other = copy(self)
        other.without_parts = skips, stations
        return other

    def walk(self, picture: Tensor) -> list[tuple[str, Tensor]]:
        with torch.inference_mode():
            picture = picture.to(self.device, self.dtype, memory_format=torch.channels_last)
            # Cloned: a layer that computes in place may go on in a map that has been seen.
            return [
                (name, maps[0].float().clone()) for name, maps in self.network.walk(picture, ())
            ]

    def operations(self) -> float:
        """Count the multiplications and additions for each pixel of a picture."""
        with FlopCounterMode(display=False) as counter:
            self.logits(torch.zeros(1, self.network.in_channels, GRID, GRID))
        return counter.get_total_flops() / GRID**2


class _Passes:
    """The passes of one prediction: over slices, sizes, tiles and views, in this order."""

    def __init__(
        self,
        ready: _Ready,
        card: Card,
        tile: int,
        halo: int,
        tta: bool,
        progress: Progress | None,
        cancelled: threading.Event | None,
    ):
        self.ready = ready
        self.card = card
        self.tile = tile
        self.halo = halo
        self.views = VIEWS[card.symmetry] if tta else DIHEDRAL[:1]
        self.tta = tta
        self.progress = progress
        self.cancelled = cancelled
        self.done = self.total = 0

    def run(self, slices: np.ndarray) -> np.ndarray:
        """Segment uint8 slices (N, H, W, C): probabilities float32 (N, K, H, W)."""
        count, height, width, _ = slices.shape
        sizes = sizes_seen(height, width, self.card, self.tta)
        tiles, pixels = map(sum, zip(*(self._tiles(*size) for size in sizes), strict=True))
        self.total = count * len(self.views) * tiles
        self._check_seconds(count * len(self.views) * pixels)
        # Filled slice by slice: stacking a list would hold everything twice.
        result = np.zeros((count, self.card.task.maps, height, width), np.float32)
        for image, probabilities in zip(slices, result, strict=True):
            for size in sizes:
                probabilities += self._at_size(image, size)
            if len(sizes) > 1:
                probabilities /= len(sizes)
        return result

    def _tiles(self, height: int, width: int) -> tuple[int, int]:
        """Count the tiles of a slice of this size, and the pixels of all tiles together."""
        lengths = [padded_length(side, self.card.margin) for side in (height, width)]
        tiles = math.prod(len(tile_starts(length, self.tile, self.halo)) for length in lengths)
        return tiles, tiles * math.prod(min(length, self.tile) for length in lengths)

    def _check_seconds(self, pixels: int) -> None:
        """Raise PictureError if passes over so many pixels would take a Space's CPU too long."""
        if not os.environ.get(SPACE_VARIABLE) or self.ready.device.type != "cpu":
            return
        seconds = self.total * PASS_SECONDS + pixels * self.ready.operations() / CPU_PACE
        if seconds > SPACE_SECONDS:
            raise PictureError(
                sentence(
                    "The prediction would take about {minutes:.1f} minutes of this shared machine,"
                    " more than the {most:g} that it may; give fewer or smaller pages, leave out the"
                    " averaging, or start the program on your own machine with `make run`.",
                    minutes=seconds / 60, most=SPACE_SECONDS / 60,
                )
            )  # fmt: skip

    def _at_size(self, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Return the probabilities (K, H, W) of a slice that is resized to ``size`` for the network."""
        height, width, _ = image.shape
        if size == (height, width):
            return self._inside_margin(image)
        probabilities = self._inside_margin(resize_image(image, size))
        return _resize(torch.from_numpy(probabilities), (height, width)).numpy()

    def _inside_margin(self, image: np.ndarray) -> np.ndarray:
        height, width, _ = image.shape
        margin = self.card.margin
        padded = normalise(mirrored(image, margin), self.card)
        fits = max(padded.shape[-2:]) <= self.tile
        whole = self._views_of(padded) if fits else self._tiled(padded)
        return whole[:, margin : margin + height, margin : margin + width]

    def _tiled(self, padded: Tensor) -> np.ndarray:
        rows, columns = padded.shape[-2:]
        total: np.ndarray | None = None
        weight = np.zeros((rows, columns), np.float32)
        for tile in tiles_of(rows, columns, self.tile, self.halo):
            part = self._views_of(padded[..., *tile.place])
            if total is None:
                total = np.zeros((len(part), rows, columns), np.float32)
            total[:, *tile.place] += part * tile.share
            weight[tile.place] += tile.share
        assert total is not None
        total /= weight
        return total

    def _views_of(self, picture: Tensor) -> np.ndarray:
        """Average the probabilities over the views: (1, C, H, W) → float32 (K, H, W)."""
        mean: Tensor | None = None
        for turns, mirrored in self.views:
            if self.cancelled and self.cancelled.is_set():
                raise Cancelled
            view = torch.rot90(picture.flip(-1) if mirrored else picture, turns, (-2, -1))
            logits = torch.rot90(self.ready.logits(view), -turns, (-2, -1))
            one = self.card.task.probabilities(logits.flip(-1) if mirrored else logits)
            mean = one if mean is None else mean + one
            self.done += 1
            if self.progress:
                self.progress(self.done, self.total)
        assert mean is not None
        return (mean / len(self.views))[0].cpu().numpy()


def padded_length(length: int, margin: int) -> int:
    """Return a side's length in px with both margins, rounded up to a multiple of GRID."""
    return -(-(length + 2 * margin) // GRID) * GRID


def mirrored(image: np.ndarray, margin: int) -> np.ndarray:
    """Mirror a slice (H, W, C) over its border, ``margin`` px or more: up to multiples of GRID."""
    height, width, _ = image.shape
    rows, columns = (padded_length(side, margin) for side in (height, width))
    padding = ((margin, rows - height - margin), (margin, columns - width - margin), (0, 0))
    return np.pad(image, padding, mode="reflect")


def scaled_size(height: int, width: int, side: int, scale: float) -> tuple[int, int]:
    """Return (height, width) with the longest side resized to ``side`` px, times ``scale``; 0: as it is."""
    factor = scale * (side / max(height, width) if side else 1)
    return max(1, round(height * factor)), max(1, round(width * factor))


def sizes_seen(height: int, width: int, card: Card, tta: bool) -> list[tuple[int, int]]:
    """Return each (height, width) at which the network gets a slice: one, or one for each scale."""
    scales = card.scales if tta else (card.scale,)
    return [scaled_size(height, width, card.side, scale) for scale in scales]


def resize_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a slice uint8 (H, W, C) to (height, width), antialiased."""
    resized = _resize(torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1), size)
    return resized.round().clamp(0, 255).byte().permute(1, 2, 0).numpy()


def resize_ids(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize ids or masks (..., H, W) to (height, width), by nearest pixels."""
    rows, columns = (
        np.arange(new) * old // new for new, old in zip(size, ids.shape[-2:], strict=True)
    )
    return ids[..., rows[:, None], columns]


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(maps.unsqueeze(0), size=size, mode="bilinear", antialias=True)[0]


def normalise(image: np.ndarray, card: Card) -> Tensor:
    """Normalise a slice uint8 (H, W, C) by the card's mean and std: float32 (1, C, H, W)."""
    mean, std = (np.asarray(values, np.float32) for values in (card.mean, card.std))
    values = (image.astype(np.float32) / 255 - mean) / std
    return torch.from_numpy(values).permute(2, 0, 1).unsqueeze(0)
