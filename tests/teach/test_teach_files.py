"""What belongs to a lesson, as files."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from test_lesson import BRIEF, TINY, halves, painted

from unet_demo.live.files import ANIMATION, write_curve, write_losses
from unet_demo.teach.files import read_labels, read_strokes, write_animation, write_strokes
from unet_demo.teach.lesson import Lesson
from unet_demo.teach.strokes import task_of

TWO = task_of(("ground", "thing"))


@pytest.mark.parametrize("pages", [1, 2])
def test_strokes_come_back_as_they_were(pages: int, tmp_path: Path):
    picture = halves(pages)
    labels = painted(picture)
    path = write_strokes(tmp_path, "x", labels, TWO)
    assert path.suffix == (".png" if pages == 1 else ".tif")
    assert (read_strokes(path, TWO, picture) == labels).all()


def test_one_class_alone_comes_back_too(tmp_path: Path):
    picture = halves()
    labels = painted(picture)
    labels[labels == 1] = 255
    path = write_strokes(tmp_path, "x", labels, TWO)
    assert (read_strokes(path, TWO, picture) == labels).all()


def test_labels_without_names_name_the_classes_they_hold(tmp_path: Path):
    picture = halves()
    labels = painted(picture)
    labels[0, 30, 30] = 2
    Image.fromarray(labels[0]).save(tmp_path / "labels.png")
    ids, task = read_labels(tmp_path / "labels.png", (), picture)
    assert task.classes == ("class 0", "class 1", "class 2")
    assert (ids == labels).all()


@pytest.mark.parametrize("names", [(), ("ground", "thing")])
def test_of_nothing_but_0_and_255_one_class_is_painted(names: tuple[str, ...], tmp_path: Path):
    picture = halves()
    labels = painted(picture)
    labels[labels == 1] = 255
    Image.fromarray(labels[0]).save(tmp_path / "labels.png")
    ids, _ = read_labels(tmp_path / "labels.png", names, picture)
    assert (ids == labels).all()


def test_a_lesson_is_written_as_animation_curve_and_losses(tmp_path: Path):
    picture = halves(2)
    lesson = Lesson(picture, painted(picture), replace(TINY, width=8), BRIEF, device="cpu")
    *_, last = lesson.play()
    write_animation(tmp_path / "run.gif", lesson, "halves")
    write_curve(tmp_path / "curve.png", last, "halves")
    write_losses(tmp_path / "losses.csv", last)
    with Image.open(tmp_path / "run.gif") as film:
        assert film.size == ANIMATION
        assert film.n_frames == len(lesson.reel.validations)
    assert len((tmp_path / "losses.csv").read_text().splitlines()) == 1 + last.step
