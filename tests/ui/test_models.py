"""What the Models page says of each checkpoint, as HTML."""

import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from tiny import saved

from unet_demo.articles import ARTICLES
from unet_demo.checkpoints import WEIGHTS, Checkpoint, CheckpointError, add_to_index, read_index
from unet_demo.evaluation.benchmark import MILLISECONDS
from unet_demo.networks import NETWORKS, count_parameters
from unet_demo.training.recipes import AS_PUBLISHED, RECIPES
from unet_demo.ui.models.page import DRAWN, checkpoint_card, models, read_bundled
from unet_demo.ui.text import CARDS, ENGLISH, LANGUAGES

TRANSLATIONS = [language for language in LANGUAGES if language != "en"]

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g id="drawn"/></svg>'


@pytest.fixture
def weights(tmp_path: Path, shapes: Checkpoint) -> Path:
    """A folder with one checkpoint that no recipe knows, and nothing beside it."""
    card = replace(
        shapes.card, name="mine", title="Mine & <yours>", summary="Made here.",
        scores={"mIoU": 0.51234, "mIoU without averaging": 0.498, "pixel accuracy": 0.75},
        scored_on="three scenes", licence="MIT", recipe={"batch": 7},
    )  # fmt: skip
    add_to_index(saved(replace(shapes, card=card), tmp_path / "mine.safetensors"))
    return tmp_path


def card_of(weights: Path, language: str = "en") -> str:
    """The HTML of the one checkpoint."""
    (bundled,) = read_bundled(weights)
    return checkpoint_card(bundled, language)


def test_a_checkpoint_without_recipe_curve_and_model_card_still_shows_its_card(weights):
    page = card_of(weights)
    assert "Made here." in page and "three scenes" in page and "mine.safetensors" in page
    assert "<svg" not in page and "Confusion matrix" not in page


def test_the_score_that_counts_stands_large_and_the_others_folded(weights):
    sight, folded = card_of(weights).split("<details>", 1)
    assert "<dd>0.512</dd>" in sight and "0.4980" in folded
    assert "pixel accuracy" not in sight and "pixel accuracy" in folded


def test_all_scores_and_every_setting_are_folded(weights):
    folded = card_of(weights).split("<details>", 1)[1]
    assert "0.7500" in folded
    assert '"batch": 7' in unescape(folded)


def test_what_a_file_says_of_itself_is_never_taken_for_html(weights):
    page = card_of(weights)
    assert "Mine &amp; &lt;yours&gt;" in page
    assert "<yours>" not in page


@pytest.mark.parametrize(
    ("name", "kind"), [("mine.svg", "curve"), ("mine-confusion.svg", "confusion")]
)
def test_a_drawing_beside_the_file_stands_inside_the_page(weights, name, kind):
    (weights / name).write_text(DRAWING)
    page = card_of(weights)
    assert DRAWING in page and f'class="scrolled {kind}"' in page


def test_a_checkpoint_with_a_recipe_shows_what_was_written_models_it():
    bundled = {checkpoint.card.name: checkpoint for checkpoint in read_bundled(WEIGHTS)}
    page = unescape(checkpoint_card(bundled["isbi"], "en"))
    recipe = RECIPES["isbi"]
    for text in (
        recipe.data_note,
        recipe.limits,
        recipe.scores_note,
        recipe.card.credit,
        recipe.card.article,
    ):
        assert text in page
    assert "python -m unet_demo train isbi --data DIR --out RUN" in page
    assert "5,849,089" in page and "11.7 MB" in page


def test_a_recipe_that_needs_no_data_asks_for_none():
    bundled = {checkpoint.card.name: checkpoint for checkpoint in read_bundled(WEIGHTS)}
    page = checkpoint_card(bundled["shapes"], "en")
    assert "python -m unet_demo train shapes --out RUN" in page


def test_the_page_holds_every_checkpoint_in_the_order_of_the_index():
    page = models(read_bundled(WEIGHTS), "en")
    places = [page.index(f'id="models-{name}"') for name in read_index(WEIGHTS)]
    assert places == sorted(places) and places


def test_the_table_of_networks_holds_all_six_with_their_published_parameters():
    page = models(read_bundled(WEIGHTS), "en")
    for name in NETWORKS:
        assert f"<td>{name}</td>" in page
        assert f"<td>{count_parameters(name, {}):,}</td>" in page
    assert "5,849,089 (isbi)" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_each_language(language):
    page = unescape(models(read_bundled(WEIGHTS), language))
    texts = LANGUAGES[language]
    for key in ("models_intro", "models_limits", "models_training", "models_timed"):
        assert texts[key] in page


def told_by_cards() -> set[str]:
    """What persons wrote about checkpoints and articles, and what the drawings beside them say."""
    told = {text for article in ARTICLES for text in (article.says, article.prints)}
    for recipe in AS_PUBLISHED.values():
        told |= {recipe.data_note, *recipe.faults}
    for checkpoint in read_bundled(WEIGHTS):
        card, recipe = checkpoint.card, RECIPES[checkpoint.card.name]
        told |= {card.article, card.scored_on, card.credit, card.licence, recipe.data_note}
        told |= {recipe.limits, recipe.seen, recipe.scores_note, recipe.tried}
    for drawing in WEIGHTS.glob("*.svg"):
        told |= {name for _, name in DRAWN.findall(drawing.read_text())}
    return {text for text in told - {""} if f"class:{text}" not in ENGLISH}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_language_has_all_that_the_bundled_cards_say_and_nothing_else(language):
    assert told_by_cards() - set(CARDS[language]) == set()
    assert set(CARDS[language]) - told_by_cards() == set()


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translated_card_says_the_same_numbers(language):
    numbers = re.compile(r"\d+(?:[.,]\d+)*").findall
    cards = CARDS[language]
    assert {text for text in cards if set(numbers(text)) - set(numbers(cards[text]))} == set()


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_no_english_prose_is_left_on_the_page(language):
    page = models(read_bundled(WEIGHTS), language)
    shown = re.sub(
        r'<code>.*?</code>|<li lang="en">.*?</li>|<a [^>]*lang=.*?</a>', "", page, flags=re.DOTALL
    )
    prose = re.findall(r"(?:[A-Za-z'’]+[ ,;]+){4,}[A-Za-z]+", re.sub("<.*?>", "|", shown))
    assert prose == []


def test_a_strangers_card_stays_in_its_own_words(weights):
    assert "평가 데이터: three scenes" in card_of(weights, "ko")


def test_a_page_with_nothing_bundled_still_tells_of_the_networks(tmp_path):
    page = models(read_bundled(tmp_path), "en")
    assert "ResNetUNet" in page and "<article" not in page


def test_a_damaged_checkpoint_is_one_sentence(weights):
    (weights / "mine.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"mine\.safetensors is not a complete"):
        read_bundled(weights)


def test_a_checkpoint_that_was_bundled_since_is_read_too(weights):
    assert len(read_bundled(weights)) == 1
    shutil.copy(weights / "mine.safetensors", weights / "late.safetensors")
    add_to_index(weights / "late.safetensors")
    files = [bundled.file.name for bundled in read_bundled(weights)]
    assert files == ["mine.safetensors", "late.safetensors"]


def test_the_speeds_are_those_of_the_readme():
    readme = (WEIGHTS.parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| (\d+) ms \|$", readme, re.MULTILINE)
    assert {name: int(milliseconds) for name, milliseconds in rows} == MILLISECONDS
