"""Each article's settings as ``--as-published`` has them, typed from the articles themselves."""

import json
from collections.abc import Mapping

import pytest
import torch
from tiny import with_options
from torch import nn

from unet_demo import tasks
from unet_demo.data import RandomSplit
from unet_demo.data.augment import Flips
from unet_demo.networks import create_network
from unet_demo.training.batches import Normalisation, Shuffled
from unet_demo.training.loop import StepDone
from unet_demo.training.published_losses import ENVELOPE, article_losses
from unet_demo.training.recipes import AS_PUBLISHED, QUICK
from unet_demo.training.runs import train

IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
ZERO_TO_ONE = Normalisation((0.0,) * 3, (1.0,) * 3)

VOC = {
    "card.options": {"in_channels": 3, "out_channels": 22, "width": 64},
    "card.task": tasks.VOC,
    "taught": tasks.VOC_AND_VOID,
    "normalisation": IMAGENET,
    "initialisation": "torch",
    "split": RandomSplit(0.8, 0.2),
    "framing": "stretched",
    "photo.crop": 256,
    "batch": 16,
    "epochs": 40,
    "drop_last": False,
    "fit.loss": "cross-entropy",
    "fit.optimiser": "Adam",
    "fit.rate": 1e-3,
    "fit.schedule": "constant",
}

ARTICLES: dict[str, Mapping[str, object]] = {
    "isbi": {
        "card.network": "IsbiUNet",
        "card.options": {"in_channels": 1, "out_channels": 1, "width": 64},
        "normalisation": Normalisation((0.5,), (0.5,)),
        "initialisation": "torch",
        "article_augmentation": Flips(0.5),
        "split": RandomSplit(0.8, 0.1, 0.1),
        "batch": 4,
        "epochs": 100,
        "drop_last": False,
        "fit.loss": "cross-entropy",
        "fit.optimiser": "Adam",
        "fit.rate": 1e-3,
        "fit.schedule": "constant",
        "fit.weight_decay": 0,
    },
    "shapes": {
        "card.network": "ShapesUNet",
        "card.options": {"in_channels": 3, "out_channels": 3, "width": 64},
        "normalisation": ZERO_TO_ONE,
        "initialisation": "torch",
        "article_scene": True,
        "batch": 1,
        "epochs": 10,
        "fit.loss": "cross-entropy",
        "fit.optimiser": "Adam",
        "fit.rate": 1e-3,
        "fit.schedule": "constant",
    },
    "isbi-elastic": {
        "card.network": "ClassicUNet",
        "card.options": {"in_channels": 1, "out_channels": 1, "width": 64},
        "normalisation": Normalisation((0.5,), (0.5,)),
        "initialisation": "He",
        "article_augmentation.crop": 512,
        "article_augmentation.elastic": 10,
        "article_augmentation.probability": 0.5,
        "card.side": 512,
        "split": RandomSplit(0.7, 0.3),
        "teacher": "",
        "batch": 5,
        "epochs": 200,
        "drop_last": False,
        "fit.loss": "cross-entropy",
        "fit.optimiser": "RMSprop",
        "fit.rate": 1e-3,
        "fit.momentum": 0.9,
        "fit.weight_decay": 1e-8,
        "fit.clip_value": 0.1,
        "fit.schedule": "plateau",
        "fit.patience": 30,
        "fit.plateau_score": "training loss",
    },
    "voc": {"card.network": "VocUNet", **VOC},
    "voc-resnet50": {"card.network": "ResNetUNet", **VOC},
    "voc-color": {
        "card.network": "StridedUNet",
        "card.options": {"in_channels": 3, "out_channels": 3, "width": 64},
        "card.task": tasks.VOC_COLOUR,
        "taught": tasks.VOC_COLOUR_AND_VOID,
        "normalisation": ZERO_TO_ONE,
        "initialisation": "torch",
        "split": RandomSplit(1.0),
        "watched": (90,),
        "framing": "pasted",
        "photo.crop": 256,
        "epochs": 1000,
        "drop_last": True,
        "fit.loss": "cross-entropy",
        "fit.optimiser": "Adam",
        "fit.rate": 1e-3,
        "fit.schedule": "constant",
    },
}

