"""A disk without room, under a real server: each door says so in a sentence, and the page still opens."""

import io
import json
import os
import resource
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hub_server import hub_server
from PIL import Image
from serving import answer, free_port

from unet_demo.ui.train.downloads import FILES

ROOT = Path(__file__).parents[2]
API = "/gradio_api"
REPO = "ann/unets"

FULL = "disk is full"

SMALL = ("colours", "overlay", "probabilities")
"""Files of a result."""

LEAST = 64
"""Bytes of a file where a process's files are bounded: a semaphore takes 32, none of ours so few."""


@dataclass
class Server:
    """A server of its own process, as a page of its own and scripts use it."""

    web: httpx2.Client
    process: subprocess.Popen
    folder: Path
    mounted: bool
    config: dict[str, Any]
    session: str

    def at(self, name: str, **values: Any) -> str:
        """What the page reads of a function, or of a button, as it was laid out but for ``values``."""
        components = {one["id"]: one["props"] for one in self.config["components"]}
        buttons = {
            one["id"]: {components.get(target, {}).get("elem_id") for target, _ in one["targets"]}
            for one in self.config["dependencies"]
            if one["queue"] and one["backend_fn"]
        }
        asked = next(
            one
            for one in self.config["dependencies"]
            if one["api_name"] == name or name in buttons.get(one["id"], ())
        )
        inputs = [components[one] for one in asked["inputs"]]
        data = [values.get(one.get("elem_id") or "", one.get("value")) for one in inputs]
        body = {"fn_index": asked["id"], "session_hash": self.session, "data": data}
        if not asked["queue"]:
            return self.web.post(f"{API}/run/predict", json=body).text
        joined = self.web.post(f"{API}/queue/join", json=body)
        assert joined.status_code == 200, joined.text
        return self.web.get(f"{API}/queue/data", params={"session_hash": self.session}).text

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
    folder, mounted, port = tmp_path_factory.mktemp("disk"), request.param, free_port()
    if mounted:
        mount(folder)
    data = binary_file.read_bytes()
    entry = {"file": "far.safetensors", "sha256": sha256(data).hexdigest()}
    index = json.dumps({"checkpoints": {"far": entry}}).encode()
    try:
        with hub_server({REPO: {"index.json": index, "far.safetensors": data}}) as hub:
            variables = {
                "TMPDIR": str(folder), "GRADIO_SERVER_PORT": str(port), "OMP_NUM_THREADS": "1",
                "HF_HOME": str(folder / "hub"), "HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1",
            }  # fmt: skip
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=os.environ | variables,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                address = f"http://127.0.0.1:{port}"
                answer(process, f"{address}/health")
                with httpx2.Client(base_url=address, timeout=120) as web:
                    config = web.get("/config").json()
                    yield Server(web, process, folder, mounted, config, uuid.uuid4().hex)
            finally:
                process.terminate()
                process.wait(120)
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
