"""A server's place on the disk: bounded, swept, and gone with it, however it ends."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving import answer, free_port

from unet_demo.ui.server import disk, unforeseen
from unet_demo.ui.server.disk import LOCK, PREFIX, Brought, has_room, is_abandoned, sweep

ROOT = Path(__file__).parents[2]

HOLDS_A_PLACE = (
    "from unet_demo.ui.server.disk import take_place;"
    " take_place(); print(take_place(), flush=True); input()"
)


def holder(folder: Path) -> tuple[subprocess.Popen, Path]:
    """A process that holds a place, and the place."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS_A_PLACE],
        cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_a_place_that_a_kill_left_is_removed_at_the_next_start_and_a_held_one_is_not(
    tmp_path: Path,
) -> None:
    killed, left = holder(tmp_path)
    (left / "upload").write_bytes(b"of nobody")
    killed.kill()
    killed.wait()
    assert left.is_dir() and is_abandoned(left)
    first, held = holder(tmp_path)
    second, _ = holder(tmp_path)
    assert not left.exists() and held.is_dir() and not is_abandoned(held)
    for process in (first, second):
        process.communicate("\n")
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_serves_again_and_again_has_one_place(tmp_path: Path) -> None:
    process, place = holder(tmp_path)
    assert list(tmp_path.iterdir()) == [place]
    process.communicate("\n")


def test_a_place_that_is_just_being_made_is_left_alone(tmp_path: Path) -> None:
    assert not is_abandoned(tmp_path)
    os.utime(tmp_path, (1, 1))
    assert is_abandoned(tmp_path)


def test_a_server_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    port = free_port()
    variables = {"TMPDIR": str(tmp_path), "GRADIO_SERVER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=os.environ | variables)
    try:
        answer(process, f"http://127.0.0.1:{port}/health")
        (place,) = tmp_path.glob(f"{PREFIX}*")
        assert (place / LOCK).is_file()
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_what_is_old_is_swept_and_what_is_new_stays(tmp_path: Path) -> None:
    old, new = tmp_path / "a" / "cut-off", tmp_path / "b" / "picture.png"
    for file in (old, new):
        file.parent.mkdir()
        file.write_bytes(b"x")
    os.utime(old, (1, 1))
    sweep(tmp_path)
    assert new.is_file() and not old.parent.exists()


def test_where_there_is_no_room_the_oldest_files_go_sooner_and_none_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / name for name in ("older", "old", "new")]
    for file, age in zip(files, (900, 800, 0), strict=True):
        file.write_bytes(b"x")
        os.utime(file, (time.time() - age,) * 2)
    monkeypatch.setattr(disk, "has_room", lambda _: not files[0].exists())
    sweep(tmp_path)
    assert [file.exists() for file in files] == [False, True, True]
    monkeypatch.setattr(disk, "has_room", lambda _: False)
    sweep(tmp_path)
    assert [file.exists() for file in files] == [False, False, True]


def test_an_address_brings_so_much_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    brought = Brought()
    brought.add("ann", 5)
    brought.add("ann", 6)
    assert (brought.of("ann"), brought.of("ben")) == (11, 0)
    monkeypatch.setattr(disk, "HOUR", -1)
    assert brought.of("ann") == 0


def test_a_disk_is_not_filled_to_its_end() -> None:
    assert has_room(0) and not has_room(2**60)


@pytest.mark.parametrize("number", disk.FULL)
def test_a_full_disk_is_said_to_be_one(number: int) -> None:
    error = ValueError()
    error.__cause__ = OSError(number, "no space", "/tmp/secret.png")
    assert "disk is full" in unforeseen.told(error, "en")
    assert "nobody foresaw" in unforeseen.told(OSError(errno.EIO, "x"), "en")
