"""A training that is killed again and again ends with the weights of one that was left alone."""

import multiprocessing
import random
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import RECIPE

from unet_demo.training.loop import StepDone
from unet_demo.training.recipe import Recipe
from unet_demo.training.runs import STATE, train

KILLS = 50
LONGEST = 0.3
"""Seconds that a training goes on after its first step, at most, before it is killed."""


def train_on(recipe: Recipe, folder: Path, begun: Connection) -> None:
    torch.set_num_threads(1)
    for event in train(recipe, None, folder, resume=(folder / STATE).is_file()):
        if isinstance(event, StepDone):
            begun.send(event.step)


@pytest.mark.slow
def test_a_training_killed_at_random_points_ends_with_the_same_weights(tmp_path: Path) -> None:
    recipe = replace(RECIPE, fit=replace(RECIPE.fit, steps=600, validate_every=20))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["unet_demo.training.runs"])
    chance, kills, folder = random.Random(0), 0, tmp_path / "killed"
    while True:
        if not (folder / STATE).is_file():
            shutil.rmtree(folder, ignore_errors=True)  # killed before anything was saved
        reading, writing = context.Pipe(duplex=False)
        process = context.Process(target=train_on, args=(recipe, folder, writing))
        process.start()
        writing.close()
        with suppress(EOFError):  # it resumed at its end
            reading.recv()
        if kills < KILLS:
            time.sleep(chance.uniform(0, LONGEST))
            process.kill()
        process.join()
        if process.exitcode == 0:
            break
        kills += 1
    assert kills >= KILLS
    list(train(recipe, None, tmp_path / "whole"))
    killed, whole = (
        load_file(tmp_path / name / "shapes.safetensors") for name in ("killed", "whole")
    )
    assert killed.keys() == whole.keys()
    assert all(torch.equal(killed[name], whole[name]) for name in whole)
