"""What the Teach page keeps of a visitor, and what it takes of a browser."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request

from unet_demo.data import Cancelled
from unet_demo.data.images import Picture
from unet_demo.teach.examples import load
from unet_demo.teach.files import write_strokes
from unet_demo.teach.lesson import Lesson
from unet_demo.teach.strokes import task_of
from unet_demo.ui.components.paint import ids_png, read_ids
from unet_demo.ui.server import zero_gpu
from unet_demo.ui.server.trainings import TRAININGS_AT_ONCE, Trainings
from unet_demo.ui.teach.link import TeachLink
from unet_demo.ui.teach.page import TeachPage
from unet_demo.ui.teach.session import MOST_SIDE, Paper, Session, Sessions, StrokesBroken
from unet_demo.ui.teach.views import laid_over, next_step

GRAY = Picture(np.zeros((2, 40, 50, 1), np.uint8), "gray", ())
STROKE = np.full((40, 50), 255, np.uint8)
STROKE[10, 10:20] = 1


@pytest.fixture
def session() -> Session:
    session = Session()
    session.opened = True
    session.take(Paper.own(GRAY))
    return session


def told(session: Session, **others: Any) -> dict[str, Any]:
    """What the brush tells of one stroke on the second slice."""
    assert session.paper
    value = {"made": session.paper.made, "edit": 2, "slice": 2, "classes": ["a", "b"]}
    return {**value, "stamps": {"2": 1}, "labels": {"2": ids_png(STROKE)}, **others}


def test_strokes_are_heard_slice_by_slice_and_may_go_again(session: Session) -> None:
    assert session.hear(told(session))
    labels = session.labels
    assert labels is not None and (labels[1] == STROKE).all() and (labels[0] == 255).all()
    assert (session.slice, session.classes) == (2, ("a", "b"))
    assert session.hear(told(session, edit=3, labels={}, stamps={}))
    assert session.labels is not None and (session.labels == 255).all()
    assert (labels[1] == STROKE).all()  # a lesson that learns from them has them as they were


def test_what_was_told_earlier_and_comes_later_undoes_nothing(session: Session) -> None:
    assert session.hear(told(session, edit=4))
    assert session.hear(told(session, labels={}, stamps={}))
    assert session.labels is not None and (session.labels[1] == STROKE).all()


def test_what_is_told_of_and_has_not_come_is_known_to_lack(session: Session) -> None:
    assert session.hear(told(session))
    assert session.whole
    assert session.hear(told(session, edit=4, stamps={"1": 3, "2": 3}, labels={}))
    assert session.labels is not None and (session.labels[1] == STROKE).all()
    assert (session.heard.edit, session.heard.stamps) == (4, {1: None, 2: 1}) and not session.whole
    rest = {"1": ids_png(STROKE), "2": ids_png(STROKE)}
    assert session.hear(told(session, edit=5, stamps={"1": 3, "2": 3}, labels=rest))
    assert session.whole and (session.labels[0] == STROKE).all()


def test_strokes_of_the_picture_before_are_not_of_this_one(session: Session) -> None:
    late = told(session)
    session.take(Paper.own(GRAY))
    assert not session.hear(late)


@pytest.mark.parametrize(
    "forged",
    [
        {"labels": 7}, {"labels": {"3": ids_png(STROKE)}}, {"labels": {"x": ids_png(STROKE)}},
        {"labels": {"1": "AAAA"}}, {"labels": {"1": ids_png(STROKE[:9])}}, {"slice": 3}, {"slice": "1"},
        {"classes": ["a"]}, {"classes": ["a", "a"]}, {"classes": ["a", 7]}, {"classes": ["a"] * 9},
        {"classes": ["a", "b" * 99]}, {"edit": None}, {"edit": -1}, {"edit": 2**60}, {"stamps": {}},
        {"stamps": {"2": "x"}}, {"stamps": None},
    ],
)  # fmt: skip
def test_what_no_brush_tells_changes_nothing(session: Session, forged: dict[str, Any]) -> None:
    before = session.labels
    with pytest.raises(StrokesBroken):
        session.hear(told(session, **forged))
    assert session.labels is before and session.slice == 1


def test_what_is_no_mapping_at_all_is_refused(session: Session) -> None:
    with pytest.raises(StrokesBroken):
        session.hear([1])


def test_a_large_picture_is_reduced_to_what_can_be_painted_on_and_that_is_said() -> None:
    large = Picture(np.zeros((1, 100, 2 * MOST_SIDE, 1), np.uint8), "large", ())
    paper = Paper.own(large)
    assert paper.picture.slices.shape == (1, 50, MOST_SIDE, 1)
    session = Session()
    session.take(paper)
    assert "reduced to 2048×50" in next_step(session)


def test_a_reduced_picture_keeps_what_its_file_says_of_void_and_turns() -> None:
    void = np.zeros((1, 100, 2 * MOST_SIDE), bool)
    void[:, :50, :MOST_SIDE] = True
    slices = np.zeros((*void.shape, 1), np.uint8)
    reduced = Paper.own(Picture(slices, "large", (), void, (6,))).picture
    assert reduced.void is not None and reduced.void.shape == reduced.slices.shape[:3]
    assert reduced.void[:, :25, : MOST_SIDE // 2].all() and reduced.void.mean() == 0.25
    assert reduced.orientations == (6,)


def test_a_picture_is_known_again_by_its_pixels() -> None:
    assert Paper.own(GRAY).key == Paper.own(GRAY).key
    assert Paper.own(GRAY).key != Paper.own(Picture(GRAY.slices + 1, "gray", ())).key


def test_who_is_put_away_for_others_reads_that_the_strokes_are_in_the_browser(
    session: Session,
) -> None:
    assert session.holds == 1 and session.own_bytes > 0
    session.evict()
    assert session.holds == 0 and session.own_bytes == 0
    assert "your strokes are back" in next_step(session)
    assert not session.hear({"made": 0})


def test_an_example_is_all_visitors_and_costs_none_of_them_more_than_strokes() -> None:
    taught = load("coins")
    session = Session()
    session.take(
        Paper.of(taught.picture, taught.task.classes, labels=taught.labels, example="coins")
    )
    assert session.holds == 0
    assert session.own_bytes == taught.labels.nbytes


@pytest.mark.parametrize(
    ("name", "change", "left"),
    [
        ("coins", lambda names: (*names, "more"), True),
        ("coins", lambda names: (*names[1:], "more"), False),
        ("shapes", lambda names: names[:-1], False),
    ],
)
def test_a_truth_goes_with_the_classes_that_its_ids_are_of(
    name: str, change: Callable[[tuple[str, ...]], tuple[str, ...]], left: bool
) -> None:
    taught = load(name)
    session = Session()
    session.take(Paper.of(taught.picture, taught.task.classes, truth=taught.truth))
    assert session.truth is taught.truth
    session.classes = change(session.classes)
    assert (session.truth is taught.truth) == left


@pytest.fixture(scope="module")
def page() -> TeachPage:
    with gr.Blocks() as demo, gr.Tabs(), gr.Tab("Teach") as tab:
        return TeachPage(demo, tab, Trainings())


@pytest.fixture
def visit(page: TeachPage) -> Iterator[tuple[gr.Request, Session]]:
    """A visitor's request, and their session, in which two slices have strokes of two classes."""
    asked = Request({"type": "http", "headers": [], "query_string": b""})
    request = gr.Request(asked, session_hash="visitor")  # type: ignore[arg-type]
    session = page.sessions.visitor(request)
    session.opened = True
    session.take(Paper.own(GRAY))
    yield request, session
    page.on_leave(request)


