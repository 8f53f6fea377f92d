"""What the Articles page says of each article, as HTML."""

import re
from html import unescape

import pytest

from unet_demo.articles import ARTICLES
from unet_demo.live.settings import PRESETS
from unet_demo.networks import NETWORKS, count_parameters
from unet_demo.training.published_losses import PUBLISHED
from unet_demo.training.recipes import AS_PUBLISHED, RECIPES
from unet_demo.ui.articles.page import articles
from unet_demo.ui.articles.settings import settings
from unet_demo.ui.text import LANGUAGES

TRANSLATIONS = [language for language in LANGUAGES if language != "en"]


def unfolded(page: str) -> str:
    """What of a page is in sight."""
    return re.sub("<details>.*?</details>", "", page, flags=re.DOTALL)


def card_of(name: str, language: str = "en", query: dict[str, str] | None = None) -> str:
    page = articles(language, query)
    return page.split(f'id="article-{name}"')[1].split("</article>")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_authors_dates_and_links_stand_as_they_were_published(language):
    page = unescape(unfolded(articles(language)))
    for article in ARTICLES:
        for text in (article.title, article.subtitle, article.author, article.date, article.link):
            assert text in page


def test_every_network_and_checkpoint_of_the_articles_has_its_place():
    page = articles("en")
    for name, recipe in AS_PUBLISHED.items():
        assert f"checkpoint={name}" in page
        assert (
            f"{recipe.card.network}, as published: {count_parameters(recipe.card.network, {}):,}"
            in page
        )
    assert {AS_PUBLISHED[name].card.network for one in ARTICLES for name in one.checkpoints} == set(
        NETWORKS
    )


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.name)
def test_an_articles_faults_stand_on_its_card(article):
    card = unescape(card_of(article.name))
    for name in article.checkpoints:
        for fault in AS_PUBLISHED[name].faults:
            assert fault in card


def test_published_figures_stand_beside_ours():
    assert all(f"<td>{loss:.4f}</td>" in card_of("shapes") for loss in PUBLISHED)
    assert card_of("voc").count("<td>0.803</td>") == 4


def test_the_settings_are_those_of_the_two_recipes():
    published, ours = (settings(recipes["isbi"], "en") for recipes in (AS_PUBLISHED, RECIPES))
    assert (published["width"], ours["width"]) == ("64", "32")
    assert published["optimiser"] == "Adam 0.001"
    assert ours["optimiser"] == "AdamW 0.001, weight decay 0.01"
    assert (published["loss"], ours["loss"]) == ("BCE", "BCE + Dice")
    assert published["length"] == "100 epochs"
    published = settings(AS_PUBLISHED["isbi-elastic"], "en")
    assert published["optimiser"] == "RMSprop 0.001, momentum 0.9, weight decay 1e-08"
    assert published["clipping"] == "each value to ±0.1"
    assert published["weights"] == "He (normal, fan-in)"
    ours = settings(RECIPES["voc"], "en")
    assert ours["size"] == "96 × 96, 128 × 128"
    assert ours["weights"] == "those of the checkpoint voc"
    assert ours["loss"] == "Cross-entropy + Dice; as much with the probabilities of voc-pretrained"


def test_a_training_is_linked_where_train_has_it():
    presets = re.findall(r"preset=([\w-]+)", articles("en"))
    assert "article" in presets and set(presets) <= set(PRESETS)


def test_links_keep_language_theme_and_look():
    query = {"page": "articles", "lang": "ko", "__theme": "dark", "controls": "0", "autostart": "1"}
    links = re.findall(r'href="(\?[^"]*)"', unescape(articles("ko", query)))
    assert links
    assert all(link.endswith("&controls=0&lang=ko&__theme=dark") for link in links)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_no_english_prose_is_left_on_the_page(language):
    foreign = r'<a lang="en".*?</a>|<span lang=".*?</span>|<svg.*?</svg>'
    shown = re.sub(foreign, "", articles(language), flags=re.DOTALL)
    prose = re.findall(r"(?:[A-Za-z'’]+[ ,;]+){4,}[A-Za-z]+", re.sub("<.*?>", "|", shown))
    assert prose == []
