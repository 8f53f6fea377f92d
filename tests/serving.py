"""What the tests of whoever serves something have in common."""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.error import URLError

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
