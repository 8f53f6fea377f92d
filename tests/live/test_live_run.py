"""A run as a person watches it."""

import gc
import math
import threading
import time
import weakref
from collections.abc import Collection
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from unet_demo.checkpoints import load_checkpoint, save_checkpoint
from unet_demo.data.shapes import SceneOptions, article_scene
from unet_demo.live import play
from unet_demo.live.experiment import (
    VALIDATION_SCENES,
    batches_of,
    fit_options_of,
    normalisation_of,
    seeded_network,
    task_of,
    watched_scenes,
)
from unet_demo.live.play import LiveError, Reel
from unet_demo.live.run import LiveRun, Snapshot, Validation
from unet_demo.live.settings import (
    LOCAL,
    PRESETS,
    SPACE,
    LiveSettings,
    SettingsError,
    current_limits,
    differing_fields,
    with_changes,
)
from unet_demo.networks import NETWORKS
from unet_demo.networks.anatomy import anatomy
from unet_demo.networks.maps import SIDE
from unet_demo.training.batches import to_tensor
from unet_demo.training.loop import StepDone, Trainer, fit, load_batches

SCENES = SceneOptions(size=64, colour_is_clue=True)
TINY = LiveSettings(SCENES, width=8, batch=1, steps=4)
ENDLESS = replace(TINY, steps=5000)
NO_MAPS = np.zeros((0, SIDE, SIDE), np.uint8)


def played(run: LiveRun, steps: int | None = None) -> list[Snapshot]:
    return list(run.play(steps))


def headless_losses(settings: LiveSettings) -> list[float]:
    trainer = Trainer(seeded_network(settings), task_of(settings), fit_options_of(settings))
    events = fit(trainer, load_batches(batches_of(settings), 0, settings.steps))
    return [event.loss for event in events if isinstance(event, StepDone)]


def test_a_run_watched_has_the_losses_of_the_same_run_headless():
    assert played(LiveRun(TINY))[-1].losses == tuple(headless_losses(TINY))


def test_the_first_snapshot_comes_at_once_and_the_last_state_always():
    snapshots = LiveRun(TINY).play()
    first = next(snapshots)
    assert (first.state, first.step) == ("running", 0)
    *_, last = snapshots
    assert (last.state, last.step, last.over) == ("finished", 4, True)
    assert last.validation and last.validation.step == 4


def test_nobody_waits_for_the_next_update_to_hear_of_the_first_step(monkeypatch):
    monkeypatch.setattr(play, "UPDATE_SECONDS", 600.0)
    with closing(LiveRun(ENDLESS).play()) as snapshots:
        told = next(snapshot for snapshot in snapshots if snapshot.step)
    assert told.state == "running"


@pytest.mark.parametrize("steps", [2, None], ids=["put away", "finished"])
def test_the_memory_of_a_run_that_is_over_does_not_wait_for_the_collector(steps: int | None):
    run = LiveRun(TINY)
    played(run, steps)
    run.stop()
    gone = weakref.ref(run._trainer)
    gc.collect()
    gc.disable()
    try:
        del run
        assert gone() is None
    finally:
        gc.enable()


def test_a_validation_shows_the_map_of_each_station_and_what_is_kept_of_it_for_later_none():
    run = LiveRun(TINY)
    first, last = played(run, 2)[-1].validation, played(run)[-1].validation
    assert first and last
    assert last.maps.shape == (
        len(anatomy(TINY.network, TINY.network_options, 64).stations),
        SIDE,
        SIDE,
    )
    assert (first.maps != last.maps).any()
    assert {one.maps.size for one in run.reel.validations} == {0}


def test_a_run_paused_and_resumed_goes_on_as_if_left_alone():
    run = LiveRun(TINY)
    rested = played(run, 2)[-1]
    assert (rested.state, rested.step) == ("paused", 2)
    assert rested.validation and rested.validation.step == 2
    assert played(run)[-1].losses == tuple(headless_losses(TINY))


