"""What it costs a training to be watched is measured on a page that is served."""

from dataclasses import replace

from unet_demo.live.settings import PRESETS
from unet_demo.ui.train.benchmark import time_watching


def test_a_training_is_timed_alone_and_on_a_page():
    preset = PRESETS["random"]
    assert preset.scenes
    tiny = replace(preset, scenes=replace(preset.scenes, size=64), width=8, batch=1)
    timing = time_watching(tiny, steps=4, rounds=1)
    assert timing.alone_rate > 0 and timing.watched_rate > 0
    assert timing.cost == 1 - timing.watched_rate / timing.alone_rate
    assert timing.work == timing.watched_seconds / timing.alone_seconds - 1
    assert timing.alone_seconds > 0 and timing.first_seconds > 0
