"""What a person painted: label ids of a few pixels, and which of them are kept out for validation."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data.truth import present_values
from ..live.settings import SettingsError
from ..messages import LONGEST, sentence, shortened
from ..tasks import RGB, VOID, MulticlassTask

LEAST_CLASSES, MOST_CLASSES = 2, 8

COLOURS: tuple[RGB, ...] = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167),
    (213, 94, 0), (240, 228, 66), (0, 114, 178), (120, 120, 120),
)  # fmt: skip
"""Okabe and Ito's, and a gray: told apart with every kind of colour vision."""

CELL = 32
"""Side in px of the cells that strokes are cut into; a cell is learned from or kept out as a whole."""

LEAST_CELLS = 5
"""Cells that each class needs before a part of the strokes is kept out."""

HELD_OUT = 0.2
"""Share of the strokes that is kept out."""

Cell = tuple[int, int, int]
"""Slice, and row and column in cells."""


class TeachError(SettingsError):
    """One plain sentence on what cannot be learned from, why, and what to do."""


def task_of(names: tuple[str, ...], colours: tuple[RGB, ...] = COLOURS) -> MulticlassTask:
    """Return the task of 2 to 8 classes; the first colours are used. Raises TeachError."""
    if not LEAST_CLASSES <= len(names) <= MOST_CLASSES:
        raise TeachError(
            sentence(
                "{count} classes cannot be taught; name from {least} to {most}.",
                count=len(names), least=LEAST_CLASSES, most=MOST_CLASSES,
            )
        )  # fmt: skip
    for name in names:
        if not name.isprintable() or len(name) > LONGEST:
            raise TeachError(
                sentence(
                    "The class name {name!r} is too long or cannot be printed; give {most} characters"
                    " at most.",
                    name=shortened(name), most=LONGEST,
                )
            )  # fmt: skip
    return MulticlassTask(names, tuple(colours[: len(names)]))


def check_labels(
    labels: np.ndarray, shape: tuple[int, int, int], task: MulticlassTask
) -> np.ndarray:
    """Return strokes (H, W) or (N, H, W) as uint8 (N, H, W) that can be learned from; 255: not painted.

    ``shape``: slices, height and width of the picture. Raises TeachError.
    """
    labels = labels[None] if labels.ndim == 2 else labels
    if labels.shape != shape:
        raise other_size(labels.shape, shape)
    strange = np.setdiff1d(present_values(labels), [*range(len(task.classes)), VOID])
    if len(strange):
        raise TeachError(
            sentence(
                "The labels hold {label:g}, but the ids of the classes are 0–{last}, and {void} is not"
                " painted; give labels of these ids.",
                label=float(strange[0]), last=len(task.classes) - 1, void=VOID,
            )
        )  # fmt: skip
    labels = labels.astype(np.uint8, copy=False)
    present = np.flatnonzero(count_ids(labels)[:VOID])
    if not len(present):
        raise TeachError(
            sentence("Nothing is painted yet; paint a stroke of each of two classes at least.")
        )
    if len(present) == 1:
        raise TeachError(
            sentence(
                "Only {class!r} is painted, and a network learns by telling classes apart; paint a"
                " stroke of another class, too.",
                **{"class": task.classes[present[0]]},
            )
        )
    return labels


