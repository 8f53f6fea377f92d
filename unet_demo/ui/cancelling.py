"""Stop signals: at most one piece of work a visitor, and a way to call it off."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StopSignal(threading.Event):
    """Set once its work is called off; ``superseded`` says whether newer work took its place."""

    def __init__(self) -> None:
        super().__init__()
        self.superseded = False

    def supersede(self) -> None:
        """Call the work off for newer work, whether or not a person has called it off before."""
        self.superseded = True
        self.set()


class Cancellations:
    """Remembers each session's latest work by its session hash. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[str, StopSignal] = {}

    @contextmanager
    def begin(self, session: str) -> Iterator[StopSignal]:
        """A signal for this session's new work, which the block does; earlier work is called off."""
        signal = StopSignal()
        with self._lock:
            earlier = self._latest.get(session)
            self._latest[session] = signal
        if earlier:
            earlier.supersede()
        try:
            yield signal
        finally:
            with self._lock:
                if self._latest.get(session) is signal:
                    del self._latest[session]

    def cancel(self, session: str) -> None:
        """Call off whatever this session has running; newer work may still supersede it."""
        with self._lock:
            signal = self._latest.get(session)
        if signal:
            signal.set()
