"""The size at which a picture is learned, and the way between it and the picture's own."""

from dataclasses import dataclass

import numpy as np

from ..inference import resize_image, scaled_size
from ..tasks import VOID


@dataclass(frozen=True)
class Scale:
    """(height, width) of a picture, and of what is learned of it: no more than ``side`` px, if that is not 0."""

    own: tuple[int, int]
    side: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) at which it is learned."""
        return scaled_size(*self.own, self.side, 1)

    def reduce(self, slices: np.ndarray) -> np.ndarray:
        """Resize slices uint8 (N, H, W, C)."""
        if self.size == self.own:
            return slices
        return np.stack([resize_image(one, self.size) for one in slices])

    def reduce_labels(self, labels: np.ndarray) -> np.ndarray:
        """Reduce ids uint8 (N, H, W), 255 not painted; no stroke gets lost."""
        if self.size == self.own:
            return labels
        small = np.full((len(labels), *self.size), VOID, np.uint8)
        page, row, column = np.nonzero(labels != VOID)
        rows, columns = (
            at * new // old for at, new, old in zip((row, column), self.size, self.own, strict=True)
        )
        small[page, rows, columns] = labels[page, row, column]
        return small
