"""Networks, checkpoints and a recipe so small that a test makes them in milliseconds."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from unet_demo import recipes, tasks
from unet_demo.checkpoints import Card, Checkpoint, save_checkpoint
from unet_demo.data.shapes import SceneOptions
from unet_demo.networks import Network, create_network
from unet_demo.networks.base import he_initialise
from unet_demo.training import FitOptions

RECIPE = replace(
    recipes.SHAPES,
    options={"in_channels": 3, "out_channels": 3, "width": 2},
    scenes=(SceneOptions(size=32),),
    batch=2,
    fit=FitOptions(steps=8, epoch=3, optimiser="AdamW", ema=0.9, schedule="cosine", loss="both"),
)
"""The shapes recipe, shrunk: eight steps, validated (and saved) after the third, sixth and last."""


def settle(network: Network, seed: int = 0) -> Network:
    """Random weights and BatchNorm statistics as far from their initial ones as training leaves them."""
    torch.manual_seed(seed)
    he_initialise(network)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
    network.train()
    with torch.no_grad():
        for _ in range(10):
            network(torch.randn(2, network.in_channels, 64, 64))
    return network.eval()


def binary_checkpoint(network: str = "IsbiUNet", width: int = 4, **options: object) -> Checkpoint:
    """An untrained gray checkpoint of the ISBI task."""
    options = {"in_channels": 1, "out_channels": 1, "width": width, **options}
    card = Card(
        name="tiny",
        network=network,
        options=options,
        task=tasks.ISBI,
        mean=(0.5,),
        std=(0.5,),
        margin=32,
        threshold=0.4,
        summary="Finds membranes.",
        recipe={"data": "isbi"},
    )
    return Checkpoint(card, settle(create_network(network, **options)))


def shapes_checkpoint(network: str = "ShapesUNet", width: int = 4, **options: object) -> Checkpoint:
    """An untrained RGB checkpoint of the shapes task."""
    options = {"in_channels": 3, "out_channels": 3, "width": width, **options}
    card = Card(
        name="tiny-shapes",
        network=network,
        options=options,
        task=tasks.SHAPES,
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        summary="Finds shapes.",
        recipe={"data": "shapes", "scenes": [{"size": 32, "count": [1, 2]}]},
    )
    return Checkpoint(card, settle(create_network(network, **options)))


def saved(checkpoint: Checkpoint, path: Path) -> Path:
    """The path, after the checkpoint was written there."""
    save_checkpoint(path, checkpoint.network, checkpoint.card)
    return path