def test_pause_ends_a_run_at_its_step_and_leaves_no_thread():
    run = LiveRun(ENDLESS)
    before = set(threading.enumerate())
    for snapshot in run.play():
        if snapshot.step:
            run.pause()
    assert run.snapshot().state == "paused"
    assert set(threading.enumerate()) <= before  # others' may end meanwhile


def test_stop_keeps_the_state_and_shows_it():
    run = LiveRun(ENDLESS)
    for snapshot in run.play():
        if snapshot.step:
            run.stop()
    last = run.snapshot()
    assert (last.state, last.over) == ("stopped", True)
    assert last.validation and last.validation.step == last.step > 0


def test_a_paused_run_can_be_stopped():
    run = LiveRun(TINY)
    played(run, 1)
    run.stop()
    assert run.snapshot().state == "stopped"


def test_a_run_that_is_over_cannot_be_played():
    run = LiveRun(replace(TINY, steps=1))
    played(run)
    with pytest.raises(LiveError, match="over"):
        next(run.play())


def test_a_run_that_trains_cannot_be_played_twice_or_taken_away():
    run = LiveRun(ENDLESS)
    snapshots = run.play()
    next(snapshots)
    with pytest.raises(LiveError, match="training already"):
        next(run.play())
    with pytest.raises(LiveError, match="still in training"):
        run.checkpoint()
    snapshots.close()


def test_a_run_whose_watcher_leaves_stops():
    run = LiveRun(ENDLESS)
    snapshots = run.play()
    while next(snapshots).step == 0:
        pass
    snapshots.close()
    while run.snapshot().state == "running":
        time.sleep(0.02)
    assert run.snapshot().state == "stopped"


def test_a_run_ends_when_its_time_is_up():
    run = LiveRun(ENDLESS, replace(LOCAL, seconds=0.01))
    assert played(run)[-1].state == "out of time"


def test_a_loss_that_is_no_number_is_named_and_the_last_good_state_comes_back():
    settings = replace(TINY, batch_norm=False, optimiser="SGD", rate=1e3, steps=30)
    run = LiveRun(settings)
    last = played(run)[-1]
    assert last.state == "diverged"
    assert not math.isfinite(last.losses[-1])
    assert last.restored_step is not None and last.restored_step < last.step
    weights = run.checkpoint().network.state_dict().values()
    assert all(torch.isfinite(weight.float()).all() for weight in weights)


class ExcessiveUNet(NETWORKS[TINY.network]):
    """Asks the CPU for a pebibyte, which torch refuses with a bare RuntimeError."""

    def forward(self, x: torch.Tensor, dropped_skips: Collection[int] = ()) -> torch.Tensor:
        return torch.empty(2**50, dtype=torch.uint8)


def test_a_training_that_the_memory_cannot_hold_ends_in_a_sentence(monkeypatch):
    monkeypatch.setitem(NETWORKS, TINY.network, ExcessiveUNet)
    with pytest.raises(LiveError, match="The training ran out of memory; choose a smaller width"):
        played(LiveRun(TINY))


class BrokenUNet(NETWORKS[TINY.network]):
    """Fails as nobody foresaw."""

    def forward(self, x: torch.Tensor, dropped_skips: Collection[int] = ()) -> torch.Tensor:
        raise ZeroDivisionError


def test_an_error_that_nobody_foresaw_reaches_whoever_plays_the_run(monkeypatch):
    monkeypatch.setitem(NETWORKS, TINY.network, BrokenUNet)
    run = LiveRun(TINY)
    with pytest.raises(ZeroDivisionError):
        played(run)
    assert run.snapshot().state == "stopped"


def test_a_network_that_broke_while_its_loss_was_a_number_diverged_at_that_step():
    settings = replace(TINY, batch_norm=True, optimiser="SGD", rate=1e3, steps=30)
    last = played(LiveRun(settings))[-1]
    assert last.state == "diverged" and last.step < settings.steps
    assert last.step == len(last.losses) == len(last.smoothed)
    assert math.isnan(last.losses[-1]) and np.isfinite(last.losses[:-1]).all()
    assert played(LiveRun(replace(settings, steps=last.step)))[-1].losses[:-1] == last.losses[:-1]
    assert played(LiveRun(replace(settings, steps=last.step - 1)))[-1].state == "finished"


