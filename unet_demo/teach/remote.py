"""A lesson in a forked process, as ZeroGPU needs it, which hears of new strokes meanwhile."""

from collections.abc import Generator
from pathlib import Path

import numpy as np

from ..live.remote import InFork
from .lesson import Lesson, TeachSnapshot


class RemoteLesson(InFork, Lesson):
    """A lesson that is learned in a fork, which hears of new strokes meanwhile."""

    def play(self, steps: int | None = None) -> Generator[TeachSnapshot, None, None]:
        self._sent = self._strokes, self._watched, self.settings.task
        yield from super().play(steps)

    def tell(self, requests: Path) -> None:
        super().tell(requests)
        strokes, watched, task = now = self._strokes, self._watched, self.settings.task
        if now != self._sent:
            partial_file = requests.with_suffix(".partial.npz")
            arrays = {
                "watched": np.array(watched),
                "names": np.array(task.classes),
                "colours": np.array(task.palette),
                **strokes.to_arrays(),
            }
            np.savez(partial_file, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle
            partial_file.replace(requests.with_suffix(".npz"))
            self._sent = now
