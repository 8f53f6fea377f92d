"""What Look inside tells of colours."""

from pathlib import Path

import numpy as np
import pytest

from unet_demo.checkpoints import find_offered
from unet_demo.data import PictureError
from unet_demo.examples import load_example
from unet_demo.inside.paint import mixtures, paint, strays
from unet_demo.inside.subject import look_inside, open_bundled
from unet_demo.tasks import VOC_COLOUR

PALETTE = np.array(VOC_COLOUR.palette, float)


def test_the_classes_are_those_that_segment_gives_and_the_colours_those_it_paints() -> None:
    subject = look_inside(load_example("cat"), Path(find_offered("voc-color")))
    painted = paint(subject.predictor, subject.image)
    seen = subject.predictor.seen(subject.image)[None]
    assert np.array_equal(painted.labels, subject.predictor.predict(seen).labels()[0])
    away = np.linalg.norm(painted.colours[:, :, None] - PALETTE, axis=-1)
    # As near as any, but for the rounding of what is painted.
    assert np.all(painted.distance <= away.min(-1) + 2)
    assert np.allclose(
        painted.distance,
        np.take_along_axis(away, painted.labels[..., None].astype(int), -1)[..., 0],
    )
    assert len(np.unique(painted.labels)) > 2


def test_a_network_that_tells_classes_paints_nothing() -> None:
    with pytest.raises(PictureError):
        paint(open_bundled("shapes"), np.zeros((64, 64, 3), np.uint8))


@pytest.mark.parametrize(("first", "second", "third"), [(0, 15, 17), (1, 2, 8)])
def test_the_mean_of_two_classes_may_be_a_third(first: int, second: int, third: int) -> None:
    mean = mixtures(VOC_COLOUR, first, second, 3)[1]
    away = np.linalg.norm(PALETTE - (PALETTE[first] + PALETTE[second]) / 2, axis=1)
    assert mean.label == third == away.argmin() and mean.distance == pytest.approx(
        away.min(), abs=1e-2
    )
    assert mean.own == pytest.approx(away[first], abs=1e-2) and mean.distance < mean.own


def test_a_mixture_begins_and_ends_with_its_own_classes() -> None:
    mixed = mixtures(VOC_COLOUR, 3, 12, 9)
    assert (mixed[0].label, mixed[-1].label) == (3, 12)
    assert mixed[0].colour == VOC_COLOUR.palette[3] and mixed[-1].distance == pytest.approx(
        0, abs=1e-3
    )


def test_pairs_whose_mean_is_a_third_class_are_counted() -> None:
    third = 0
    for first in range(21):
        for second in range(first):
            away = np.square(2 * PALETTE - PALETTE[first] - PALETTE[second]).sum(1)
            third += away.min() < min(away[first], away[second])
    assert strays(VOC_COLOUR) == (third, 210)
