"""How a network's own layers make maps smaller and larger, and what each way does to a position.

The layers are those that a pass of the real network uses; nothing of its structure is written here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ..checkpoints import Card
from ..data.images import to_channels
from ..inference import Predictor, normalise, resize_image, scaled_size
from ..networks.anatomy import DOWN, UP, anatomy, layer_of
from ..networks.base import GRID, Network

LEAST, MOST = 64, 256
"""Sides in px of what a network gets: a smaller picture is mirrored, of a larger one it is the middle."""

BORDER = 2
"""Px at each side of a smaller map that are not counted: there the picture's border takes part."""

SAME = 1e-3
"""Values are the same if they differ by less than this share of a map's standard deviation."""


@dataclass(frozen=True)
class Use:
    """One use of a layer that changes a map's size: its kind, and the maps (C, H, W) it took and gave.

    ``again``: applies the layer to another map (C, H, W).
    """

    kind: str
    taken: Tensor
    given: Tensor
    again: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Moved:
    """What a layer that makes maps smaller does when the map before it moves by one of its pixels.

    One channel of ``taken`` (2H, 2W), and of what the layer makes of it ``before`` and ``after`` the
    move, float32 (H, W) each. ``kept``: bool (H, W), places of that channel where what the layer took
    changed and what it gave did not. ``share``: of such places among those that changed, in all
    channels, 0..1; NaN where nothing changed.
    """

    kind: str
    taken: np.ndarray
    before: np.ndarray
    after: np.ndarray
    kept: np.ndarray
    share: float


@dataclass(frozen=True)
class Checkerboard:
    """What a layer that makes maps larger makes of a real map, and of one that is the same everywhere.

    One channel of each, float32 (H, W): ``real`` and ``flat``. ``share``: the standard deviation of
    all channels of what it makes of the flat map, over that of what it makes of the real one.
    """

    kind: str
    real: np.ndarray
    flat: np.ndarray
    share: float


def moved(predictor: Predictor, picture: np.ndarray, level: int) -> Moved | None:
    """Move a slice uint8 (H, W, 1 or 3) by one pixel of a level's map (2**level px of its own).

    Return what the layer below that level makes of it; None where the network has none there.
    """
    here, there = views(predictor.card, picture, 2**level)
    first, second = (_use(predictor.network, view, DOWN, level) for view in (here, there))
    if first is None or second is None:
        return None
    taken, moved_on = (_unpadded(use) for use in (first, second))
    changed = _blocks(_differ(taken, moved_on), first.given.shape)
    kept = changed & ~_differ(first.given, second.given)
    inner = np.s_[:, BORDER:-BORDER, BORDER:-BORDER]
    channel = int(first.given[inner].std((1, 2)).argmax())
    source = channel if len(taken) == len(first.given) else 0
    return Moved(
        first.kind,
        taken[source].numpy(),
        first.given[channel].numpy(),
        second.given[channel].numpy(),
        kept[channel].numpy(),
        float(kept[inner].sum() / changed[inner].sum()),
    )


def checkerboard(predictor: Predictor, picture: np.ndarray, level: int) -> Checkerboard | None:
    """Return what the layer that leads up to a level makes; None where the network has none there."""
    use = _use(predictor.network, views(predictor.card, picture, 0)[0], UP, level)
    if use is None:
        return None
    with torch.no_grad():
        flat = use.again(use.taken.mean((1, 2), keepdim=True).expand_as(use.taken).contiguous())
    inner = np.s_[:, 2 * BORDER : -2 * BORDER, 2 * BORDER : -2 * BORDER]
    of_flat, of_real = (features[inner].std((1, 2)) for features in (flat, use.given))
    channel = int((of_flat if of_flat.any() else of_real).argmax())
    share = float(of_flat.square().mean().sqrt() / of_real.square().mean().sqrt())
    return Checkerboard(use.kind, use.given[channel].numpy(), flat[channel].numpy(), share)


def counterpart(card: Card, others: Iterable[Card], kinds: Sequence[str]) -> Card | None:
    """Return the card, of the same classes if there is one, whose network does it in a way of its own.

    ``kinds``: `DOWN` or `UP`. None where all of the ``others`` do as this card's network does.
    """
    own = _ways(card, kinds)
    different = [other for other in others if not _ways(other, kinds) & own]
    return min(different, key=lambda other: other.task.classes != card.task.classes, default=None)


