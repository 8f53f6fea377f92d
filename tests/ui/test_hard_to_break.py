"""What one stranger does to a real server, and what it costs the others: nothing."""

import io
import json
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx2
import pytest
from PIL import Image
from serving import served

from unet_demo.data.images import Picture
from unet_demo.ui.api import endpoints
from unet_demo.ui.api import publish as fetching
from unet_demo.ui.segment import page as segment_page
from unet_demo.ui.segment.page import SEGMENTED_AT_ONCE
from unet_demo.ui.serve import launch
from unet_demo.ui.server import guard, places, unforeseen
from unet_demo.ui.server.places import ROOMS, TRAININGS
from unet_demo.ui.server.sessions import MOST_EMPTY

API = "/gradio_api"

LIMITS = httpx2.Limits(max_connections=None)


@dataclass(frozen=True)
class Server:
    """A server, as a browser or a script uses it."""

    web: httpx2.Client
    demo: gr.Blocks

    def calls(self, name: str, **parameters: Any) -> httpx2.Response:
        """What a script is answered at first: the id of its event, or why there is none."""
        return self.web.post(f"{API}/call/v2/{name}", json=parameters)

    def answer(self, name: str, **parameters: Any) -> str:
        """All that a script reads of a call."""
        event = self.calls(name, **parameters).json()["event_id"]
        return self.web.get(f"{API}/call/{name}/{event}").text

    def body(self, name: str, session: str, **values: Any) -> dict[str, Any]:
        """What a page sends that stands as it was laid out, but for ``values`` of its elements."""
        fn = next(one for one in self.demo.fns.values() if one.name == name)
        values = [
            values.get(block.elem_id or "", getattr(block, "value", None)) for block in fn.inputs
        ]
        return {"fn_index": fn._id, "session_hash": session, "data": values}

    def page(self, name: str, session: str, **values: Any) -> str:
        """What a page reads of an event that waits in line."""
        joined = self.web.post(f"{API}/queue/join", json=self.body(name, session, **values))
        assert joined.status_code == 200, joined.text
        return self.web.get(f"{API}/queue/data", params={"session_hash": session}).text

    def at_once(self, name: str, session: str) -> httpx2.Response:
        """What a page reads of an event that does not."""
        return self.web.post(f"{API}/run/predict", json=self.body(name, session))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    demos = []

    def launched(**options: object) -> tuple:
        app, *rest = launch(**options)
        demos.append(app.get_blocks())
        return app, *rest

    with (
        served(launched) as address,
        httpx2.Client(base_url=address, timeout=120, limits=LIMITS) as web,
    ):
        yield Server(web, demos[0])


def visitor() -> str:
    """A session hash."""
    return uuid.uuid4().hex


def small_picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32)).save(file, "PNG")
    return file.getvalue()


def brought(server: Server, file: bytes, name: str = "a") -> dict[str, Any]:
    """An uploaded file, as an event names it."""
    (path,) = server.web.post(f"{API}/upload", files={"files": (name, file)}).json()
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


# --- the queue ---


