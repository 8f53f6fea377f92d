"""How many trainings run at once, of all pages together."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import gradio as gr

from ...live.play import Run
from ..html import Update
from .sessions import Closing, Sessions
from .unforeseen import told

TRAINING = "train"
"""Concurrency group of the visitors' trainings, so that nothing else waits behind one."""

TRAININGS_AT_ONCE = 2


class Training(Closing, Protocol):
    """A session in which a training may be under way, or waited for."""

    waiting: bool
    """Whether the visitor was told that it begins later."""

    @property
    def run(self) -> Run[Any, Any] | None: ...

    @property
    def running(self) -> bool: ...

    @property
    def trained(self) -> bool: ...


class Trainings:
    """The rooms of all pages that train."""

    def __init__(self) -> None:
        self._rooms: list[Sessions[Any]] = []

    def join(self, room: Sessions[Any]) -> None:
        """Count another page's trainings; its sessions are `Training`."""
        self._rooms.append(room)

    @property
    def running(self) -> int:
        """How many are under way."""
        return sum(session.running for room in self._rooms for session in room.open)

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return self.running >= TRAININGS_AT_ONCE


T = TypeVar("T", bound=Training)


def served(
    room: Sessions[T],
    session: T,
    updates: Iterator[Update],
    failure: Callable[[T, object], Update],
) -> Iterator[Update]:
    """Yield what a training says whose turn has come; nobody waits for it any more, however it ends.

    ``failure`` makes an update of what nobody foresaw.
    """
    session.waiting = False
    try:
        yield from updates
    except gr.Error:
        raise
    except Exception as error:
        yield failure(session, told(error, session.language))
    finally:
        session.waiting = False  # what says that it waits may come after it has begun
        room.budget.make_room(session)
