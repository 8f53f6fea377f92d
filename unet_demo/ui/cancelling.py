"""Stop signals: at most one piece of work a visitor, and a way to call it off."""

import threading


class Cancellations:
    """Remembers each session's running work by its session hash. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, threading.Event] = {}

    def begin(self, session: str) -> threading.Event:
        """A fresh signal for this session's new work; work that was still running is called off."""
        signal = threading.Event()
        with self._lock:
            earlier = self._running.get(session)
            self._running[session] = signal
        if earlier:
            earlier.set()
        return signal

    def superseded(self, session: str, signal: threading.Event) -> bool:
        """Whether newer work of this session has taken the place of the work with this signal."""
        with self._lock:
            return self._running.get(session, signal) is not signal

    def end(self, session: str, signal: threading.Event) -> None:
        """The work with this signal is over."""
        with self._lock:
            if self._running.get(session) is signal:
                del self._running[session]

    def cancel(self, session: str) -> None:
        """Call off whatever this session has running."""
        with self._lock:
            signal = self._running.pop(session, None)
        if signal:
            signal.set()
