"""Files on their way to the browser: made when asked for, gone after an hour."""

import shutil
import tempfile
import time
from pathlib import Path

KEPT_SECONDS = 3600

FOLDER = Path(tempfile.gettempdir()) / "unet_demo"


def fresh_folder() -> Path:
    """An empty folder for one answer. Those of earlier answers are removed once they are old."""
    FOLDER.mkdir(exist_ok=True)
    oldest = time.time() - KEPT_SECONDS
    for folder in FOLDER.iterdir():
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=FOLDER))
