"""Prediction and training in a process that is forked off for them, as ZeroGPU has it.

What goes into such a process and what it yields is pickled, and nothing else of it remains: the
trained weights come back with the last thing that it yields, as bytes, since torch would hand
tensors over in shared memory that goes with the process. An exception's class and sentence would
be lost on the way, so one that a person is to read is yielded, too.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

import numpy as np

from ..checkpoints import Card
from ..inference import Cancelled, Prediction, Progress
from ..segmentation import EXPECTED_ERRORS, open_predictor
from .run import LiveError, LiveRun, RunState, Snapshot
from .settings import Limits, LiveSettings

Passes = tuple[int, int]
"""Passes of the network done, and passes in all."""

Answer = Passes | Prediction | Exception

PredictThere = Callable[[Path, np.ndarray, bool], Generator[Answer, None, None]]
"""`predict_here` in another process."""

PlayThere = Callable[[RunState, int | None, Path], Generator[Snapshot | RunState, None, None]]
"""`play_here` in another process."""


def predict_here(file: Path, pages: np.ndarray, flips: bool) -> Generator[Answer, None, None]:
    """Segment uint8 pages (N, H, W, C) with a checkpoint's file: its passes, then the prediction.

    The last answer is an exception where there is no prediction. Ends soon after it is closed.
    """
    passes: SimpleQueue[Passes | None] = SimpleQueue()
    cancelled = threading.Event()

    def predict() -> Answer:
        try:
            return open_predictor(file).predict(
                pages,
                flips=flips,
                progress=lambda done, total: passes.put((done, total)),
                cancelled=cancelled,
            )
        except (*EXPECTED_ERRORS, Cancelled) as error:
            return error
        finally:
            passes.put(None)

    with ThreadPoolExecutor(1) as worker:
        answer = worker.submit(predict)
        try:
            yield from iter(passes.get, None)
        finally:
            cancelled.set()
    yield answer.result()


@dataclass(frozen=True)
class RemotePredictor:
    """A Predictor for a checkpoint's file whose work is done in another process."""

    file: Path
    card: Card
    there: PredictThere

    def predict(
        self,
        pages: np.ndarray,
        *,
        flips: bool = False,
        progress: Progress | None = None,
        cancelled: threading.Event | None = None,
    ) -> Prediction:
        """As Predictor.predict, and what opening the checkpoint raises; cancels between two passes."""
        with closing(self.there(self.file, pages, flips)) as answers:
            for answer in answers:
                if cancelled and cancelled.is_set():
                    raise Cancelled
                if isinstance(answer, Prediction):
                    return answer
                if isinstance(answer, Exception):
                    raise answer
                if progress:
                    progress(*answer)
        raise RuntimeError("the process ended without a prediction")


def play_here(
    state: RunState, steps: int | None, wishes: Path
) -> Generator[Snapshot | RunState, None, None]:
    """Go on with a run as LiveRun.play does: its snapshots, and last of all the state it came to.

    ``wishes`` is a file that is not there yet: once it holds "pause" or "stop", the run does so at
    the next snapshot.
    """
    run = LiveRun(state.settings, state.limits)
    run.take(state)
    obey = {"pause": run.pause, "stop": run.stop}
    # The state tells of the failure that a LiveError is.
    with closing(run.play(steps)) as snapshots, suppress(LiveError):
        for snapshot in snapshots:
            yield snapshot
            if wishes.exists():
                obey[wishes.read_text(encoding="utf-8")]()
    yield run.state()


class RemoteRun(LiveRun):
    """A run that plays in another process; between two plays its network is here, on the CPU."""

    def __init__(self, settings: LiveSettings, limits: Limits, there: PlayThere):
        super().__init__(settings, limits, "cpu")
        self._there = there
        self._told: Snapshot | None = None

    def play(self, steps: int | None = None) -> Generator[Snapshot, None, None]:
        """As LiveRun.play; where the other process is broken off, the run stays as it was before."""
        state = self.state()
        self._set_off()
        try:
            with TemporaryDirectory() as folder:
                wishes = Path(folder) / "wishes"
                with closing(self._there(state, steps, wishes)) as answers:
                    yield from self._follow(answers, wishes)
        except GeneratorExit:
            self.stop()  # whoever asked has gone away
            raise
        finally:
            self._told = None
            self._settle()
        if self._progress.failure:
            raise LiveError(self._progress.failure)
        yield self.snapshot()

    def snapshot(self) -> Snapshot:
        """The run as it is here, or as the other process last told."""
        return self._told or super().snapshot()

    def _follow(
        self, answers: Iterator[Snapshot | RunState], wishes: Path
    ) -> Generator[Snapshot, None, None]:
        for answer in answers:
            if isinstance(answer, RunState):
                self.take(answer)
            elif answer.state == "running":  # that it rests is true once its weights are here
                self._told = answer
                yield answer
            if self._stop.is_set() or self._pause.is_set():
                _write_whole(wishes, "stop" if self._stop.is_set() else "pause")


def _write_whole(path: Path, text: str) -> None:
    """Write a small file so that a reader never sees a part of it."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
