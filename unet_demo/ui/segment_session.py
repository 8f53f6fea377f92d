"""What a visitor of the Segment page has brought and sees. One session never sees another's."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..data.images import Picture
from . import sessions
from .segment_link import Linkable, example_of
from .segment_views import PageLook, Shown, preview

if TYPE_CHECKING:
    from ..segmentation import Brought

MOST_BYTES = 4 * 2**30
"""Memory of all visitors' results; the one that was just made is kept, whatever it takes."""


class Session:
    """One visitor's picture and result, and the checkpoints of theirs that are not bundled.

    ``others`` maps values of the picker to files; ``look`` is what the result was painted with;
    ``wished`` is the latest wish, whatever became of it.
    """

    def __init__(self) -> None:
        self.opened = False
        """False where the page was opened before a connection that broke: what it shows is forgotten."""
        self.brought: Brought | None = None
        self.boxed: np.ndarray | None = None
        """The ground truth whose file stands in its box on the page."""
        self.wished: Linkable | None = None
        self.shown: Shown | None = None
        self.look: PageLook | None = None
        self.others: dict[str, str] = {}
        self._previews: set[str] = set()
        self._put_away = False

    @property
    def nothing_shown(self) -> str:
        """The key of the text that says why there is no result."""
        if self._put_away and not self.wished:
            return "segment_put_away"
        return "segment_no_picture" if self.opened else "lost_forgotten"

    @property
    def own_bytes(self) -> int:
        """Memory that the result takes, if it is this visitor's alone."""
        shown = self.shown
        return shown.bytes if shown and not shown.shared else 0

    def latest(self, brought: "Brought") -> "Brought":
        """What was brought as it is by now: a truth may have come to the same picture."""
        now = self.brought
        return now if now and now.picture is brought.picture else brought

    def compare_with(self, brought: "Brought") -> None:
        """A truth has come, or was taken away: keep that wherever its picture still is."""
        if self.brought and self.brought.picture is brought.picture:
            self.brought = brought
        shown = self.shown
        if shown and shown.segmentation.picture is brought.picture:
            self.shown = replace(shown, truth=brought.truth_for(shown.segmentation.card))

    def is_boxed_elsewhere(self, shown: Shown | None) -> bool:
        """Whether a truth stands in its box that is not compared with this result."""
        return self.boxed is not None and (shown is None or shown.truth is not self.boxed)

    def empty_box(self) -> None:
        """The page has put the truth's file away: forget it, lest it be compared later on."""
        brought, shown = self.brought, self.shown
        if self.boxed is not None:
            if brought and brought.truth is self.boxed:
                self.brought = replace(brought, truth=None)
            if shown and shown.truth is self.boxed:
                self.shown = replace(shown, truth=None)
        self.boxed = None

    def keep(self, shown: Shown, look: PageLook, others: dict[str, str]) -> None:
        """What the page goes on to show."""
        self.shown, self.look, self.others = shown, look, others
        self._put_away = False

    def put_away(self) -> None:
        """Forget the result and its picture, to make room. An example stays: all visitors share it."""
        shown, brought = self.shown, self.brought
        if shown and brought and brought.picture is shown.segmentation.picture:
            self.brought = brought if example_of(brought.picture) else None
        self.shown = self.wished = None
        self._put_away = True

    def close(self) -> None:
        """The visitor has left. Work that is still under way holds what it needs."""
        self.brought = self.shown = self.wished = None

    def preview(self, picture: Picture) -> str:
        """A file for the picture's box, which tells of it as if the visitor had brought it."""
        path = preview(picture)
        self._previews.add(path.name)
        return str(path)

    def is_preview(self, path: str) -> bool:
        """Whether the page itself has put this file into the picture's box."""
        return Path(path).name in self._previews


class Sessions(sessions.Sessions[Session]):
    """The visitors' sessions, whose results take ``most_bytes`` of memory together."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(Session)
        self.most_bytes = most_bytes

    def make_room(self, newest: Session) -> None:
        """Put results away until the rest fits, from whoever has been idle for the longest on.

        The one of the ``newest`` stays.
        """
        others = [one for one in self.open if one is not newest and one.own_bytes]
        taken = newest.own_bytes + sum(one.own_bytes for one in others)
        for one in others:
            if taken <= self.most_bytes:
                return
            taken -= one.own_bytes
            one.put_away()
