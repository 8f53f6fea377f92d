"""What reading a file may cost, told from its bytes before a library follows them; and an end to it.

A small file can be made so that a library takes minutes over it, or a hundred times its size in memory.
"""

import re
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..messages import Sentence, sentence
from . import Cancelled, PictureError

READ_SECONDS = 30
"""Reading is given up after so long, between two pages."""

MAX_SCANS = 100
"""Scans of a progressive JPEG, at most; programs write about 10."""

MAX_SCANNED = 800_000_000
"""Pixels times scans of a JPEG, at most: each scan passes over all pixels."""

MAX_TAGS = 100_000
"""Tags of all pages of a TIFF together, at most."""

MAX_VALUES = 200_000
"""Values of one tag, at most: 40 million pixels in strips of one row have as many places."""

MAX_ALL_VALUES = 4_000_000
"""Values of all tags together, at most."""

MAX_KINDS = 300
"""Pages of a TIFF that are unlike in size or type, at most: tifffile compares each with each."""


@dataclass
class Patience:
    """How long whoever reads goes on: until ``cancelled`` is set, and no longer than `READ_SECONDS`."""

    cancelled: threading.Event | None = None
    began: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Raise Cancelled, or PictureError once it has lasted too long."""
        if self.cancelled and self.cancelled.is_set():
            raise Cancelled
        if time.monotonic() - self.began > READ_SECONDS:
            raise PictureError(
                sentence(
                    "takes longer than {seconds} s to read: bring fewer or smaller pages.",
                    seconds=READ_SECONDS,
                )
            )


_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])", re.DOTALL)
"""What begins a part of a JPEG; in its pixels 255 is followed by 0, or by a mark that has no part."""

_SCAN, _END = 0xDA, 0xD9


def check_scans(data: bytes, pixels: int) -> None:
    """Refuse a JPEG of so many pixels with more scans than programs write."""
    scans, at = 0, 2
    while (match := _MARKER.search(data, at)) and match[1][0] != _END:
        scans += match[1][0] == _SCAN
        at = match.end() + max(2, int.from_bytes(data[match.end() : match.end() + 2]))
        if scans > MAX_SCANS or scans * pixels > MAX_SCANNED:
            raise PictureError(
                sentence(
                    "is stored in too many passes over its pixels: save or export it once more."
                )
            )


_BYTE_TYPES = (1, 2, 6, 7)
"""Types of tags whose values stay bytes: BYTE, ASCII, SBYTE, UNDEFINED."""

_SUBIFDS = 330

_KIND = frozenset((254, 256, 257, 258, 259, 262, 266, 277, 278, 284, 317, 322, 323, 338, 339))
"""Tags by which tifffile tells pages of one kind from others: size, bits, compression, colours, tiles …"""


def check_tags(path: Path, most_pages: int) -> None:
    """Refuse a TIFF whose tags alone would take minutes or hundreds of megabytes to read.

    What is broken is left to whoever reads it.
    """
    tags = values = pages = 0
    kinds = set()
    for page in _pages(path):
        pages += 1
        kinds.add(frozenset(_inline(*tag) for tag in page if tag[0] in _KIND))
        tags += len(page)
        counts = [count for _, kind, count, _ in page if kind not in _BYTE_TYPES]
        values += sum(counts)
        pages += sum(count for tag, _, count, _ in page if tag == _SUBIFDS)
        if max(counts, default=0) > MAX_VALUES or values > MAX_ALL_VALUES or tags > MAX_TAGS:
            raise _refused(sentence("lists more values than a picture needs"))
        if pages > most_pages:
            return  # which is refused by their number
        if len(kinds) > MAX_KINDS:
            raise _refused(sentence("holds pages of too many different sizes or kinds"))


def _inline(tag: int, kind: int, count: int, raw: bytes) -> tuple[int, int, int, bytes]:
    """Return a tag with its value, where that is no place of more than one value."""
    return (tag, kind, count, raw if count == 1 else b"")


def _refused(problem: Sentence) -> PictureError:
    return PictureError(
        sentence("{problem}: save it once more as an ordinary TIFF.", problem=problem)
    )


def _pages(path: Path) -> Iterator[list[tuple[int, int, int, bytes]]]:
    """Yield each page's tags, as (tag, type, count, its value or where that is), as far as they can be read."""
    with path.open("rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"+\0", b"\0+")
        number, count, offset = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
        at = head[8:16] if big else head[4:8]
        seen = set()
        while len(at) == struct.calcsize(offset) and (
            place := struct.unpack(order + offset, at)[0]
        ):
            if place in seen:
                return
            seen.add(place)
            file.seek(min(place, 2**63 - 1))
            told = file.read(struct.calcsize(number))
            if len(told) < struct.calcsize(number):
                return
            (tags,) = struct.unpack(order + number, told)
            size = struct.calcsize(order + count)
            body = file.read(size * min(tags, MAX_TAGS + 1))
            whole = body[: len(body) // size * size]
            yield list(struct.iter_unpack(order + count, whole))
            at = file.read(struct.calcsize(offset))
