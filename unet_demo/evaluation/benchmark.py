"""Times predictions against plain torch, and a start until the first result against a bare script.

Both of a pair are timed in turns, in one and the same run.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..checkpoints import Checkpoint
from ..data.shapes import SceneOptions, random_scene
from ..inference import Predictor, normalise
from ..networks.base import parameter_count

SIDE = 512
REPEATS = 5

MILLISECONDS = {
    "shapes": 199,
    "isbi": 609,
    "isbi-elastic": 738,
    "voc-pretrained": 53,
    "voc": 58,
    "voc-resnet50": 45,
    "voc-color": 37,
}
"""What the Predictor took for that picture on 2 quiet CPU cores, in one run, as README.md says."""


@dataclass(frozen=True)
class Timing:
    """Median seconds for one picture of SIDE × SIDE px: plain float32 torch, and the Predictor."""

    name: str
    parameters: int
    plain_seconds: float
    predictor_seconds: float
    device: str

    @property
    def speed_up(self) -> float:
        """How many times faster the Predictor is."""
        return self.plain_seconds / self.predictor_seconds


def time_checkpoint(checkpoint: Checkpoint, device: str | None = None) -> Timing:
    """Time a checkpoint both ways, in turns, so that other load on the machine affects both."""
    card = checkpoint.card
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, card.channels), np.uint8)
    predictor = Predictor(checkpoint, device)
    network = checkpoint.network.to(predictor.device).eval()
    picture = normalise(image, card).to(predictor.device)

    def plain() -> None:
        with torch.inference_mode():
            card.task.probabilities(network(picture)).cpu()

    ways: tuple[Callable[[], object], ...] = (plain, lambda: predictor.predict(image[None]))
    for way in ways:
        way()  # the first call of each is slower
    seconds = [[_seconds(way) for way in ways] for _ in range(REPEATS)]
    plain_seconds, predictor_seconds = (
        statistics.median(column) for column in zip(*seconds, strict=True)
    )
    return Timing(
        card.name,
        parameter_count(network),
        plain_seconds,
        predictor_seconds,
        str(predictor.device),
    )


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


ROUNDS = 3

BARE = """
import sys
import gradio
import numpy
import torch
from PIL import Image
from unet_demo.checkpoints import open_checkpoint
from unet_demo.inference import normalise

with gradio.Blocks() as demo:
    pass
demo.launch(prevent_thread_lock=True, quiet=True)
checkpoint = open_checkpoint("shapes")
picture = normalise(numpy.asarray(Image.open(sys.argv[1])), checkpoint.card)
with torch.inference_mode():
    checkpoint.card.task.probabilities(checkpoint.network.eval()(picture))
print("done", flush=True)
"""
"""Imports gradio and torch, launches an empty page, and predicts a picture once."""


@dataclass(frozen=True)
class StartTiming:
    """Median seconds from the start of a process to its first result: BARE's, and this program's."""

    bare_seconds: float
    seconds: float

    @property
    def ratio(self) -> float:
        """How many times as long this program takes."""
        return self.seconds / self.bare_seconds


def time_startup(rounds: int = ROUNDS) -> StartTiming:
    """Time both in turns, after a start of each that finds their files for the others."""
    scene, _ = random_scene(SceneOptions(size=256), np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "picture.png")
        Image.fromarray(scene).save(picture)
        pairs = [(_bare(picture), _ours(picture)) for _ in range(1 + rounds)]
    return StartTiming(*(statistics.median(seconds) for seconds in zip(*pairs[1:], strict=True)))


def _bare(picture: Path) -> float:
    begun = time.perf_counter()
    with _running("-c", BARE, str(picture)) as process:
        assert process.stdout
        while (line := process.stdout.readline()) != "done\n":
            if not line:
                raise RuntimeError("the bare script ended before it had a result")
        return time.perf_counter() - begun


def _ours(picture: Path) -> float:
    from gradio_client import Client, handle_file  # comes with gradio, which no other command needs

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    address = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port)}
    begun = time.perf_counter()
    with _running("-m", "unet_demo", "serve", **address) as process:
        while not _answers(f"http://127.0.0.1:{port}"):
            if process.poll() is not None:
                raise RuntimeError("the server ended before it had served anything")
            time.sleep(0.02)
        client = Client(f"http://127.0.0.1:{port}", verbose=False, httpx_kwargs={"timeout": None})
        client.predict(handle_file(str(picture)), "shapes", api_name="/segment")
        return time.perf_counter() - begun


@contextmanager
def _running(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Start Python as a process of its own, and end it when it has served."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address):
            return True
    except OSError:
        return False
