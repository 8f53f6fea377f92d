"""The recorded run is what its command writes, and small."""

import json
from dataclasses import fields, replace

import numpy as np

from unet_demo.live.experiment import SHOWN, watched_scenes
from unet_demo.live.settings import PRESETS, flatten
from unet_demo.ui.train.controls import FIRST_PRESET
from unet_demo.ui.train.recording import (
    FILE,
    FRAMES,
    Recording,
    load,
    plays,
    record,
    recorded_for,
)

SETTINGS = PRESETS[FIRST_PRESET]


def arrays(recording: Recording) -> dict[str, np.ndarray]:
    return {
        one.name: getattr(recording, one.name)
        for one in fields(Recording)
        if one.name != "settings"
    }


def test_a_recording_is_read_as_it_was_written(tmp_path):
    assert SETTINGS.scenes
    small = replace(SETTINGS, scenes=replace(SETTINGS.scenes, size=64), width=8, batch=1, steps=6)
    made = record(small, frames=3)
    made.save(tmp_path / "recording.npz")
    found = load(tmp_path / "recording.npz")
    assert found.settings == made.settings
    for name, values in arrays(made).items():
        assert np.array_equal(values, arrays(found)[name])
    bundled = load()
    assert found.settings.keys() == bundled.settings.keys()
    for name, values in arrays(bundled).items():
        assert (values.dtype, values.ndim) == (arrays(found)[name].dtype, arrays(found)[name].ndim)


def test_the_bundled_recording_is_of_the_settings_that_the_page_opens_with():
    recording = load()
    assert recording.settings == json.loads(json.dumps(flatten(SETTINGS)))
    assert recording.losses.shape == recording.smoothed.shape == (SETTINGS.steps,)
    assert recording.validations.shape == (FRAMES, 2)
    assert recording.masks.shape == (FRAMES + 1, SHOWN, SETTINGS.size, SETTINGS.size)
    assert FILE.stat().st_size <= 150_000


def test_the_bundled_recording_ends_with_masks_that_are_right():
    truth = watched_scenes(SETTINGS).labels[:SHOWN]
    first, *_, last = load().masks
    assert np.mean(last == truth) > 0.98 > np.mean(first == truth)


def test_it_plays_where_the_page_opens_with_its_settings_alone():
    value = recorded_for(SETTINGS)
    assert value is plays()
    assert [len(frame) for frame in value["frames"]] == [SHOWN] * (FRAMES + 1)
    assert recorded_for(replace(SETTINGS, skips=False)) is None
