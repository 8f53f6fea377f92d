"""Replaces files as a whole: whoever is killed while writing leaves the old one, or the new one."""

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zlib import crc32

STALE_SECONDS = 3600.0
"""What a killed process has left goes with the next file of the name, once nobody has written to it for so long."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to; then rename the whole file to ``path``, or remove it after an error.

    Raises OSError, always with the name of ``path`` and a reason.
    """
    _sweep(path)
    partial = partial_of(path)
    try:
        yield partial
        _sync(partial)
        os.replace(partial, path)
    except OSError as error:
        # NumPy and Pillow give no number when the disk is full.
        number = error.errno or errno.ENOSPC
        raise OSError(number, os.strerror(number), str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """Return where a file is written before it is whole: short, since no folder takes endless names.

    Each thread has its own, so that two that write one file leave that of either, and never a mixture.
    """
    writer = f"{os.getpid():x}-{threading.get_ident():x}"
    return path.with_name(f"{_stem(path)}{writer}{path.suffix}")


def _stem(path: Path) -> str:
    return f"partial-{crc32(os.fsencode(path.name)):08x}-"


def _sweep(path: Path) -> None:
    """Remove what killed writers of a file have left."""
    for left in path.parent.glob(f"{_stem(path)}*"):
        with suppress(FileNotFoundError):  # another writer was faster
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                left.unlink()


def _sync(path: Path) -> None:
    """Have a file's bytes on the disk before its name is: else a power cut may leave an empty one."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
