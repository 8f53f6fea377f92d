"""Prediction and training in a forked process, as ZeroGPU needs them.

Arguments and yielded values are pickled; nothing else comes back from the fork. The trained weights
come back as bytes in the last yielded value: torch would pass tensors in shared memory, which is
freed with the fork. A raised exception would lose its class and message, so those for a person are
yielded.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..checkpoints import Card
from ..data import Cancelled
from ..inference import Prediction, Progress
from ..segmentation import EXPECTED_ERRORS, open_predictor
from .play import LiveError, PlaySnapshot, Run, RunState
from .run import LiveRun

Passes = tuple[int, int]
"""Passes of the network done, and passes in all."""

Answer = Passes | Prediction | Exception

PredictInFork = Callable[[Path, np.ndarray, bool], Generator[Answer, None, None]]
"""`predict_in_process` in a fork."""

PlayInFork = Callable[[RunState, int | None, Path], Generator[PlaySnapshot | RunState, None, None]]
"""`play_in_process` in a fork."""


def predict_in_process(file: Path, slices: np.ndarray, tta: bool) -> Generator[Answer, None, None]:
    """Segment uint8 slices (N, H, W, C) with a checkpoint's file; yield passes, then the prediction.

    The last value is an exception where the prediction fails. Ends soon after it is closed.
    """
    passes: SimpleQueue[Passes | None] = SimpleQueue()
    cancelled = threading.Event()

    def predict() -> Answer:
        try:
            return open_predictor(file).predict(
                slices,
                tta=tta,
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
    """A Predictor for a checkpoint's file that works in a fork."""

    file: Path
    card: Card
    in_fork: PredictInFork

    def predict(
        self,
        slices: np.ndarray,
        *,
        tta: bool = False,
        progress: Progress | None = None,
        cancelled: threading.Event | None = None,
    ) -> Prediction:
        """Segment as Predictor.predict does; stop between two passes once ``cancelled`` is set.

        Raises what Predictor.predict and `open_predictor` raise.
        """
        with closing(self.in_fork(self.file, slices, tta)) as answers:
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


def play_in_process(
    state: RunState, steps: int | None, requests: Path
) -> Generator[PlaySnapshot | RunState, None, None]:
    """Continue a run as Run.play does; yield its snapshots, then its last state.

    ``requests``: a file that does not exist yet, to which the run listens at each snapshot; see `Run.hear`.
    """
    run = state.anew()
    run.load_state(state)
    # The last state holds the message of a LiveError.
    with closing(run.play(steps)) as snapshots, suppress(LiveError):
        for snapshot in snapshots:
            yield snapshot
            run.hear(requests)
    yield run.state()


class InFork(Run):
    """A run that trains in a fork; between two plays its network is in this process, on the CPU.

    A subclass is the run itself, too: ``class RemoteRun(InFork, LiveRun)``. ``given``: what makes it.
    """

    def __init__(self, *given: Any, in_fork: PlayInFork):
        super().__init__(*given, "cpu")  # type: ignore[call-arg]  # the other base class's
        self._in_fork = in_fork
        self._last: PlaySnapshot | None = None

    def play(self, steps: int | None = None) -> Generator[Any, None, None]:
        """Train as Run.play does; if the fork is killed, the run stays as it was before."""
        state = self.state()
        self._start()
        try:
            with TemporaryDirectory() as folder:
                requests = Path(folder) / "requests"
                with closing(self._in_fork(state, steps, requests)) as answers:
                    yield from self._follow(answers, requests)
        except GeneratorExit:
            self.stop()  # the caller no longer reads
            raise
        finally:
            self._last = None
            self._set_final_state()
        if self._progress.failure:
            raise LiveError(self._progress.failure)
        yield self.snapshot()

    def snapshot(self) -> Any:
        """Return the run as it is in this process, or the last snapshot from the fork."""
        return self._last or super().snapshot()

    def _follow(
        self, answers: Iterator[PlaySnapshot | RunState], requests: Path
    ) -> Generator[PlaySnapshot, None, None]:
        for answer in answers:
            if isinstance(answer, RunState):
                self.load_state(answer)
            elif answer.state == "running":  # it rests only when its weights are in this process
                self._last = answer
                yield answer
            self.tell(requests)

    def tell(self, requests: Path) -> None:
        """Write what the run in the fork is to do; see `Run.hear`."""
        if self._stop.is_set() or self._pause.is_set():
            _write_whole(requests, "stop" if self._stop.is_set() else "pause")


class RemoteRun(InFork, LiveRun):
    """A run of the Train page that trains in a fork."""


def _write_whole(path: Path, text: str) -> None:
    """Write a small file so that a reader never sees a part of it."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
