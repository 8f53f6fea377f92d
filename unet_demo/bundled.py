"""What may be asked for by name, told without torch: the bundled checkpoints, and a Hub repository's."""

import json
import logging
import os
import time
from functools import lru_cache
from pathlib import Path

from safetensors import SafetensorError, safe_open

from .hub import (
    CHECKPOINT_FILE,
    HUB_VARIABLE,
    INDEX,
    MALFORMED,
    HubError,
    list_checkpoints,
    parse_repo,
)
from .sentences import sentence

HEADER_KEY = "unet_demo"
"""Key of the safetensors metadata under which a checkpoint's card stands, as JSON."""

HUB_SECONDS = 60
"""What that repository lists, or that it cannot be asked, holds so long at most."""

LOGGER = logging.getLogger(__name__)

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "weights"

WEIGHTS = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "weights"
"""The bundled checkpoints: inside an installed package, at the top of a clone."""


class CheckpointError(ValueError):
    """One plain sentence: which checkpoint, what is wrong with it, what to do."""


def read_index(directory: Path = WEIGHTS) -> dict[str, dict[str, object]]:
    """name → {"file", "sha256", "bytes"} of the checkpoints bundled in a directory, in its order.

    A single entry that is damaged becomes one that no file fits: whoever asks for that checkpoint
    is told so, and the others are as they were. Raises CheckpointError where nothing can be read.
    """
    path = directory / INDEX
    if not path.is_file():
        return {}
    try:
        listed = json.loads(path.read_bytes())["checkpoints"]
        return {name: _entry(name, item) for name, item in listed.items()}
    except (*MALFORMED, OSError) as error:
        raise CheckpointError(
            sentence(
                "The list of the bundled checkpoints, {file}, is damaged;"
                " clone or install the program again.",
                file=INDEX,
            )
        ) from error


def _entry(name: str, item: object) -> dict[str, object]:
    if (
        isinstance(item, dict)
        and isinstance(item.get("sha256"), str)
        and CHECKPOINT_FILE.fullmatch(str(item.get("file")))
    ):
        return item
    return {"file": f"{name}.safetensors", "sha256": "", "bytes": 0}


def read_titles(directory: Path = WEIGHTS) -> dict[str, str]:
    """name → title of the checkpoints bundled in a directory.

    The title of a file that is damaged is its name: whoever opens it is told what is wrong.
    """
    files = {name: directory / str(entry["file"]) for name, entry in read_index(directory).items()}
    return {name: _title(file) or name for name, file in files.items()}


def offered_names(directory: Path = WEIGHTS) -> list[str]:
    """The names that may be asked for: the bundled ones, then those of UNET_DEMO_HUB_REPO.

    That repository is asked once in HUB_SECONDS. Where it gives no list (the log says why), the
    bundled ones alone.
    """
    names = list(read_index(directory))
    hub = os.environ.get(HUB_VARIABLE)
    if hub:
        listed = names_on_hub(hub, int(time.monotonic() / HUB_SECONDS))
        names += [name for name in listed if name not in names]
    return names


@lru_cache(maxsize=1)
def names_on_hub(hub: str, period: int) -> tuple[str, ...]:
    """The names that owner/repo[@revision] lists, none where it cannot be asked; asked once a ``period``."""
    try:
        return tuple(list_checkpoints(*parse_repo(hub)))
    except HubError as error:
        LOGGER.warning("%s is set, but gives no checkpoints: %s", HUB_VARIABLE, error)
        return ()


def _title(file: Path) -> str:
    try:
        with safe_open(file, framework="numpy") as opened:
            return str(json.loads(opened.metadata()[HEADER_KEY])["title"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return ""
