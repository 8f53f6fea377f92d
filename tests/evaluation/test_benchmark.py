"""The benchmark times both ways in one run."""

from unet_demo.evaluation.benchmark import time_checkpoint


def test_a_checkpoint_is_timed_plainly_and_as_the_demo_runs_it(shapes):
    timing = time_checkpoint(shapes, "cpu")
    assert timing.plain_seconds > 0
    assert timing.predictor_seconds > 0
    assert timing.speed_up == timing.plain_seconds / timing.predictor_seconds


def test_timing_a_checkpoint_does_not_change_it(shapes):
    before = {name: tensor.clone() for name, tensor in shapes.network.state_dict().items()}
    time_checkpoint(shapes, "cpu")
    assert all((before[name] == t).all() for name, t in shapes.network.state_dict().items())
