"""Checks the environment before the page is served, without the slow imports of Gradio and torch."""

import os
import re
import socket
from collections.abc import Mapping

DEVICE_VARIABLE = "UNET_DEMO_DEVICE"
"""Environment variable: the device to compute on, if a command does not name one."""

DEVICE_TYPES = ("cpu", "cuda")

SPACE_VARIABLE = "SPACE_ID"
"""Set on a Hugging Face Space, a machine that many people share."""

ON_ZERO_GPU = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")
"""Whether a Space lends a GPU for each request; see ui/server/zero_gpu.py."""

HOST_VARIABLE, PORT_VARIABLE = "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"
"""Gradio's own environment variables, which it reads when it is imported."""

PORTS = range(1, 65536)

GRADIO_NUMBERS = {
    "GRADIO_NUM_PORTS": 1,
    "GRADIO_NODE_NUM_PORTS": 1,
    "GRADIO_NUM_WORKERS": 0,
    "GRADIO_ANALYTICS_MAX_EVENTS": 0,
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": 0,
    "GRADIO_DEBUG": 0,
    "WEB_CONCURRENCY": 0,
}
"""Environment variable → its least value, of whole numbers that Gradio or its server reads."""

HUB_NUMBERS = {"HF_HUB_ETAG_TIMEOUT": 0, "HF_HUB_DOWNLOAD_TIMEOUT": 0}
"""Environment variable → its least value, of whole numbers that the Hub's library reads on import."""


class ServeError(RuntimeError):
    """One plain sentence on why the page cannot be served or the command cannot run."""


def check_settings(host: str | None = None) -> None:
    """Raise ServeError if the environment's port, host, device or one of its numbers is not valid.

    ``host`` replaces GRADIO_SERVER_NAME. Call it before Gradio is imported, which would raise a
    traceback. Only torch knows whether a GPU exists: the page reports a missing one.
    """
    _check_port(os.environ.get(PORT_VARIABLE))
    _check_host(host or os.environ.get(HOST_VARIABLE))
    _check_device(os.environ.get(DEVICE_VARIABLE))
    check_numbers(GRADIO_NUMBERS | HUB_NUMBERS)


def take_host(host: str | None = None) -> str | None:
    """Return the host for Gradio, an IPv6 address in brackets; None for Gradio's default.

    ``host`` replaces GRADIO_SERVER_NAME, which is removed from the environment: Gradio would look
    for a free port at that address with a socket for IPv4 only.
    """
    named = os.environ.pop(HOST_VARIABLE, None)
    wanted = host or named
    return f"[{wanted}]" if wanted and _is_ipv6(wanted) else wanted


def _is_ipv6(host: str) -> bool:
    """Return whether the text is an IPv6 address without brackets."""
    return ":" in host and not host.startswith("[")


def check_numbers(least: Mapping[str, int]) -> None:
    """Raise ServeError if one of these environment variables is not a whole number from its least value up."""
    for name, lowest in least.items():
        text = os.environ.get(name)
        if text is not None and not _is_number(text, lowest):
            raise ServeError(
                f"{name} is {text!r}, but it has to be a whole number from {lowest} up; change it,"
                " or unset it."
            )


def _is_number(text: str, lowest: int) -> bool:
    try:
        return int(text) >= lowest
    except ValueError:
        return False


def _check_port(text: str | None) -> None:
    try:
        valid = text is None or int(text) in PORTS
    except ValueError:
        valid = False
    if not valid:
        raise ServeError(
            f"{PORT_VARIABLE} is {text!r}, which is no port: give a whole number from {PORTS[0]} to"
            f" {PORTS[-1]}, or unset it."
        )


def _check_host(host: str | None) -> None:
    if host is not None and not _is_this_machines(host):
        raise ServeError(
            f"The demo cannot listen at {host!r}, which is no address of this machine's; give"
            f" another host (--host, {HOST_VARIABLE}), or leave it out for 127.0.0.1."
        )


def _is_this_machines(host: str) -> bool:
    """Return whether a server can listen at a name or address (IPv6 with or without brackets)."""
    try:
        places = socket.getaddrinfo(host.strip("[]"), 0, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(_can_bind(family, address) for family, *_, address in places)


def _can_bind(family: int, address: tuple) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.bind(address)
    except OSError:
        return False
    return True


def _check_device(name: str | None) -> None:
    if name and not re.fullmatch(rf"({'|'.join(DEVICE_TYPES)})(:\d+)?", name):
        raise ServeError(
            f"{DEVICE_VARIABLE} is {name!r}, on which this program does not compute; give cpu, cuda"
            " or cuda:1, or unset it for a GPU if there is one."
        )
