"""A visitor's training, and how many run at once, of all pages together."""

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import gradio as gr

from ...live.play import Run
from ..html import Update
from ..text import DEFAULT_LANGUAGE
from .sessions import Sessions
from .unforeseen import told

TRAINING = "train"
"""Concurrency group of the visitors' trainings, so that nothing else waits behind one."""

TRAININGS_AT_ONCE = 2


R = TypeVar("R", bound=Run[Any, Any])


class TrainingSession(ABC, Generic[R]):
    """What a visitor trains: the run in hand, and a folder for the files that they ask for."""

    def __init__(self) -> None:
        self.opened = False
        """False where the page was opened before a connection that broke: its run is forgotten."""
        self.language = DEFAULT_LANGUAGE
        self.run: R | None = None
        self.waiting = False
        """Whether the visitor was told that the run they asked for begins later."""
        self.evicted = False
        """Whether the run in hand was put away to make room for others'."""
        self._folder: tempfile.TemporaryDirectory | None = None

    @property
    @abstractmethod
    def holds(self) -> int:
        """How much the visitor would miss, see `sessions.Closing`."""

    @property
    def own_bytes(self) -> int:
        """Memory of the run in hand."""
        return self.run.bytes if self.run else 0

    @property
    def trained(self) -> bool:
        """Whether there is a network that has learned something and is at rest."""
        return self.run is not None and self.run.snapshot().step > 0 and not self.running

    @property
    def in_progress(self) -> bool:
        """Whether a run is under way or paused."""
        return self.run is not None and not self.run.snapshot().over

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self.run is not None and self.run.snapshot().state == "running"

    def set_aside(self) -> None:
        """Stop the run in hand."""
        if self.run:
            self.run.stop()
        self.run = None
        self.waiting = False

    def evict(self) -> None:
        """Put the run in hand away, to make room."""
        self.set_aside()
        self.evicted = True

    def file(self, name: str) -> Path:
        """Return a path at which a file of this visitor's may be written."""
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="unet_demo_")
        return Path(self._folder.name) / name

    def close(self) -> None:
        """Stop, and leave nothing behind: the visitor has left."""
        self.set_aside()
        if self._folder:
            self._folder.cleanup()
        self._folder = None


class Trainings:
    """The rooms of all pages that train."""

    def __init__(self) -> None:
        self._rooms: list[Sessions[Any]] = []

    def join(self, room: Sessions[Any]) -> None:
        """Count another page's trainings; its sessions are each a `TrainingSession`."""
        self._rooms.append(room)

    @property
    def running(self) -> int:
        """How many are under way."""
        return sum(session.running for room in self._rooms for session in room.open)

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return self.running >= TRAININGS_AT_ONCE


T = TypeVar("T", bound=TrainingSession[Any])


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
