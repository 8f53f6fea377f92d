"""What a visitor teaches: picture, strokes and lesson. One session never sees another's."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ...data.images import Picture
from ...inference import Prediction, resize_ids, resize_image, scaled_size
from ...messages import sentence
from ...tasks import VOID, MulticlassTask
from ...teach.lesson import Lesson
from ...teach.settings import TeachSettings
from ...teach.strokes import COLOURS, MOST_CLASSES, task_of
from ..components.paint import Heard, paint_value, read_ids
from ..files import file_address
from ..server import sessions
from ..server.trainings import TrainingSession

PICTURE_BOX = "teach-picture"
"""Where a picture is dropped."""

LONGEST_NAME = 40
"""Characters of a class's name."""


NEW_CLASSES = ("background", "object")
"""Of a picture of one's own, until its owner names them."""

MOST_SIDE = 2048
"""Px of the longer side of a picture that is painted on: a telephone's browser holds several such layers."""


class StrokesBroken(ValueError):
    """What was sent is nothing that the page's brush makes."""


@dataclass(frozen=True, eq=False)
class Paper:
    """A picture that is painted on, and what was painted on it when it came.

    ``example``: its name, or "" for a person's own. ``key`` stands for its pixels; ``made``: when it was
    taken. ``truth``: ids uint8 (N, H, W), or None. ``file``: a person's own, where Gradio has put it.
    """

    picture: Picture
    classes: tuple[str, ...]
    labels: np.ndarray | None = None
    truth: np.ndarray | None = None
    example: str = ""
    key: str = ""
    made: float = 0.0
    file: str = ""

    @classmethod
    def own(cls, picture: Picture, file: str = "") -> "Paper":
        """Take a person's own picture, reduced to what a browser can paint on."""
        _, height, width, _ = picture.slices.shape
        if max(height, width) > MOST_SIDE:
            smaller = scaled_size(height, width, MOST_SIDE, 1)
            slices = np.stack([resize_image(one, smaller) for one in picture.slices])
            said = sentence(
                "The picture was reduced to {width}×{height}, as large as can be painted on here.",
                width=smaller[1], height=smaller[0],
            )  # fmt: skip
            void = None if picture.void is None else resize_ids(picture.void, smaller)
            notes = (*picture.notes, said)
            picture = replace(picture, slices=slices, notes=notes, void=void)
        return cls.of(picture, NEW_CLASSES, file=file)

    @classmethod
    def of(cls, picture: Picture, classes: tuple[str, ...], **others: Any) -> "Paper":
        """Take a picture now."""
        shape = str(picture.slices.shape).encode()
        key = sha256(shape + picture.slices.tobytes()).hexdigest()[:16]
        return cls(picture, classes, key=key, made=time.time(), **others)


@dataclass(frozen=True)
class Told:
    """What the brush tells, see `components.paint.strokes`."""

    edit: float
    slice: int
    classes: tuple[str, ...]
    stamps: dict[int, float]
    labels: dict[int, object]

    @classmethod
    def read(cls, value: Mapping[str, Any], count: int) -> "Told":
        """Read what is told of a picture of so many slices. Raises StrokesBroken."""
        told: list[Any] = [value.get(name) for name in ("edit", "slice", "classes")]
        edit, slice, classes = told
        stamps, labels = (_by_slice(value.get(name), count) for name in ("stamps", "labels"))
        fits = (
            all(map(_is_edit, (edit, *stamps.values())))
            and isinstance(slice, int)
            and 1 <= slice <= count
            and _are_names(classes)
            and labels.keys() <= stamps.keys()
        )
        if not fits:
            raise StrokesBroken
        return cls(edit, slice, tuple(classes), stamps, labels)


