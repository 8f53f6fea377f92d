"""What the tests of whoever serves something have in common."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def free_port() -> int:
    """A TCP port of this machine's where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def served(launch: Callable[..., tuple], **options: object) -> Iterator[str]:
    """What `ui.demo.launch` or a Blocks' own launch serves: its address, without a slash at its end."""
    app, address, _ = launch(
        prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **options
    )
    try:
        yield address.rstrip("/")
    finally:
        app.get_blocks().close()
