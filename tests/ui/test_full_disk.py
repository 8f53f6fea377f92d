"""A disk without room, under a real server: each door says so in a sentence, and the page still opens."""

import io
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from hub_server import hub_server
from PIL import Image
from serving import API, Page, own_server

from unet_demo.ui.train.downloads import FILES

REPO = "ann/unets"

FULL = "disk is full"

SMALL = ("colours", "overlay", "probabilities")
"""Files of a result."""

LEAST = 64
"""Bytes of a file where a process's files are bounded: a semaphore takes 32, none of ours so few."""


@dataclass
class Server:
    """A server of its own process, as a page of its own and scripts use it."""

    page: Page
    process: subprocess.Popen
    folder: Path
    mounted: bool

    @property
    def web(self) -> httpx2.Client:
        return self.page.web

    def at(self, name: str, **values: object) -> str:
        """What the page reads."""
        return self.page.at(name, **values)

    def brings(self) -> httpx2.Response:
        """Upload a small picture."""
        file = io.BytesIO()
        Image.linear_gradient("L").save(file, "PNG")
        return self.web.post(f"{API}/upload", files={"files": ("a.png", file.getvalue())})

    def segments(self, path: str) -> str:
        """What a script is answered."""
        picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
        event = self.web.post(f"{API}/call/v2/segment", json={"picture": picture}).json()
        return self.web.get(f"{API}/call/segment/{event['event_id']}").text

    @contextmanager
    def full(self) -> Iterator[None]:
        """Have no room on the disk until the block ends."""
        if self.mounted:
            ballast = self.folder / "ballast"
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(512))
            try:
                yield
            finally:
                ballast.unlink()
        else:
            before = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (LEAST, before[1]))
            try:
                yield
            finally:
                resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, before)


def mount(folder: Path) -> None:
    """Put a disk of 8 MB there, or skip the test."""
    if not shutil.which("mount") or os.geteuid():
        pytest.skip("only root mounts disks")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder])
    if done.returncode:
        pytest.skip("this machine mounts nothing")


@pytest.fixture(
    scope="module",
    params=[False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["bounded", "8-MB"],
)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, binary_file: Path
) -> Iterator[Server]:
    folder, mounted = tmp_path_factory.mktemp("disk"), request.param
    if mounted:
        mount(folder)
    data = binary_file.read_bytes()
    entry = {"file": "far.safetensors", "sha256": sha256(data).hexdigest()}
    index = json.dumps({"checkpoints": {"far": entry}}).encode()
    try:
        with hub_server({REPO: {"index.json": index, "far.safetensors": data}}) as hub:
            variables = {
                "TMPDIR": str(folder),
                "HF_HOME": str(folder / "hub"), "HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1",
            }  # fmt: skip
            with own_server(**variables) as (process, page):
                yield Server(page, process, folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


def test_a_page_opens_and_a_network_trains_on_a_full_disk(server: Server) -> None:
    with server.full():
        assert server.web.get("/health").status_code == server.web.get("/").status_code == 200
        assert "data:image" in server.at("on_open")
        assert '"success":true' in server.at("on_step", size=64, width=8)


def test_nothing_is_uploaded_to_a_full_disk(server: Server) -> None:
    with server.full():
        assert FULL in server.brings().json()["error"]
    assert server.brings().status_code == 200


def test_a_mask_that_a_full_disk_does_not_take_is_said(server: Server) -> None:
    (path,) = server.brings().json()
    with server.full():
        assert FULL in server.segments(path)
    assert "event: complete" in server.segments(path)


def test_a_checkpoint_of_the_hubs_that_a_full_disk_does_not_take_is_said(server: Server) -> None:
    server.at("on_open")
    with server.full():
        assert "could not be saved" in server.at("on_repo", repo=REPO)
    assert "could not be saved" not in (said := server.at("on_repo", repo=REPO))
    assert '"success":true' in said and "data:image" in said


@pytest.mark.parametrize(
    "button",
    [
        *(f"download-{kind}" for kind in SMALL),
        *(f"train-download-{kind}" for kind in FILES),
        "train-use",
    ],
)
def test_a_file_to_take_along_that_a_full_disk_does_not_take_is_said(
    trained: Server, button: str
) -> None:
    with trained.full():
        assert FULL in trained.at(button)
    assert FULL not in (said := trained.at(button)) and '"success":true' in said


@pytest.fixture(scope="module")
def trained(server: Server) -> Server:
    """The same server, with a result and a trained network on its page."""
    server.at("on_open")
    server.at("on_step", size=64, width=8)
    return server
