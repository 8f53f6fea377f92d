"""Files by their web address, from a real server on the loopback: honest, endless, slow, in circles."""

import asyncio
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from unet_demo.ui.api import publish as fetching
from unet_demo.ui.api.publish import FetchError, UploadedFile, fetch

PICTURE = bytes(range(256)) * 100

LONGER_THAN_HTTPX = 5.5
"""Seconds; by itself, the library gives up after 5."""


class Server(BaseHTTPRequestHandler):
    """Answers /picture, and worse."""

    def do_GET(self) -> None:
        name = self.path.strip("/")
        where = {
            "circle": "/circle",
            "moved": "/picture",
            "inside": f"http://127.0.0.1:{self.server.server_address[1]}/picture",
        }
        if name in where:
            self.send_response(302)
            self.send_header("Location", where[name])
            self.end_headers()
            return
        if name == "slow":
            time.sleep(LONGER_THAN_HTTPX)
        self.send_response(404 if name == "missing" else 200)
        self.end_headers()
        if name == "endless":
            self.send(bytes(1_000_000), pause=0)
        elif name == "drip":
            self.send(b"\0", pause=0.05)
        else:
            self.wfile.write(PICTURE)

    def send(self, part: bytes, pause: float) -> None:
        """The same part until the other side has gone."""
        try:
            while not self.wfile.closed:
                self.wfile.write(part)
                time.sleep(pause)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def public(served: str, monkeypatch) -> str:
    """The server's address under a name that counts as public, which 127.0.0.1 does not."""
    monkeypatch.setattr(fetching, "PUBLIC_HOSTNAME_WHITELIST", ["localhost"])
    return served


def refusal(address: str) -> str:
    with pytest.raises(FetchError) as caught:
        asyncio.run(fetch(address))
    words = str(caught.value)
    assert words.startswith("since ") and words.endswith(".") and "\n" not in words
    return words


@pytest.mark.parametrize("name", ["picture", "moved"])
def test_a_file_is_fetched_from_where_it_is_or_has_moved_to(public, name):
    assert asyncio.run(fetch(f"{public}/{name}")) == PICTURE


def test_a_file_without_end_is_given_up_at_the_limit(public, monkeypatch):
    monkeypatch.setattr(fetching, "MAX_UPLOAD", 3 * 2**20)
    assert "larger than 3 MB, the limit" in refusal(f"{public}/endless")


def test_a_file_that_comes_byte_by_byte_is_given_up_in_time(public, monkeypatch):
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 0.5)
    assert "did not deliver it within 0.5 s" in refusal(f"{public}/drip")


def test_a_server_may_take_its_time_to_begin(public):
    assert asyncio.run(fetch(f"{public}/slow")) == PICTURE


def test_a_server_that_stays_silent_is_given_up_sooner(public, monkeypatch):
    monkeypatch.setattr(fetching, "SILENT_SECONDS", 0.2)
    assert "sent nothing for 0.2 s" in refusal(f"{public}/slow")


def test_an_address_that_leads_in_a_circle_is_refused(public):
    assert "without end" in refusal(f"{public}/circle")


def test_an_address_where_nothing_is_says_so(public):
    assert "its server answers 404" in refusal(f"{public}/missing")


def test_no_address_of_the_servers_own_network_is_fetched(served):
    assert "no public server" in refusal(f"{served}/picture")


def test_a_public_address_cannot_lead_into_the_servers_own_network(public):
    assert "no public server" in refusal(f"{public}/inside")


def test_a_file_is_kept_whatever_the_length_of_its_name(public):
    component = UploadedFile("picture", "a picture.")
    kept = component.async_move_resource_to_block_cache(f"{public}/{'x' * 300}.png")
    path = Path(asyncio.run(kept))
    assert path.read_bytes() == PICTURE and path.suffix == ".png"


@pytest.mark.parametrize("address", ["http://[", "http://", "ftp://localhost/a", "http://a..b/"])
def test_what_is_no_web_address_is_refused(public, address):
    assert "no public server" in refusal(address)


@pytest.mark.parametrize(
    "address", ["100.64.0.1", "192.0.0.192", "169.254.169.254", "[::ffff:a9fe:a9fe]"]
)
def test_no_service_of_a_clouds_own_machines_is_asked(address: str) -> None:
    assert "no public server" in refusal(f"http://{address}/")
