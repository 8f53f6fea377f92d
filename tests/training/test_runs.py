"""A training run on disk: what it leaves, and that a killed run goes on as if nothing had been."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import RECIPE, with_options

from unet_demo.checkpoints import load_checkpoint
from unet_demo.data import RandomSplit
from unet_demo.evaluation.report import SHEET_SIDE
from unet_demo.training import RunError, recipes
from unet_demo.training.loop import Diverged, Finished, StepDone, Validated
from unet_demo.training.runs import (
    LOSSES,
    SCORES,
    STATE,
    FinalScores,
    Lengths,
    Started,
    train,
)

KILLED = """
import os, signal, sys
from pathlib import Path
from tiny import RECIPE
from unet_demo.training.runs import train
from unet_demo.training.loop import StepDone

for event in train(RECIPE, None, Path(sys.argv[1])):
    if isinstance(event, StepDone) and event.step == 5:
        os.kill(os.getpid(), signal.SIGKILL)
"""
"""Dies two steps after it saved its state."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was left alone."""
    folder = tmp_path_factory.mktemp("run") / "whole"
    list(train(RECIPE, None, folder))
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def board(folder: Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder / "tensorboard"))
    accumulator.Reload()
    return accumulator


def test_a_run_leaves_its_losses_scores_state_checkpoint_and_tensorboard(run):
    assert {path.name for path in run.iterdir()} == {
        LOSSES, SCORES, STATE, "shapes.safetensors", "tensorboard",
    }  # fmt: skip


def test_losses_have_a_row_a_step_and_scores_a_row_a_validation(run):
    assert [row["step"] for row in rows(run / LOSSES)] == [str(step) for step in range(1, 9)]
    assert [row["step"] for row in rows(run / SCORES)] == ["3", "6", "8"]


def test_the_checkpoint_is_that_of_the_best_validation(run):
    card = load_checkpoint(run / "shapes.safetensors").card
    best = max(rows(run / SCORES), key=lambda row: float(row["mIoU"]))
    assert card.scores["mIoU"] == float(best["mIoU"])
    assert card.recipe["fit"]["steps"] == 8 and card.recipe["fit"]["epoch"] == 3
    assert "scenes" in card.scored_on


def test_where_nothing_is_chosen_the_last_network_is_kept(tmp_path):
    events = list(train(replace(RECIPE, choose_by=""), None, tmp_path))
    scores = [event.scores for event in events if isinstance(event, Validated)]
    assert load_checkpoint(tmp_path / "shapes.safetensors").card.scores == scores[-1]
    assert max(score["mIoU"] for score in scores) > scores[-1]["mIoU"]


def test_tensorboard_reads_losses_rates_and_scores(run):
    scalars = board(run)
    written = [(event.step, event.value) for event in scalars.Scalars("loss/train")]
    expected = [(int(row["step"]), float(row["loss"])) for row in rows(run / LOSSES)]
    assert [step for step, _ in written] == [step for step, _ in expected]
    assert [loss for _, loss in written] == pytest.approx([loss for _, loss in expected])
    assert len(scalars.Scalars("rate")) == 8
    for name in ("validation/mIoU", "validation/loss", "epoch/training accuracy"):
        assert [event.step for event in scalars.Scalars(name)] == [3, 6, 8]
    assert len(scalars.Scalars("accuracy/train")) == 8


def test_tensorboard_shows_input_label_and_output_of_each_validation(run):
    pictures = board(run).Images("input, label, output")
    assert [picture.step for picture in pictures] == [3, 6, 8]
    assert all(picture.height == 3 * SHEET_SIDE for picture in pictures)


def test_the_table_of_scores_has_the_losses_and_accuracies_of_training_and_validation(run):
    steps = [float(row["accuracy"]) for row in rows(run / LOSSES)]
    first, *_ = rows(run / SCORES)
    assert float(first["training accuracy"]) == pytest.approx(sum(steps[:3]) / 3)
    assert 0 <= float(first["pixel accuracy"]) <= 1 and float(first["loss"]) > 0
    assert float(first["training loss"]) > 0


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a system without SIGKILL")
def test_a_run_that_was_killed_and_resumed_gives_the_losses_of_one_left_alone(run, tmp_path):
    here = Path(__file__).parents[1]
    path = os.pathsep.join([str(here), str(here.parent)])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(rows(tmp_path / LOSSES)) == 5
    time.sleep(1)  # TensorBoard orders its files by the second in which they were begun
    events = list(train(RECIPE, None, tmp_path, resume=True))
    assert [event.step for event in events if isinstance(event, StepDone)] == [4, 5, 6, 7, 8]
    for name in (LOSSES, SCORES):
        assert (tmp_path / name).read_text() == (run / name).read_text()
    exactly = {"rtol": 0, "atol": 0}
    resumed, whole = (torch.load(folder / STATE) for folder in (tmp_path, run))
    for part in ("network", "average"):
        torch.testing.assert_close(resumed[part], whole[part], **exactly)
    torch.testing.assert_close(
        resumed["optimiser"]["state"], whole["optimiser"]["state"], **exactly
    )
    resumed, whole = (load_file(folder / "shapes.safetensors") for folder in (tmp_path, run))
    torch.testing.assert_close(resumed, whole, **exactly)
    assert [event.step for event in board(tmp_path).Scalars("loss/train")] == list(range(1, 9))


