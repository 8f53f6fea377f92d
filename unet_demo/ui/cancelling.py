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

    def cancel(self, session: str) -> None:
        """Call off whatever this session has running."""
        with self._lock:
            signal = self._running.pop(session, None)
        if signal:
            signal.set()
