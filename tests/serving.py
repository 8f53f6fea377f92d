"""What the tests of whoever serves something have in common."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.error import URLError

import httpx2

ROOT = Path(__file__).parents[1]

API = "/gradio_api"

LONGEST_START = 300
"""Seconds."""


def free_port() -> int:
    """A TCP port of this machine's where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def served(launch: Callable[..., tuple], **options: object) -> Iterator[str]:
    """What `ui.serve.launch` or a Blocks' own launch serves: its address, without a slash at its end."""
    app, address, _ = launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options
    )
    try:
        yield address.rstrip("/")
    finally:
        app.get_blocks().close()


def answer(process: subprocess.Popen, address: str) -> str:
    """What the server says as soon as it is there."""
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended before it served anything"
        try:
            with urllib.request.urlopen(address, timeout=LONGEST_START) as reply:
                return reply.read().decode()
        except (URLError, ConnectionError):
            time.sleep(0.1)
    raise TimeoutError(address)


@dataclass
class Page:
    """A page that one visitor has open, without a browser."""

    web: httpx2.Client
    session: str = field(default_factory=lambda: uuid.uuid4().hex)

    @cached_property
    def _config(self) -> dict[str, Any]:
        return self.web.get("/config").json()

    def at(self, name: str, **values: Any) -> str:
        """What the page reads of a function, or of a button, as it was laid out but for ``values``."""
        components = {one["id"]: one["props"] for one in self._config["components"]}
        buttons = {
            one["id"]: {components.get(target, {}).get("elem_id") for target, _ in one["targets"]}
            for one in self._config["dependencies"]
            if one["queue"] and one["backend_fn"]
        }
        asked = next(
            one
            for one in self._config["dependencies"]
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


@contextmanager
def own_server(**variables: str) -> Iterator[tuple[subprocess.Popen, Page]]:
    """A server of its own process, in that environment, and a page of it."""
    port = free_port()
    own = {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
    }
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | own | variables,
        stdout=quiet,
        stderr=quiet,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        answer(process, f"{address}/health")
        with httpx2.Client(base_url=address, timeout=LONGEST_START) as web:
            yield process, Page(web)
    finally:
        process.terminate()
        process.wait(LONGEST_START)
