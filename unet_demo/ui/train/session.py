"""What a visitor has trained: the run in hand and those before it. One session never sees another's."""

from dataclasses import dataclass

from ...live.run import LiveRun, Snapshot
from ...live.settings import LiveSettings
from ..server import sessions
from ..server.trainings import TrainingSession

KEPT_RUNS = 5
"""Runs compared, the one in hand among them; the chart tells so many apart."""


@dataclass(frozen=True)
class Attempt:
    """A run as the comparison remembers it: without its network."""

    number: int
    settings: LiveSettings
    snapshot: Snapshot


class Session(TrainingSession[LiveRun]):
    """One visitor's runs: the one in hand, and what those before it reached."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._past: tuple[Attempt, ...] = ()

    @property
    def holds(self) -> int:
        return 2 if self.running or self.waiting else int(bool(self.run or self._past))

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

    def begin(self, run: LiveRun) -> None:
        """Take a new run in hand."""
        self.set_aside()
        self.evicted = False
        self.run = run
        self._number += 1

    def set_aside(self) -> None:
        """Stop the run in hand, and remember what it reached."""
        current = self._attempt()
        super().set_aside()
        if current:
            self._past = (*self._past, current)[1 - KEPT_RUNS :]

    def forget(self) -> None:
        """Remember no earlier run."""
        self._past = ()

    def close(self) -> None:
        super().close()
        self.forget()

    def _attempt(self) -> Attempt | None:
        if self.run is None:
            return None
        snapshot = self.run.snapshot()
        return Attempt(self._number, self.run.settings, snapshot) if snapshot.step else None


class Sessions(sessions.Sessions[Session]):
    """The visitors' sessions."""

    def __init__(self) -> None:
        super().__init__(Session)
