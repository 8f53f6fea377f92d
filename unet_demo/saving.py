"""Replaces files as a whole: whoever is killed while writing leaves the old one, or the new one."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to; then rename the whole file to ``path``, or remove it after an error.

    Raises OSError, always with the name of ``path`` and a reason.
    """
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

    Always the same one, so that what a killed process has left goes with the next one's.
    """
    return path.with_name(f"partial-{crc32(os.fsencode(path.name)):08x}{path.suffix}")


def _sync(path: Path) -> None:
    """Have a file's bytes on the disk before its name is: else a power cut may leave an empty one."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
