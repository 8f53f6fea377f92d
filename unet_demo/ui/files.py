"""Files on their way to the browser: made when asked for, gone after an hour or with the server."""

import errno
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import gradio as gr
from gradio.events import Dependency

KEPT_SECONDS = 3600

MAX_UPLOAD = 200 * 2**20
"""Bytes of a file that is brought, at most."""

# One at a time: what a request finds to be old, another would be removing.
_TIDYING = threading.Lock()


MOST_MADE = 8 * 2**30
"""Bytes of all answers' files together, at most: a visitor's page asks again for one that is gone."""

MAKING_SECONDS = 60
"""For so long a file may be on its way to whoever asked for it."""


def fresh_folder(more: int = 0) -> Path:
    """Make an empty folder for one answer, a file of ``more`` bytes or so.

    Folders of earlier answers are removed once they are old, and the oldest where all are too large.
    Raises OSError where the disk has no room.
    """
    with _TIDYING:
        root = Path(_root(tempfile.gettempdir()).name)
        root.mkdir(exist_ok=True)  # the system may have tidied up behind a server that sat idle
        made = {folder: folder.stat().st_mtime for folder in root.iterdir()}
        sizes = {folder: _size(folder) for folder in made}
        for folder in sorted(made, key=made.__getitem__):
            age = time.time() - made[folder]
            many = sum(sizes.values()) + more > MOST_MADE and age > MAKING_SECONDS
            if age > KEPT_SECONDS or many:
                shutil.rmtree(folder, ignore_errors=True)
                del sizes[folder]
        if more > shutil.disk_usage(root).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return Path(tempfile.mkdtemp(dir=root))


def _size(folder: Path) -> int:
    """Return how many bytes the files of an answer take."""
    size = 0
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # it is whole by now, and has its name
            size += file.stat().st_size
    return size


@cache
def _root(among: str) -> tempfile.TemporaryDirectory:
    """Return this process's own folder among what is temporary, from where Gradio serves files."""
    return tempfile.TemporaryDirectory(prefix="unet_demo_", dir=among)


def download_link(elem_id: str) -> gr.DownloadButton:
    """Make the hidden button that holds the file that was made last."""
    return gr.DownloadButton(visible="hidden", elem_id=elem_id)


def start_download(made: Dependency, link: gr.DownloadButton) -> None:
    """Click the link for the person once the event has put a file into it.

    An event that has none to give raises gr.Error: whatever it returns, the link would hand over.
    """
    made.success(None, js=f"() => document.querySelector('#{link.elem_id}').click()")
