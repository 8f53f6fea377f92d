"""What a network learns from another one: its probabilities, on the very crops of a batch."""

import torch
from torch import Tensor

from ..checkpoints import Checkpoint
from ..devices import faster_precision
from .batches import Normalisation


class SoftTeacher:
    """Turns pictures, normalised for the network that learns, into the probabilities of a checkpoint."""

    def __init__(
        self, checkpoint: Checkpoint, normalisation: Normalisation, device: torch.device
    ) -> None:
        self.card = checkpoint.card
        self._network = checkpoint.network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._learner = normalisation
        self._own = Normalisation(checkpoint.card.mean, checkpoint.card.std)
        self._half = faster_precision(device) == "bfloat16"

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Return probabilities float32 (N, classes, H, W) of pictures (N, C, H, W)."""
        images = self._own(self._learner.undo(images)).to(memory_format=torch.channels_last)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self._half):
            logits = self._network(images)
        return self.card.task.class_probabilities(logits)
