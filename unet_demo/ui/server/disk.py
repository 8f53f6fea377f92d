"""A server's own place on the disk, which goes with it; after a kill, the next server removes it."""

import atexit
import errno
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

PREFIX = "unet_demo_server_"

LOCK = "lock"
"""A file in the place, which the server holds for as long as it lives."""

KEPT_SECONDS = 2 * 3600
"""What a visitor brought, and whatever an upload that was cut off left, is removed after so long."""

SWEEP_SECONDS = 600

LOOK_SECONDS = 10
"""Between two looks at whether the disk has room."""

USED_SECONDS = 600
"""For so long a file is kept in any case: somebody may be reading it."""

LEAST_FREE = 2**30
"""Bytes that uploads leave free on the disk; of a small one they leave a tenth."""

MOST_OF_AN_ADDRESS = 4 * 2**30
"""Bytes that one address may bring within `HOUR`: a class may share one."""

HOUR = 3600

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_HELD: list[IO[str]] = []


@cache
def take_place() -> Path:
    """Make this process's place, once, and have whatever is temporary go there.

    Removes those of servers that were killed. Call it before Gradio's components are made.
    """
    for other in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if is_abandoned(other):
            shutil.rmtree(other, ignore_errors=True)
    place = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = (place / LOCK).open("w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)
    _HELD.append(lock)  # closed, it would be let go
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    tempfile.tempdir = str(place)
    os.environ.setdefault("GRADIO_TEMP_DIR", str(place / "gradio"))
    threading.Thread(target=_keep_swept, args=(place,), daemon=True).start()
    return place


def is_abandoned(place: Path) -> bool:
    """Tell whether no server holds a place; one without a lock may be about to be taken."""
    try:
        with (place / LOCK).open("r+", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        with suppress(OSError):
            return time.time() - place.stat().st_mtime > KEPT_SECONDS
        return False
    except OSError:  # held, or another person's
        return False


def _keep_swept(place: Path) -> None:
    while place.is_dir():
        sweep(place / "gradio")
        for _ in range(SWEEP_SECONDS // LOOK_SECONDS):
            time.sleep(LOOK_SECONDS)
            if not has_room(0):
                break


def sweep(folder: Path) -> None:
    """Remove files that are old, sooner where the disk has no room, and folders that are empty by that."""
    made: dict[Path, float] = {}
    for file in _files(folder):
        with suppress(OSError):
            made[file] = file.stat().st_mtime
    for file in sorted(made, key=made.__getitem__):
        with suppress(OSError):
            if time.time() - made[file] > (KEPT_SECONDS if has_room(0) else USED_SECONDS):
                file.unlink()
                file.parent.rmdir()


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)


def has_room(more: int) -> bool:
    """Tell whether so many bytes more may be brought."""
    disk = shutil.disk_usage(tempfile.gettempdir())
    return disk.free - more > min(LEAST_FREE, disk.total // 10)


def is_full(error: BaseException) -> bool:
    """Tell whether an error is that of a full disk, or of a quota."""
    return isinstance(error, OSError) and error.errno in FULL


class Brought:
    """How many bytes each address has brought within the hour."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._bytes: dict[str, int] = {}

    def add(self, address: str, more: int) -> None:
        """Count what has come."""
        self._bytes[address] = self.of(address) + more

    def of(self, address: str) -> int:
        """Return what an address has brought."""
        if time.monotonic() - self._since > HOUR:
            self._since = time.monotonic()
            self._bytes.clear()
        return self._bytes.get(address, 0)
