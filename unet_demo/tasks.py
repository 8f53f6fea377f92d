"""Tasks: what a network's outputs mean (logits → probabilities → label ids), and their losses.

Three kinds: binary (one logit), multi-class (one logit for each class) and colour (three logits for
the RGB of the label's palette colour). Label ids are uint8; 255 is void, which nothing counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .messages import sentence, words_of

RGB = tuple[int, int, int]

LOSSES = ("cross-entropy", "dice", "both")

VOID = 255
"""Label id of undecided pixels, as in Pascal VOC; no loss and no score counts them."""

VOID_COLOUR = (224, 224, 192)
"""Colour of void in colour masks."""

MAX_CLASSES = VOID
"""Label ids are uint8, and the last one is void."""


@dataclass(frozen=True)
class Task:
    """Classes and palette by label id; ``background`` is the id that overlays leave unpainted.

    Raises ValueError for a field of another type or out of its range.
    """

    classes: tuple[str, ...]
    palette: tuple[RGB, ...]
    background: int = 0

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if len(self.classes) != len(self.palette):
            raise ValueError(
                sentence(
                    "{classes} classes, but {colours} colours",
                    classes=len(self.classes), colours=len(self.palette),
                )
            )  # fmt: skip
        if not 1 <= len(self.classes) <= MAX_CLASSES:
            raise ValueError(
                sentence(
                    "{classes} classes; there can be 1 to {most}",
                    classes=len(self.classes), most=MAX_CLASSES,
                )
            )  # fmt: skip
        if not all(isinstance(name, str) for name in self.classes):
            raise ValueError(sentence("a class's name is not text"))
        if not all(_is_id(value, 256) for colour in self.palette for value in colour):
            raise ValueError(
                sentence("a colour of the palette is not three whole numbers from 0 to 255")
            )
        if not _is_id(self.background, len(self.classes)):
            raise ValueError(sentence("the background is not the id of one of the classes"))

    @property
    def outputs(self) -> int:
        """Number of logits that the task reads; it ignores further outputs of a network."""
        return len(self.classes)

    @property
    def maps(self) -> int:
        """K, the number of probability maps that :meth:`probabilities` returns."""
        return len(self.classes)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Turn logits (N, outputs, H, W) into probabilities (N, K, H, W), 0..1.

        K = 1, P(label 1), for a binary task; else one map for each class.
        """
        raise NotImplementedError

    def labels(self, probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """Turn probabilities (N, K, H, W) into ids uint8 (N, H, W): the likeliest class of each pixel.

        ``threshold`` is used by binary tasks only.
        """
        labels = np.zeros(probabilities[:, 0].shape, np.uint8)
        # Class by class: argmax goes pixel by pixel, ten times slower, and counts in int64.
        for maps, ids in zip(probabilities, labels, strict=True):
            highest = maps[0].copy()
            for label, values in enumerate(maps[1:], 1):
                np.copyto(ids, label, where=values > highest)
                np.maximum(highest, values, out=highest)
        return labels

    def confidence(self, probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """Return the probability of the label that :meth:`labels` chooses: (N, K, H, W) → (N, H, W)."""
        return probabilities.max(axis=1)

    def loss(
        self, logits: Tensor, target: Tensor, kind: str = "both", weights: Tensor | None = None
    ) -> Tensor:
        """Compute the scalar loss of logits (N, outputs, H, W) against label ids (N, H, W).

        ``kind``: one of LOSSES; "both" is their sum. ``weights``: float32 (N, H, W), ≥ 0, of the
        pixels in the cross-entropy; Dice has no weights. Raises ValueError for another kind, or for
        weights of another shape.
        """
        if kind not in LOSSES:
            raise ValueError(f"there is no loss {kind!r}; the losses are {', '.join(LOSSES)}")
        if weights is not None and weights.shape != target.shape:
            raise ValueError(
                f"the weights are {tuple(weights.shape)} and the labels {tuple(target.shape)};"
                " each pixel needs one weight"
            )
        if bool((target == VOID).all()):
            return logits.float().sum() * 0  # a mean over no pixel at all would be NaN
        parts = []
        if kind in ("cross-entropy", "both"):
            parts.append(self.cross_entropy(logits, target, weights))
        if kind in ("dice", "both"):
            parts.append(self.dice_loss(logits, target))
        return torch.stack(parts).sum()

    def cross_entropy(
        self, logits: Tensor, target: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Average the cross-entropy, weighted on request, over the pixels that are not void (at least one)."""
        decided = target != VOID
        losses = self.pixel_cross_entropy(logits, target)[decided]
        if weights is None:
            return losses.mean()
        weights = weights[decided]
        # Weights that are all 0 give a loss of 0, not NaN.
        return (weights * losses).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)

    def pixel_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute each pixel's cross-entropy: logits (N, outputs, H, W) and ids (N, H, W) → (N, H, W).

        Callers ignore the values of void pixels.
        """
        raise NotImplementedError

    def dice_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute 1 − soft Dice, averaged over the classes in the batch (Milletari et al. 2016)."""
        probabilities = self.class_probabilities(logits)
        decided = (target != VOID).unsqueeze(1)
        ids = torch.arange(len(self.classes), device=target.device).view(1, -1, 1, 1)
        truth = ((target.unsqueeze(1) == ids) & decided).to(probabilities.dtype)
        probabilities = probabilities * decided
        overlap = (probabilities * truth).sum(dim=(0, 2, 3))
        total = (probabilities + truth).sum(dim=(0, 2, 3))
        present = truth.sum(dim=(0, 2, 3)) > 0
        dice = (2 * overlap + 1) / (total + 1)
        return 1 - dice[present].mean() if present.any() else probabilities.sum() * 0

    def class_probabilities(self, logits: Tensor) -> Tensor:
        """Turn logits (N, outputs, H, W) into float32 (N, classes, H, W) that sum to 1 over the classes."""
        return self.probabilities(logits)

    def soft_cross_entropy(self, logits: Tensor, probabilities: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross-entropy with probabilities (N, classes, H, W) where ``target`` is not void."""
        own = self.class_probabilities(logits).clamp(min=1e-6)
        losses = -(probabilities * own.log()).sum(dim=1)
        decided = target != VOID
        return (losses * decided).sum() / decided.sum().clamp(min=1)

    def predicted_ids(self, logits: Tensor) -> Tensor:
        """Return each pixel's likeliest class: logits (N, outputs, H, W) → int64 (N, H, W)."""
        return self.class_probabilities(logits).argmax(dim=1)


class BinaryTask(Task):
    """Two classes with one logit, whose sigmoid is the probability of label 1."""

    kind = "binary"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.classes) != 2:
            raise ValueError(
                sentence("a binary task has 2 classes, not {classes}", classes=len(self.classes))
            )

    @property
    def outputs(self) -> int:
        return 1

    @property
    def maps(self) -> int:
        return 1

    def probabilities(self, logits: Tensor) -> Tensor:
        return logits[:, :1].float().sigmoid()

    def labels(self, probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        return (probabilities[:, 0] >= threshold).astype(np.uint8)

    def confidence(self, probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        one = probabilities[:, 0]
        return np.where(one >= threshold, one, 1 - one)

    def class_probabilities(self, logits: Tensor) -> Tensor:
        one = self.probabilities(logits)
        return torch.cat([1 - one, one], dim=1)

    def pixel_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            logits[:, 0].float(), target.float(), reduction="none"
        )


class MulticlassTask(Task):
    """One logit for each class. Further outputs (VOC's void) are neither predicted nor scored."""

    kind = "multiclass"

    def probabilities(self, logits: Tensor) -> Tensor:
        return logits[:, : len(self.classes)].float().softmax(dim=1)

    def pixel_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            logits[:, : len(self.classes)].float(),
            target.long(),
            ignore_index=VOID,
            reduction="none",
        )


class ColourTask(Task):
    """Three logits for the label's RGB colour; a pixel gets the class of the nearest palette colour."""

    kind = "colour"

    softness: ClassVar[float] = 0.1
    """Standard deviation (colours in 0..1) of the Gaussian that makes probabilities of distances."""

    @property
    def outputs(self) -> int:
        return 3

    def colours(self, logits: Tensor) -> Tensor:
        """Turn logits (N, 3, H, W) into the painted RGB colours, 0..1."""
        return logits[:, :3].float().sigmoid()

    def probabilities(self, logits: Tensor) -> Tensor:
        squared = self.squared_distances(self.colours(logits))
        return (-squared / (2 * self.softness**2)).softmax(dim=1)

    def squared_distances(self, colours: Tensor) -> Tensor:
        """Compute the squared distance of RGB colours (N, 3, H, W) in 0..1 to each class's: (N, classes, H, W)."""
        palette = self.palette_tensor(colours.device)
        return (colours.unsqueeze(1) - palette.view(1, -1, 3, 1, 1)).square().sum(dim=2)

    def pixel_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """Compute the article's BCE against the label's colour: the mean of the three channels."""
        ids = target.long().clamp(max=len(self.classes) - 1)
        colours = self.palette_tensor(logits.device)[ids].permute(0, 3, 1, 2)
        losses = F.binary_cross_entropy_with_logits(
            logits[:, :3].float(), colours, reduction="none"
        )
        return losses.mean(dim=1)

    def palette_tensor(self, device: torch.device) -> Tensor:
        """Return the palette as float32 (classes, 3) in 0..1."""
        return torch.tensor(self.palette, dtype=torch.float32, device=device) / 255


class PaintTask(ColourTask):
    """The painted colours themselves instead of probabilities; see Predictor.paint."""

    @property
    def maps(self) -> int:
        return 3

    def probabilities(self, logits: Tensor) -> Tensor:
        return self.colours(logits)


TASKS: dict[str, type[Task]] = {t.kind: t for t in (BinaryTask, MulticlassTask, ColourTask)}


def task_to_dict(task: Task) -> dict[str, object]:
    """Return a description for JSON, which :func:`task_from_dict` reads."""
    return {"kind": task.kind, **asdict(task)}


def task_from_dict(data: Mapping[str, object]) -> Task:
    """Rebuild a task. Raises ValueError for an unknown kind, or a missing or wrong field."""
    fields: dict[str, Any] = dict(data)
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in TASKS:
        raise ValueError(sentence("there is no task of the kind {kind!r}", kind=kind))
    try:
        classes = tuple(fields["classes"])
        palette = tuple(_colour(colour) for colour in fields["palette"])
        return TASKS[kind](classes, palette, fields.get("background", 0))
    except (KeyError, TypeError) as error:
        raise ValueError(
            sentence(
                "the description of the task is incomplete: {problem}", problem=words_of(error)
            )
        ) from error


def _colour(values: Sequence[int]) -> RGB:
    red, green, blue = values
    return red, green, blue


def _is_id(value: object, count: int) -> bool:
    """Return whether a value is a whole number (not a bool) from 0 to below ``count``."""
    return type(value) is int and 0 <= value < count


def voc_palette(count: int = 21) -> tuple[RGB, ...]:
    """Return Pascal VOC's colours: the bits of an id go in turn to R, G and B, to their highest bits first."""
    colours = []
    for label in range(count):
        channels = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                channels[channel] |= ((label >> (3 * bit + channel)) & 1) << (7 - bit)
        colours.append(_colour(channels))
    return tuple(colours)


# Okabe and Ito's orange and sky blue can be told apart with every kind of colour vision.
SHAPES = MulticlassTask(
    classes=("background", "circle", "rectangle"),
    palette=((0, 0, 0), (230, 159, 0), (86, 180, 233)),
)

# People look for the membranes, so these are painted and the interior is not.
ISBI = BinaryTask(
    classes=("membrane", "cell interior"),
    palette=((213, 40, 110), (255, 255, 255)),
    background=1,
)

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa",
    "train", "tv/monitor",
)  # fmt: skip

VOC = MulticlassTask(classes=VOC_CLASSES, palette=voc_palette())
VOC_COLOUR = ColourTask(classes=VOC_CLASSES, palette=voc_palette())

# Two articles teach void, the borders between objects, as one more class.
VOC_AND_VOID = MulticlassTask(classes=(*VOC_CLASSES, "void"), palette=(*voc_palette(), VOID_COLOUR))
VOC_COLOUR_AND_VOID = ColourTask(VOC_AND_VOID.classes, VOC_AND_VOID.palette)
