"""Files on their way to the browser: made when asked for, gone after an hour or with the server."""

import errno
import os
import shutil
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from gradio.events import Dependency

from .server.disk import has_room

KEPT_SECONDS = 3600

MAX_UPLOAD = 200 * 2**20
"""Bytes of a file that is brought, at most."""

# One at a time: what a request finds to be old, another would be removing.
_TIDYING = threading.Lock()


MOST_KEPT = 2000
"""Answers whose files are kept, at most: a visitor's page asks again for one that is gone."""

MAKING_SECONDS = 60
"""For so long a file may be on its way to whoever asked for it, and is kept in any case."""


def file_address(path: str) -> str:
    """Return the address, beside the page's, from which Gradio serves a file that it has taken."""
    return f"gradio_api/file={quote(path)}"


def fresh_folder(more: int = 0) -> Path:
    """Make an empty folder for one answer, a file of ``more`` bytes if that is known.

    Folders of earlier answers are removed once they are old; where they are too many, or the disk has no
    room, the oldest ones sooner. Raises OSError where there is still none.
    """
    with _TIDYING:
        root = Path(_root(tempfile.gettempdir()).name)
        root.mkdir(exist_ok=True)  # the system may have tidied up behind a server that sat idle
        folders = sorted(root.iterdir())
        for number, folder in enumerate(folders):
            age = time.time() - folder.stat().st_mtime
            kept = len(folders) - number < MOST_KEPT and has_room(more)
            if age < (KEPT_SECONDS if kept else MAKING_SECONDS):
                break
            shutil.rmtree(folder, ignore_errors=True)
        if more and not has_room(more):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return Path(
            tempfile.mkdtemp(prefix=f"{time.time_ns()}-", dir=root)
        )  # by name the oldest first


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
