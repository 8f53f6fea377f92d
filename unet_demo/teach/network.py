"""The network of a lesson: with random weights, or a checkpoint's with a new head."""

import threading

import numpy as np
import torch
from torch import nn

from ..checkpoints import Card, load_checkpoint
from ..networks import Network, create_network
from ..networks.base import he_initialise
from .settings import TeachSettings
from .strokes import MOST_CLASSES

FRESH = "ShapesUNet"
"""The network that starts from random weights."""

MOMENTUM = 0.5
"""Of BatchNorm's statistics: those of a new picture are learned in few steps, and the average of the
weights, which takes them along, evens them out."""

# Torch draws first weights from one generator of the whole process, so one network at a time.
_DRAWING_WEIGHTS = threading.Lock()


def first_network(settings: TeachSettings, slices: np.ndarray) -> tuple[Card, Network]:
    """Return a network that has learned nothing of the picture uint8 (N, H, W, C), and its card.

    It has MOST_CLASSES outputs, so that a class may be added while it learns. Raises CheckpointError.
    """
    card, network = (_from_checkpoint if settings.start else _fresh)(settings, slices)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = MOMENTUM
    return card, network


def _fresh(settings: TeachSettings, slices: np.ndarray) -> tuple[Card, Network]:
    options = {
        "in_channels": slices.shape[-1],
        "out_channels": MOST_CLASSES,
        "width": settings.width,
    }
    mean, std = _statistics(slices)
    card = Card("taught", FRESH, options, settings.task, mean, std)
    with _DRAWING_WEIGHTS:
        torch.manual_seed(settings.seed)
        network = create_network(FRESH, **options)
        he_initialise(network)
    return card, network


def _from_checkpoint(settings: TeachSettings, slices: np.ndarray) -> tuple[Card, Network]:
    assert settings.start
    start = load_checkpoint(settings.start)
    options = {**start.card.options, "out_channels": MOST_CLASSES}
    with _DRAWING_WEIGHTS:
        torch.manual_seed(settings.seed)
        network = create_network(start.card.network, **options)
    with torch.device("meta"):
        other = create_network(
            start.card.network, **{**options, "out_channels": MOST_CLASSES + 1}
        ).state_dict()
    own, learned = network.state_dict(), start.network.state_dict()
    # The head is what depends on the number of classes.
    kept = {name: learned[name] for name in own if own[name].shape == other[name].shape}
    network.load_state_dict(kept, strict=False)
    card = Card(
        "taught", start.card.network, options, settings.task, start.card.mean, start.card.std,
        side=start.card.side, credit=start.card.credit, licence=start.card.licence,
    )  # fmt: skip
    return card, network


def _statistics(slices: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, in 0..1."""
    step = max(1, slices.size // 4_000_000)
    values = slices.reshape(-1, slices.shape[-1])[::step] / 255
    return tuple(values.mean(0).tolist()), tuple(np.maximum(values.std(0), 0.02).tolist())
