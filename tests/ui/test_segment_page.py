"""The Segment page's handlers, step by step: one visitor's wishes as they cross on their way."""

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from fastapi import Request
from PIL import Image

from unet_demo.examples import load_example, offered_examples
from unet_demo.ui.notices import alert
from unet_demo.ui.segment_page import SegmentPage, opening
from unet_demo.ui.segment_session import Session
from unet_demo.ui.texts import say

ANN, BEN = "ann", "ben"
"""Session hashes."""


@pytest.fixture
def page() -> SegmentPage:
    with gr.Blocks() as demo:
        return SegmentPage(demo)


@pytest.fixture
def own_picture(tmp_path: Path) -> Path:
    path = tmp_path / "own.png"
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(path)
    return path


def asked(session: str = ANN, query: str = "") -> gr.Request:
    scope = {"type": "http", "headers": [], "query_string": query.encode()}
    return gr.Request(Request(scope), session_hash=session)


def set_to(page: SegmentPage, changed: dict | None = None) -> dict:
    """What the page is set to when it opens, but for what has changed."""
    controls = (page.checkpoint, page.flips, page.slice, page.opacity, page.style)
    return {control: control.value for control in controls} | (changed or {})


def brings(page: SegmentPage, path: Path, session: str = ANN) -> Iterator[dict]:
    return page.on_picture(set_to(page, {page.picture: str(path)}), asked(session))


def opens(page: SegmentPage, query: str = "") -> Iterator[dict]:
    return page.on_open(set_to(page), asked(query=query))


def picks(page: SegmentPage, checkpoint: str) -> Iterator[dict]:
    return page.on_again(set_to(page, {page.checkpoint: checkpoint}), asked())


def all_of(updates: Iterator[dict]) -> dict:
    """What a handler has said in the end."""
    return {component: value for update in updates for component, value in update.items()}


def says_nothing(updates: Iterator[dict], page: SegmentPage) -> bool:
    return all(update == {page.status: gr.skip()} for update in updates)


def seen(page: SegmentPage, session: str = ANN) -> Session:
    return page.sessions.of(session)


def name_shown(page: SegmentPage) -> str:
    shown = seen(page).shown
    assert shown
    return shown.segmentation.picture.name


