"""An experiment: a recipe with its data read, ready to train and validate."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..checkpoints import Checkpoint
from ..constants import VOID
from ..evaluation.evaluate import Scores
from ..evaluation.report import square
from ..inference import Predictor
from ..networks import Network
from ..render import colour_mask, to_rgb
from ..tasks import ColourTask
from .datasets import DATASETS, Part, Still
from .recipe import Recipe
from .scene_batches import BatchOf, Shuffled, WithWeightMaps, to_tensor

SHOWN = 4
"""Validation pictures on the sheet of each epoch."""


@dataclass(frozen=True)
class Experiment:
    """A recipe with its training batches and its pictures to score.

    Where the recipe counts epochs, ``order`` is set and the steps follow from the data.
    ``test`` is set where pictures are kept back for the end.
    """

    recipe: Recipe
    batch_of: BatchOf
    order: Shuffled | None
    validation: Part
    test: Part | None
    device: str | None

    def validate(self, network: Network) -> Scores:
        """Return the validation's scores, and as "loss" the loss that the recipe trains with."""
        predictor = predictor_of(self.recipe, network, self.device)
        return {"loss": self.loss(network), **self.validation.evaluate(predictor)}

    def loss(self, network: Network) -> float:
        """Return the recipe's loss, without a weight map, as the mean over the pixels that are not void."""
        task = self.recipe.taught or self.recipe.task
        total, pixels = 0.0, 0
        for _, ids, logits in self._seen(network, self.validation.stills(self.recipe)):
            targets = torch.from_numpy(ids[None]).to(logits.device)
            decided = int((ids != VOID).sum())
            total += float(task.loss(logits, targets, self.recipe.fit.loss)) * decided
            pixels += decided
        return total / max(pixels, 1)

    def sheet(self, network: Network) -> np.ndarray:
        """Draw validation pictures, below each its label and its output: uint8 (H, W, 3).

        The output of a ColourTask's network is drawn in the colours that it paints.
        """
        task = self.recipe.task
        palette = (self.recipe.taught or task).palette
        columns = []
        shown = islice(self.validation.stills(self.recipe), SHOWN)
        for picture, ids, logits in self._seen(network, shown):
            if isinstance(task, ColourTask):
                output = (task.colours(logits)[0].permute(1, 2, 0) * 255).round().byte().cpu()
            else:
                output = torch.from_numpy(
                    colour_mask(task.predicted_ids(logits)[0].byte().cpu().numpy(), palette)
                )
            rows = (to_rgb(picture), colour_mask(ids, palette), output.numpy())
            columns.append(np.concatenate([square(row) for row in rows]))
        return np.concatenate(columns, axis=1)

    def _seen(
        self, network: Network, stills: Iterator[Still]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, Tensor]]:
        """Yield each picture, its label ids, and the network's logits (1, K, H, W)."""
        device = next(network.parameters()).device
        for picture, ids in stills:
            with torch.inference_mode():
                images = self.recipe.normalisation(to_tensor(picture[None]))
                logits = network(images.to(device, memory_format=torch.channels_last))
            yield picture, ids, logits.float()


def prepare(recipe: Recipe, directory: Path | None, device: str | None) -> Experiment:
    """Read a recipe's data. Raises DataError when it is missing or does not fit the recipe."""
    data = DATASETS[recipe.data].of(asdict(recipe))
    batches, order = data.batches(recipe, directory, device)
    if recipe.weight_map:
        batches = WithWeightMaps(batches)
    return Experiment(
        recipe.in_epochs(order),
        batches,
        order,
        data.validation(directory),
        data.test(directory),
        device,
    )


def predictor_of(recipe: Recipe, network: Network, device: str | None) -> Predictor:
    """Return a predictor for a network in training, with the card of its future checkpoint."""
    return Predictor(Checkpoint(recipe.card({}, ""), network), device)