OURS_ONLY = {
    "growth": (),
    "card.scale": 1.0,
    "card.scales": (1.0,),
    "card.margin": 0,
    "weight_map": False,
    "choose_by": "",
    "fit.warm_up": 0,
    "fit.clip_norm": 0,
    "fit.ema": 0,
    "fit.accumulate": 1,
    "fit.precision": "float32",
}
"""What no article does."""


@pytest.mark.parametrize("name", ARTICLES)
def test_a_recipe_as_published_has_its_articles_settings(name):
    for path, expected in {**OURS_ONLY, **ARTICLES[name]}.items():
        found: object = AS_PUBLISHED[name]
        for part in path.split("."):
            found = getattr(found, part)
        assert found == expected, path


@pytest.mark.parametrize("recipe", AS_PUBLISHED.values(), ids=lambda recipe: recipe.card.name)
def test_a_recipe_as_published_names_its_articles_faults(recipe):
    assert recipe.faults
    assert all(fault.endswith(".") for fault in recipe.faults)


@pytest.mark.parametrize(
    ("name", "pictures", "steps", "epoch"),
    [
        ("isbi", 24, 600, 6),
        ("isbi", 20, 500, 5),
        ("shapes", 1, 10, 1),
        ("isbi-elastic", 21, 1000, 5),
        ("voc", 2330, 40 * 146, 146),
        ("voc-color", 2913, 182_000, 182),
    ],
)
def test_steps_are_counted_from_the_pictures_at_hand(name, pictures, steps, epoch):
    recipe = AS_PUBLISHED[name]
    order = Shuffled(pictures, recipe.batch, 0, recipe.drop_last)
    fit = recipe.in_epochs(order).fit
    assert (fit.steps, fit.validate_every) == (steps, epoch)


@pytest.mark.parametrize(
    ("split", "count", "parts"),
    [
        (AS_PUBLISHED["isbi"].split, 30, (24, 3, 3)),
        (AS_PUBLISHED["isbi"].split, 25, (20, 2, 3)),
        (AS_PUBLISHED["isbi-elastic"].split, 30, (21, 9)),
        (AS_PUBLISHED["voc"].split, 2913, (2330, 583)),
        (AS_PUBLISHED["voc-color"].split, 2913, (2913,)),
        (QUICK, 2913, (50, 10)),
    ],
)
def test_the_articles_splits_share_out_each_picture_once(split, count, parts):
    drawn = [split.numbers(count, part) for part in ("train", "val", "test")[: len(parts)]]
    assert tuple(map(len, drawn)) == parts
    assert len(set().union(*drawn)) == sum(parts)


def first_weights(name: str) -> nn.Module:
    recipe = AS_PUBLISHED[name]
    return with_options(recipe, width=2).new_network()


@pytest.mark.parametrize("name", AS_PUBLISHED)
def test_only_article_2_begins_with_he_s_weights(name):
    network = first_weights(name)
    torch.manual_seed(0)
    recipe = AS_PUBLISHED[name]
    torchs = create_network(recipe.card.network, **{**recipe.card.options, "width": 2})
    same = all(
        torch.equal(one, other)
        for one, other in zip(network.parameters(), torchs.parameters(), strict=True)
    )
    assert same == (name != "isbi-elastic")


def losses(recipe, folder) -> list[float]:
    return [event.loss for event in train(recipe, None, folder) if isinstance(event, StepDone)]


def test_article_1_trained_by_its_recipe_gives_the_losses_of_the_page(tmp_path):
    recipe = AS_PUBLISHED["shapes"]
    narrow = with_options(recipe, width=4)
    assert losses(narrow, tmp_path) == pytest.approx(article_losses(0, width=4), rel=1e-5)
    report = json.loads((tmp_path / "test" / "scores.json").read_text())
    assert report["scored_on"] == "the article's own picture, which it trained on"
    assert {"mIoU", "IoU circle"} <= set(report["scores"])
    for kind in ("input", "label", "output"):
        assert (tmp_path / "test" / f"article-{kind}.png").is_file()


@pytest.mark.slow
def test_article_1s_ten_losses_lie_inside_the_envelope_of_the_page(tmp_path):
    seen = losses(AS_PUBLISHED["shapes"], tmp_path)
    assert len(seen) == len(ENVELOPE)
    # The envelope is rounded to four places, and another torch rounds otherwise.
    for loss, row in zip(seen, ENVELOPE, strict=True):
        assert row.least - 0.01 <= loss <= row.greatest + 0.01