def both(session: Session, **others: Any) -> dict[str, Any]:
    """What the brush tells of strokes of two classes."""
    strokes = STROKE.copy()
    strokes[20, 10:20] = 0
    value = {"stamps": {"1": 1}, "labels": {"1": ids_png(strokes)}, "slice": 1}
    return told(session, **{**value, **others})


def followed(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[Any], object]
) -> None:
    """Have something happen between what a function has made and its return."""
    make = getattr(owner, name)

    def slow(*given: Any) -> Any:
        made = make(*given)
        act(made)
        return made

    monkeypatch.setattr(owner, name, slow)


def test_a_lesson_of_the_picture_before_is_put_away_when_another_came_meanwhile(
    page: TeachPage, visit: tuple[gr.Request, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, session = visit
    made: list[Lesson] = []

    def meanwhile(lesson: Lesson) -> None:
        made.append(lesson)
        session.take(Paper.own(replace(GRAY, name="another")))

    followed(monkeypatch, zero_gpu, "new_lesson", meanwhile)
    *_, last = page.on_start(request, both(session), "random")
    assert session.run is None and made[0].snapshot().state == "stopped"
    assert last[page.buttons["start"]].interactive
    session.run = made[0]  # as if it had slipped in
    assert page._join(session, made[0]) == {} and laid_over(session, made[0].validate()) is None


def test_what_is_painted_and_named_while_a_lesson_is_prepared_is_learned_too(
    page: TeachPage, visit: tuple[gr.Request, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, session = visit
    more = {"stamps": {"1": 1, "2": 1}, "labels": {"2": ids_png(STROKE)}}
    later = both(session, edit=9, classes=["a", "b", "c"], **more)
    followed(monkeypatch, zero_gpu, "new_lesson", lambda _: session.hear(later))
    list(page.on_step(request, both(session), "random"))
    run = session.run
    assert run and run.settings.task.classes == ("a", "b", "c")
    assert (run.strokes.labels == session.labels).all() and run.strokes.labels[1, 10, 10] == 1


def test_a_class_removed_while_a_lesson_is_prepared_ends_it_in_a_sentence(
    page: TeachPage, visit: tuple[gr.Request, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, session = visit
    later = both(session, edit=9)
    followed(monkeypatch, zero_gpu, "new_lesson", lambda _: session.hear(later))
    *_, last = page.on_step(request, both(session, classes=["a", "b", "c"]), "random")
    assert session.run is None and last[page.buttons["start"]].interactive


def test_no_button_can_be_pressed_until_there_is_a_lesson_to_pause(
    page: TeachPage, visit: tuple[gr.Request, Session]
) -> None:
    request, session = visit
    first, *_ = page.on_step(request, both(session), "random")
    assert not any(first[button].interactive for button in page.buttons.values())


def test_a_turn_to_another_slice_is_shown_whoever_hears_of_it_first(
    page: TeachPage, visit: tuple[gr.Request, Session]
) -> None:
    request, session = visit
    second = {**both(session), "slice": 2}
    list(page.on_step(request, second, "random"))
    assert page.on_strokes(request, second)[page.paint]["slice"] == 2
    assert page.paint not in page.on_strokes(request, second)


def test_a_turn_to_another_slice_has_no_lesson_read_all_strokes_again(
    page: TeachPage, visit: tuple[gr.Request, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, session = visit
    list(page.on_step(request, both(session), "random"))
    monkeypatch.setattr(Lesson, "set_labels", lambda *_: pytest.fail("was read"))
    page.on_strokes(request, {**both(session, edit=3), "slice": 2})
    assert session.slice == 2


def test_all_slices_segmented_when_another_picture_has_come_say_nothing_of_it(
    page: TeachPage, visit: tuple[gr.Request, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, session = visit
    list(page.on_step(request, both(session), "random"))
    followed(monkeypatch, Lesson, "predict_all", lambda _: session.take(Paper.own(GRAY)))
    *_, last = page.on_apply(request, gr.Progress())
    assert page.status not in last and page.prediction not in last
    assert not last[page.apply].interactive


def test_masks_of_a_lesson_that_went_on_meanwhile_are_not_taken_for_its_own(
    page: TeachPage, visit: tuple[gr.Request, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, session = visit
    list(page.on_step(request, both(session), "random"))
    followed(monkeypatch, Lesson, "predict_all", lambda _: list(session.run.play(1)))
    *_, last = page.on_apply(request, gr.Progress())
    assert session.predicted is None
    assert page.status not in last and page.prediction not in last


def test_a_download_that_is_called_off_says_so_in_a_sentence(
    page: TeachPage, visit: tuple[gr.Request, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, session = visit
    list(page.on_step(request, both(session), "random"))

    def cancelled(*_: Any) -> Any:
        raise Cancelled

    monkeypatch.setattr(Lesson, "predict_all", cancelled)
    with pytest.raises(gr.Error, match="Called off"):
        page._download("labels")(request, both(session))


def test_where_the_picture_has_no_value_all_slices_show_no_class(
    page: TeachPage, visit: tuple[gr.Request, Session]
) -> None:
    request, session = visit
    void = np.zeros((2, 40, 50), bool)
    void[:, :5] = True
    session.take(Paper.own(replace(GRAY, void=void)))
    list(page.on_step(request, both(session), "random"))
    *_, last = page.on_apply(request, gr.Progress())
    laid = read_ids(last[page.prediction]["ids"], 40, 50)
    assert (laid[:5] == 255).all() and (laid[5:] < 2).all()


def test_a_picture_that_is_too_thin_once_reduced_is_refused_before_anybody_paints(
    page: TeachPage, visit: tuple[gr.Request, Session], tmp_path: Path
) -> None:
    request, session = visit
    before = session.paper
    Image.new("L", (5000, 70)).save(tmp_path / "thin.png")
    refused = page.on_picture(request, str(tmp_path / "thin.png"), "random")
    assert "2048×29" in refused[page.status] and session.paper is before


@pytest.mark.parametrize("value", [None, {"made": 0}], ids=["nothing", "another"])
def test_train_pressed_before_the_brush_has_told_of_the_picture_learns_from_the_strokes_it_came_with(
    page: TeachPage, visit: tuple[gr.Request, Session], value: object
) -> None:
    request, session = visit
    page._example(session, "coins", "random")
    list(page.on_step(request, value, "random"))
    assert session.run and session.run.snapshot().step == 1


def test_another_slice_shows_its_mask_while_the_lesson_rests(
    page: TeachPage, visit: tuple[gr.Request, Session]
) -> None:
    request, session = visit
    list(page.on_step(request, both(session), "random"))
    update = page.on_strokes(request, {**both(session, edit=3), "slice": 2})
    assert update[page.prediction]["slice"] == 2


def test_strokes_of_more_classes_than_there_are_bring_the_classes(
    page: TeachPage, visit: tuple[gr.Request, Session], tmp_path: Path
) -> None:
    request, _ = visit
    strokes = np.full((2, 40, 50), 255, np.uint8)
    strokes[0, :3] = [[0], [1], [2]]
    path = write_strokes(tmp_path, "gray", strokes, task_of(("a", "b", "c")))
    brought = page.on_labels(request, str(path))[page.paint]["brought"]
    assert brought["classes"] == ["background", "object", "class 3"]
    assert (read_ids(brought["labels"]["1"], 40, 50) == strokes[0]).all()


def test_strokes_of_which_some_have_not_come_are_not_handed_out(
    page: TeachPage, visit: tuple[gr.Request, Session]
) -> None:
    request, session = visit
    with pytest.raises(gr.Error, match="on their way"):
        page._download("strokes")(request, both(session, stamps={"1": 1, "2": 1}))
    assert Path(page._download("strokes")(request, both(session, edit=3))).exists()


def test_who_has_all_slices_segmented_reads_that_it_waits(
    page: TeachPage, visit: tuple[gr.Request, Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, _ = visit
    assert page.on_press_apply(request) == {page.status: gr.skip()}
    monkeypatch.setattr(Trainings, "full", True)
    assert "when one of them ends" in page.on_press_apply(request)[page.status]


def test_trainings_of_all_pages_count_together() -> None:
    class Running:
        running = True

    rooms = [Sessions(), Sessions()]
    trainings = Trainings()
    for room in rooms:
        trainings.join(room)
        room._new = Running  # type: ignore[assignment]
    for number in range(TRAININGS_AT_ONCE):
        assert not trainings.full
        rooms[number % 2].of(str(number))
    assert trainings.full


def test_an_address_names_picture_and_start_and_what_it_cannot_is_refused() -> None:
    link = TeachLink()
    query = {"picture": "cells", "start": "isbi"}
    assert link.all_values(query) == query
    asked = link.read({"picture": "dog", "start": "random"})
    assert asked.values == {"start": "random"} and len(asked.warnings) == 1
    assert link.told("", "isbi")["incomplete"] and not link.told("coins", "isbi")["incomplete"]
