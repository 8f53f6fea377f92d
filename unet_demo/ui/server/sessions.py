"""Visitors' sessions by their hash: opened when first asked for, closed when a visitor leaves.

Gradio tells who leaves by a page's heartbeat, which a script need not have: so there are so many at
most. One that holds nothing goes first, and one that does only for another of the same address.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import gradio as gr

from ...devices import return_free_memory, usable_memory
from ..text import language_of
from .visitors import address_of

MOST_EMPTY = 200
"""Sessions of one page that hold nothing."""

MOST_OF_AN_ADDRESS = 100
"""Sessions of one page and one network address that hold something: a class may share an address."""

IDLE_SECONDS = 12 * 3600
"""After so long without a request a visitor is taken for gone; no run lasts as long."""


class Closing(Protocol):
    """What a session can do; ``language`` is its visitor's."""

    language: str

    @property
    def holds(self) -> int:
        """How much a visitor would miss: 0 for nothing, 1 for a result or a run, 2 for work under way."""

    @property
    def own_bytes(self) -> int:
        """Memory that is this visitor's alone."""

    def evict(self) -> None:
        """Let that memory go, and say so when the visitor asks for what was there."""

    def close(self) -> None:
        """Stop, and leave nothing behind: the visitor has left."""


S = TypeVar("S", bound=Closing)


@dataclass(frozen=True)
class _Open(Generic[S]):
    session: S
    address: str
    seconds: float
    """When it was last asked for."""


class Sessions(Generic[S]):
    """The sessions that ``new`` makes, one for each hash. Safe between threads."""

    def __init__(self, new: Callable[[], S], clock: Callable[[], float] = time.monotonic) -> None:
        self._new = new
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, _Open[S]] = {}
        self.budget = Budget([self])

    def visitor(self, request: gr.Request) -> S:
        """Return the session of whoever asks, in their language."""
        session = self.of(request.session_hash, address_of(request))
        session.language = language_of(request)
        return session

    def of(self, session_hash: str | None, address: str = "") -> S:
        """Return a visitor's session, opened if need be; a call without a hash gets one that nobody keeps."""
        if not session_hash:
            return self._new()
        with self._lock:
            known = self._open.pop(session_hash, None)
            session = known.session if known else self._new()
            # Put back at the end: so they stand in the order in which they were asked for.
            self._open[session_hash] = _Open(session, address, self._clock())
            gone = [] if known else self._take_out_gone(session_hash, address)
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

    @property
    def resting(self) -> list[tuple[float, S]]:
        """All sessions in which nothing is under way, and when each was last asked for."""
        with self._lock:
            known = list(self._open.values())
        return [(one.seconds, one.session) for one in known if one.session.holds < 2]

    def _take_out_gone(self, new: str, address: str) -> list[S]:
        """Remove and return sessions that are too many, or idle for too long; call it with the lock."""
        oldest = self._clock() - IDLE_SECONDS
        late = [name for name, known in self._open.items() if known.seconds < oldest]
        others = {name: known for name, known in self._open.items() if name != new}
        holds = {name: known.session.holds for name, known in others.items()}
        empty = [name for name in others if not holds[name]]
        own = [name for name in others if holds[name] and others[name].address == address]
        own.sort(key=holds.__getitem__)  # stable: what is under way goes last
        many = [*_but_last(empty, MOST_EMPTY - 1), *_but_last(own, MOST_OF_AN_ADDRESS - 1)]
        return [self._open.pop(name).session for name in dict.fromkeys([*late, *many])]


MOST_BYTES = 4 * 2**30
"""What all visitors hold takes no more, nor more than half of the memory that there is."""


class Budget:
    """Memory for the results, pictures and runs of all visitors of all pages together.

    Over ``most_bytes``, what belongs to whoever has been idle for the longest is let go; never what is
    under way, nor what has just been made.
    """

    def __init__(self, rooms: "list[Sessions[Any]]", most_bytes: int | None = None) -> None:
        self.rooms = rooms
        self.most_bytes = (
            min(MOST_BYTES, usable_memory() // 2) if most_bytes is None else most_bytes
        )

    def share(self, room: "Sessions[Any]") -> None:
        """Count another page's sessions, too."""
        self.rooms.append(room)
        room.budget = self

    def make_room(self, newest: Closing) -> None:
        """Let go of what others hold until the rest fits, the one that was idle for the longest first."""
        taken = sum(one.own_bytes for room in self.rooms for one in room.open)
        resting = sorted(
            (one for room in self.rooms for one in room.resting), key=lambda one: one[0]
        )
        evicted = False
        for _, session in resting:
            if taken > self.most_bytes and session is not newest and session.own_bytes:
                taken -= session.own_bytes
                session.evict()
                evicted = True
        if evicted:
            return_free_memory()


def _but_last(names: list[str], kept: int) -> list[str]:
    return names[: max(0, len(names) - kept)]
