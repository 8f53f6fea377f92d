"""Times a picture with this program's Predictor and with plain torch, in one run."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..checkpoints import Checkpoint
from ..inference import Predictor, normalise
from ..networks.base import parameter_count

SIDE = 512
REPEATS = 5


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