def test_an_older_job_says_nothing_though_the_newer_one_has_ended(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(opens(page))
    older = picks(page, "isbi")
    next(older)
    all_of(brings(page, own_picture))
    assert says_nothing(older, page)
    assert name_shown(page) == "own"


def test_an_older_job_that_a_person_cancelled_says_nothing_after_the_newer_one(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(opens(page))
    older = picks(page, "isbi")
    next(older)
    page.on_cancel(asked())
    all_of(brings(page, own_picture))
    assert says_nothing(older, page)


def test_a_page_that_is_opening_gives_way_to_a_picture_that_was_brought_meanwhile(
    page: SegmentPage, own_picture: Path
) -> None:
    opening.cache_clear()
    updates: list[dict] = []
    thread = threading.Thread(target=lambda: updates.extend(opens(page)))
    thread.start()
    while not seen(page).brought:
        assert thread.is_alive()
    mine = brings(page, own_picture)
    next(mine)
    thread.join()
    all_of(mine)
    assert says_nothing(iter(updates), page)
    assert name_shown(page) == "own"


def test_the_picture_of_the_opening_is_the_one_for_later_wishes(page: SegmentPage) -> None:
    all_of(opens(page))
    session = seen(page)
    assert session.brought and session.shown
    assert session.brought.picture is session.shown.segmentation.picture


def test_what_an_address_names_gives_way_while_its_checkpoint_is_fetched(
    page: SegmentPage, own_picture: Path
) -> None:
    older = opens(page, "example=membranes&opacity=0.3")
    assert next(older)[page.opacity] == 0.3
    all_of(brings(page, own_picture))
    assert says_nothing(older, page)
    assert name_shown(page) == "own"


def test_a_checkpoint_that_is_being_fetched_gives_way_to_a_newer_wish(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(opens(page))
    older = page.on_repo(set_to(page, {page.repo: "isbi"}), asked())
    assert "isbi" in next(older)[page.status]
    all_of(brings(page, own_picture))
    assert says_nothing(older, page)
    assert seen(page).shown.checkpoint == "shapes"


def test_a_wish_without_a_picture_lets_the_page_open(page: SegmentPage) -> None:
    signals = []
    page.on_greeting(asked())
    with page.jobs.begin(ANN) as signal:
        signals.append(all_of(picks(page, "isbi")))
        assert not signal.is_set()
    assert say("segment_no_picture", "en") in signals[0][page.status]


def test_a_page_that_the_server_has_forgotten_is_told_to_load_anew_and_keeps_what_it_shows(
    page: SegmentPage,
) -> None:
    page.on_greeting(asked())
    all_of(opens(page))
    page.on_leave(asked())  # the connection broke
    told = {page.status: alert(say("lost_forgotten", "en"), "en")}
    assert all_of(picks(page, "isbi")) == told
    assert page.on_repaint(1, 0.5, 0.2, "fill", asked()) == told
    assert page.on_truth(None, 1, 0.5, asked()) == told
    assert page.on_compare(1, 0.5, asked()) == {page.scores: gr.skip()}
    with pytest.raises(gr.Error, match="reload the page"):
        page._download("labels")(0.5, 0.6, "fill", asked())


def test_a_truth_that_comes_during_a_job_is_compared_with_its_result(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.png"
    Image.fromarray(np.ones((48, 64), np.uint8)).save(truth)
    all_of(brings(page, own_picture))
    first = seen(page).shown
    again = page.on_again(set_to(page, {page.flips: True}), asked())
    next(again)
    page.on_truth(str(truth), 1, 0.5, asked())
    assert "mIoU" in all_of(again)[page.scores]
    assert seen(page).shown.token != first.token


def test_a_truth_for_the_old_picture_stays_with_it_when_the_new_one_comes(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    all_of(opens(page))
    truth = tmp_path / "truth.png"
    Image.fromarray(np.zeros((256, 256), np.uint8)).save(truth)
    newer = brings(page, own_picture)
    next(newer)
    page.on_truth(str(truth), 1, 0.5, asked())
    assert seen(page).brought.truth is None
    all_of(newer)
    assert name_shown(page) == "own" and seen(page).shown.truth is None


def test_a_cancelled_job_keeps_the_truth_that_came_meanwhile(
    page: SegmentPage, own_picture: Path, tmp_path: Path
) -> None:
    all_of(opens(page))
    truth = tmp_path / "truth.png"
    Image.fromarray(np.zeros((256, 256), np.uint8)).save(truth)
    newer = brings(page, own_picture)
    next(newer)
    page.on_truth(str(truth), 1, 0.5, asked())
    page.on_cancel(asked())
    all_of(newer)
    assert not seen(page).brought.truth.any()


def test_a_result_is_painted_anew_if_the_opacity_moved_meanwhile(page: SegmentPage) -> None:
    all_of(opens(page))
    answer = page.on_settled(1, 0.5, 0.2, "fill", asked())
    assert answer[page.viewer]["token"] == seen(page).shown.token_of(1)
    assert page.on_settled(1, 0.5, 0.2, "fill", asked()) == {page.status: gr.skip()}


def test_a_visitors_file_may_have_any_name(page: SegmentPage, own_picture: Path) -> None:
    all_of(brings(page, own_picture.rename(own_picture.with_name("unet_demo-preview.png"))))
    assert name_shown(page) == "unet_demo-preview"


def test_the_pages_own_preview_is_no_new_picture(page: SegmentPage, own_picture: Path) -> None:
    preview = all_of(opens(page))[page.picture]
    all_of(brings(page, own_picture))
    assert says_nothing(brings(page, preview), page)


def test_a_picture_that_cannot_be_read_brings_back_the_one_before(
    page: SegmentPage, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    update = all_of(brings(page, broken))
    assert update[page.picture] is None
    all_of(opens(page))
    update = all_of(brings(page, broken))
    assert "broken.png" in update[page.status]
    assert Image.open(update[page.picture]).size == (256, 256)


def test_what_was_brought_and_shown_goes_with_the_visitor(
    page: SegmentPage, own_picture: Path
) -> None:
    all_of(brings(page, own_picture, ANN))
    all_of(brings(page, own_picture, BEN))
    left = weakref.ref(seen(page, ANN).shown)
    page.on_leave(asked(ANN))
    gc.collect()
    assert left() is None
    assert page.sessions.open == (seen(page, BEN),)


def test_a_visitor_who_leaves_during_a_job_leaves_nothing_behind(
    page: SegmentPage, own_picture: Path
) -> None:
    job = brings(page, own_picture)
    next(job)
    page.on_leave(asked())
    all_of(job)
    assert page.sessions.open == ()


def test_an_example_is_never_seen_half_written(page: SegmentPage) -> None:
    folder = Path(page._thumbnails.name)
    for example in offered_examples():
        load_example(example.name)
    thread = threading.Thread(target=page.on_greeting, args=[asked()])
    thread.start()
    sizes: dict[Path, set[int]] = {}
    while thread.is_alive():
        for path in folder.glob("*.png"):
            sizes.setdefault(path, set()).add(path.stat().st_size)
    thread.join()
    assert sizes
    assert all(found == {path.stat().st_size} for path, found in sizes.items())
