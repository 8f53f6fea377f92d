"""Files on their way to the browser: made when asked for, gone after an hour or with the server."""

import shutil
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

import gradio as gr
from gradio.events import Dependency

KEPT_SECONDS = 3600

MAX_UPLOAD = 200 * 2**20
"""Bytes of a file that is brought, at most."""

# One at a time: what a request finds to be old, another would be removing.
_TIDYING = threading.Lock()


def fresh_folder() -> Path:
    """Make an empty folder for one answer; those of earlier answers are removed once they are old."""
    with _TIDYING:
        root = Path(_root(tempfile.gettempdir()).name)
        root.mkdir(exist_ok=True)  # the system may have tidied up behind a server that sat idle
        oldest = time.time() - KEPT_SECONDS
        for folder in root.iterdir():
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=root))


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