def test_a_run_of_an_earlier_version_is_kept_and_not_resumed(tmp_path):
    (tmp_path / "state.safetensors").touch()
    with pytest.raises(RunError, match=r"earlier version of unet_demo.* another --out"):
        next(train(RECIPE, None, tmp_path, resume=True))
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


def test_resuming_a_finished_run_does_nothing(run):
    before = (run / LOSSES).read_text()
    started, *others = train(RECIPE, None, run, resume=True)
    assert started.step == 8 and others == [Finished(8, stopped=False)]
    assert (run / LOSSES).read_text() == before


def test_resuming_where_there_is_no_run_begins_one(tmp_path):
    short = replace(RECIPE, fit=replace(RECIPE.fit, steps=1))
    events = list(train(short, None, tmp_path / "new", resume=True))
    assert [type(event) for event in events] == [Started, StepDone, Validated, Finished]


def test_a_folder_that_holds_a_run_is_not_overwritten(run):
    with pytest.raises(RunError, match=r"already holds a run; add --resume"):
        next(train(RECIPE, None, run))


def test_a_run_of_another_network_is_not_continued(run):
    wider = with_options(RECIPE, width=3)
    with pytest.raises(RunError, match=r"other settings than this recipe; give another --out"):
        next(train(wider, None, run, resume=True))


def test_a_run_that_diverges_logs_it_and_keeps_no_checkpoint_of_it(tmp_path):
    wild = replace(RECIPE, fit=replace(RECIPE.fit, optimiser="SGD", rate=3e38, ema=0.0))
    *_, last = train(wild, None, tmp_path)
    assert isinstance(last, Diverged)
    assert rows(tmp_path / LOSSES)[-1]["loss"] == "nan"
    assert not (tmp_path / "shapes.safetensors").exists()


def test_checkpoints_and_pictures_of_each_validation_are_kept_where_that_is_asked_for(tmp_path):
    short = Lengths(steps=3, validate_every=2)
    list(train(RECIPE, None, tmp_path, lengths=short, keep_epochs=True, save_pictures=True))
    kept = sorted(path.name for path in (tmp_path / "epochs").iterdir())
    assert kept == ["shapes-000002.safetensors", "shapes-000003.safetensors"]
    assert load_checkpoint(tmp_path / "epochs" / kept[0]).card.scores["mIoU"] >= 0
    pictures = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert pictures == ["000002.png", "000003.png"]


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames like the challenge's."""
    folder = tmp_path_factory.mktemp("isbi")
    labels = np.full((10, 32, 32), 255, np.uint8)
    labels[:, 15:17] = 0
    pixels = labels // 2 + np.arange(10, dtype=np.uint8)[:, None, None]
    for name, pages in (("train-volume", pixels), ("train-labels", labels)):
        tifffile.imwrite(folder / f"{name}.tif", pages, photometric="minisblack")
    return folder


IN_EPOCHS = replace(
    with_options(recipes.AS_PUBLISHED["isbi"], width=2),
    split=RandomSplit(0.5, 0.2, 0.3),
    batch=2,
    epochs=3,
)
"""Five frames train: epochs of two, two and one."""


def test_a_recipe_in_epochs_validates_after_each_and_ends_with_its_test(volume, tmp_path):
    started, *events, tested = train(IN_EPOCHS, volume, tmp_path)
    assert started.recipe.fit.steps == 9
    assert [event.step for event in events if isinstance(event, Validated)] == [3, 6, 9]
    assert isinstance(tested, FinalScores) and "drawn at random" in tested.scored_on
    assert "mIoU" in json.loads((tmp_path / "test" / "scores.json").read_text())["scores"]
    for kind in ("input", "label", "output"):
        for suffix in ("png", "npy"):
            assert len(list((tmp_path / "test").glob(f"frame-*-{kind}.{suffix}"))) == 3


def test_a_run_in_epochs_that_is_resumed_gives_the_losses_of_one_left_alone(volume, tmp_path):
    whole = train(IN_EPOCHS, volume, tmp_path / "whole")
    expected = [event.loss for event in whole if isinstance(event, StepDone)]
    for event in train(IN_EPOCHS, volume, tmp_path / "broken"):
        if isinstance(event, StepDone) and event.step == 5:
            break
    resumed = train(IN_EPOCHS, volume, tmp_path / "broken", resume=True)
    assert [event.loss for event in resumed if isinstance(event, StepDone)] == expected[3:]


@pytest.mark.parametrize("broken_at", [5, 6])
def test_a_run_that_is_resumed_within_an_epoch_gives_the_scores_of_one_left_alone(
    run, tmp_path, monkeypatch, broken_at
):
    monkeypatch.setattr("unet_demo.training.runs.SAVE_EVERY", 2)
    for event in train(RECIPE, None, tmp_path):
        if isinstance(event, StepDone) and event.step == broken_at:
            break
    started, *_ = train(RECIPE, None, tmp_path, resume=True)
    assert started.step == 4
    for name in (LOSSES, SCORES):
        assert (tmp_path / name).read_text() == (run / name).read_text()
