"""Makes of live settings what they stand for: the network, its batches, its fixed validation pictures."""

import threading
from dataclasses import dataclass

import numpy as np
import torch

from ..data.shapes import ARTICLE_SIZE, VALIDATION_SEED, SceneOptions, article_scene, scene_batch
from ..networks import create_network
from ..networks.base import Network, he_initialise
from ..tasks import ColourTask, Task
from ..training.batches import ArticleBatches, BatchOf, Normalisation, SceneBatches
from ..training.loop import FitOptions
from ..training.recipes import SHAPES
from .settings import LiveSettings

SHOWN = 4
"""Validation pictures that are drawn; the others only count for the scores."""

VALIDATION_SCENES = 8
VALIDATION_PIXELS = VALIDATION_SCENES * 128 * 128
"""Fewer pictures where they are larger, at least those shown: a validation must not take long."""

ARTICLE_SCENES = SceneOptions(
    size=ARTICLE_SIZE, count=(2, 3), radius=(0.12, 0.2), overlap=False, colour_is_clue=True, noise=0
)
"""Scenes like the article's picture: they test what a network trained on that one knows of others."""

WEIGHT_DECAY = {"AdamW": 1e-2, "RMSprop": 1e-8}
"""AdamW's is torch's own, RMSprop's is article 2's; the other optimisers have none."""

# Torch draws first weights from one generator of the whole process, so one network at a time.
_DRAWING_WEIGHTS = threading.Lock()


def task_of(settings: LiveSettings) -> Task:
    """Return the task: circles and rectangles, as colours for the network whose article regresses them."""
    if settings.network == "StridedUNet":
        return ColourTask(SHAPES.card.task.classes, SHAPES.card.task.palette)
    return SHAPES.card.task


def normalisation_of(settings: LiveSettings) -> Normalisation:
    """Return the normalisation of the pictures; the article's picture stays in 0..1."""
    return SHAPES.normalisation if settings.scenes else Normalisation((0.0,) * 3, (1.0,) * 3)


def fit_options_of(settings: LiveSettings) -> FitOptions:
    """Return the arguments of the training loop; the run does its own validations."""
    return FitOptions(
        steps=settings.steps,
        optimiser=settings.optimiser,
        rate=settings.rate,
        weight_decay=WEIGHT_DECAY.get(settings.optimiser, 0.0),
        loss=settings.loss,
        schedule=settings.schedule,
        warm_up=settings.steps // 20 if settings.schedule == "cosine" else 0,
        clip_value=settings.clip,
        validate_every=settings.steps,
        seed=settings.seed,
    )


def seeded_network(settings: LiveSettings) -> Network:
    """Build a network with its first weights, a pure function of the settings.

    He's are the better start: the preset "Any colours (harder)" reached a validation mIoU of 0.73 in
    200 steps, with torch's weights 0.39 (rate 1e-3, both losses).
    """
    with _DRAWING_WEIGHTS:
        torch.manual_seed(settings.seed)
        network = create_network(settings.network, **settings.network_options)
        if settings.initialisation == "He":
            he_initialise(network)
    return network


def batches_of(settings: LiveSettings) -> BatchOf:
    """Return the batches that a run with these settings trains on, by step."""
    if settings.scenes is None:
        return ArticleBatches(settings.batch, normalisation_of(settings))
    return SceneBatches(
        (settings.scenes,), settings.batch, settings.seed, normalisation_of(settings)
    )


@dataclass(frozen=True, eq=False)
class Watched:
    """Fixed validation pictures uint8 (N, H, W, 3), and their labels (N, H, W).

    The first ``unscored`` ones are training pictures: they are shown but not scored.
    """

    images: np.ndarray
    labels: np.ndarray
    unscored: int


def watched_scenes(settings: LiveSettings) -> Watched:
    """Draw the validation pictures of a run; their seed is one that training cannot have."""
    if settings.scenes is None:
        own_image, own_labels = article_scene()
        images, labels = scene_batch(ARTICLE_SCENES, 1, VALIDATION_SEED)
        return Watched(
            np.concatenate([own_image[None], images]), np.concatenate([own_labels[None], labels]), 1
        )
    count = min(VALIDATION_SCENES, max(SHOWN, VALIDATION_PIXELS // settings.size**2))
    return Watched(*scene_batch(settings.scenes, count, VALIDATION_SEED), 0)
