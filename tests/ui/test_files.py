"""Folders for files on their way to the browser."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from unet_demo.ui.files import fresh_folder


def test_a_folder_is_removed_once_it_is_old() -> None:
    old, young = fresh_folder(), fresh_folder()
    (old / "mask.png").write_bytes(b"of an hour ago")
    os.utime(old, (1, 1))
    fresh_folder()
    assert not old.exists() and young.exists()


def test_requests_that_tidy_up_at_the_same_time_do_not_hinder_one_another() -> None:
    for folder in [fresh_folder() for _ in range(300)]:
        os.utime(folder, (1, 1))
    with ThreadPoolExecutor(4) as threads:
        folders = list(threads.map(lambda _: fresh_folder(), range(16)))
    assert len(set(folders)) == 16 and all(folder.is_dir() for folder in folders)


def test_a_folder_is_made_though_the_system_has_tidied_up() -> None:
    shutil.rmtree(fresh_folder().parent)
    assert fresh_folder().is_dir()


def test_each_process_has_a_place_of_its_own_that_goes_with_it() -> None:
    script = "from unet_demo.ui.files import fresh_folder; print(fresh_folder())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300
    )
    theirs = Path(done.stdout.strip()).parent
    assert theirs != fresh_folder().parent
    assert not theirs.exists()
