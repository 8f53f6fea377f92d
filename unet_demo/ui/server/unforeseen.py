"""Errors that nobody foresaw: a person gets a sentence with an id, and the log what it stands for.

The log holds where it happened and of what kind it is, and no message: that may name a person's file.
"""

import logging
import threading
import time
from hashlib import sha256
from pathlib import Path
from traceback import extract_tb

from ..text import say
from .disk import is_full

LOGGER = logging.getLogger(__name__)

LOGGED_SECONDS = 60
"""An error of one kind is logged once in so long, whoever brings it about how often."""

MOST_KINDS = 200
"""Kinds of errors that are logged in so long."""


class Log:
    """Writes down an error of each kind once in a while. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logged: dict[str, float] = {}

    def add(self, error: BaseException) -> str:
        """Return the id of an error's kind, under which it stands in the log."""
        where = trace(error)
        name = sha256(where.encode()).hexdigest()[:8]
        if self._is_due(name):
            LOGGER.error("Error %s, which nobody foresaw:\n%s", name, where)
        return name

    def _is_due(self, name: str) -> bool:
        now = time.monotonic()
        with self._lock:
            due = [one for one, when in self._logged.items() if now - when >= LOGGED_SECONDS]
            for one in due:
                del self._logged[one]
            if name in self._logged or len(self._logged) >= MOST_KINDS:
                return False
            self._logged[name] = now
            return True


LOG = Log()


def trace(error: BaseException) -> str:
    """Return the kinds of an error and of its causes, and where each was raised, without their messages."""
    lines: list[str] = []
    for one in _causes(error):
        lines.append(type(one).__name__)
        for frame in extract_tb(one.__traceback__):
            place = "/".join(Path(frame.filename).parts[-3:])
            lines.append(f"  {place}:{frame.lineno} in {frame.name}")
    return "\n".join(lines)


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an error and what led to it, of a group the first."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__
        error = inner or error.__context__
    return found


def told(error: BaseException, language: str) -> str:
    """Log an error; return the sentence for whoever asked. A full disk is said to be one."""
    name = LOG.add(error)
    full = any(is_full(one) for one in _causes(error))
    return say("disk_full", language) if full else say("unforeseen", language, id=name)