def _ways(card: Card, kinds: Sequence[str]) -> set[str | None]:
    """Return the kinds of layers that a card's network uses, of these."""
    steps = (station.step for station in anatomy(card.network, card.options, MOST).stations)
    return {step for step in steps if step in kinds}


def views(card: Card, picture: np.ndarray, shift: int) -> tuple[Tensor, Tensor]:
    """Cut two views (1, C, H, W) out of a slice, normalised for the network, ``shift`` px apart.

    The second one is the first one's picture, moved to the left; both hold real pixels only.
    """
    height, width = picture.shape[:2]
    sized = resize_image(picture, scaled_size(height, width, card.side, 1.0))
    missing = [max(LEAST + GRID - side, 0) for side in sized.shape[:2]]
    sized = np.pad(sized, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    height, width = (min(side, MOST) // GRID * GRID for side in sized.shape[:2])
    width = min(width, (sized.shape[1] - shift) // GRID * GRID)
    top, left = (sized.shape[0] - height) // 2, (sized.shape[1] - width - shift) // 2
    pixels = to_channels(sized[None], card.channels)[0][top : top + height]
    here, there = (pixels[:, start : start + width] for start in (left, left + shift))
    return normalise(here, card), normalise(there, card)


def _differ(one: Tensor, other: Tensor) -> Tensor:
    """Tell where two maps (C, H, W) differ by more than rounding."""
    return (one - other).abs() > SAME * one.std()


def _blocks(places: Tensor, shape: torch.Size) -> Tensor:
    """Tell of each pixel of a map (C, h, w) whether any of those it was made of is marked in (C', H, W)."""
    channels, height, width = shape
    rows = places.shape[-2] // height
    marked = places.unflatten(-1, (width, rows)).unflatten(-3, (height, rows)).any(-1).any(-2)
    # A convolution reads all channels.
    return marked if len(marked) == channels else marked.any(0).expand(channels, height, width)


def _use(network: Network, picture: Tensor, kinds: Sequence[str], level: int) -> Use | None:
    """Return the first use of a layer of these kinds between a level's size and the next one's."""
    smaller = picture.shape[-2] >> (
        level + 1
    )  # the larger one may have a border that was padded on
    for use in uses(network, picture, kinds):
        if min(use.taken.shape[-2], use.given.shape[-2]) == smaller:
            return use
    return None


def _unpadded(use: Use) -> Tensor:
    """Cut off the border that EfficientNet pads a map with before its strided convolution."""
    height, width = (2 * side for side in use.given.shape[-2:])
    top, left = (use.taken.shape[-2] - height) // 2, (use.taken.shape[-1] - width) // 2
    return use.taken[:, top : top + height, left : left + width]


def uses(network: Network, picture: Tensor, kinds: Sequence[str]) -> Iterator[Use]:
    """Yield the uses of layers of these kinds, a station at a time, on a picture (1, C, H, W)."""
    walk, watch, seen = network.walk(picture, ()), _Watch(kinds), 0
    while True:
        # Closed before each yield: what the taker does is none of the network's.
        with torch.no_grad(), watch:
            station = next(walk, None)
        if station is None:
            return
        yield from watch.uses[seen:]
        seen = len(watch.uses)


class _Watch(TorchDispatchMode):
    """Notes the uses of the layers of these kinds, while a network computes."""

    def __init__(self, kinds: Sequence[str]) -> None:
        super().__init__()
        self.kinds = kinds
        self.uses: list[Use] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        given = func(*args, **(kwargs or {}))
        layer = layer_of(func.overloadpacket, args, _first(given))
        if layer and layer.kind in self.kinds:
            taken, *others = args

            def again(features: Tensor) -> Tensor:
                return _first(func(features.unsqueeze(0), *others, **(kwargs or {})))[0]

            # Copied: a ReLU works in place on what a layer gave.
            self.uses.append(Use(layer.kind, taken[0].clone(), _first(given)[0].clone(), again))
        return given


def _first(given: Any) -> Any:
    """Return a layer's map; a max-pool also gives the places of its maxima."""
    return given[0] if isinstance(given, tuple | list) else given
