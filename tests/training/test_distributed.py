"""Several processes that train one network: two real ones on the CPU against one alone."""

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import load_file

from unet_demo.training import RunError
from unet_demo.training.distributed import Processes, join_processes
from unet_demo.training.loop import FitOptions, Validated
from unet_demo.training.runs import LOSSES, SCORES, STATE, train

RECIPE = replace(
    tiny.with_options(tiny.RECIPE, batch_norm=False),
    batch=3,
    fit=FitOptions(
        steps=8, validate_every=3, optimiser="SGD", rate=0.02, ema=0.9, accumulate=2, clip_norm=1.0,
        schedule="plateau", patience=0, plateau_score="mIoU",
    ),
)  # fmt: skip
"""Three pictures do not divide by two processes, and the rate hangs on what the main one alone sees."""

HERE = Path(__file__).parent
FOLDERS = os.pathsep.join(map(str, (HERE, *HERE.parents[:2])))
PATHS = {**os.environ, "PYTHONPATH": FOLDERS}

LAUNCHED = """
import sys
from dataclasses import replace
from pathlib import Path
import tiny
import torch
from test_distributed import RECIPE
from unet_demo.training.batches import SceneBatches
from unet_demo.cli import main
from unet_demo.training.distributed import join_processes
from unet_demo.training.recipes import RECIPES
from unet_demo.training import RunError
from unet_demo.training.runs import train, _trainer
from unet_demo.training.loop import load_batches

out = Path(sys.argv[1])
RECIPES["shapes"] = RECIPE
assert main(["train", "shapes", "--out", str(out / "whole")]) == 0

processes = join_processes(torch.device("cpu"))
events = list(train(RECIPE, None, out / "halfway", resume=True))
(out / f"events of {processes.rank}").write_text(str(len(events)))

def refusal(recipe, folder, **options):
    try:
        list(train(recipe, None, folder, **options))
    except RunError as error:
        return str(error)

(out / f"refusals of {processes.rank}").write_text("\\n".join([
    refusal(RECIPE, out / ["halfway", "not here"][processes.rank], resume=True),
    refusal(replace(RECIPE, batch=1), out / "one picture"),
]))

normed = _trainer(tiny.RECIPE, processes)
scenes = SceneBatches(tiny.RECIPE.scenes, 2, 0, tiny.RECIPE.normalisation)
for batch in load_batches(scenes, 0, 2, processes=processes):
    normed.train_step(*batch)
sums = [tensor.double().sum().item() for tensor in normed.network.state_dict().values()]
(out / f"BatchNorm of {processes.rank}").write_text(repr(sums))
"""
"""What each of two processes does: train a run, resume one, be refused, train with BatchNorm."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run that one process did."""
    folder = tmp_path_factory.mktemp("alone")
    list(train(RECIPE, None, folder))
    return folder


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes left that did LAUNCHED."""
    folder = tmp_path_factory.mktemp("together")
    for event in train(RECIPE, None, folder / "halfway"):
        if isinstance(event, Validated):
            break
    script = folder / "launched.py"
    script.write_text(LAUNCHED)
    (folder / "output").write_text(launched(script, folder))
    return folder


def launched(*command: object) -> str:
    """What two processes of a script print."""
    options = {
        "num_processes": 2, "num_machines": 1, "main_process_port": 0,
        "mixed_precision": "no", "dynamo_backend": "no",
    }  # fmt: skip
    arguments = [f"--{name}={value}" for name, value in options.items()]
    launcher = subprocess.Popen(
        [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", *arguments]
        + [str(word) for word in command],
        env={
            **PATHS,
            "UNET_DEMO_DEVICE": "cpu",
            "CUDA_VISIBLE_DEVICES": "",
            "OMP_NUM_THREADS": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = launcher.communicate(timeout=300)
    finally:
        launcher.terminate()  # it takes its processes along, as a kill would not
        launcher.wait()
    assert launcher.returncode == 0, output
    return output


def numbers(path: Path) -> list[list[float]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [[float(value) for value in row] for row in list(csv.reader(file))[1:]]


def assert_same_run(one: Path, other: Path) -> None:
    for name in (LOSSES, SCORES):
        ours, theirs = numbers(one / name), numbers(other / name)
        assert len(ours) == len(theirs)
        for row, expected in zip(ours, theirs, strict=True):
            assert row == pytest.approx(expected, rel=1e-4, nan_ok=True)
    ours, theirs = torch.load(one / STATE), torch.load(other / STATE)
    closely = {"rtol": 1e-3, "atol": 1e-5}
    for part in ("network", "average"):
        torch.testing.assert_close(ours[part], theirs[part], **closely)
    torch.testing.assert_close(ours["optimiser"]["state"], theirs["optimiser"]["state"], **closely)
    ours, theirs = (load_file(folder / "shapes.safetensors") for folder in (one, other))
    torch.testing.assert_close(ours, theirs, **closely)


# --- two processes ---


def test_two_processes_train_the_network_that_one_trains(alone, together):
    assert_same_run(together / "whole", alone)


def test_two_processes_resume_the_run_of_one(alone, together):
    assert_same_run(together / "halfway", alone)


def test_only_the_main_process_tells_what_happens(together):
    # the start, steps 4 to 8, the validations after the sixth and the last, and the end
    assert (together / "events of 0").read_text() == "9"
    assert (together / "events of 1").read_text() == "0"
    output = (together / "output").read_text()
    assert output.count("finished after 8 steps") == 1


def test_processes_that_see_different_runs_do_not_begin(together):
    for rank in (0, 1):
        refusal = (together / f"refusals of {rank}").read_text().splitlines()[0]
        assert refusal.startswith("Not all processes find the same run in ")


def test_more_processes_than_pictures_in_a_batch_are_refused(together):
    refusal = (together / "refusals of 1").read_text().splitlines()[1]
    assert refusal == "2 processes cannot share batches of 1; launch 1 at most."


def test_with_batch_norm_the_processes_hold_the_same_network_still(together):
    first, second = ((together / f"BatchNorm of {rank}").read_text() for rank in (0, 1))
    assert first == second


# --- one process ---


def test_the_shares_of_a_batch_are_all_of_it():
    shares = ["pictures"[Processes(rank, 3).share(8)] for rank in range(3)]
    assert shares == ["pi", "ctu", "res"]


def test_a_process_alone_is_the_main_one():
    alone = join_processes(torch.device("cpu"))
    assert alone == Processes(0, 1, torch.device("cpu"))
    assert alone.main


def test_one_process_trains_without_accelerate_and_without_gradio(tmp_path):
    code = """
import sys
sys.modules["accelerate"] = sys.modules["gradio"] = None
from pathlib import Path
import tiny, torch, unet_demo.live.run
from unet_demo.training.runs import train
print(list(train(tiny.RECIPE, None, Path(sys.argv[1])))[-1], torch.distributed.is_initialized())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=PATHS,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "Finished(step=8, stopped=False) False\n", done.stderr


def test_several_processes_without_accelerate_are_refused_in_a_sentence(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(RunError, match=r"needs Hugging Face Accelerate.*pip install accelerate"):
        join_processes(torch.device("cpu"))


def test_one_gpu_cannot_serve_several_processes(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("ACCELERATE_USE_CPU", raising=False)
    with pytest.raises(RunError, match=r"'cuda:1' cannot be the one for all; use --device cuda"):
        join_processes(torch.device("cuda:1"))


def test_a_launch_that_starts_one_process_instead_of_several_is_refused(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    with pytest.raises(RunError, match=r"launch with --multi_gpu instead of --cpu"):
        join_processes(torch.device("cpu"))
