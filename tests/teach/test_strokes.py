"""Strokes: what can be learned from, and what is kept out of it."""

import numpy as np
import pytest

from unet_demo.tasks import VOID
from unet_demo.teach.strokes import (
    CELL,
    COLOURS,
    HELD_OUT,
    MOST_CLASSES,
    Strokes,
    TeachError,
    check_labels,
    task_of,
)

TWO = task_of(("ground", "thing"))


def blank(height: int = 64, width: int = 64) -> np.ndarray:
    return np.full((1, height, width), VOID, np.uint8)


def scribbled(side: int = 320) -> np.ndarray:
    """Paint a little of each class in every cell."""
    labels = blank(side, side)
    labels[0, 4::CELL, ::2] = 0
    labels[0, 20::CELL, ::2] = 1
    return labels


def spoiled(name: str) -> np.ndarray:
    labels = blank()
    if name != "nothing":
        labels[0, 5, 5:20] = 0
    if name == "strange":
        labels[0, 9, 5:20] = 7
    if name == "NaN":
        labels = labels.astype(float)
        labels[0, 0, 0] = np.nan
    return labels[:, :50] if name == "size" else labels


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "Nothing is painted yet; paint a stroke of each of two classes"),
        ("one class", "Only 'ground' is painted"),
        ("strange", "The labels hold 7, but the ids of the classes are 0–1"),
        ("NaN", "The labels hold nan"),
        ("size", "The strokes are 64×50 and the picture 64×64"),
    ],
)
def test_strokes_that_teach_nothing_are_refused_in_a_sentence(name: str, words: str):
    with pytest.raises(TeachError, match=words):
        check_labels(spoiled(name), (1, 64, 64), TWO)


def test_strokes_of_one_page_fit_a_picture_of_one():
    labels = scribbled(64)
    assert check_labels(labels[0], (1, 64, 64), TWO).shape == (1, 64, 64)


@pytest.mark.parametrize("count", [1, MOST_CLASSES + 1])
def test_too_few_or_too_many_classes_are_refused(count: int):
    with pytest.raises(TeachError, match=f"{count} classes cannot be taught; name from 2 to 8"):
        task_of(tuple(map(str, range(count))), COLOURS)


def test_about_a_fifth_of_many_strokes_is_kept_out():
    strokes = Strokes(blank()).changed(scribbled())
    assert abs(strokes.share_held_out - HELD_OUT) < 0.05
    kept_out = strokes.validated != VOID
    assert ((strokes.taught != VOID) ^ kept_out == (strokes.labels != VOID)).all()


def test_few_strokes_are_all_learned_from():
    labels = blank()
    labels[0, 5, 5:20], labels[0, 40, 5:20] = 0, 1
    strokes = Strokes(blank()).changed(labels)
    assert not strokes.held_out
    assert (strokes.taught == labels).all()


def test_what_was_learned_from_is_never_kept_out_later():
    first = scribbled()
    first[0, 160:] = VOID
    before = Strokes(blank()).changed(first)
    after = before.changed(scribbled())
    learned = before.known - before.held_out
    assert before.held_out < after.held_out
    assert not after.held_out & learned


def test_what_was_kept_out_is_still_kept_out_where_strokes_are_erased():
    before = Strokes(blank()).changed(scribbled())
    fewer = scribbled()
    fewer[0, :96] = VOID
    after = before.changed(fewer)
    assert after.held_out
    assert after.held_out <= before.held_out


def test_what_was_learned_from_is_not_kept_out_when_it_is_erased_and_comes_back():
    first = Strokes(blank()).changed(scribbled(128))
    learned = first.known - first.held_out
    fewer = scribbled(128)
    fewer[0, :64] = VOID
    again = first.changed(fewer).changed(scribbled(128))
    assert first.held_out and again.held_out == first.held_out
    assert not again.held_out & learned


def test_where_only_what_is_kept_out_is_left_of_a_class_it_is_learned_from():
    before = Strokes(blank()).changed(scribbled())
    left = np.where(before.validated == 0, before.labels, VOID)
    left = np.where(before.taught == 1, 1, left).astype(np.uint8)
    after = before.changed(left)
    assert set(np.unique(after.taught)) == {0, 1, VOID}
    assert not after.changed(before.labels).held_out & after.known - after.held_out
