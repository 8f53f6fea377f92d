"""The ten losses that the shapes article printed, beside those of the same run with twenty seeds.

``python -m unet_demo.training.published_losses`` repeats the run for each seed and prints the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..data.shapes import article_scene
from ..networks import create_network
from ..tasks import SHAPES
from .batches import to_tensor
from .loop import FitOptions, StepDone, Trainer, fit

PUBLISHED = (1.1136, 0.7071, 0.5737, 0.5214, 0.4775, 0.4437, 0.4149, 0.3886, 0.3636, 0.3427)
"""Losses of the article's ten steps; its run was not seeded."""

STEPS = len(PUBLISHED)
SEEDS = 20


@dataclass(frozen=True)
class EnvelopeRow:
    """One step: the least and greatest loss over the seeds, and the published loss."""

    step: int
    least: float
    greatest: float
    published: float

    @property
    def inside(self) -> bool:
        """Whether the published loss lies between the least and the greatest."""
        return self.least <= self.published <= self.greatest


def article_losses(seed: int, width: int = 64) -> list[float]:
    """Train as the article does and return the ten losses: picture in 0..1, torch's weights, Adam 1e-3."""
    image, labels = article_scene()
    batch = (to_tensor(image[None]), torch.from_numpy(labels[None]))
    torch.manual_seed(seed)
    network = create_network("ShapesUNet", in_channels=3, out_channels=3, width=width)
    trainer = Trainer(network, SHAPES, FitOptions(steps=STEPS, validate_every=STEPS))
    events = fit(trainer, [batch] * STEPS)
    return [event.loss for event in events if isinstance(event, StepDone)]


def envelope(least: Sequence[float], greatest: Sequence[float]) -> tuple[EnvelopeRow, ...]:
    """Return one row for each step, from the least and greatest loss of each."""
    rows = zip(least, greatest, PUBLISHED, strict=True)
    return tuple(EnvelopeRow(step, *row) for step, row in enumerate(rows, 1))


# Measured by this file's command: torch 2.11.0, CPU, one thread, seeds 0 to 19.
LEAST = (1.0584, 0.6992, 0.5483, 0.4746, 0.4231, 0.3915, 0.3722, 0.3554, 0.3359, 0.3189)
GREATEST = (1.3936, 0.9440, 0.7741, 0.6945, 0.6650, 0.6306, 0.6047, 0.5852, 0.5670, 0.5497)

ENVELOPE = envelope(LEAST, GREATEST)
"""The least and greatest losses over the seeds, beside the published ones."""


def main() -> None:
    """Train with every seed; print the losses of each run, then the envelope."""
    runs = []
    for seed in range(SEEDS):
        runs.append(article_losses(seed))
        print(f"seed {seed:2}:", *(f"{loss:.4f}" for loss in runs[-1]), flush=True)
    losses = np.array(runs)
    print("step  least   greatest  published  inside")
    for row in envelope(losses.min(0), losses.max(0)):
        print(
            f"{row.step:4}  {row.least:.4f}  {row.greatest:.4f}    {row.published:.4f}     "
            + ("yes" if row.inside else "no")
        )


if __name__ == "__main__":
    main()
