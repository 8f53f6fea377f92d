"""What is left of a network without its skip connections, or without its lower levels."""

import numpy as np
import pytest

from unet_demo.checkpoints import find_offered, read_index
from unet_demo.examples import EXAMPLES, load_example
from unet_demo.inside.skips import below, cut, structure
from unet_demo.inside.subject import Subject, look_inside


def subject(checkpoint: str, example: str | None = None) -> Subject:
    fitting = [one.name for one in EXAMPLES if one.checkpoint == checkpoint]
    request = load_example(example or (fitting[0] if fitting else "cat"))
    return look_inside(request, find_offered(checkpoint))


def test_without_the_top_skip_isbi_finds_less_of_the_boundary() -> None:
    result = cut(subject("isbi"), {0})
    assert result.left_scores["boundary_truth"] < result.whole_scores["boundary_truth"] - 0.005
    assert result.boundary < 0.9


@pytest.mark.parametrize("checkpoint", read_index())
def test_each_part_that_is_left_out_changes_what_any_network_says(checkpoint: str) -> None:
    looked = subject(checkpoint)
    whole, network = looked.predictor, structure(looked)
    before = whole.predict(looked.image[None]).probabilities
    for level in {skip.level for skip in network.skips}:
        station = below(network, level)
        assert station
        for part in (whole.without({level}), whole.without((), {station})):
            assert np.abs(part.predict(looked.image[None]).probabilities - before).max() > 0.01
    assert np.array_equal(whole.predict(looked.image[None]).probabilities, before)


def test_a_level_without_a_skip_connection_has_nothing_below_it() -> None:
    assert below(structure(subject("voc-resnet50", "cat")), 3) is None


def test_without_a_truth_there_are_no_scores() -> None:
    assert cut(subject("voc", "cat"), {0}).whole_scores == {}
