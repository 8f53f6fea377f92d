"""The rooms that compute, each imported when it is first used.

Torch, SciPy and scikit-image take longer to import than Gradio, so the page is laid out and served
without them: its modules say ``later.live_run.LiveRun`` where others import it.
"""

from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .. import checkpoints, devices, examples, inference, networks, remote, segmentation
    from ..data import truth
    from ..live import experiment as live_experiment
    from ..live import files as live_files
    from ..live import run as live_run
    from ..training import article_losses
    from . import about_text

__all__ = [
    "about_text",
    "article_losses",
    "checkpoints",
    "devices",
    "examples",
    "inference",
    "live_experiment",
    "live_files",
    "live_run",
    "networks",
    "remote",
    "segmentation",
    "truth",
]

PACKAGE = __name__.split(".")[0]

IN_FOLDERS = {
    "about_text": "ui.about_text",
    "article_losses": "training.article_losses",
    "live_experiment": "live.experiment",
    "live_files": "live.files",
    "live_run": "live.run",
    "truth": "data.truth",
}


# One at a time: SciPy's and torch's parts import one another in circles, which several threads that
# begin at different ends would see half done.
_IMPORTING = RLock()


def load_all() -> None:
    """Import all rooms that were not used yet."""
    for name in __all__:
        __getattr__(name)


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with _IMPORTING:
        room = import_module(f"{PACKAGE}.{IN_FOLDERS.get(name, name)}")
    globals()[name] = room  # not asked for here again, so that nobody waits for other rooms
    return room
