"""What is bundled, told without torch: the index of the weights, and the checkpoints' titles."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from .hub import INDEX

HEADER_KEY = "unet_demo"
"""Key of the safetensors metadata under which a checkpoint's card stands, as JSON."""

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "weights"

WEIGHTS = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "weights"
"""The bundled checkpoints: inside an installed package, at the top of a clone."""


def read_index(directory: Path = WEIGHTS) -> dict[str, dict[str, object]]:
    """name → {"file", "sha256", "bytes"} of the checkpoints bundled in a directory, in its order."""
    path = directory / INDEX
    if not path.is_file():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))["checkpoints"]


def read_titles(directory: Path = WEIGHTS) -> dict[str, str]:
    """name → title of the checkpoints bundled in a directory.

    The title of a file that is damaged is its name: whoever opens it is told what is wrong.
    """
    files = {name: directory / str(entry["file"]) for name, entry in read_index(directory).items()}
    return {name: _title(file) or name for name, file in files.items()}


def _title(file: Path) -> str:
    try:
        with safe_open(file, framework="numpy") as opened:
            return str(json.loads(opened.metadata()[HEADER_KEY])["title"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return ""
