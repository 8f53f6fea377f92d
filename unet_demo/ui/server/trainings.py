"""How many trainings run at once, of all pages together."""

from typing import Any, Protocol

from .sessions import Sessions

TRAINING = "train"
"""Concurrency group of the visitors' trainings, so that nothing else waits behind one."""

TRAININGS_AT_ONCE = 2


class Training(Protocol):
    """A session in which a training may be under way."""

    @property
    def running(self) -> bool: ...


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
