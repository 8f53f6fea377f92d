"""The About page, as a person in a browser reads it."""

from itertools import pairwise

import gradio as gr
import pytest
from playwright.sync_api import Page, expect

from unet_demo.checkpoints import read_index
from unet_demo.ui.about.page import AboutPage
from unet_demo.ui.pages import theme
from unet_demo.ui.serve import STYLES
from unet_demo.ui.text import i18n


@pytest.fixture(scope="module")
def address(serve_blocks) -> str:
    """The page behind another tab, as in the demo."""
    with gr.Blocks(fill_width=True) as demo, gr.Tabs():
        with gr.Tab("First"):
            gr.HTML("<p>nothing</p>")
        with gr.Tab("About") as tab:
            AboutPage(tab)
    style = "".join(path.read_text() for path in STYLES)
    return serve_blocks(demo, i18n=i18n(), theme=theme(), head=f"<style>{style}</style>")


@pytest.fixture(scope="module")
def unopened(tab: Page, address: str) -> Page:
    """The page that stands before it, for the first test alone."""
    tab.goto(address)
    expect(tab.get_by_role("tab", name="About")).to_be_visible()
    return tab


@pytest.fixture(scope="module")
def opened(unopened: Page) -> Page:
    unopened.get_by_role("tab", name="About").click()
    expect(unopened.locator("#about .checkpoint").first).to_be_visible()
    return unopened


def test_nothing_is_read_before_the_tab_is_opened(unopened: Page) -> None:
    expect(unopened.locator("#about .checkpoint")).to_have_count(0)


def test_every_bundled_checkpoint_has_a_card_with_a_large_score_and_a_curve(opened: Page) -> None:
    cards = opened.locator("#about .checkpoint")
    expect(cards).to_have_count(len(read_index()))
    for name in read_index():
        card = opened.locator(f"#about-{name}")
        expect(card.locator(".headlines dd").first).to_be_visible()
        expect(card.locator(".curve svg")).to_be_visible()


def test_headings_go_down_one_level_at_a_time(opened: Page) -> None:
    levels = opened.eval_on_selector_all(
        "#about :is(h1, h2, h3, h4, h5)", "all => all.map(one => Number(one.tagName[1]))"
    )
    assert levels[0] == 2
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_what_is_folded_opens_with_the_keyboard(opened: Page) -> None:
    summary = opened.locator("#about-isbi summary", has_text="All scores")
    table = opened.locator("#about-isbi table")
    expect(table).to_be_hidden()
    summary.focus()
    opened.keyboard.press("Enter")
    expect(table).to_be_visible()
    expect(table).to_contain_text("V_rand without averaging")


def test_a_link_leads_to_its_checkpoint(opened: Page) -> None:
    opened.locator("#about .contents a", has_text="ISBI 2012").click()
    expect(opened.locator("#about-isbi h3")).to_be_in_viewport()


def test_a_confusion_matrix_of_few_classes_is_not_blown_up(opened: Page) -> None:
    widths = {}
    for name in ("shapes", "voc"):
        opened.locator(f"#about-{name} summary", has_text="Confusion matrix").click()
        widths[name] = opened.locator(f"#about-{name} .confusion svg").bounding_box()["width"]
    assert widths["shapes"] < 300 < 700 < widths["voc"]


def test_the_ink_of_a_drawing_is_that_of_the_text_light_and_dark(opened: Page) -> None:
    inks = []
    for dark in (False, True):
        opened.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        drawn, text = opened.locator("#about .curve text").first, opened.locator("#about p").first
        inks.append(drawn.evaluate("text => getComputedStyle(text).fill"))
        assert inks[-1] == text.evaluate("text => getComputedStyle(text).color")
    assert inks[0] != inks[1]


def test_a_phone_shows_the_page_without_scrolling_sideways(opened: Page) -> None:
    page = opened
    page.set_viewport_size({"width": 360, "height": 740})
    page.eval_on_selector_all("#about details", "all => all.forEach(one => { one.open = true })")
    rights = page.eval_on_selector_all(
        "#about, #about .checkpoint, #about .scrolled",
        "all => all.map(one => one.getBoundingClientRect().right)",
    )
    assert max(rights) <= 360
    loss, score = page.locator("#about-isbi .curve g").all()
    assert score.bounding_box()["y"] > loss.bounding_box()["y"] + loss.bounding_box()["height"] / 2
    assert score.bounding_box()["x"] + score.bounding_box()["width"] <= 360
