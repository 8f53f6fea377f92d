"""The Models and the Articles page, as a person in a browser reads them."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from unet_demo.articles import ARTICLES
from unet_demo.checkpoints import read_index

FETCH = """async (page) => {
  const all = [...document.querySelectorAll(`#${page} .triple img`)];
  for (const image of all) image.loading = "eager";
  await Promise.all(all.map((image) => image.decode()));
  return all.map((image) => image.naturalWidth);
}"""
"""Fetches every picture of a page; fails for one that is none."""

WIDER = """(page) => [...document.querySelectorAll(`#${page} *`)]
  .filter((one) => !one.closest("svg") && !one.parentElement.closest(".scrolled"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML)"""
"""What leaves the window, but for what is in a box that scrolls by itself."""


@pytest.fixture(scope="module")
def models(tab: Page, url: str) -> Page:
    tab.set_viewport_size({"width": 1366, "height": 768})
    tab.goto(f"{url}?page=models")
    expect(tab.locator("#models .checkpoint").first).to_be_visible()
    return tab


@pytest.fixture(scope="module")
def articles(watched_tab: Callable[[], Page], url: str) -> Page:
    page = watched_tab()
    page.goto(f"{url}?page=articles&lang=zh-TW")
    expect(page.locator("#articles .checkpoint").first).to_be_visible()
    return page


def test_an_article_is_at_work_two_clicks_from_the_opening_page(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.get_by_role("tab", name="Models")).to_be_visible()
    expect(page.locator(".checkpoint")).to_have_count(0)  # nothing is read before a tab is opened
    page.get_by_role("tab", name="Articles").click()
    page.get_by_role("link", name="Segment: Circles and rectangles").click()
    expect(page.locator("#segment-status")).to_contain_text("Circles and rectangles: 256")


def test_every_checkpoint_has_a_card_with_its_pictures_a_score_its_size_and_its_speed(
    models: Page,
) -> None:
    expect(models.locator("#models .checkpoint")).to_have_count(len(read_index()))
    for name in read_index():
        numbers = models.locator(f"#models-{name} .headlines")
        for unit in ("0.", "MB", "ms"):
            expect(numbers.locator("dd", has_text=unit).first).to_be_visible()
        expect(models.locator(f"#models-{name} .triple img")).to_have_count(3)
    assert models.evaluate(FETCH, "models") == [320] * 3 * len(read_index())


def test_all_are_seen_in_less_than_two_thousand_px_with_terms_and_credits(models: Page) -> None:
    models.evaluate(FETCH, "models")
    assert models.evaluate("document.documentElement.scrollHeight") < 2000
    terms = models.get_by_text("Weights for research use")
    assert [one.is_visible() for one in terms.all()].count(True) == len(read_index()) - 1
    for credit in ("Arganda-Carreras", "Everingham", "NASA"):
        expect(models.locator("#models .cards > div").get_by_text(credit).first).to_be_visible()


def test_headings_go_down_one_level_at_a_time(models: Page, articles: Page) -> None:
    for page in (models, articles):
        levels = page.eval_on_selector_all(
            "#models :is(h2, h3, h4, h5), #articles :is(h2, h3, h4, h5)",
            "all => all.map(one => Number(one.tagName[1]))",
        )
        assert levels[0] == 2
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_what_is_folded_opens_with_the_keyboard(models: Page) -> None:
    table = models.locator("#models-isbi table")
    for fold in ("More: data, what it is bad at, all scores, training", "All scores"):
        expect(table).to_be_hidden()
        models.locator("#models-isbi").get_by_text(fold, exact=True).focus()
        models.keyboard.press("Enter")
    expect(table).to_be_visible()
    expect(table).to_contain_text("V_rand without averaging")


def test_a_confusion_matrix_of_few_classes_is_not_blown_up(models: Page) -> None:
    widths = {}
    for name in ("shapes", "voc"):
        for fold in ("More:", "Confusion matrix"):
            models.locator(f"#models-{name} summary", has_text=fold).click()
        box = models.locator(f"#models-{name} .confusion svg").bounding_box()
        assert box
        widths[name] = box["width"]
    assert widths["shapes"] < 300 < 700 < widths["voc"]


def test_the_ink_of_a_drawing_is_that_of_the_text_light_and_dark(models: Page) -> None:
    inks = []
    for dark in (False, True):
        models.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        drawn, text = models.locator("#models .curve text").first, models.locator("#models p").first
        inks.append(drawn.evaluate("text => getComputedStyle(text).fill"))
        assert inks[-1] == text.evaluate("text => getComputedStyle(text).color")
    assert inks[0] != inks[1]


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.name)
def test_the_browser_s_search_finds_an_original_title_and_author_on_a_page_in_another_language(
    articles: Page, article
) -> None:
    for text in filter(None, (article.title, article.author)):
        assert articles.evaluate("text => find(text, true, false, true)", text)


def test_every_article_has_its_network_pictures_and_figures(articles: Page) -> None:
    for article in ARTICLES:
        card = articles.locator(f"#article-{article.name}")
        expect(card.locator(".network svg[font-size]")).to_have_count(len(article.checkpoints))
    assert set(articles.evaluate(FETCH, "articles")) == {320}
    fold = articles.locator("#article-shapes details").first
    fold.locator("summary").click()
    expect(fold.locator("tbody tr").first).to_contain_text("1.1136")


def test_a_phone_shows_both_pages_without_scrolling_sideways(models: Page, articles: Page) -> None:
    for page, name in ((models, "models"), (articles, "articles")):
        page.set_viewport_size({"width": 360, "height": 780})
        page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")
        assert page.evaluate(WIDER, name) == []
    loss, score = (panel.bounding_box() for panel in models.locator("#models-isbi .curve g").all())
    assert loss and score
    assert score["y"] > loss["y"] + loss["height"] / 2
    assert score["x"] + score["width"] <= 360


def test_a_model_leads_to_the_card_of_its_article(models: Page) -> None:
    models.locator("#models-voc-color .actions a").last.click()
    expect(models.locator("#article-strided h2")).to_be_in_viewport()
