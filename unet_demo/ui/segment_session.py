"""What a visitor of the Segment page has brought and sees. One session never sees another's."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.images import Picture
from ..exports import Look
from .segment_views import Shown, preview

if TYPE_CHECKING:
    from ..segmentation import Brought


class Session:
    """One visitor's picture and result, and the checkpoints of theirs that are not bundled.

    ``others`` maps values of the picker to files; ``look`` is what the result was painted with.
    """

    def __init__(self) -> None:
        self.opened = False
        """False where the page was opened before a connection that broke: what it shows is forgotten."""
        self.brought: Brought | None = None
        self.shown: Shown | None = None
        self.look: Look | None = None
        self.others: dict[str, str] = {}
        self._previews: set[str] = set()

    def latest(self, brought: "Brought") -> "Brought":
        """What was brought as it is by now: a truth may have come to the same picture."""
        now = self.brought
        return now if now and now.picture is brought.picture else brought

    def compare_with(self, brought: "Brought") -> None:
        """A truth has come, or was taken away: keep that wherever its picture still is."""
        if self.brought and self.brought.picture is brought.picture:
            self.brought = brought
        if self.shown and self.shown.segmentation.picture is brought.picture:
            truth = brought.truth_for(self.shown.segmentation.card)
            self.shown = replace(self.shown, truth=truth)

    def preview(self, picture: Picture) -> str:
        """A file for the picture's box, which tells of it as if the visitor had brought it."""
        path = preview(picture)
        self._previews.add(path.name)
        return str(path)

    def is_preview(self, path: str) -> bool:
        """Whether the page itself has put this file into the picture's box."""
        return Path(path).name in self._previews


class Sessions:
    """The sessions by their hash. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, Session] = {}

    def of(self, session_hash: str | None) -> Session:
        """A visitor's session, opened if need be; for a call without one it is kept by nobody."""
        if session_hash is None:
            return Session()
        with self._lock:
            return self._open.setdefault(session_hash, Session())

    def close(self, session_hash: str | None) -> None:
        """Forget a visitor. Work that is still under way holds the session until it ends."""
        with self._lock:
            self._open.pop(session_hash or "", None)

    @property
    def open(self) -> tuple[Session, ...]:
        """All open sessions."""
        with self._lock:
            return tuple(self._open.values())
