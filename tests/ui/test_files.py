"""Folders for files on their way to the browser."""

import errno
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from unet_demo.ui import files
from unet_demo.ui.files import fresh_folder


@pytest.fixture(autouse=True)
def no_folders() -> None:
    """None of the tests before: the oldest is looked at first."""
    shutil.rmtree(fresh_folder().parent)


def test_a_folder_is_removed_once_it_is_old() -> None:
    old, young = fresh_folder(), fresh_folder()
    (old / "mask.png").write_bytes(b"of an hour ago")
    os.utime(old, (1, 1))
    fresh_folder()
    assert not old.exists() and young.exists()


def aged(*ages: float) -> list[Path]:
    """Folders that were made so many seconds ago, the oldest first."""
    folders = [fresh_folder() for _ in ages]
    for folder, age in zip(folders, ages, strict=True):
        os.utime(folder, (time.time() - age,) * 2)
    return folders


def test_of_too_many_answers_the_oldest_ones_go(monkeypatch: pytest.MonkeyPatch) -> None:
    older, old, new = aged(900, 600, 0)
    monkeypatch.setattr(files, "MOST_KEPT", 3)
    fresh_folder()
    assert not older.exists() and old.exists() and new.exists()


def test_the_oldest_answers_make_room_for_one_and_what_is_under_way_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older, old, new = aged(900, 600, 0)
    monkeypatch.setattr(files, "has_room", lambda more: not older.exists())
    fresh_folder(1)
    assert not older.exists() and old.exists()
    monkeypatch.setattr(files, "has_room", lambda more: False)
    with pytest.raises(OSError):
        fresh_folder(1)
    assert not old.exists() and new.exists()


def test_a_file_that_the_disk_has_no_room_for_is_not_begun() -> None:
    with pytest.raises(OSError) as caught:
        fresh_folder(2**60)
    assert caught.value.errno == errno.ENOSPC


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
