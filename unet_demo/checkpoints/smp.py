"""Reads the card of a model of segmentation-models-pytorch from its config.json.

That file says how to build the network. It may also name classes (``id2label`` or ``class_names``)
and normalisation (``mean`` and ``std``); else classes are numbered, and pictures are normalised as
ImageNet's, with which smp's encoders were trained.
"""

import json
from collections.abc import Mapping
from typing import Any

from ..messages import sentence
from ..networks.smp import KINDS, SmpNetwork
from ..tasks import MAX_CLASSES, BinaryTask, MulticlassTask, Task, voc_palette
from .card import Card, CheckpointError
from .hub import CONFIG, MALFORMED

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GRAY_MEAN, GRAY_STD = (0.449,), (0.226,)

NOT_SETTINGS = {
    "encoder_name", "encoder_weights", "in_channels", "classes", "activation",
    "id2label", "label2id", "class_names", "mean", "std",
}  # fmt: skip
"""Keys of a config that are not settings of the network's layers."""

SUMMARY = "Finds what its maker taught it: a model of segmentation-models-pytorch that was not trained here."

PREFIX = "model."
"""Prefix of the names of smp's weights in SmpNetwork."""


def smp_card(text: bytes) -> Card:
    """Return the card of a model, from the text of its config.json.

    Raises CheckpointError, with one plain sentence, where it describes no model of smp, or one with
    other pictures or more classes than this program has.
    """
    try:
        config = json.loads(text)
        kind, encoder = config["_model_class"], str(config["encoder_name"])
        channels, classes = int(config.get("in_channels", 3)), int(config.get("classes", 1))
    except MALFORMED as error:
        raise CheckpointError(
            sentence(
                "The {file} beside the weights describes no model of segmentation-models-pytorch"
                " that its save_pretrained wrote; choose another one.",
                file=CONFIG,
            )
        ) from error
    if kind not in KINDS:
        raise CheckpointError(
            sentence(
                "The model is of the kind {kind}; this program opens {known} of"
                " segmentation-models-pytorch.",
                kind=str(kind)[:40], known=", ".join(KINDS),
            )
        )  # fmt: skip
    if channels not in (1, 3) or not 1 <= classes <= MAX_CLASSES:
        raise CheckpointError(
            sentence(
                "The model takes {channels} channels and gives {classes} classes; this program has"
                " pictures of 1 or 3 channels, and 1 to {most} classes.",
                channels=channels, classes=classes, most=MAX_CLASSES,
            )
        )  # fmt: skip
    settings = {
        name: value
        for name, value in config.items()
        if name not in NOT_SETTINGS and not name.startswith("_")
    }
    mean, std = normalisation(config, channels)
    try:
        return Card(
            name=f"{kind}-{encoder}".lower(),
            network=SmpNetwork.__name__,
            options={
                "in_channels": channels,
                "out_channels": classes,
                "kind": kind,
                "encoder": encoder,
                "settings": settings,
            },
            task=task_of(config, classes),
            mean=mean,
            std=std,
            symmetry="mirror",
            title=f"{kind} · {encoder}",
            summary=SUMMARY,
        )
    except ValueError as error:
        raise CheckpointError(
            sentence(
                "The {file} beside the weights describes classes or a normalisation that cannot be;"
                " choose another one.",
                file=CONFIG,
            )
        ) from error


def task_of(config: Mapping[str, Any], classes: int) -> Task:
    """Return the task: classes by name or else by number; with one logit, background and object."""
    names = class_names(config)
    if classes == 1:
        names = names if len(names) == 2 else ("background", *(names or ("object",)))
        return BinaryTask(names, voc_palette(2))
    if len(names) != classes:
        names = tuple(f"class {number}" for number in range(classes))
    return MulticlassTask(names, voc_palette(classes))


def class_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the classes in a config, in the order of their ids; () where it has none."""
    named = config.get("class_names") or ()
    labels = config.get("id2label")
    if isinstance(labels, Mapping):
        named = [labels.get(str(number)) for number in range(len(labels))]
    if isinstance(named, list) and all(isinstance(name, str) for name in named):
        return tuple(named)
    return ()


def normalisation(
    config: Mapping[str, Any], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and std of each channel: the config's, else ImageNet's."""
    mean, std = config.get("mean"), config.get("std")
    if isinstance(mean, list) and isinstance(std, list) and len(mean) == len(std) == channels:
        return tuple(mean), tuple(std)
    return (MEAN, STD) if channels == 3 else (GRAY_MEAN, GRAY_STD)
