"""What the Train page answers where an answer takes its time, or comes for nothing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from unet_demo.data.shapes import SceneOptions
from unet_demo.live.run import LiveRun
from unet_demo.live.settings import LiveSettings
from unet_demo.ui import later
from unet_demo.ui.notices import alert
from unet_demo.ui.texts import say
from unet_demo.ui.train_controls import values_of
from unet_demo.ui.train_page import TrainPage, Update

TINY = LiveSettings(SceneOptions(size=64, colour_is_clue=True), width=8, batch=1, steps=30)

LINK = "page=train&preset=noisy"


@pytest.fixture(scope="module")
def page() -> TrainPage:
    with gr.Blocks() as demo:
        return TrainPage(demo, TINY)


@pytest.fixture
def request_of(page: TrainPage) -> Iterator[Callable[[str], gr.Request]]:
    """Makes a request of one visitor, who leaves at the end."""

    def make(query: str = "") -> gr.Request:
        asked = Request({"type": "http", "headers": [], "query_string": query.encode()})
        return gr.Request(asked, session_hash="visitor")  # type: ignore[arg-type]

    yield make
    page.on_leave(make())


def values(page: TrainPage, settings: LiveSettings = TINY) -> list[Any]:
    by_name = values_of(settings)
    return [by_name[name] for name in page.controls]


def answer_while(handler: Callable[[], Update], meanwhile: Callable[[], object]) -> Update:
    """What the handler answers if something happens while it imports what computes."""
    with ThreadPoolExecutor(1) as worker:
        with later._IMPORTING:
            vars(later).pop("live_experiment", None)  # as before its first use
            answer = worker.submit(handler)
            time.sleep(0.2)
            meanwhile()
        return answer.result(10)


def begin(page: TrainPage, request: gr.Request) -> None:
    page.sessions.of(request.session_hash).begin(LiveRun(TINY))


def test_a_greeting_during_which_a_run_began_says_nothing_of_what_it_shows(page, request_of):
    request = request_of(LINK)
    answer = answer_while(
        lambda: page.on_greeting(request, *values(page)), lambda: begin(page, request)
    )
    assert set(answer) == {page.envelope}


def test_a_greeting_leaves_the_controls_alone_that_were_moved_meanwhile(page, request_of):
    request = request_of(LINK)
    moved = values(page, replace(TINY, width=16))
    later.load_all()
    session = page.sessions.of(request.session_hash)
    answer = answer_while(lambda: page.on_greeting(request, *values(page)), session.act)
    assert not {page.preset, page.status, page.scenes, *page.controls.values()} & set(answer)
    assert {page.readings, page.runs, page.editor} <= set(answer)
    assert "width 16" in page.on_change(request, *moved)[page.status]
    assert page.preset in page.on_greeting(request, *moved)


@pytest.mark.parametrize("handler", ["on_change", "on_preset"])
def test_no_proposal_takes_the_place_of_a_run_that_began_meanwhile(page, request_of, handler):
    request = request_of()
    asked = {
        "on_change": lambda: page.on_change(request, *values(page)),
        "on_preset": lambda: page.on_preset("noisy", request),
    }[handler]
    answer = answer_while(asked, lambda: begin(page, request))
    assert not {page.scenes, page.chart} & set(answer)
    assert answer.get(page.status, gr.skip()) == gr.skip()


def test_every_update_of_a_run_says_its_status(page, request_of):
    request = request_of()
    first, *updates = page.on_start(request, *values(page))
    assert page.status not in first
    said = [update[page.status] for update in updates]
    assert len(said) > 2
    assert all("Training ShapesUNet" in status for status in said[:-1])
    assert "Finished: 30 steps" in said[-1]
    assert sum(page.runs in update for update in updates) == 2


def test_what_changes_the_controls_or_asks_for_a_run_is_noted(page, request_of):
    request = request_of()
    session = page.sessions.of(request.session_hash)
    page.on_change(request, *values(page))
    page.on_preset("random", request)
    next(page.on_start(request, *values(page)))
    assert session.deeds == 3


@pytest.mark.parametrize("asked", ["use", "losses"])
def test_nothing_can_be_taken_along_before_there_is_a_network(page, request_of, asked):
    request = request_of()
    page.on_greeting(request, *values(page))
    take = page.on_use if asked == "use" else page._download(asked)
    with pytest.raises(gr.Error, match="train"):
        take(request)


def test_a_page_that_the_server_has_forgotten_is_told_to_load_anew(page, request_of):
    request = request_of()
    page.on_greeting(request, *values(page))
    begin(page, request)
    page.on_leave(request)  # the connection broke
    told = alert(say("lost_forgotten", "en"), "en")
    (resumed,) = page.on_resume(request)
    assert resumed[page.status] == told
    assert page.on_draw(None, request) == {page.drawn_note: told}
    with pytest.raises(gr.Error, match="reload the page"):
        page.on_use(request)
