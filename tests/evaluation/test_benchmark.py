"""The benchmark times both ways in one run."""

import pytest

from unet_demo.evaluation.benchmark import time_checkpoint, time_startup


def test_a_checkpoint_is_timed_plainly_and_as_the_demo_runs_it(shapes):
    timing = time_checkpoint(shapes, "cpu")
    assert timing.plain_seconds > 0
    assert timing.predictor_seconds > 0
    assert timing.speed_up == timing.plain_seconds / timing.predictor_seconds


def test_timing_a_checkpoint_does_not_change_it(shapes):
    before = {name: tensor.clone() for name, tensor in shapes.network.state_dict().items()}
    time_checkpoint(shapes, "cpu")
    assert all((before[name] == t).all() for name, t in shapes.network.state_dict().items())


@pytest.mark.slow
def test_a_start_is_timed_as_a_bare_script_and_as_the_demo():
    timing = time_startup(rounds=1)
    print(f"{timing.ratio:.2f} times as long as a bare script")
    assert timing.seconds > 0 and timing.bare_seconds > 0
