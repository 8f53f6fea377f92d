"""The article's ten losses, reproduced."""

from dataclasses import replace

import pytest

from unet_demo.live.run import LiveRun
from unet_demo.live.settings import PRESETS
from unet_demo.training.published_losses import ENVELOPE, PUBLISHED, SEEDS, STEPS, article_losses


def test_every_published_loss_lies_inside_the_envelope_of_the_seeds():
    assert [row.published for row in ENVELOPE] == list(PUBLISHED)
    assert all(row.inside for row in ENVELOPE)


def test_the_envelope_starts_and_ends_where_the_article_does():
    first, *_, tenth = ENVELOPE
    assert 1.0 <= first.least <= first.greatest <= 1.4
    assert tenth.greatest < 0.6


@pytest.mark.slow
def test_the_preset_of_the_page_is_the_articles_run():
    settings = replace(PRESETS["article"], seed=3)
    *_, last = LiveRun(settings).play()
    assert last.losses == pytest.approx(article_losses(3), rel=1e-4)


@pytest.mark.slow
def test_each_of_twenty_seeds_starts_at_1_to_1_4_and_falls_below_0_6():
    for seed in range(SEEDS):
        losses = article_losses(seed)
        assert len(losses) == STEPS
        assert 1.0 <= losses[0] <= 1.4
        assert losses[-1] < 0.6
