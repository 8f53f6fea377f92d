"""ZeroGPU's ways, in a process that forks as it does (forking/), and none of them elsewhere."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FORKING = HERE / "forking"


def run_python(*arguments: str, **variables: str) -> str:
    """What a process prints that has ``spaces`` installed."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(FORKING))),
        "OMP_NUM_THREADS": "1",
        "UNET_DEMO_DEVICE": "cpu",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True,
        timeout=550,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def visit(shapes_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    copy = tmp_path_factory.mktemp("visit") / shapes_file.name
    copy.write_bytes(shapes_file.read_bytes())
    return json.loads(run_python(str(FORKING / "visit.py"), str(copy), SPACES_ZERO_GPU="true"))


def test_a_run_in_another_process_has_the_losses_of_one_here(visit):
    trained = visit["trained"]
    assert trained["is_remote"]
    assert trained["losses"] == trained["losses_here"]


def test_the_network_here_is_the_one_that_was_trained_there(visit):
    trained = visit["trained"]
    assert trained["after"] == pytest.approx(trained["after_here"], abs=1e-6)
    assert trained["after"] != pytest.approx(trained["before"], abs=1e-3)
    assert trained["steps_done"] == 4


def test_that_a_run_is_over_is_told_once_its_weights_are_here(visit):
    states = visit["trained"]["states"]
    assert set(states[:-1]) == {"running"} and states[-1] == "finished"


def test_strokes_and_classes_join_a_lesson_while_it_is_learned_there(visit):
    taught = visit["taught"]
    assert taught["is_remote"]
    assert taught["seen"] == [130, 1]
    assert (taught["state"], taught["classes"]) == ("paused", ["left", "right", "corner"])


def test_a_lesson_comes_back_from_there_and_goes_on_at_the_next_press(visit):
    pressed = visit["pressed"]
    first, last = pressed["steps"]
    assert pressed["is_remote"] and pressed["resumable"]
    assert first == 1 and last > 2 and pressed["goes_on"]
    assert (pressed["state"], pressed["predicted"]) == ("paused", ["left", "right"])


def test_the_looks_for_the_animation_come_back(visit):
    assert visit["trained"]["looks"] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("wish", "state"), [("paused", "paused"), ("stopped", "stopped")])
def test_a_run_there_rests_when_asked_and_keeps_what_it_learned(visit, wish, state):
    assert visit[wish]["state"] == state
    assert 0 < visit[wish]["step"] < 2000
    assert visit[wish]["trained"]


def test_a_run_goes_on_in_the_next_process(visit):
    resumed = visit["resumed"]
    assert resumed["states"] == ["paused", "paused", "finished"]
    assert resumed["losses"] == visit["trained"]["losses_here"]


def test_a_run_whose_visitor_has_left_is_stopped(visit):
    assert visit["left"] == {"state": "stopped", "step": 0}


def test_a_run_that_was_broken_off_stays_as_it_was(visit):
    assert visit["broken off"] == {"state": "paused"}


def test_a_picture_is_segmented_there_as_here(visit):
    segmented = visit["segmented"]
    assert segmented["is_remote"]
    assert segmented["difference"] < 1e-6
    assert segmented["classes"] == ["background", "circle", "rectangle"]


def test_the_passes_there_are_counted_here(visit):
    assert visit["segmented"]["passes"] == [[done, 8] for done in range(1, 9)]


def test_a_segmentation_there_can_be_called_off(visit):
    assert visit["cancelled"] == "cancelled"


def test_what_is_wrong_there_is_said_here(visit):
    assert "is not a complete safetensors file" in visit["refused"]


def test_the_gpu_is_asked_for_as_long_as_the_request_may_take(visit):
    four_steps, endless = visit["asked"][:2]
    assert four_steps == 5 + 4
    assert endless == 30


def test_app_imports_spaces_before_torch_and_gradio():
    code = "import app, spaces; print(sorted(spaces.LOADED_BEFORE))"
    assert run_python("-c", code, SPACES_ZERO_GPU="true").strip() == "[]"


def test_elsewhere_spaces_is_not_imported_though_it_is_installed():
    code = (
        "import sys; from unet_demo.ui.server import zero_gpu;"
        "print('spaces' in sys.modules, zero_gpu.play_in_fork.__module__, zero_gpu.DEVICE)"
    )
    assert run_python("-c", code, SPACES_ZERO_GPU="").split() == [
        "False", "unet_demo.ui.server.zero_gpu", "None",
    ]  # fmt: skip
