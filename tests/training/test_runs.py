"""A training run on disk: what it leaves, and that a killed run goes on as if nothing had been."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import RECIPE

from unet_demo.checkpoints import load_checkpoint
from unet_demo.training.loop import Diverged, Finished, StepDone, Validated
from unet_demo.training.runs import LOSSES, SCORES, STATE, RunError, train

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
    assert card.recipe["fit"]["steps"] == 8
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
    assert [event.step for event in scalars.Scalars("validation/mIoU")] == [3, 6, 8]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a system without SIGKILL")
def test_a_run_that_was_killed_and_resumed_gives_the_losses_of_one_left_alone(run, tmp_path):
    here = Path(__file__).parents[1]
    path = os.pathsep.join([str(here), str(here.parent)])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(rows(tmp_path / LOSSES)) == 5
    time.sleep(1)  # TensorBoard orders its files by the second in which they were begun
    events = list(train(RECIPE, None, tmp_path, resume=True))
    assert [event.step for event in events if isinstance(event, StepDone)] == [4, 5, 6, 7, 8]
    for name in (LOSSES, SCORES):
        assert (tmp_path / name).read_text() == (run / name).read_text()
    for name in (STATE, "shapes.safetensors"):
        resumed, whole = load_file(tmp_path / name), load_file(run / name)
        assert resumed.keys() == whole.keys()
        assert all(torch.equal(resumed[key], whole[key]) for key in whole)
    assert [event.step for event in board(tmp_path).Scalars("loss/train")] == list(range(1, 9))


def test_resuming_a_finished_run_does_nothing(run):
    before = (run / LOSSES).read_text()
    assert list(train(RECIPE, None, run, resume=True)) == [Finished(8, stopped=False)]
    assert (run / LOSSES).read_text() == before


def test_resuming_where_there_is_no_run_begins_one(tmp_path):
    short = replace(RECIPE, fit=replace(RECIPE.fit, steps=1))
    events = list(train(short, None, tmp_path / "new", resume=True))
    assert [type(event) for event in events] == [StepDone, Validated, Finished]


def test_a_folder_that_holds_a_run_is_not_overwritten(run):
    with pytest.raises(RunError, match=r"already holds a run; add --resume"):
        next(train(RECIPE, None, run))


def test_a_run_of_another_network_is_not_continued(run):
    wider = replace(RECIPE, options={**RECIPE.options, "width": 3})
    with pytest.raises(RunError, match=r"other settings than this recipe; give another --out"):
        next(train(wider, None, run, resume=True))


def test_a_run_that_diverges_logs_it_and_keeps_no_checkpoint_of_it(tmp_path):
    wild = replace(RECIPE, fit=replace(RECIPE.fit, optimiser="SGD", rate=3e38, ema=0.0))
    *_, last = train(wild, None, tmp_path)
    assert isinstance(last, Diverged)
    assert rows(tmp_path / LOSSES)[-1]["loss"] == "nan"
    assert not (tmp_path / "shapes.safetensors").exists()
