"""What the Train page answers where an answer takes its time, or comes for nothing."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from unet_demo.data.shapes import SceneOptions
from unet_demo.live.run import LiveRun
from unet_demo.live.settings import LOCAL, LiveSettings
from unet_demo.ui.html import alert
from unet_demo.ui.link import AddressSettings
from unet_demo.ui.server.trainings import TRAININGS_AT_ONCE
from unet_demo.ui.text import say
from unet_demo.ui.train.controls import values_of
from unet_demo.ui.train.page import TrainPage
from unet_demo.ui.train.session import KEPT_RUNS, Session
from unet_demo.ui.train.views import number, run_sentence

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


def begin(page: TrainPage, request: gr.Request) -> None:
    page.sessions.of(request.session_hash).begin(LiveRun(TINY))


def test_every_update_of_a_run_says_its_status(page, request_of):
    request = request_of()
    first, *updates = page.on_start(request, *values(page))
    assert page.status not in first
    said = [update[page.status] for update in updates]
    assert len(said) > 2
    assert all("Training ShapesUNet" in status for status in said[:-1])
    assert "Finished after step 30, in" in said[-1]
    assert sum(page.runs in update for update in updates) == 2


def test_an_error_that_nobody_foresaw_is_told_and_another_run_can_begin(
    page, request_of, monkeypatch
):
    def broken(_: LiveRun) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(LiveRun, "_validate", broken)
    *_, last = page.on_start(request_of(), *values(page))
    assert "nobody foresaw" in last[page.status]
    assert last[page.buttons["start"]].interactive


def test_a_run_that_was_put_away_is_remembered_and_said_to_be_gone(page, request_of, monkeypatch):
    request = request_of()
    *_, _ = page.on_start(request, *values(page))
    session = page.sessions.of(request.session_hash)
    assert session.own_bytes > 6 * 4 * 1000
    page.sessions.budget.make_room(Session())
    assert session.run
    monkeypatch.setattr(page.sessions.budget, "most_bytes", 0)
    page.sessions.budget.make_room(session)
    assert session.run
    page.sessions.budget.make_room(Session())
    assert session.run is None and len(session.attempts) == 1
    with pytest.raises(gr.Error, match="put away"):
        page.on_use(request)
    (last,) = page.on_resume(request)
    assert "put away" in last[page.status]


def test_the_latest_networks_that_segment_uses_are_kept_on_the_disk(page, request_of):
    request = request_of()
    list(page.on_step(request, *values(page)))
    for count in range(KEPT_RUNS + 2):
        page.sessions.of(request.session_hash)._number = count  # as if it were another run
        latest = Path(page.on_use(request)[page.checkpoint])
    assert latest.is_file() and len(list(latest.parent.iterdir())) == KEPT_RUNS


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


# --- numbers ---


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (1800, "1,800"),
        (1234.4, "1,234"),
        (999.7, "1,000"),
        (137_812.3, "137,812"),
        (1.378e9, "1.38×10⁹"),
        (0.0000123, "1.23×10⁻⁵"),
        (0.0521, "0.0521"),
        (math.inf, "–"),
        (None, "–"),
    ],
)
def test_a_number_is_told_as_a_person_reads_it(value: float | None, told: str):
    assert number(value) == told


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("out of time", "a run may train for 1,800 s here"),
        ("finished", "Finished after step 1, in 1,234 s; validation mIoU –."),
    ],
)
def test_what_has_become_of_a_run_is_told_in_numbers_without_exponents(state: str, told: str):
    run = LiveRun(TINY, LOCAL)
    snapshot = replace(run.snapshot(), state=state, step=1, seconds=1234.4)
    assert told in run_sentence(snapshot, run, "en")


# --- waiting for a place ---


def wait_until_rested(run: LiveRun) -> None:
    """A thread that still computes when the tests end would abort them."""
    while run.snapshot().state == "running":
        time.sleep(0.01)


@contextmanager
def others_train(page: TrainPage) -> Iterator[None]:
    """As many visitors as there is room for, each with a run under way."""
    with ExitStack() as stack:
        for number_ in range(TRAININGS_AT_ONCE):
            run = LiveRun(replace(TINY, steps=5000))
            stack.callback(wait_until_rested, run)
            page.sessions.of(f"other {number_}").begin(run)
            stack.callback(page.sessions.close, f"other {number_}")
            next(stack.enter_context(closing(run.play())))
        yield


def test_a_run_that_has_to_wait_says_so_at_once_and_leaves_no_button(page, request_of):
    request = request_of("page=train&autostart=1")
    with others_train(page):
        answers = [
            page.on_greeting(request, *values(page)),
            page.on_autostart(request),
            page.on_press(request),
        ]
    for answer in answers:
        assert "2 trainings are running" in answer[page.status]
    assert not any(answers[-1][button].interactive for button in page.buttons.values())
    assert page.on_press(request) == {page.recording: None}
    assert "width 8" in page.on_greeting(request, *values(page))[page.status]


def test_a_page_that_starts_nothing_by_itself_does_not_wait(page, request_of):
    with others_train(page):
        answer = page.on_greeting(request_of("page=train"), *values(page))
    assert "width 8" in answer[page.status]


@pytest.mark.parametrize("asked", ["press", "autostart"])
def test_whoever_waits_goes_on_reading_why_whatever_they_move(page, request_of, asked):
    request = request_of("page=train&autostart=1")
    with others_train(page):
        page.on_press(request) if asked == "press" else page.on_autostart(request)
        moved = [
            page.on_change(request, *values(page)),
            page.on_preset("noisy", request),
            page.on_change(request, *values(page, replace(TINY, seed=-1))),
        ]
    assert all(answer[page.status] == gr.skip() for answer in moved)
    assert all(page.scenes in answer for answer in moved[:2])


def test_a_run_that_was_refused_before_its_turn_gives_the_buttons_back(page, request_of):
    request = request_of()
    assert page.on_refused(request) == {page.status: gr.skip()}
    with others_train(page):
        page.on_press(request)
    answer = page.on_refused(request)
    assert answer[page.status] == "" and answer[page.buttons["start"]].interactive
    assert "width 8" in page.on_change(request, *values(page))[page.status]


@pytest.mark.parametrize("end", ["cancelled", "finished", "refused", "lost", "reset", "left"])
def test_nobody_waits_any_more_when_the_run_has_ended(page, request_of, end):
    request = request_of()
    session = page.sessions.of(request.session_hash)
    with others_train(page):
        page.on_press(request)
    assert session.waiting
    if end == "reset":
        page.on_reset(request, *values(page))
    elif end == "left":
        page.on_leave(request)
    elif end == "lost":
        list(page.on_resume(request))
    else:
        settings = replace(TINY, seed=-1) if end == "refused" else TINY
        updates = page.on_start(request, *values(page, settings))
        next(updates)
        assert not session.waiting
        session.waiting = True  # told late
        updates.close() if end == "cancelled" else list(updates)
    assert not session.waiting


# --- addresses ---


@pytest.mark.parametrize(
    ("query", "starts"),
    [
        ("page=train&autostart=1", True),
        ("page=train&autostart=0", False),
        ("page=about&autostart=1", False),
        ("autostart=1&width=8", False),
    ],
)
def test_a_run_starts_by_itself_only_where_it_is_seen(page, request_of, query, starts):
    request = request_of(query)
    assert page.on_autostart(request)[page.autostarted] is starts
    said = [warning.said("en") for warning in page.link.read(request.query_params).warnings]
    refused = "autostart=1" in query and not starts
    assert [("autostart=1, which was left out" in one) for one in said] == [True] * refused


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seed": 99_999_999_999}, "The seed is 99999999999; choose one from 0 to 1000002."),
        ({"seed": None}, "The field 'seed' is empty; fill it in."),
        ({"seed": 1.7}, "The seed is 1.7; choose a whole number."),
        ({"count_least": 5, "count_most": 2}, "The greatest number of shapes is 2"),
    ],
)
def test_settings_that_cannot_be_are_refused(page, request_of, change, why):
    shown = [{**values_of(TINY), **change}[name] for name in page.controls]
    assert why in unescape(page.on_change(request_of(), *shown)[page.status])


def test_a_seed_between_two_numbers_is_not_rounded_unseen(page):
    assert page.controls["seed"].preprocess(1.7) == 1.7


def test_a_scenes_setting_beside_the_article_is_refused(page):
    (warning,) = page.link.read({"preset": "article", "noise": "30", "width": "8"}).warnings
    assert warning.said("en").startswith("The address says noise=30, which was left out")
    asked = {"preset": "article", "source": "scenes", "noise": "30"}
    assert page.link.read(asked).warnings == ()


def test_a_step_back_sets_the_controls_and_shows_what_would_be_learned(page, request_of):
    request = request_of()
    back = page.on_restored({"query": "preset=noisy&width=8&skips=0"}, request)
    assert (back[page.preset], back[page.controls["skips"]]) == ("noisy", False)
    assert "width 8" in back[page.status]
    first = page.on_restored({"query": ""}, request)
    assert (first[page.preset], first[page.controls["skips"]]) == ("random", True)


def test_the_charts_scale_is_part_of_an_address_but_no_setting(page):
    assert "scale" in page.link.parameters
    assert page.link.read({"scale": "log"}) == AddressSettings()
    (warning,) = page.link.read({"scale": "cubic"}).warnings
    assert "one of linear, log" in warning.said("en")