def _is_edit(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < 2**53  # what a browser counts to


def _are_names(value: object) -> bool:
    """Tell whether these may name the classes that are painted."""
    names = value if isinstance(value, list) else []
    told = [one for one in names if isinstance(one, str) and 0 < len(one) <= LONGEST_NAME]
    return 2 <= len(set(told)) == len(names) <= MOST_CLASSES


def _by_slice(value: object, count: int) -> dict[int, Any]:
    """Read a mapping of slices, from 1, of so many. Raises StrokesBroken."""
    if not isinstance(value, Mapping):
        raise StrokesBroken
    try:
        read = {int(slice): one for slice, one in value.items()}
    except ValueError as error:
        raise StrokesBroken from error
    if not all(1 <= slice <= count for slice in read):
        raise StrokesBroken
    return read


class Session(TrainingSession[Lesson]):
    """One visitor's picture with its strokes, and the lesson in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.paper: Paper | None = None
        self.classes: tuple[str, ...] = ()
        self.labels: np.ndarray | None = None
        """Label ids uint8 (N, H, W) of all slices, 255 where nothing is painted."""
        self.learned: np.ndarray | None = None
        """The labels that the lesson in hand was told last."""
        self.slice = 1
        self.sent = 1
        """The slice that the browser was sent last."""
        self.brought = 0
        """How many labels were brought as files."""
        self.problem = ""
        """Why the lesson learns from other strokes than are painted, as HTML."""
        self.stop = threading.Event()
        """Calls off the segmenting of all slices."""
        self.under_way = False
        self.predicting = threading.Lock()
        """Held while all slices are segmented: who asks again meanwhile is given the same."""
        self._predicted: tuple[Lesson, int, Prediction] | None = None
        self.heard = Heard(0)
        self.whole = True
        """Whether all is here that the brush has told of."""
        self._changing = threading.Lock()

    @property
    def holds(self) -> int:
        own = self.run or (self.paper and not self.paper.example)
        return 2 if self.running or self.waiting or self.under_way else int(bool(own))

    @property
    def own_bytes(self) -> int:
        """Memory of the lesson, of what it predicted, and of a picture of one's own."""
        taken = super().own_bytes
        if self._predicted:
            taken += self._predicted[2].probabilities.nbytes
        if self.paper and not self.paper.example:
            taken += self.paper.picture.slices.nbytes
        return taken + (self.labels.nbytes if self.labels is not None else 0)

    def evict(self) -> None:
        """Put the lesson and the picture away; the strokes are in the visitor's browser."""
        self._put_away()
        self.evicted = True

    @property
    def task(self) -> MulticlassTask:
        """The classes, with their colours. Raises TeachError for too few or too many."""
        return task_of(self.classes)

    def take(self, paper: Paper) -> None:
        """Have another picture painted on."""
        shape = paper.picture.slices.shape[:3]
        with self._changing:
            self.set_aside()
            self.evicted = False
            self.paper, self.classes, self.slice = paper, paper.classes, 1
            self.labels = np.full(shape, VOID, np.uint8) if paper.labels is None else paper.labels
            # The brush has all slices' labels, and tells anew which are painted.
            self.heard = Heard(paper.made, stamps=dict.fromkeys(range(1, shape[0] + 1)))

    def hear(self, value: object) -> bool:
        """Take what the brush tells; returns whether it is of the picture in hand.

        What was told before what is known, and comes after it, changes nothing; of slices whose labels are
        told of and do not come, those from before stay, see `whole`. Raises StrokesBroken.
        """
        with self._changing:
            return self._hear(value)

    def _hear(self, value: object) -> bool:
        if value is None:
            return False  # the brush has told of nothing yet
        if not isinstance(value, Mapping):
            raise StrokesBroken
        paper = self.paper
        if paper is None or value.get("made") != paper.made:
            return False
        count, height, width = paper.picture.slices.shape[:3]
        told = Told.read(value, count)
        if told.edit < self.heard.edit:
            return True
        known = self.heard.stamps
        try:
            fresh = {
                slice: read_ids(png, height, width)
                for slice, png in told.labels.items()
                if known.get(slice) != told.stamps[slice]
            }
        except ValueError as error:
            raise StrokesBroken from error
        gone = known.keys() - told.stamps.keys()
        assert self.labels is not None
        labels = self.labels.copy() if fresh or gone else self.labels
        for slice in gone:
            labels[slice - 1] = VOID
        for slice, ids in fresh.items():
            labels[slice - 1] = ids
        here = {
            slice: stamp if slice in fresh else known.get(slice)
            for slice, stamp in told.stamps.items()
        }
        self.labels, self.classes, self.slice = labels, told.classes, told.slice
        self.heard, self.whole = Heard(paper.made, told.edit, here), here == told.stamps
        return True

    @property
    def truth(self) -> np.ndarray | None:
        """The picture's truth, as long as its ids are those of the classes."""
        paper = self.paper
        alike = paper and self.classes[: len(paper.classes)] == paper.classes
        return paper.truth if paper and alike else None

    def begin(self, run: Lesson, paper: Paper, labels: np.ndarray) -> bool:
        """Take a new lesson of these labels in hand; stop it instead where another picture has come meanwhile."""
        with self._changing:
            if self.paper is not paper:
                run.stop()
                return False
            self.set_aside()
            self.run, self.learned = run, labels
            return True

    def set_aside(self) -> None:
        """Stop the lesson in hand."""
        super().set_aside()
        self.stop.set()
        self.learned = self._predicted = None
        self.problem = ""

    def _put_away(self) -> None:
        with self._changing:
            self.set_aside()
            self.paper = self.labels = None

    @property
    def predicted(self) -> Prediction | None:
        """What the network as it is now makes of all slices, if that was asked for."""
        kept = self._predicted
        fresh = kept and kept[0] is self.run and kept[1] == kept[0].snapshot().step
        return kept[2] if kept and fresh else None

    def keep(self, run: Lesson, step: int, prediction: Prediction) -> None:
        """Keep what a lesson made of all slices after ``step`` steps, unless it went on or is in hand no more."""
        if run is self.run and step == run.snapshot().step:
            self._predicted = run, step, prediction

    def shown(self, **others: Any) -> dict[str, Any]:
        """Return the value of `components.paint` for the slice that is shown, to be sent."""
        paper = self.paper
        assert paper
        self.sent = self.slice
        painted = {} if paper.labels is None else dict(enumerate(paper.labels, 1))
        return paint_value(
            paper.picture.slices[self.slice - 1], paper.classes, COLOURS, key=paper.key,
            made=paper.made, name=paper.picture.name, labels=painted, slice=self.slice,
            slices=len(paper.picture.slices), file=paper.file and file_address(paper.file),
            box=f"#{PICTURE_BOX}", **others,
        )  # fmt: skip

    def settings(self, start: Path | None) -> TeachSettings:
        """Return what a lesson with these classes depends on. Raises TeachError."""
        return TeachSettings(self.task, start)

    def close(self) -> None:
        self._put_away()
        super().close()


class Sessions(sessions.Sessions[Session]):
    """The visitors' sessions."""

    def __init__(self) -> None:
        super().__init__(Session)