def test_answers_that_nobody_reads_keep_nobody_out_and_are_dropped(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = ROOMS[TRAININGS].address
    asked = [server.calls("train", width=32, steps=1000) for _ in range(3 * most)]
    refused = [one.json()["detail"] for one in asked if one.status_code == 429]
    assert len(refused) == 2 * most
    assert all("try again" in words for words in refused)
    assert "event: complete" in server.answer("checkpoints")
    assert server.web.get("/").status_code == 200
    assert "process_completed" in server.page("on_open", visitor())
    monkeypatch.setattr(places, "UNREAD_SECONDS", 0)
    while server.demo._queue.event_ids_to_events:
        time.sleep(0.1)


def test_an_address_has_its_turn_after_another_whatever_it_asks_for(server: Server) -> None:
    def event(address: str, session: str) -> SimpleNamespace:
        request = SimpleNamespace(client=SimpleNamespace(host=address), headers={})
        return SimpleNamespace(request=request, session_hash=session)

    mob = [event("mob", f"{number % 2}") for number in range(4)]
    ann, ben = event("ann", "a"), event("ben", "b")
    order = places.in_turns([*mob, ann, ben])  # type: ignore[list-item]
    assert order == [mob[0], ann, ben, mob[1], mob[2], mob[3]]


# --- reading ---


@pytest.fixture
def mob(server: Server) -> Iterator[Server]:
    """The same server, as it is asked from another address."""
    transport = httpx2.HTTPTransport(local_address="127.0.0.2", limits=LIMITS)
    with httpx2.Client(base_url=server.web.base_url, timeout=120, transport=transport) as web:
        yield Server(web, server.demo)


def unlike_pages(count: int) -> bytes:
    """A TIFF of so many pages, each of another size."""
    body, place = bytearray(b"II*\0" + struct.pack("<I", 8)), 8
    for number in range(count):
        width, height = 1 + number % 100, 1 + number // 100
        tags = (
            (256, 3, 1, width), (257, 3, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, 0), (278, 3, 1, height), (279, 4, 1, width * height),
        )  # fmt: skip
        place += 2 + 12 * len(tags) + 4
        body += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        body += struct.pack("<I", place if number < count - 1 else 0)
    return bytes(body) + bytes(50_000)


def many_scans(count: int) -> bytes:
    """A progressive JPEG of 1024 by 1024 pixels with so many scans."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((1024, 1024)).save(file, "JPEG", progressive=True)
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" + bytes(150)
    return file.getvalue()[:-2] + scan * count + b"\xff\xd9"


@pytest.mark.parametrize(
    ("file", "words"),
    [(unlike_pages(4000), "too many different sizes"), (many_scans(1500), "too many passes")],
    ids=["tiff", "jpeg"],
)
def test_files_made_to_take_minutes_are_refused_in_a_sentence(
    server: Server, file: bytes, words: str
) -> None:
    picture = brought(server, file)
    assert words in server.answer("segment", picture=picture)
    assert words in server.page("on_picture", visitor(), picture=picture)


def test_pictures_that_are_read_for_long_keep_no_other_address_waiting(
    server: Server, mob: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, read = threading.Event(), segment_page.read_picture

    def slow(path: str, stop: threading.Event) -> Picture:
        if "slow" in path:
            let_go.wait()
        return read(path, stop)

    monkeypatch.setattr(segment_page, "read_picture", slow)
    pictures = [brought(mob, small_picture(), "slow.png") for _ in range(SEGMENTED_AT_ONCE + 2)]
    sessions = [visitor() for _ in pictures]
    for picture, session in zip(pictures, sessions, strict=True):
        body = mob.body("on_picture", session, picture=picture)
        assert mob.web.post(f"{API}/queue/join", json=body).status_code == 200
    mine = brought(server, small_picture())
    assert "data:image" in server.page("on_picture", visitor(), picture=mine)
    let_go.set()


def test_a_silent_web_address_keeps_no_other_address_waiting(
    server: Server, mob: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PUBLIC_HOSTNAME_WHITELIST", ["localhost"])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://localhost:{silent.getsockname()[1]}/picture.png"
        asked = [
            mob.calls("segment", picture={"path": address, "meta": {"_type": "gradio.FileData"}})
            for _ in range(endpoints.SEGMENTED_AT_ONCE + 2)
        ]
        assert {one.status_code for one in asked} == {200}
        silent.accept()  # one is fetched by now
        mine = brought(server, small_picture())
        assert "event: complete" in server.answer("segment", picture=mine)
        assert "data:image" in server.page("on_picture", visitor(), picture=mine)


# --- sessions ---


def test_invented_sessions_put_no_visitor_out(server: Server) -> None:
    ann = visitor()
    server.page("on_open", ann)
    for _ in range(MOST_EMPTY + 20):
        server.at_once("on_cancel", visitor())
    assert "data:image" in server.at_once("on_slice", ann).text


# --- doors ---


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/file=http://127.0.0.1:1/"),
        ("HEAD", "/gradio_api/file=https://example.org/"),
        ("GET", "/gradio_api/file/http://example.org/"),
        ("GET", "/gradio_api/proxy=https://example.org/"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/component_server"),
        ("GET", "/gradio_api/deep_link?session_hash=x"),
        ("POST", "/gradio_api/vibe-edit"),
    ],
)
def test_doors_that_no_page_needs_are_closed(server: Server, method: str, path: str) -> None:
    answer = server.web.request(method, path)
    assert answer.status_code == 404
    assert method == "HEAD" or "closed" in answer.json()["error"]


def test_a_page_fetches_nothing_from_inside(server: Server) -> None:
    session = visitor()
    body = server.body("on_truth", session)
    body["data"][0] = {"path": "http://192.0.0.192/", "meta": {"_type": "gradio.FileData"}}
    assert server.web.post(f"{API}/queue/join", json=body).status_code == 200
    words = server.web.get(f"{API}/queue/data", params={"session_hash": session}).text
    assert '"success":false' in words and "/tmp" not in words


# --- what nobody foresaw ---


def test_an_error_has_an_id_that_stands_in_the_log_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unforeseen, "LOG", unforeseen.Log())

    def broken(*_: object) -> None:
        raise RuntimeError("secret.png")

    monkeypatch.setattr(endpoints, "legend", broken)
    picture = brought(server, small_picture())
    said = {server.answer("segment", picture=picture) for _ in range(3)}
    (words,) = said
    (name,) = re.findall(r"knows it as ([0-9a-f]{8})", words)
    assert caplog.text.count(f"Error {name}") == 1
    assert "RuntimeError" in caplog.text and "in broken" in caplog.text
    assert "secret" not in caplog.text + words


def test_nonsense_is_answered_in_a_sentence(server: Server) -> None:
    for path in ("call/v2/nothing", "run/predict", "queue/join", "cancel"):
        for body in ({"data": 1}, {"data": [], "fn_index": 10**9, "session_hash": "x"}, [], "x"):
            answer = server.web.post(f"{API}/{path}", json=body)
            assert answer.status_code in (200, 422, 400, 404, 429) or answer.json()["error"]


def test_an_answer_that_is_not_there_is_no_error_in_the_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.web.get(f"{API}/queue/data", params={"session_hash": visitor()})
    assert "Traceback" not in caplog.text


# --- bounds ---


def test_a_body_is_bounded_with_its_length_told_or_not(server: Server) -> None:
    body = b'{"preset": "' + b"x" * guard.BOUNDS[-1].body + b'"}'
    for content in (body, iter([body])):
        answer = server.web.post(
            f"{API}/call/v2/train", content=content, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 413 and "larger" in answer.json()["error"]


@pytest.mark.parametrize("value", [[[1]] * 6000, [{}] * 6000, [1] * 11_000])
def test_a_list_that_gradio_would_go_through_for_seconds_is_refused(
    server: Server, value: Any
) -> None:
    answer = server.calls("train", preset=value)
    assert answer.status_code == 413 and "larger" in answer.json()["error"]


def test_half_a_character_ends_no_pages_events(server: Server) -> None:
    ann = visitor()
    body = json.dumps(server.body("on_restored", ann, history={"query": "example=\ud800"}))
    headers = {"content-type": "application/json"}
    joined = server.web.post(f"{API}/queue/join", content=body, headers=headers)
    assert joined.status_code == 200
    server.web.get(f"{API}/queue/data", params={"session_hash": ann})
    assert "process_completed" in server.page("on_open", ann)


def test_an_error_does_not_say_all_that_was_sent(server: Server) -> None:
    said = server.page("on_checkpoint", visitor(), checkpoint="x" * 100_000)
    assert '"success":false' in said and len(said) < 10_000


def test_one_address_holds_so_many_requests_open(
    mob: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = (guard.Bound(f"{API}/heartbeat/", address=5), *guard.BOUNDS)
    monkeypatch.setattr(guard, "BOUNDS", bounds)
    with ExitStack() as open_:
        answers = [
            open_.enter_context(mob.web.stream("GET", f"{API}/heartbeat/{visitor()}"))
            for _ in range(8)
        ]
        assert [one.status_code for one in answers] == [200] * 5 + [429] * 3
        assert mob.web.get("/health").status_code == 200


def test_heartbeats_that_come_and_go_leave_the_server_answering(server: Server) -> None:
    for _ in range(100):
        with server.web.stream("GET", f"{API}/heartbeat/{visitor()}"):
            pass
    assert server.web.get("/health").json()["status"] == "ok"


def test_a_session_costs_gradio_little(server: Server) -> None:
    session = visitor()
    server.page("on_open", session)
    state = server.demo.state_holder.session_data[session]
    assert not state.config_values
    assert len(state.blocks_config.blocks.maps[0]) < 100  # type: ignore[attr-defined]


def test_an_upload_that_the_disk_or_the_address_has_no_room_for_is_refused_and_the_page_opens(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def brings() -> httpx2.Response:
        return server.web.post(f"{API}/upload", files={"files": b"x" * 100})

    assert brings().status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr(guard, "has_room", lambda _: False)
        refused = brings()
        assert refused.status_code == 507 and "disk is full" in refused.json()["error"]
        assert server.web.get("/").status_code == 200
    monkeypatch.setattr(guard, "MOST_OF_AN_ADDRESS", 100)
    assert "within an hour" in brings().json()["error"]