@dataclass(frozen=True, eq=False)
class Strokes:
    """Strokes uint8 (N, H, W), 255 not painted, and the cells of them that are kept out.

    ``known``: the cells that have had strokes. Once a cell is learned from, it is never kept out, even if
    its strokes go and come back: a network must not be validated on what it has learned from. One that is
    kept out is learned from only where some class would not be learned else.
    """

    labels: np.ndarray
    held_out: frozenset[Cell] = frozenset()
    known: frozenset[Cell] = frozenset()

    def changed(self, labels: np.ndarray) -> "Strokes":
        """Return other strokes, of which a fifth is kept out where there are enough."""
        cells, counts = _cells(labels)
        held = np.array([cell in self.held_out for cell in cells])
        new = [n for n, cell in enumerate(cells) if cell not in self.known]
        painted = counts.any(0)
        if np.count_nonzero(counts, axis=0)[painted].min() >= LEAST_CELLS:
            goal, kept_out = HELD_OUT * counts.sum(0), counts[held].sum(0)
            for n in np.random.default_rng(len(self.known)).permutation(new):
                # Half of a cell may be over the goal: that is nearest to it.
                after = kept_out + counts[n] / 2
                held[n] = (after <= goal)[counts[n] > 0].all()
                kept_out += held[n] * counts[n]
        not_taught = painted & ~counts[~held].any(0)
        held &= ~counts[:, not_taught].any(1)
        now = {cell for cell, kept in zip(cells, held, strict=True) if kept}
        gone = self.held_out.difference(cells)
        return Strokes(labels, gone | now, self.known.union(cells))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return what :meth:`from_arrays` reads, for another process."""
        cells = {"held_out": self.held_out, "known": self.known}
        arrays = {name: np.array(sorted(one), int).reshape(-1, 3) for name, one in cells.items()}
        return {"labels": self.labels, **arrays}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Strokes":
        """Read what :meth:`to_arrays` returned."""
        held_out, known = (
            frozenset((page, row, column) for page, row, column in arrays[name].tolist())
            for name in ("held_out", "known")
        )
        return cls(arrays["labels"], held_out, known)

    @property
    def taught(self) -> np.ndarray:
        """The strokes that are learned from: uint8 (N, H, W)."""
        return np.where(self._mask, VOID, self.labels)

    @property
    def validated(self) -> np.ndarray:
        """The strokes that are kept out: uint8 (N, H, W)."""
        return np.where(self._mask, self.labels, VOID)

    @cached_property
    def share_held_out(self) -> float:
        """Share of the painted pixels that is kept out, 0..1."""
        return 1 - self.taught_pixels / max(1, int((self.labels != VOID).sum()))

    @cached_property
    def taught_pixels(self) -> int:
        """Painted pixels that are learned from."""
        return int((self.taught != VOID).sum())

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Painted pixels of each of MOST_CLASSES classes."""
        return tuple(count_ids(self.labels)[:MOST_CLASSES].tolist())

    @property
    def _mask(self) -> np.ndarray:
        mask = np.zeros(self.labels.shape, bool)
        for page, row, column in self.held_out:
            mask[page, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = True
        return mask


def _cells(labels: np.ndarray) -> tuple[list[Cell], np.ndarray]:
    """Return the cells with strokes, and the painted pixels of each class in each: (cells, MOST_CLASSES)."""
    last = labels.max(where=labels != VOID, initial=0)
    counted = [count_in_cells(labels == label) for label in range(last + 1)]
    counts = np.stack(counted + [counted[0] * 0] * (MOST_CLASSES - len(counted)), -1)
    cells = np.argwhere(counts.any(-1))
    return [(page, row, column) for page, row, column in cells.tolist()], counts[tuple(cells.T)]


def count_ids(labels: np.ndarray) -> np.ndarray:
    """Count how many pixels of uint8 (N, H, W) have each value: (256,). Slice by slice, as it takes 8 bytes a pixel."""
    return sum(
        (np.bincount(page.ravel(), minlength=256) for page in labels), start=np.zeros(256, int)
    )


def count_in_cells(mask: np.ndarray) -> np.ndarray:
    """Count the true pixels of a mask (N, H, W) in each cell: int (N, rows, columns) of cells."""
    rows = np.add.reduceat(mask, np.arange(0, mask.shape[1], CELL), axis=1, dtype=np.uint16)
    return np.add.reduceat(rows, np.arange(0, mask.shape[2], CELL), axis=2, dtype=int)


def other_size(strokes: tuple[int, ...], picture: tuple[int, ...]) -> TeachError:
    """Return the error for strokes on a picture of another size; both are shapes, (H, W) or (N, H, W)."""
    return TeachError(
        sentence(
            "The strokes are {strokes} and the picture {picture}; paint on this picture, or give"
            " labels of its size.",
            strokes=_size(strokes), picture=_size(picture),
        )
    )  # fmt: skip


def _size(shape: tuple[int, ...]) -> str:
    *pages, height, width = (1, 1, *shape)[-3:]
    if pages == [1]:
        return f"{width}×{height}"
    return sentence(
        "{width}×{height} with {pages} pages", width=width, height=height, pages=pages[0]
    )
