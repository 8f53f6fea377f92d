"""Makes batches of crops round strokes. A batch is a pure function of its step, a seed and the strokes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..data.augment import Light, Warp, relight, sample_pair, warp_grid, whole
from ..tasks import VOID
from ..training.batches import Normalisation, generator, to_tensor
from ..training.loop import Batch
from .strokes import CELL, count_in_cells

MOST_PLACES = 100_000
"""Pixels of a class that crops are laid round, at most: of more, a part drawn at random."""

VALIDATED_CROPS = 8
"""Crops round strokes that a validation looks at, at most."""

REACH = 1.5
"""Side of what a crop is cut from, in crops: turned and reduced, a crop reaches so far."""


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of slices uint8 (N, H, W, C) round the pixels that labels uint8 (N, H, W) teach, 255 not.

    Each class is the middle of as many crops as any other.
    """

    slices: np.ndarray
    labels: np.ndarray
    count: int
    seed: int
    normalisation: Normalisation
    warp: Warp
    light: Light
    patches: int = 1

    def __call__(self, step: int) -> Batch:
        """Return pictures (N, C, crop, crop), normalised, label ids and weights (N, crop, crop)."""
        rng = generator(self.seed, step)
        side = int(self.warp.crop * REACH)
        windows = [window(self.slices, self.labels, place, side) for place in self._middles(rng)]
        images = to_tensor(np.stack([image for image, _ in windows]))
        labels = torch.from_numpy(np.stack([ids for _, ids in windows]))
        positions = warp_grid(self.count, side, side, self.warp, rng, slack=0.6 * self.warp.crop)
        images, labels = sample_pair(images, labels, positions)
        images = self.normalisation(relight(images, self.light, rng))
        for _ in range(self.patches):
            images, labels = patched(images, labels, rng)
        return images, labels, balance(labels)

    @cached_property
    def places(self) -> list[np.ndarray]:
        """Flat indices of the taught pixels of each class that has any."""
        flat, rng = self.labels.ravel(), np.random.default_rng(self.seed)
        found = [np.flatnonzero(flat == label) for label in np.setdiff1d(flat, [VOID])]
        return [
            rng.choice(one, MOST_PLACES, replace=False) if len(one) > MOST_PLACES else one
            for one in found
        ]

    def _middles(self, rng: torch.Generator) -> list[tuple[int, int, int]]:
        """Draw the slice, row and column of each crop's middle."""
        classes = torch.randperm(len(self.places), generator=rng).repeat(self.count)[: self.count]
        middles = []
        for number in classes.tolist():
            places = self.places[number]
            drawn = places[int(torch.randint(len(places), (), generator=rng))]
            page, row, column = map(int, np.unravel_index(drawn, self.labels.shape))
            middles.append((page, row, column))
        return middles


def window(
    slices: np.ndarray, labels: np.ndarray, place: tuple[int, int, int], side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a square of ``side`` px round a place (slice, row, column): uint8 (side, side, C) and ids (side, side).

    Beyond the border the picture is mirrored, and the ids are void.
    """
    page, *middle = place
    _, height, width = labels.shape
    rows, columns = (np.arange(side) + at - side // 2 for at in middle)
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None]
    grid = np.ix_(_mirrored(rows, height), _mirrored(columns, width))
    return slices[page][grid], np.where(inside, labels[page][grid], VOID).astype(np.uint8)


def _mirrored(indices: np.ndarray, length: int) -> np.ndarray:
    """Mirror indices at 0 and ``length`` − 1, as often as needed."""
    period = max(1, 2 * (length - 1))
    folded = indices % period
    return np.minimum(folded, period - folded)


def patched(images: Tensor, labels: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Paste into each crop a rectangle of another one, with a taught pixel in it: pictures and ids alike.

    Without, a network learns what lies beside strokes, rather than what is below them: all that is
    near a thing would be thing where no stroke says otherwise. After CutMix (Yun et al. 2019).
    """
    side = images.shape[-1]
    others = torch.randperm(len(images), generator=rng).tolist()
    images_after, labels_after = images.clone(), labels.clone()
    for number, other in enumerate(others):
        taught = (labels[other] != VOID).nonzero()
        if number == other or not len(taught):
            continue
        middle = taught[whole(0, len(taught) - 1, rng)].tolist()
        halves = [whole(side // 12, side // 4, rng) for _ in range(2)]
        rows, columns = (
            slice(max(0, at - half), at + half) for at, half in zip(middle, halves, strict=True)
        )
        images_after[number, :, rows, columns] = images[other, :, rows, columns]
        labels_after[number, rows, columns] = labels[other, rows, columns]
    return images_after, labels_after


def balance(labels: Tensor) -> Tensor:
    """Return weights float32 (N, H, W) by which each class in a batch counts as much as any other; mean 1."""
    weights = torch.zeros(labels.shape)
    present = [label for label in labels.unique().tolist() if label != VOID]
    decided = int((labels != VOID).sum())
    for label in present:
        of_class = labels == label
        weights[of_class] = decided / (len(present) * int(of_class.sum()))
    return weights


def crops_of_cells(
    slices: np.ndarray, labels: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut crops round labels, evenly over all: pictures (n, side, side, C) and ids (n, side, side)."""
    cells = np.argwhere(count_in_cells(labels != VOID))
    chosen = cells[np.linspace(0, len(cells) - 1, min(len(cells), VALIDATED_CROPS)).astype(int)]
    windows = [window(slices, labels, _first_place(labels, *cell), side) for cell in chosen]
    images, ids = zip(*windows, strict=True)
    return np.stack(images), np.stack(ids)


def _first_place(labels: np.ndarray, page: int, row: int, column: int) -> tuple[int, int, int]:
    """Return slice, row and column of the first taught pixel of a cell."""
    top, left = row * CELL, column * CELL
    taught = labels[page, top : top + CELL, left : left + CELL] != VOID
    down, right = np.argwhere(taught)[0]
    return page, top + down, left + right
