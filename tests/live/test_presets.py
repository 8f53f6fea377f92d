"""The presets of the Train page: each article's own, and the one that is to show what skips are for."""

from dataclasses import replace

import numpy as np
import pytest

from unet_demo.live.benchmark import SEEDS, compare_skips
from unet_demo.live.experiment import fit_options_of
from unet_demo.live.run import LiveRun
from unet_demo.live.settings import LOCAL, PRESETS, LiveSettings
from unet_demo.training.loop import FitOptions
from unet_demo.training.recipes import AS_PUBLISHED

ARTICLES = {
    "article-isbi": "isbi",
    "article": "shapes",
    "article-isbi-elastic": "isbi-elastic",
    "article-voc": "voc",
    "article-voc-resnet50": "voc-resnet50",
    "article-voc-color": "voc-color",
}
"""Preset → its article's recipe; test_as_published.py compares that one with the article itself."""

ARTICLES_OWN = (
    "optimiser", "rate", "momentum", "weight_decay", "loss", "warm_up", "clip_value", "clip_norm",
    "ema", "accumulate", "precision",
)  # fmt: skip


def own(fit: FitOptions) -> dict[str, object]:
    return {name: getattr(fit, name) for name in ARTICLES_OWN}


@pytest.mark.parametrize(("name", "published"), ARTICLES.items())
def test_a_preset_has_its_articles_network_first_weights_loss_and_optimiser(name, published):
    preset, recipe = PRESETS[name], AS_PUBLISHED[published]
    assert (preset.network, preset.initialisation, preset.batch) == (
        recipe.card.network, recipe.initialisation, recipe.batch,
    )  # fmt: skip
    assert own(fit_options_of(preset)) == own(recipe.fit)
    assert preset.skips and preset.batch_norm


def test_every_article_has_a_preset():
    assert set(ARTICLES.values()) == set(AS_PUBLISHED)


@pytest.mark.parametrize("name", ARTICLES)
def test_the_loss_of_an_articles_preset_falls(name):
    preset = PRESETS[name]
    small = preset.scenes and replace(preset.scenes, size=64)
    settings = replace(preset, scenes=small, width=8, steps=12)
    *_, last = LiveRun(settings, LOCAL, "cpu").play()
    assert np.mean(last.losses[-3:]) < 0.9 * np.mean(last.losses[:3])


def test_runs_are_compared_that_differ_in_their_skips_alone():
    tiny = LiveSettings(replace(PRESETS["why-skips"].scenes, size=64), width=8, batch=1, steps=2)
    (pair,) = compare_skips(tiny, seeds=1, device="cpu")
    assert pair.skips.miou != pair.none.miou
    for reached in (pair.skips, pair.none):
        assert 0 <= reached.miou <= 1 and 0 <= reached.outlines <= 1


@pytest.mark.slow
def test_skips_win_by_far_in_nine_of_ten_seeds():
    pairs = list(compare_skips(device="cpu"))
    assert len(pairs) == SEEDS == 10
    assert sum(pair.skips.miou > pair.none.miou + 0.3 for pair in pairs) >= 9
    assert sum(pair.skips.outlines > pair.none.outlines for pair in pairs) >= 9
