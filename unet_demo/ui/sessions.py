"""Visitors' sessions by their hash: opened when first asked for, closed when a visitor leaves.

Gradio tells who leaves by a page's heartbeat, which a script need not have: so there are so many at
most, and whoever has been idle for long is taken for gone.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

MOST_OPEN = 200
"""Sessions of one page; one more closes the one that has been idle for the longest."""

IDLE_SECONDS = 12 * 3600
"""After so long without a request a visitor is taken for gone; no run lasts as long."""


class Closing(Protocol):
    """What a session can do."""

    def close(self) -> None:
        """Stop, and leave nothing behind: the visitor has left."""


S = TypeVar("S", bound=Closing)


@dataclass(frozen=True)
class _Open(Generic[S]):
    session: S
    seconds: float
    """When it was last asked for."""


class Sessions(Generic[S]):
    """The sessions that ``new`` makes, one for each hash. Safe between threads."""

    def __init__(self, new: Callable[[], S], clock: Callable[[], float] = time.monotonic) -> None:
        self._new = new
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, _Open[S]] = {}

    def of(self, session_hash: str | None) -> S:
        """Return a visitor's session, opened if need be; a call without a hash gets one that nobody keeps."""
        if not session_hash:
            return self._new()
        with self._lock:
            known = self._open.pop(session_hash, None)
            session = known.session if known else self._new()
            # Put back at the end: so they stand in the order in which they were asked for.
            self._open[session_hash] = _Open(session, self._clock())
            gone = self._take_out_gone()
        for one in gone:
            one.close()
        return session

    def close(self, session_hash: str | None) -> None:
        """End a visitor's session, if one is open. Work under way holds what it needs of it."""
        with self._lock:
            known = self._open.pop(session_hash or "", None)
        if known:
            known.session.close()

    @property
    def open(self) -> tuple[S, ...]:
        """All open sessions, the one that has been idle for the longest first."""
        with self._lock:
            return tuple(known.session for known in self._open.values())

    def _take_out_gone(self) -> list[S]:
        """Remove and return sessions that are too many, or idle for too long; call it with the lock."""
        oldest = self._clock() - IDLE_SECONDS
        late = [name for name, known in self._open.items() if known.seconds < oldest]
        many = list(self._open)[: max(0, len(self._open) - MOST_OPEN)]
        return [self._open.pop(name).session for name in dict.fromkeys([*late, *many])]
