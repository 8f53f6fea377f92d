"""A split that is drawn at random, as the articles split their data."""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from .errors import DataError

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class RandomSplit:
    """How many of the pictures train, validate and test: shares that sum to 1, or else counts."""

    train: float
    val: float = 0.0
    test: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        sizes = (self.train, self.val, self.test)
        if not all(isinstance(size, int | float) and size >= 0 for size in sizes):
            raise ValueError("the parts of a split are not numbers from 0")
        if type(self.seed) is not int:
            raise ValueError("the seed of a split is not a whole number")

    def numbers(self, count: int, part: str) -> list[int]:
        """Which of ``count`` pictures belong to a part (one of PARTS, or "all"), in ascending order.

        Raises DataError for another part, and where a part gets no picture.
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
            # Rounded, for 0.8 + 0.1 is a little less than 0.9; 30 frames become 24, 3 and 3.
            ends = [round(count * round(end, 6)) for end in ends]
        first, last = (round(end) for end in ends[PARTS.index(part) :][:2])
        if not first < last <= count:
            raise DataError(
                f"{count} pictures are too few to draw the part {part!r} of them at random;"
                " give the whole data set."
            )
        drawn = np.random.default_rng(self.seed).permutation(count)
        return sorted(drawn[first:last].tolist())
