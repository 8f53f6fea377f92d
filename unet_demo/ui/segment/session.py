"""What a visitor of the Segment page has asked for and sees. One session never sees another's."""

import threading
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from ...checkpoints import find_offered
from ...checkpoints.hub import looks_like_repo
from ...examples import EXAMPLES, load_example
from ...render import View
from ...segmentation import Result, SegmentRequest, Truth, open_predictor, segment
from ..server import sessions, zero_gpu
from ..text import DEFAULT_LANGUAGE
from .link import example_of


class Session:
    """One visitor's latest request and result, and the checkpoints of theirs that are not bundled.

    ``view`` is what the request's result is to be shown with at first; ``files`` maps values of the
    picker to files. ``stop`` calls off the latest work; work whose ``stop`` has been replaced is
    superseded, and changes nothing more here.
    """

    def __init__(self) -> None:
        self.language = DEFAULT_LANGUAGE
        self.opened = False
        """False where the page was opened before a connection that broke: what it shows is forgotten."""
        self.request: SegmentRequest | None = None
        self.view = View()
        self.boxed: Truth | None = None
        """The ground truth whose file stands in its box on the page."""
        self.result: Result | None = None
        self.files: dict[str, Path] = {}
        self.stop = threading.Event()
        self._turn = 0.0
        self.exports: dict[str, tuple[object, Path]] = {}
        """Kind of a download → what it was made from, and the file that was made last."""
        self.under_way = 0
        """Handlers that are at work for this visitor."""
        self._lock = threading.Lock()
        self._evicted = False
        self._shared = False

    @property
    def asked(self) -> SegmentRequest | None:
        """The latest request, unless its result has been evicted since."""
        return None if self._evicted else self.request

    @property
    def nothing_shown(self) -> str:
        """The key of the text that says why there is no result."""
        if self._evicted:
            return "segment_put_away"
        return "segment_no_picture" if self.opened else "lost_forgotten"

    @property
    def holds(self) -> int:
        """How much the visitor would miss, see `sessions.Closing`."""
        return 2 if self.under_way else int(bool(self.request or self.result or self.files))

    @property
    def own_bytes(self) -> int:
        """Memory of the result, and of a picture that has none, as far as they are this visitor's alone."""
        result, request = self.result, self.request
        taken = result.bytes if result and not self._shared else 0
        of_result = request and result and request.picture is result.request.picture
        if request and not of_result and not example_of(request.picture):
            taken += request.picture.slices.nbytes
        return taken

    def begin(self, turn: float) -> threading.Event:
        """Call off what is under way, for new work; returns its stop signal.

        ``turn``: when it was asked for, see `TURN`. Work that was asked for before what is under way is
        itself called off.
        """
        stop = threading.Event()
        with self._lock:
            if turn < self._turn:
                stop.set()
            else:
                self.stop.set()
                self.stop, self._turn = stop, turn
        return stop

    def take(self, stop: threading.Event, request: SegmentRequest, view: View) -> None:
        """Have later requests be for this picture, unless newer work has chosen another."""
        with self._lock:
            if stop is self.stop:
                self.request, self.view, self._evicted = request, view, False

    def keep(self, stop: threading.Event, result: Result, view: View, shared: bool = False) -> None:
        """Keep what the page goes on to show, unless newer work decides that.

        ``shared``: it was made once for all visitors, so that no one's memory is the less for its loss.
        """
        self.take(stop, result.request, view)
        with self._lock:
            if stop is self.stop:
                self.result, self._shared = result, shared

    def latest(self, request: SegmentRequest) -> SegmentRequest:
        """Return the request with the truth that may have come to its picture meanwhile."""
        now = self.request
        same = now is not None and now.picture is request.picture
        return replace(request, truth=now.truth) if now and same else request

    def compare_with(self, truth: Truth | None) -> None:
        """Keep the truth of the result's picture, or that it has none, wherever the picture still is."""
        if self.result is None:
            return
        if self.request and self.request.picture is self.result.request.picture:
            self.request = replace(self.request, truth=truth)
        self._compare_result_with(truth)

    def is_boxed_elsewhere(self, result: Result | None) -> bool:
        """Tell whether a truth stands in its box that is not compared with this result."""
        return self.boxed is not None and (result is None or result.truth is not self.boxed.labels)

    def empty_box(self) -> None:
        """Forget the truth whose file the page has put away, lest it be compared later on."""
        boxed, request, result = self.boxed, self.request, self.result
        self.boxed = None
        if boxed and request and request.truth is boxed:
            self.request = replace(request, truth=None)
        if boxed and result and result.request.truth is boxed:
            self._compare_result_with(None)

    def _compare_result_with(self, truth: Truth | None) -> None:
        """The result is as if made anew: what the browser has of its slices knows another truth."""
        assert self.result
        request = replace(self.result.request, truth=truth)
        self.result = replace(self.result, request=request, made=time.time())

    def locate(self, checkpoint: str | Path) -> Path:
        """Find the file of a picker's value; one of the Hub's is fetched again where the cache has lost it.

        Raises CheckpointError or HubError.
        """
        if isinstance(checkpoint, Path):
            return checkpoint
        file = self.files.get(checkpoint)
        if file and (file.is_file() or not looks_like_repo(checkpoint)):
            return file
        return find_offered(checkpoint)

    def evict(self) -> None:
        """Forget the result and its picture, to make room. An example stays: all visitors share it."""
        if self.request and not example_of(self.request.picture):
            self.request = None
        self.result = None
        self._evicted = True

    def close(self) -> None:
        """Let go of everything: the visitor has left. Work under way holds what it needs until it ends."""
        self.stop.set()
        self.request = self.result = None


class Sessions(sessions.Sessions[Session]):
    """The visitors' sessions."""

    def __init__(self) -> None:
        super().__init__(Session)


@cache
def opening() -> Result:
    """Segment the first example, once for all visitors. Raises EXPECTED_ERRORS."""
    first = load_example(EXAMPLES[0].name)
    here = partial(open_predictor, device=zero_gpu.DEVICE)
    return segment(first, here)