@pytest.mark.parametrize("rate", [1e3, 20.0])
def test_what_is_told_of_a_run_that_diverged_is_true_of_the_weights_that_came_back(rate: float):
    settings = replace(TINY, batch_norm=False, optimiser="SGD", rate=rate, steps=20)
    run = LiveRun(settings)
    last = played(run)[-1]
    assert last.state == "diverged" and last.validation
    assert last.validation.step == last.trained_steps == last.restored_step
    seen = run.predict(last.watched.images).labels()[: len(last.validation.prediction)]
    assert np.array_equal(last.validation.prediction, seen)
    card = run.checkpoint().card
    assert card.recipe["steps_done"] == last.restored_step
    assert card.scores["mIoU"] == last.validation.miou
    steps = [step for step, _, _ in last.validations]
    assert steps == sorted(set(steps)) and steps[-1] == last.restored_step


def test_a_loss_that_is_huge_but_a_number_is_told():
    last = played(LiveRun(replace(TINY, rate=1e3)))[-1]
    assert last.state == "finished"
    assert last.exploded


def test_no_torch_context_is_open_between_two_snapshots():
    assert all(torch.is_grad_enabled() for _ in LiveRun(TINY).play())


def test_two_runs_at_once_do_not_disturb_each_other():
    first, second = LiveRun(TINY), LiveRun(TINY)
    for _ in zip(first.play(), second.play(), strict=False):
        pass
    while "running" in (first.snapshot().state, second.snapshot().state):
        time.sleep(0.02)
    assert first.snapshot().losses[:1] == tuple(headless_losses(TINY))[:1]
    assert second.snapshot().losses[:1] == first.snapshot().losses[:1]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_takes_a_step_with_and_without_its_options(network: str):
    plain = replace(TINY, network=network, steps=1)
    bare = replace(plain, skips=False, batch_norm=False)
    for settings in (plain, bare):
        assert math.isfinite(played(LiveRun(settings))[-1].losses[0])


def test_the_article_trains_on_its_own_picture_as_it_is():
    image, labels = article_scene()
    images, targets = batches_of(PRESETS["article"])(7)
    assert torch.equal(images, to_tensor(image[None]))
    assert np.array_equal(targets.numpy(), labels[None])


def test_the_article_is_scored_on_a_picture_that_it_never_sees():
    watched = watched_scenes(PRESETS["article"])
    assert watched.unscored == 1
    assert np.array_equal(watched.images[0], article_scene()[0])
    assert not np.array_equal(watched.images[1], watched.images[0])


def test_validation_scenes_are_fixed_and_unknown_to_training():
    watched = watched_scenes(TINY)
    assert len(watched.images) == VALIDATION_SCENES
    assert np.array_equal(watched.images, watched_scenes(replace(TINY, seed=9)).images)
    drawn, _ = batches_of(replace(TINY, batch=16))(0)
    pictures = normalisation_of(TINY)(to_tensor(watched.images))
    assert not any(torch.equal(one, other) for one in drawn for other in pictures)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("limits", [LOCAL, SPACE])
