"""What runs on the CPU runs on a GPU, too, with the same result; for a machine that has one."""

import numpy as np
import pytest
import torch

import unet_demo
from unet_demo.checkpoints import offered_names
from unet_demo.live.run import LiveRun
from unet_demo.live.settings import LiveSettings
from unet_demo.teach.examples import load
from unet_demo.teach.lesson import Lesson
from unet_demo.teach.settings import TeachSettings

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")

GPU = "cuda"


@pytest.mark.parametrize("checkpoint", offered_names())
def test_a_gpus_mask_is_the_cpus(checkpoint: str) -> None:
    picture = load("cat").picture.slices[0]
    of_gpu, of_cpu = (
        unet_demo.segment(picture, checkpoint, device=device).labels() for device in (GPU, "cpu")
    )
    assert np.mean(of_gpu == of_cpu) > 0.995


def test_a_live_run_learns_on_a_gpu() -> None:
    run = LiveRun(LiveSettings(steps=50), device=GPU)
    *_, last = run.play()
    assert last.state == "finished" and last.smoothed[-1] < last.losses[0]


def test_a_lesson_learns_on_a_gpu() -> None:
    taught = load("coins")
    lesson = Lesson(taught.picture, taught.labels, TeachSettings(taught.task), device=GPU)
    *_, last = lesson.play(50)
    assert last.step == 50 and last.smoothed[-1] < last.losses[0]
