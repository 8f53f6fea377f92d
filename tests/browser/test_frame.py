"""The frame around the pages: the bar, the address that follows what is chosen, and the keyboard."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from handling import PATIENCE, TINY, asks_for, open_train
from PIL import Image
from playwright.sync_api import Page, expect

SIZES = [(1366, 768), (1280, 720), (360, 780)]

MOST_REQUESTS, MOST_AGAIN = 119, 40
"""Of a page that a browser opens for the first time, and again. Ninety are Gradio's own scripts and styles, one
or two for each kind of component, which a browser keeps."""

CAME_OVER_THE_NETWORK = """performance.getEntriesByType("resource")
  .filter(({ transferSize }) => transferSize > 0).map(({ name }) => name)"""
"""Rather than out of what the browser keeps."""

DARK = "rgb(2, 6, 23)"
"""Of the page in the dark theme."""

RESTING_MS = 4000
"""A page that asks for nothing for so long is at rest."""

IN_THE_BAR = [
    "#pages .bar-name svg", "#pages [role=tablist]", ".bar-tools .language", ".bar-tools .theme",
    ".bar-tools .opener",
]  # fmt: skip


PARTS = {
    "Segment": ["Your picture", "The segmentation", "What it found"],
    "Train": ["Training", "Scenes", "Network", "Loss by training step"],
    "Teach": ["Picture", "Labels", "Training", "Take it further"],
    "Articles": ["The network IsbiUNet"],
}
"""A page → those of its parts that a screen reader goes to."""


@pytest.fixture(scope="module")
def tab(tab: Page, url: str) -> Page:
    """The Segment page with the membranes, which the tests look at from several sides."""
    tab.goto(f"{url}?page=segment&example=membranes")
    expect(tab.locator("#segment-status")).to_contain_text("512×512")
    return tab


def chosen(page: Page) -> str:
    return page.get_by_role("tab", selected=True).inner_text()


def go_to(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


@pytest.mark.parametrize("size", SIZES)
def test_the_bar_is_one_line_of_48_pixels_on_every_page(tab: Page, size: tuple[int, int]) -> None:
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    if size[0] < 720:
        expect(tab.get_by_role("button", name="More tabs")).to_be_visible()
    for name in ("Train", "Teach", "Inside", "Articles", "Models", "Segment"):
        if size[0] < 720 and not tab.get_by_role("tab", name=name).is_visible():
            tab.get_by_role("button", name="More tabs").click()
            tab.locator(".overflow-dropdown").get_by_text(name).click()
        else:
            go_to(tab, name)
        bar = tab.locator("#pages > .tab-wrapper").bounding_box()
        assert bar and (bar["y"], bar["height"]) == (0, 48)
        right = bar["x"]
        for part in IN_THE_BAR:
            box = tab.locator(part).bounding_box()
            assert box and box["y"] >= 0 and box["y"] + box["height"] <= 48, part
            assert box["x"] >= right - 0.5, part
            right = box["x"] + box["width"]
        assert right <= bar["x"] + bar["width"] + 0.5
        assert tab.evaluate("document.documentElement.scrollWidth") == size[0]
    tab.set_viewport_size({"width": 1366, "height": 900})


def test_the_tab_key_comes_to_the_skip_link_then_to_the_tabs_as_one_stop(tab: Page) -> None:
    tab.reload()
    expect(tab.locator("#segment-status")).to_contain_text("512×512")
    tab.keyboard.press("Tab")
    skip = tab.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("tab", name="Segment")).to_be_focused()
    tab.keyboard.press("ArrowRight")
    expect(tab.get_by_role("tab", name="Train")).to_be_focused()
    assert chosen(tab) == "Train"
    tab.keyboard.press("Home")
    assert chosen(tab) == "Segment"
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("tabpanel")).to_be_focused()


def test_bar_page_and_its_parts_are_landmarks(tab: Page) -> None:
    bar, main = tab.get_by_role("banner"), tab.get_by_role("main")
    expect(bar.get_by_role("navigation", name="Pages").get_by_role("tab")).to_have_count(6)
    expect(main.get_by_role("tab")).to_have_count(0)
    for page, parts in PARTS.items():
        go_to(tab, page)
        for name in parts:
            expect(main.get_by_role("region", name=name, exact=True)).to_be_visible()
        expect(main).to_have_count(1)
    expect(tab.get_by_role("contentinfo")).to_be_visible()


def test_radios_are_one_stop_of_the_tab_key_and_arrows_choose_among_them(tab: Page) -> None:
    go_to(tab, "Segment")
    tab.locator("#style input[value=fill]").focus()
    tab.keyboard.press("ArrowRight")
    outline = tab.locator("#style input[value=outline]")
    expect(outline).to_be_focused()
    expect(outline).to_be_checked()
    tab.wait_for_url(lambda address: "style=outline" in address, wait_until="commit")
    tab.keyboard.press("Shift+Tab")
    radios = tab.locator("#style input")
    assert not radios.evaluate_all("all => all.includes(document.activeElement)")


def test_the_title_of_the_browsers_tab_names_the_page_in_the_language(page: Page, url: str) -> None:
    open_train(page, url, f"{TINY}&lang=ko")
    expect(page).to_have_title("학습 – 눈으로 보는 U-Net")
    page.get_by_role("tab", name="모델").click()
    expect(page).to_have_title("모델 – 눈으로 보는 U-Net")


def test_language_and_theme_are_changed_in_the_bar_and_stay(page: Page, url: str) -> None:
    open_train(page, url, TINY)
    page.get_by_role("button", name="Dark theme").click()
    expect(page.locator("body")).to_have_class(re.compile("dark"))
    page.get_by_label("Language", exact=True).select_option("zh-TW")
    expect(page.locator("#train-status")).to_contain_text("寬度 8")
    expect(page.locator("body")).to_have_class(re.compile("dark"))
    expect(page.get_by_role("button", name="深色主題")).to_have_attribute("aria-pressed", "true")


def test_the_address_follows_what_is_chosen_and_back_and_reload_restore_it(
    tab: Page, url: str
) -> None:
    page = tab
    page.goto(f"{url}?example=membranes")
    status = page.locator("#segment-status")
    expect(status).to_contain_text("512×512")
    page.locator("#style input[value=outline]").check()
    membranes = "page=segment&checkpoint=isbi&example=membranes&style=outline"
    asks_for(page, membranes)
    go_to(page, "Train")
    page.locator("#skips input").uncheck()
    trained = "page=train&preset=random&skips=0"
    asks_for(page, trained)
    go_to(page, "Segment")
    asks_for(page, membranes)
    page.locator("#examples .gallery-item").nth(4).locator("button").click()
    asks_for(page, "page=segment&checkpoint=shapes&example=coins&style=outline")
    page.go_back()
    asks_for(page, trained)
    assert chosen(page) == "Train"
    page.go_back()
    asks_for(page, membranes)
    expect(status).to_contain_text("512×512")
    expect(page.locator("#style input[value=outline]")).to_be_checked()
    page.go_forward()
    asks_for(page, trained)
    page.reload()
    expect(page.locator("#skips input")).not_to_be_checked()
    assert chosen(page) == "Train"
    asks_for(page, trained)


def test_layer_and_zoom_stand_in_the_address_and_reload_and_back_restore_them(
    tab: Page, url: str
) -> None:
    page = tab
    page.goto(f"{url}?example=membranes&layer=errors&zoom=4&x=128&y=400")
    viewer, zoomed = page.locator("#viewer"), page.locator("#viewer .unzoom")
    expect(zoomed).to_have_text("4.0×")
    expect(viewer.get_by_role("radio", name="Errors")).to_be_checked()
    expect(viewer.locator(".errors")).to_be_visible()
    box = viewer.locator(".stage").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(viewer.locator(".readout")).to_contain_text("x 128, y 400")
    given = "page=segment&checkpoint=isbi&example=membranes&layer=errors"
    viewer.locator(".stage").press("-")
    asks_for(page, f"{given}&zoom=2.67&x=128&y=400")
    page.reload()
    expect(zoomed).to_have_text("2.7×")
    go_to(page, "Train")
    go_to(page, "Segment")
    page.locator("#viewer .layers").get_by_text("Mask").click()
    zoomed.click()
    asks_for(page, "page=segment&checkpoint=isbi&example=membranes")
    page.go_back()
    page.go_back()
    expect(zoomed).to_have_text("2.7×")
    expect(viewer.get_by_role("radio", name="Errors")).to_be_checked()
    asks_for(page, f"{given}&zoom=2.67&x=128&y=400")


def test_an_own_picture_is_in_no_address_and_another_language_asks_before_it_goes(
    page: Page, url: str, tmp_path: Path
) -> None:
    page.goto(f"{url}?page=segment&example=coins&controls=1")
    expect(page.locator("#segment-status")).to_contain_text("384×303")
    own = tmp_path / "coins.png"
    Image.fromarray(np.full((64, 96, 3), 90, np.uint8)).save(own)
    page.locator("#picture input[type=file]").set_input_files(own)
    expect(page.locator("#segment-status")).to_contain_text("96×64")
    asks_for(page, "page=segment&checkpoint=shapes&controls=1")
    page.get_by_role("button", name="Share").click()
    expect(page.locator("dialog .incomplete")).to_contain_text("Your own picture")
    page.get_by_role("button", name="Close").click()
    page.get_by_label("Language", exact=True).select_option("ko")
    page.get_by_role("button", name="Stay here").click()
    expect(page.get_by_label("Language", exact=True)).to_have_value("en")
    expect(page.locator("#segment-status")).to_contain_text("96×64")
    page.get_by_label("Language", exact=True).select_option("ko")
    page.get_by_role("button", name="Change the language").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def test_a_page_that_is_on_its_way_says_so_in_its_language_theme_and_place(
    page: Page, url: str
) -> None:
    page.route("**/assets/*.js", lambda _: None)
    page.goto(f"{url}?page=articles&lang=ko&__theme=dark", wait_until="commit")
    opening = page.locator("#opening")
    expect(opening).to_contain_text("준비하는 중입니다")
    expect(opening).to_have_css("background-color", DARK)
    places = [opening.locator(part).bounding_box() for part in ("svg", "b")]
    page.unroute("**/assets/*.js")  # which lets go what was held
    expect(opening).to_have_count(0, timeout=3 * PATIENCE)
    for before, part in zip(places, ("svg", "h1"), strict=True):
        after = page.locator(f".bar-name {part}").bounding_box()
        assert before and after
        assert (before["x"], before["y"]) == pytest.approx((after["x"], after["y"]), abs=3)
    expect(page.locator("#articles")).to_contain_text("Ronneberger")


@pytest.mark.parametrize("name", ["segment", "train", "models"])
def test_opening_a_page_takes_no_more_requests_than_today_again_few_and_then_none(
    new_visitor: Callable[..., Page], url: str, name: str
) -> None:
    page, asked = new_visitor(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}?page={name}")
    expect(page.locator(".bar-tools .opener")).to_be_visible()
    rested = (
        0  # which it does once its pictures are there, however long a busy machine computes them
    )
    for _ in range(PATIENCE // RESTING_MS):
        rested = len(asked)
        page.wait_for_timeout(RESTING_MS)
        if len(asked) == rested:
            break
    assert len(asked) == rested
    opening = [address for address in asked if address.startswith("http")]
    assert len(opening) <= MOST_REQUESTS, "\n".join(opening)
    page.goto(f"{url}?page={name}")
    expect(page.locator(".bar-tools .opener")).to_be_visible()
    page.wait_for_timeout(RESTING_MS / 2)
    came = page.evaluate(CAME_OVER_THE_NETWORK)
    assert 0 < len(came) <= MOST_AGAIN, "\n".join(came)


def test_the_address_follows_what_is_taught_which_is_opened_in_segment_with_its_picture(
    tab: Page,
) -> None:
    tab.set_viewport_size({"width": 1366, "height": 900})
    go_to(tab, "Teach")
    tab.get_by_role("button", name="Noisy shapes").click()
    asks_for(tab, "page=teach&picture=shapes")
    go_to(tab, "Models")
    tab.go_back()
    assert chosen(tab) == "Teach"
    tab.locator("#teach-step").click()
    expect(tab.locator("#teach-status")).to_contain_text("Paused")
    tab.locator("#teach-use").click()
    expect(tab.locator("#segment-status")).to_contain_text("Taught by strokes: 320×320 px")
    assert chosen(tab) == "Segment"
    expect(tab.locator("#scores")).to_contain_text("mIoU")
