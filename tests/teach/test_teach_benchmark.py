"""A network that strokes teach against a random forest."""

import sys

import numpy as np
import pytest
from test_lesson import halves, painted

from unet_demo.teach import benchmark
from unet_demo.teach.benchmark import compare, learn, memory_of_presses, miou
from unet_demo.teach.examples import Taught
from unet_demo.teach.forest import segment_by_forest
from unet_demo.teach.settings import TeachSettings
from unet_demo.teach.strokes import TeachError, task_of


@pytest.fixture
def taught() -> Taught:
    picture = halves()
    truth = (picture.slices[..., 0] > 100).astype(np.uint8)
    return Taught(picture, painted(picture), truth, task_of(("left", "right")))


def test_a_forest_learns_from_the_same_strokes(taught: Taught):
    pytest.importorskip("sklearn")
    labels = segment_by_forest(taught.picture.slices, taught.labels)
    assert labels.shape == taught.truth.shape
    assert miou(labels, taught) > 0.9


def test_without_scikit_learn_the_comparison_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(TeachError, match="pip install scikit-learn"):
        next(compare())


def test_a_lesson_of_a_given_time_is_scored_on_the_whole_picture(taught: Taught):
    learned = learn(taught, TeachSettings(width=4, crop=32, batch=2), 0.2, "cpu")
    assert learned.steps > 0
    assert 0 <= learned.miou <= 1


def test_memory_is_looked_at_after_each_press(taught: Taught, monkeypatch):
    monkeypatch.setattr(benchmark, "load", lambda _: taught)
    used = memory_of_presses("cpu", presses=2)
    assert len(used) == 2 and min(used) > 2**20
