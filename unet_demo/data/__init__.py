"""Pictures in, arrays out: users' files, synthetic scenes, and the data sets of the articles.

Here is what these share: their errors, the articles' random split, and the folds of a cross-validation.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import numpy as np


class DataError(ValueError):
    """One plain sentence on what is wrong with a data directory."""


class Cancelled(Exception):
    """The person who asked for a picture, or for a prediction, called it off."""


class PictureError(ValueError):
    """One plain sentence for the person whose file it is."""


PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class RandomSplit:
    """Shares of the pictures that train, validate and test, with a sum of 1 at most; or else counts."""

    train: float
    val: float = 0.0
    test: float = 0.0
    seed: int = 0

    words: ClassVar[str] = "drawn at random"

    def __post_init__(self) -> None:
        sizes = (self.train, self.val, self.test)
        if not all(isinstance(size, int | float) and size >= 0 for size in sizes):
            raise ValueError("the parts of a split are not numbers from 0")
        if type(self.seed) is not int:
            raise ValueError("the seed of a split is not a whole number")

    def numbers(self, count: int, part: str) -> list[int]:
        """Draw the numbers, below ``count``, of a part's pictures (one of PARTS, or "all"), ascending.

        Raises DataError for another part, or for a part without a picture.
        """
        if part == "all":
            return list(range(count))
        if part not in PARTS or not getattr(self, part):
            parts = ", ".join(name for name in PARTS if getattr(self, name))
            raise DataError(
                f"There is no split {part!r} where the recipe drew its own; use one of {parts}, all."
            )
        ends = list(accumulate((self.train, self.val, self.test), initial=0.0))
        if ends[-1] <= 1:
            # Rounded, since 0.8 + 0.1 is a little less than 0.9; 30 frames become 24, 3 and 3.
            ends = [round(count * round(end, 6)) for end in ends]
        first, last = (round(end) for end in ends[PARTS.index(part) :][:2])
        if not first < last <= count:
            raise DataError(
                f"{count} pictures are too few to draw the part {part!r} of them at random;"
                " give the whole data set."
            )
        drawn = np.random.default_rng(self.seed).permutation(count)
        return sorted(drawn[first:last].tolist())


@dataclass(frozen=True)
class Fold:
    """One of ``folds`` equal, connected parts of the pictures, number ``fold`` from 1, validates; the others train.

    Connected, and not drawn at random, since neighbouring slices of a stack look alike.
    """

    fold: int
    folds: int

    test: ClassVar[int] = 0
    """Pictures that are kept back for the end."""

    def __post_init__(self) -> None:
        if not 1 <= self.fold <= self.folds or self.folds < 2:
            raise ValueError("there is no such fold")

    @property
    def words(self) -> str:
        """How the parts were drawn, as RandomSplit says it, too."""
        return f"fold {self.fold} of {self.folds}"

    def numbers(self, count: int, part: str) -> list[int]:
        """List the numbers, below ``count``, of the pictures of "train", "val" or "all", ascending.

        Raises DataError for another part, or where there are fewer pictures than folds.
        """
        if count < self.folds:
            raise DataError(
                f"{count} pictures are too few for {self.folds} folds; take {count} at most."
            )
        first, last = (count * end // self.folds for end in (self.fold - 1, self.fold))
        fold = range(first, last)
        numbers = {"all": range(count), "val": fold, "train": set(range(count)) - set(fold)}
        if part not in numbers:
            raise DataError(f"There is no split {part!r} of a fold; use one of train, val, all.")
        return sorted(numbers[part])


Split = RandomSplit | Fold
"""What draws the parts of a data set, instead of its own lists."""