def test_every_preset_lies_within_the_limits(preset: str, limits):
    limits.check(PRESETS[preset])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"network": "VNet"}, "no network 'VNet'; choose one of IsbiUNet"),
        ({"width": 12}, "no width 12"),
        ({"loss": "hinge"}, "no loss 'hinge'"),
        ({"rate": 0.0}, "learning rate is 0; choose one from 0.00001 to 1000"),
        ({"steps": 10_000}, "number of steps is 10000; choose one from 1 to 5000"),
        ({"batch": 0}, "batch is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1_000_003}, "seed is 1000003; choose one from 0 to 1000002"),
        ({"scenes": replace(SCENES, size=72)}, "multiple of 16"),
        ({"scenes": replace(SCENES, size=512)}, "picture size is 512"),
        ({"scenes": replace(SCENES, count=(5, 2))}, "greatest number of shapes is 2"),
        ({"scenes": replace(SCENES, count=(5, 9))}, "shapes is 9; choose one from 5 to 8"),
        ({"scenes": replace(SCENES, noise=90.5)}, "noise is 90.5; choose one from 0 to 80"),
        ({"width": 64, "scenes": replace(SCENES, size=256), "batch": 32}, "32 times the article's"),
    ],
)
def test_a_setting_out_of_bounds_is_refused_in_one_sentence(change, sentence):
    with pytest.raises(SettingsError, match=sentence):
        LiveRun(replace(TINY, **change), LOCAL)


@pytest.mark.parametrize(
    "change",
    [{"steps": 10**400}, {"width": 10**400}, {"rate": 1e300}, {"network": "x" * 5000}],
)
def test_an_absurdly_long_value_is_cut_short_in_its_sentence(change):
    with pytest.raises(SettingsError, match="…") as caught:
        LOCAL.check(replace(TINY, **change))
    assert len(str(caught.value)) < 200


def test_a_rate_that_is_no_number_is_refused():
    with pytest.raises(SettingsError, match="learning rate is NaN"):
        LOCAL.check(replace(TINY, rate=math.nan))


def test_the_limits_are_tighter_on_a_space(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert current_limits() is LOCAL
    monkeypatch.setenv("SPACE_ID", "someone/unet_demo")
    assert current_limits() is SPACE


def test_an_unknown_preset_is_refused():
    with pytest.raises(SettingsError, match="no preset 'easy'"):
        with_changes("easy")


def test_a_preset_can_be_changed_field_by_field():
    assert with_changes("random", width=8, rate=None) == replace(PRESETS["random"], width=8)


def test_what_differs_between_runs_is_named():
    others = replace(TINY, skips=False), replace(TINY, scenes=replace(SCENES, noise=0))
    assert differing_fields([TINY, others[0]]) == ("skips",)
    assert differing_fields([TINY, others[1]]) == ("scenes.noise",)
    assert differing_fields([TINY, TINY]) == ()
    assert "data" in differing_fields([TINY, PRESETS["article"]])


def test_a_reel_keeps_few_looks_evenly_and_always_the_last():
    reel = Reel(limit=10)
    for step in range(1000):
        reel.add(Validation(step, 1.0, 0.0, 0.0, np.zeros((1, 2, 2), np.uint8), NO_MAPS))
    steps = [validation.step for validation in reel.validations]
    assert len(steps) <= 10
    assert (steps[0], steps[-1]) == (0, 999)
    assert len(set(np.diff(steps[:-1]))) == 1


def test_a_trained_network_is_opened_and_predicts_the_same(tmp_path):
    run = LiveRun(TINY)
    last = played(run)[-1]
    checkpoint = run.checkpoint()
    path = tmp_path / "live.safetensors"
    save_checkpoint(path, checkpoint.network, checkpoint.card)
    opened = load_checkpoint(path)
    assert opened.card.scores["mIoU"] == pytest.approx(
        last.validation.miou if last.validation else None
    )
    assert opened.card.options["width"] == 8
    assert run.predict(last.watched.images[:1]).labels().shape == (1, 64, 64)


def test_another_run_goes_on_from_the_state_of_a_paused_one():
    first, second = LiveRun(TINY), LiveRun(TINY)
    played(first, 2)
    second.load_state(first.state())
    last = played(second)[-1]
    assert last.losses == played(LiveRun(TINY))[-1].losses
    assert [validation.step for validation in second.reel.validations] == [0, 1, 2, 3, 4]


def test_the_state_of_a_run_does_not_change_when_it_goes_on():
    run = LiveRun(TINY)
    played(run, 1)
    state = run.state()
    played(run)
    assert len(state.progress.losses) == 1
