"""Describes a checkpoint: its card, as JSON in the file's header, or made of a stranger's config.json.

A config.json of segmentation-models-pytorch says how to build the network. It may also name classes
(``id2label`` or ``class_names``) and normalisation (``mean`` and ``std``); else classes are numbered,
and pictures are normalised as ImageNet's, with which smp's encoders were trained.
"""

import json
from collections.abc import Mapping
from dataclasses import field, fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from ..messages import sentence, shortened, words_of
from ..networks.smp import KINDS, SmpNetwork
from ..tasks import (
    MAX_CLASSES,
    BinaryTask,
    MulticlassTask,
    Task,
    task_from_dict,
    task_to_dict,
    voc_palette,
)
from .hub import CONFIG, MALFORMED

FORMAT = 1
"""Version of the card; a file with a higher one was made by a later version of the program."""

MAX_MARGIN = 512

MAX_SIDE = 2048
"""Longest side in px that a card may resize pictures to, its greatest scale included."""

MAX_SCALES = 8

MAX_TEXT = 4000
"""Characters of one of a card's texts."""

Symmetry = Literal["dihedral", "mirror"]
"""Views that are plausible pictures, too: all eight turns and flips of a square, or the mirror image."""


Finite = Annotated[float, Field(allow_inf_nan=False)]
Scale = Annotated[float, Field(ge=0.1, le=10)]


class CheckpointError(ValueError):
    """One plain sentence: which checkpoint, what is wrong with it, and what to do."""


@dataclass(frozen=True, config=ConfigDict(strict=True, arbitrary_types_allowed=True))
class Card:
    """All that is needed to rebuild, use and credit a checkpoint.

    ``mean`` and ``std`` normalise pictures in 0..1, per channel. ``margin``: width in px of the
    mirrored border around a picture in the network. ``side``: longest side in px that pictures are
    resized to first, the size at which objects were learnt; 0: no resizing. ``scale``: factor of
    that size in a single pass. Test-time averaging uses ``symmetry`` and
    ``scales``, factors likewise. ``threshold``: the best one for a binary task. ``scores``: name →
    value; ``scored_on`` names their data.
    Raises ValidationError, a ValueError, for a field of another type or out of its range.
    """

    name: str
    network: str
    options: Mapping[str, object]
    task: Task
    mean: tuple[Finite, ...]
    std: tuple[Annotated[Finite, Field(gt=0)], ...]
    margin: int = Field(default=0, ge=0, le=MAX_MARGIN)
    side: int = Field(default=0, ge=0, le=MAX_SIDE)
    scale: Scale = 1.0
    symmetry: Symmetry = "dihedral"
    scales: Annotated[tuple[Scale, ...], Field(min_length=1, max_length=MAX_SCALES)] = (1.0,)
    threshold: float = Field(default=0.5, ge=0, le=1)
    title: str = ""
    summary: str = ""
    article: str = ""
    recipe: Mapping[str, object] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    scored_on: str = ""
    licence: str = ""
    credit: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> "Card":
        if len(self.mean) not in (1, 3) or len(self.mean) != len(self.std):
            raise ValueError(sentence("mean and std are not those of 1 or 3 channels"))
        if self.side * max(self.scale, *self.scales) > MAX_SIDE:
            raise ValueError(sentence("side times a scale is more than {most}", most=MAX_SIDE))
        told = (
            self.name, self.title, self.summary, self.article, self.scored_on, self.licence, self.credit,
            *self.scores, *self.task.classes,
        )  # fmt: skip
        if max(map(len, told)) > MAX_TEXT:
            raise ValueError(
                sentence("one of its texts has more than {most} characters", most=MAX_TEXT)
            )
        if any("\ud800" <= character <= "\udfff" for character in "".join(told)):
            raise ValueError(sentence("one of its texts has halves of characters"))
        return self

    @property
    def channels(self) -> int:
        """Channels of the network's pictures: 1 (gray) or 3 (RGB)."""
        return len(self.mean)

    def to_json(self) -> str:
        """Return the card as JSON for a file's header."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps({"format": FORMAT, **values, "task": task_to_dict(self.task)})

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Read a header. Raises CheckpointError if it is of a later version, incomplete or wrong."""
        try:
            values = json.loads(text)
            version = int(values.pop("format"))
            if version > FORMAT:
                raise CheckpointError(
                    sentence(
                        "The checkpoint was made by a later version of unet_demo; update the program."
                    )
                )
            names = {f.name for f in fields(cls)}
            values = {name: value for name, value in values.items() if name in names}
            values["task"] = task_from_dict(values["task"])
            for name in {"mean", "std", "scales"} & values.keys():
                values[name] = tuple(values[name])
            values["options"] = dict(values["options"])
            return cls(**values)
        except CheckpointError:
            raise
        except (
            ValueError, TypeError, KeyError, AttributeError,
            OverflowError, RecursionError,  # numbers too large, lists nested too deep
        ) as error:  # fmt: skip
            raise CheckpointError(
                sentence(
                    "The checkpoint's description cannot be read ({problem});"
                    " download or train it again.",
                    problem=_problem(error),
                )
            ) from error


def _problem(error: Exception) -> str:
    """Return what is wrong with a card, as a part of a sentence."""
    if not isinstance(error, ValidationError):
        return words_of(error)
    first, *_ = error.errors()
    if "error" in first.get("ctx", {}):
        return words_of(first["ctx"]["error"])
    return sentence(
        "its {field} cannot be {given}",
        field=first["loc"][0],
        given=shortened(repr(first["input"])),
    )


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
