"""What a person takes along from a run."""

import csv
from dataclasses import replace

import pytest
from PIL import Image, ImageSequence

from unet_demo.data.shapes import SceneOptions
from unet_demo.live.files import (
    ANIMATION,
    SLIDE,
    curve_lines,
    write_animation,
    write_curve,
    write_losses,
)
from unet_demo.live.run import FEW_STEPS, LiveRun
from unet_demo.live.settings import LiveSettings


@pytest.fixture(scope="module")
def run() -> LiveRun:
    settings = LiveSettings(SceneOptions(size=64, colour_is_clue=True), width=8, batch=1, steps=3)
    run = LiveRun(settings)
    for _ in run.play():
        pass
    return run


def test_the_losses_are_a_row_a_step(run: LiveRun, tmp_path):
    write_losses(tmp_path / "losses.csv", run.snapshot())
    with (tmp_path / "losses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2, 3]
    assert tuple(float(row["loss"]) for row in rows) == run.snapshot().losses
    assert 0 <= float(rows[-1]["validation_mIoU"]) <= 1


def test_the_curve_fills_a_slide(run: LiveRun, tmp_path):
    write_curve(tmp_path / "curve.png", run.snapshot(), "A run", [1.1, 0.7, 0.5])
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size == SLIDE
        assert len(picture.getcolors(SLIDE[0] * SLIDE[1]) or ()) > 10


def test_a_curve_that_diverged_at_once_can_be_drawn(run: LiveRun, tmp_path):
    settings = LiveSettings(
        SceneOptions(size=64),
        width=8,
        batch=1,
        batch_norm=False,
        optimiser="SGD",
        rate=1e3,
        steps=9,
    )
    broken = LiveRun(settings)
    for _ in broken.play():
        pass
    write_curve(tmp_path / "curve.png", broken.snapshot(), "A run")
    write_animation(tmp_path / "run.gif", broken, "A run")
    assert (tmp_path / "run.gif").stat().st_size > 0


@pytest.mark.parametrize("more", [0, 1])
def test_a_run_of_many_steps_is_smoothed_however_early_it_ended(run: LiveRun, more: int):
    snapshot = replace(run.snapshot(), steps=FEW_STEPS + more)
    assert ("smoothed" in [line.name for line in curve_lines(snapshot)]) == bool(more)


def test_the_animation_has_a_frame_a_look_and_rests_on_the_last(run: LiveRun, tmp_path):
    write_animation(tmp_path / "run.gif", run, "A run")
    with Image.open(tmp_path / "run.gif") as picture:
        assert picture.size == ANIMATION
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(picture)]
    assert len(durations) == len(run.reel.validations) == 4
    assert durations[-1] > 10 * durations[0]
