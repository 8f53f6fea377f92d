"""A visitor's wish to have something segmented, on its way to a result."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from ..checkpoints.hub import looks_like_repo
from . import later, zero_gpu
from .cancelling import StopSignal
from .html import Update
from .segment_link import Linkable
from .segment_session import Session
from .segment_views import PageLook, Shown

if TYPE_CHECKING:
    from ..inference import Predictor
    from ..live.remote import RemotePredictor
    from ..segmentation import Brought


@dataclass(frozen=True)
class Job:
    """A wish to segment something: with what, how to show it, and for whom.

    ``checkpoint`` is the picker's value; ``others`` maps those values to files that are not
    bundled. ``signal`` calls the job off, for a newer one of the same visitor's, say.
    """

    session: Session
    signal: StopSignal
    others: dict[str, str]
    checkpoint: str
    flips: bool
    page: float
    opacity: float
    style: str
    language: str
    progress: gr.Progress
    picked: bool = False
    """Whether the picker and the flips' box show this wish already, since it came from them."""
    threshold: float | None = None
    """Another one than the checkpoint's own."""

    def predictor(self) -> "Predictor | RemotePredictor":
        """Raises CheckpointError, HubError or DeviceError."""
        return zero_gpu.open_predictor(self._file())

    def _file(self) -> Path:
        """The checkpoint's; one of the Hub's is fetched again where the cache has been emptied of it."""
        other = self.others.get(self.checkpoint)
        if other and (Path(other).is_file() or not looks_like_repo(self.checkpoint)):
            return Path(other)
        return later.checkpoints.find_offered(self.checkpoint)

    def take(self, brought: "Brought") -> None:
        """Have later wishes be for this picture, unless a newer job has chosen another."""
        if not self.signal.superseded:
            self.session.brought = brought
            self.session.wished = Linkable(
                brought.picture, self.checkpoint, self.flips, self.page, self.threshold
            )

    def keep(self, shown: Shown, look: PageLook) -> None:
        """What the page goes on to show, unless a newer job decides that."""
        if not self.signal.superseded:
            self.session.keep(shown, look, self.others)


Work = Callable[[Job], Iterator[Update]]
"""What a job consists of, as updates of the page."""
