"""The pictures that can be taught at once."""

import numpy as np
import pytest

from unet_demo.checkpoints import read_index
from unet_demo.tasks import VOID
from unet_demo.teach.examples import EXAMPLES, THUMBNAIL, load, thumbnail


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_has_a_few_right_strokes_of_each_class(name: str):
    taught = load(name)
    painted = taught.labels != VOID
    assert taught.labels.shape == taught.truth.shape == taught.picture.slices.shape[:3]
    assert 0 < painted.mean() <= 0.01
    assert (taught.labels[painted] == taught.truth[painted]).all()
    assert set(np.unique(taught.labels)) == {*range(len(taught.task.classes)), VOID}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_thumbnail_shows_the_strokes(name: str):
    pixels = thumbnail(name)
    assert max(pixels.shape[:2]) <= THUMBNAIL
    assert pixels.shape[2] == 3


def test_what_an_example_starts_from_is_bundled():
    assert {one.start for one in EXAMPLES.values()} - {""} <= set(read_index())
