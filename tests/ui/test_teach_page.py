"""What the Teach page keeps of a visitor, and what it takes of a browser."""

from typing import Any

import numpy as np
import pytest

from unet_demo.data.images import Picture
from unet_demo.teach.examples import load
from unet_demo.ui.components.paint import ids_png
from unet_demo.ui.server.trainings import TRAININGS_AT_ONCE, Trainings
from unet_demo.ui.teach.link import TeachLink
from unet_demo.ui.teach.session import MOST_SIDE, Paper, Session, Sessions, StrokesBroken
from unet_demo.ui.teach.views import next_step

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
    labels = {"2": ids_png(STROKE)}
    value = {"made": session.paper.made, "slice": 2, "classes": ["a", "b"], "labels": labels}
    return {**value, **others}


def test_strokes_are_heard_slice_by_slice_and_may_go_again(session: Session) -> None:
    assert session.hear(told(session))
    labels = session.labels
    assert labels is not None and (labels[1] == STROKE).all() and (labels[0] == 255).all()
    assert (session.slice, session.classes) == (2, ("a", "b"))
    assert session.hear(told(session, labels={}))
    assert session.labels is not None and (session.labels == 255).all()
    assert (labels[1] == STROKE).all()  # a lesson that learns from them has them as they were


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
        {"classes": ["a", "b" * 99]},
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
