"""Look inside: each topic as a person uses it; every one on one screen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from handling import asks_for, show_next_frame
from PIL import Image
from playwright.sync_api import Page, expect

from unet_demo.ui.inside.topics import TOPICS

FIGURES = "#inside-figures img"

WIDER = """() => [...document.querySelectorAll(".inside-page *")]
  .filter((one) => !one.closest("svg, #inside-u, .scrolled") && one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.outerHTML.slice(0, 200))"""
"""What leaves the window; the U and a table scroll by themselves on a phone."""


@pytest.fixture(scope="module")
def tab(tab: Page, url: str) -> Page:
    tab.goto(f"{url}?page=inside&example=membranes")
    expect(tab.locator(FIGURES).first).to_be_visible()
    return tab


def go_to(page: Page, topic: str) -> None:
    page.locator(f"#inside-topic label:has(input[value={topic}])").click()
    page.wait_for_url(lambda url: f"topic={topic}" in url or topic == "stations")


def field(page: Page) -> list[float]:
    """Left, top, width and height of the receptive field that is outlined."""
    names = ("x", "y", "width", "height")
    return [float(page.locator(".reach").get_attribute(name) or "nan") for name in names]


def test_a_station_is_opened_by_a_press_and_by_the_arrow_keys(tab: Page) -> None:
    told = tab.locator(".reaching .plain")
    tab.locator("#inside-u [data-station=bottleneck]").click()
    expect(told).to_contain_text("bottleneck, the lowest level")
    expect(tab.locator(".maps img")).to_have_count(12)
    tab.keyboard.press("ArrowRight")
    expect(told).to_contain_text("decoder 3, expanding path")
    asks_for(tab, "page=inside&example=membranes&station=decoder 3")
    tab.keyboard.press("Home")
    expect(told).to_contain_text("encoder 0, contracting path")


def test_the_field_of_a_pixel_follows_the_pointer_and_the_keys(tab: Page) -> None:
    tab.locator("#inside-u [data-station='encoder 1']").click()
    expect(tab.locator(".reaching .plain")).to_contain_text("encoder 1")
    corner = tab.locator(".maps img").nth(3)
    corner.hover(position={"x": 1, "y": 1})
    left, top, width, height = field(tab)
    assert (left, top) == (0, 0) and width < 20 and height < 20
    expect(tab.locator(".reaching .told")).to_contain_text("Pixel (1, 1)")
    tab.locator(".maps").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        tab.keyboard.press(key)
    assert field(tab)[0] > field(tab)[1] > 0
    told = tab.locator(".reaching .told").inner_text()
    tab.locator("#inside-u [data-station='encoder 0']").click()
    expect(tab.locator(".reaching .told")).not_to_have_text(told)
    assert field(tab)[2:] == [5, 5]


def test_an_arrow_of_the_u_switches_one_skip_connection_off(tab: Page) -> None:
    go_to(tab, "skips")
    left = tab.locator("#inside-measured tbody tr:first-child td").last
    expect(left).to_have_text("1.000")
    arrow = tab.locator("#inside-u [data-skip='0']")
    arrow.locator(".hit").click(force=True)
    expect(left).to_have_text("0.743")
    expect(arrow).to_have_attribute("aria-checked", "false")
    expect(tab.locator("#inside-u [data-skip='1']")).to_have_attribute("aria-checked", "true")
    asks_for(tab, "page=inside&topic=skips&example=membranes&dropped=0")
    arrow.press("Enter")
    expect(left).to_have_text("1.000")
    tab.locator("#inside-deepest label:has(input[value='1'])").click()
    expect(left).not_to_have_text("1.000")
    asks_for(tab, "page=inside&topic=skips&example=membranes&deepest=1")
    tab.locator("#inside-deepest label:has(input[value=all])").click()
    expect(left).to_have_text("1.000")


def test_a_halo_takes_the_seams_away_and_one_too_large_is_made_smaller(tab: Page) -> None:
    go_to(tab, "tiles")
    told, halo = tab.locator("#inside-measured"), tab.locator("#inside-halo input[type=number]")
    tab.locator("#inside-tile input[type=number]").fill("256")
    expect(told).to_contain_text("4 tiles")
    halo.fill("0")
    halo.press("Enter")
    expect(told).to_contain_text("along the seams")
    halo.fill("112")
    halo.press("Enter")
    expect(told).to_contain_text("nobody sees that")
    tab.locator("#inside-tile input[type=number]").fill("64")
    expect(told).to_contain_text("room for a halo of")
    assert int(halo.input_value()) < 32


def set_number(page: Page, control: str, value: str) -> None:
    box = page.locator(f"#inside-{control} input[type=number]")
    box.fill(value)
    box.press("Enter")


def test_the_weights_of_a_pixel_are_told_and_a_mask_of_ones_own_is_weighed(
    tab: Page, tmp_path: Path
) -> None:
    go_to(tab, "weights")
    told = tab.locator(".pointed .told")
    expect(told).to_contain_text("d1 = ")
    tab.locator(".pointed img").last.hover(position={"x": 0.5, "y": 0.5})
    expect(told).to_contain_text("Pixel (0, 0)")
    tab.locator(".pointed .figures").focus()
    before = told.inner_text()
    tab.keyboard.press("ArrowRight")
    expect(told).not_to_have_text(before)
    tab.locator("#inside-weighed label:has(input[value=own])").click()
    expect(tab.locator("#inside-figures")).to_contain_text("Drop a mask")
    mask = np.zeros((60, 80), np.uint8)
    mask[10:30, 10:30] = mask[10:30, 34:60] = 1
    Image.fromarray(mask).save(tmp_path / "two.png")
    Image.fromarray(mask * 9).save(tmp_path / "nine.png")
    upload = tab.locator("#inside-own-mask input[type=file]")
    upload.set_input_files(tmp_path / "two.png")
    caption = tab.locator("#inside-figures figcaption")
    expect(caption.first).to_have_text("2 cells, a colour each")
    weight = caption.last.inner_text()
    set_number(tab, "w0", "20")
    expect(caption.last).not_to_have_text(weight)
    tab.locator("#inside-own-mask [aria-label=Clear]").click()
    expect(tab.locator("#inside-figures")).to_contain_text("Drop a mask")
    upload.set_input_files(tmp_path / "nine.png")
    expect(tab.locator("#inside-status [role=alert]")).to_contain_text("holds the label 9")
    tab.locator("#inside-weighed label:has(input[value=cells])").click()
    expect(caption.first).to_have_text("17 cells, a colour each")
    set_number(tab, "w0", "10")


def test_a_new_draw_bends_anew_and_stands_in_the_address(tab: Page) -> None:
    go_to(tab, "elastic")
    bent = tab.locator(".pairs img").nth(1)
    expect(tab.locator(".pairs img")).to_have_count(6)
    before = bent.get_attribute("src") or ""
    again = tab.get_by_role("button", name="New draw")
    again.press("Enter")
    expect(bent).not_to_have_attribute("src", before)
    expect(again).to_be_focused()
    asks_for(tab, "page=inside&topic=elastic&example=membranes&bend_seed=1")


def test_each_way_down_and_up_stands_beside_another(tab: Page) -> None:
    go_to(tab, "resampling")
    ways = tab.locator("#inside-figures h3")
    expect(ways.first).to_contain_text(
        "max-pool of “Cell membranes (ISBI 2012)”: the move is lost at 2"
    )
    expect(ways.last).to_contain_text("strided convolution")
    tab.locator("#inside-resize label:has(input[value=up])").click()
    expect(ways.first).to_contain_text("transposed convolution")
    expect(ways.last).to_contain_text("a checkerboard of 0.0%")
    asks_for(tab, "page=inside&topic=resampling&example=membranes&resize=up")


def test_572_px_become_388_without_padding(tab: Page) -> None:
    go_to(tab, "sizes")
    rows = tab.locator("#inside-figures tbody tr")
    expect(rows).to_have_count(11)
    assert rows.last.inner_text().split() == ["logits", "388", "576"]
    set_number(tab, "input-side", "188")
    expect(rows.last).to_contain_text("192")
    assert rows.last.inner_text().split() == ["logits", "4", "192"]


def test_a_mean_of_two_colours_is_a_third_class(tab: Page) -> None:
    go_to(tab, "colours")
    shown = tab.locator("#inside-figures")
    expect(shown).to_contain_text("It is nearest to sheep")
    expect(shown).to_contain_text("tells classes and paints no colours")
    expect(tab.locator(".pointed .told")).to_contain_text("nearest is")
    tab.locator("#inside-mix-second input").click()
    tab.get_by_role("option", name="cat", exact=True).click()
    expect(shown).to_contain_text("no third class is nearer")
    asks_for(tab, "page=inside&topic=colours&example=membranes&mix_second=cat")


def test_back_and_reload_restore_what_was_shown(tab: Page, url: str) -> None:
    tab.goto(f"{url}?page=inside&topic=skips&example=shapes&dropped=02")
    expect(tab.locator("#inside-u [data-skip='2']")).to_have_attribute("aria-checked", "false")
    tab.get_by_role("tab", name="Models").click()
    tab.go_back()
    expect(tab.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true")
    expect(tab.locator("#inside-u [data-skip='0']")).to_have_attribute("aria-checked", "false")
    tab.reload()
    expect(tab.locator("#inside-u [data-skip='2']")).to_have_attribute("aria-checked", "false")
    expect(tab.locator("#inside-status")).to_contain_text("Circles and rectangles")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_topic_is_on_one_screen_and_nothing_leaves_a_phone(
    tab: Page, url: str, theme: str
) -> None:
    tab.goto(f"{url}?page=inside&example=membranes&__theme={theme}")
    for topic in TOPICS:
        tab.set_viewport_size({"width": 1366, "height": 768})
        go_to(tab, topic)
        expect(tab.locator(f"#inside-topic label.selected input[value={topic}]")).to_have_count(1)
        expect(tab.locator(FIGURES).last).to_be_in_viewport(ratio=1)
        for width, height in ((1280, 720), (360, 780)):
            tab.set_viewport_size({"width": width, "height": height})
            show_next_frame(tab)
            assert tab.evaluate("document.documentElement.scrollWidth") == width, topic
            assert tab.evaluate(WIDER) == [], topic
    tab.set_viewport_size({"width": 1366, "height": 768})


def test_the_page_alone_is_the_topic_with_its_controls(
    watched_tab: Callable[[], Page], url: str
) -> None:
    page = watched_tab()
    page.set_viewport_size({"width": 960, "height": 540})
    page.goto(f"{url}?page=inside&topic=tiles&example=shapes&halo=0&controls=0")
    expect(page.locator(FIGURES).last).to_be_in_viewport(ratio=1)
    expect(page.locator("#inside-halo")).to_be_in_viewport(ratio=1)
    expect(page.locator("#inside-topic")).to_be_hidden()
    expect(page.locator("#inside-example")).to_be_hidden()


def test_an_article_leads_into_its_network(tab: Page, url: str) -> None:
    tab.goto(f"{url}?page=articles")
    tab.get_by_role("link", name="Look inside its network").last.click()
    expect(tab.locator("#inside-status")).to_contain_text("painted as colours")
    expect(tab.locator("#inside-u [data-station]").first).to_be_visible()
