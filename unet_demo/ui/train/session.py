"""What a visitor has trained: the run in hand and those before it. One session never sees another's."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ...live.run import LiveRun, Snapshot
from ...live.settings import LiveSettings
from ..server import sessions
from ..text import DEFAULT_LANGUAGE

KEPT_RUNS = 5
"""Runs compared, the one in hand among them; the chart tells so many apart."""


@dataclass(frozen=True)
class Attempt:
    """A run as the comparison remembers it: without its network."""

    number: int
    settings: LiveSettings
    snapshot: Snapshot


class Session:
    """One visitor's runs, a folder for the files that they ask for, and the language they read."""

    def __init__(self) -> None:
        self.opened = False
        """False where the page was opened before a connection that broke: its run is forgotten."""
        self.language = DEFAULT_LANGUAGE
        self.run: LiveRun | None = None
        self.waiting = False
        """Whether the visitor was told that the run they asked for begins later."""
        self.evicted = False
        """Whether the run in hand was put away to make room for others'."""
        self._number = 0
        self._past: tuple[Attempt, ...] = ()
        self._folder: tempfile.TemporaryDirectory | None = None

    @property
    def holds(self) -> int:
        """How much the visitor would miss, see `sessions.Closing`."""
        return 2 if self.running or self.waiting else int(bool(self.run or self._past))

    @property
    def own_bytes(self) -> int:
        """Memory of the run in hand."""
        return self.run.bytes if self.run else 0

    def evict(self) -> None:
        """Put the run in hand away; what it reached is remembered."""
        self.set_aside()
        self.evicted = True

    @property
    def number(self) -> int:
        """Number of the run in hand, from 1."""
        return self._number

    @property
    def past(self) -> tuple[Attempt, ...]:
        """The runs before the one in hand, oldest first."""
        return self._past

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All runs that took a step, oldest first, the one in hand last."""
        current = self._attempt()
        return (*self._past, current) if current else self._past

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
        """Whether a training is under way."""
        return self.run is not None and self.run.snapshot().state == "running"

    def begin(self, run: LiveRun) -> None:
        """Take a new run in hand."""
        self.set_aside()
        self.evicted = False
        self.run = run
        self._number += 1

    def set_aside(self) -> None:
        """Stop the run in hand, and remember what it reached."""
        current = self._attempt()
        if self.run:
            self.run.stop()
        if current:
            self._past = (*self._past, current)[1 - KEPT_RUNS :]
        self.run = None
        self.waiting = False

    def forget(self) -> None:
        """Remember no earlier run."""
        self._past = ()

    def file(self, name: str) -> Path:
        """Return a path at which a file of this visitor's may be written."""
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="unet_demo_")
        return Path(self._folder.name) / name

    def close(self) -> None:
        """Stop, and leave nothing behind: the visitor has left."""
        if self.run:
            self.run.stop()
        self.run = None
        self.waiting = False
        self._past = ()
        if self._folder:
            self._folder.cleanup()
        self._folder = None

    def _attempt(self) -> Attempt | None:
        if self.run is None:
            return None
        snapshot = self.run.snapshot()
        return Attempt(self._number, self.run.settings, snapshot) if snapshot.step else None


class Sessions(sessions.Sessions[Session]):
    """The visitors' sessions."""

    def __init__(self) -> None:
        super().__init__(Session)
