"""Pictures, networks, checkpoints and a recipe so small that a test makes them in milliseconds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from unet_demo import tasks
from unet_demo.checkpoints import Card, Checkpoint, save_checkpoint
from unet_demo.data.shapes import SceneOptions
from unet_demo.networks import Network, create_network
from unet_demo.networks.base import he_initialise
from unet_demo.training import recipes
from unet_demo.training.loop import FitOptions
from unet_demo.training.recipe import Recipe

RECIPE = replace(
    recipes.SHAPES,
    card=replace(recipes.SHAPES.card, options={"in_channels": 3, "out_channels": 3, "width": 2}),
    scenes=(SceneOptions(size=32),),
    batch=2,
    fit=FitOptions(
        steps=8, validate_every=3, optimiser="AdamW", ema=0.9, schedule="cosine", loss="both"
    ),
)
"""The shapes recipe, shrunk: eight steps, validated (and saved) after the third, sixth and last."""


def with_options(recipe: Recipe, **options: object) -> Recipe:
    """The same with other options of its network."""
    card = recipe.card
    return replace(recipe, card=replace(card, options={**card.options, **options}))


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    """Whole numbers from 0 to the dtype's greatest, always the same ones."""
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, top, shape, dtype, endpoint=True)


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


def write_voc(root: Path, train: int = 4, val: int = 2) -> Path:
    """A data set in VOC's own layout: photos 60×40, the left half of photo n being class n + 1.

    The right half is background, and a column of void parts them. Returns ``root``.
    """
    devkit = root / "VOCdevkit" / "VOC2012"
    folders = [
        devkit / name for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation")
    ]
    for folder in folders:
        folder.mkdir(parents=True)
    photos, masks, lists = folders
    names = [f"2007_{number:06}" for number in range(train + val)]
    for number, name in enumerate(names):
        ids = np.zeros((40, 60), np.uint8)
        ids[:, :30], ids[:, 30] = number % 20 + 1, 255
        mask = Image.fromarray(ids, "P")
        mask.putpalette(np.array(tasks.VOC.palette, np.uint8).tobytes())
        mask.save(masks / f"{name}.png")
        pixels = np.repeat(np.where(ids == 0, 40, 200)[..., None], 3, axis=-1).astype(np.uint8)
        Image.fromarray(pixels).save(photos / f"{name}.jpg", quality=95)
    (lists / "train.txt").write_text("\n".join(names[:train]) + "\n")
    (lists / "val.txt").write_text("\n".join(names[train:]) + "\n")
    return root


def voc_checkpoint(**card: object) -> Checkpoint:
    """An untrained checkpoint of the 21 VOC classes that sees photos at 48 px."""
    options = {"in_channels": 3, "out_channels": 22, "width": 2}
    values = {"side": 48, "symmetry": "mirror", "recipe": {"data": "voc"}, **card}
    full = Card("tiny-voc", "VocUNet", options, tasks.VOC, (0.5,) * 3, (0.25,) * 3, **values)  # type: ignore[arg-type]
    return Checkpoint(full, settle(create_network("VocUNet", **options)))
