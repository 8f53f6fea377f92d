"""What a person takes into a talk: links, the page alone, and a slide that trains by itself."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from handling import (
    IN_LINE,
    NOTE_SHIFTS,
    TINY,
    Served,
    let_the_server_answer,
    open_train,
    show_next_frame,
    unfold,
    wait_for_step,
    wait_until,
)
from playwright.sync_api import FloatRect, FrameLocator, Locator, Page, expect

from unet_demo.ui.serve import head
from unet_demo.ui.server.trainings import TRAININGS_AT_ONCE

EMBED = Path(__file__).parents[2] / "docs" / "embed.html"

SIZES = [(960, 540), (960, 720), (800, 600), (1920, 1080)]

NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


@pytest.fixture(scope="module")
def serving(serve_train: Callable[..., Served]) -> Served:
    return serve_train(head=head())


@pytest.fixture
def served(serving: Served) -> Served:
    """With nobody's run under way."""
    wait_for_runs(serving, 0)
    return serving


@pytest.fixture(scope="module")
def slide(tab: Page, url: str) -> Page:
    """The Train page alone, as large as a slide, before a run."""
    tab.set_viewport_size({"width": 960, "height": 540})
    tab.add_init_script(NOTE_SHIFTS)
    open_train(tab, url, f"{TINY}&controls=0&steps=5000")
    return tab


def wait_until_drawn(page: Page | FrameLocator) -> None:
    expect(page.locator("#train-chart .chart:not([data-empty])")).to_be_visible()
    expect(page.locator("#train-chart .legend")).to_contain_text("training")


def wait_for_runs(served: Served, count: int) -> None:
    """Until so many trainings are under way; a page that was left takes a moment to stop its own."""
    wait_until(lambda: served.page.trainings.running == count)


def buttons(page: Page) -> list[str]:
    return [one.inner_text() for one in page.locator(".train-buttons button:visible").all()]


def number(page: Page, control: str) -> Locator:
    return page.locator(f"#{control} input[type=number]").first


def shared(page: Page, what: str) -> str:
    """The "Link" or the "Embed code" that the dialog offers, which is left again."""
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    text = dialog.get_by_label(what, exact=True).input_value()
    dialog.get_by_role("button", name="Close").click()
    return text


def test_the_address_sets_the_train_page(page: Page, url: str) -> None:
    open_train(page, url, "preset=noisy&noise=40&skips=0&width=8&seed=7&lang=ko&__theme=dark")
    expect(page.get_by_role("tab", name="학습")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#preset input")).to_have_value("노이즈 많음")
    expect(page.locator("#skips input")).not_to_be_checked()
    expect(page.locator("#train-status")).to_contain_text("ShapesUNet, 너비 8")
    expect(page.locator("body")).to_have_class("dark")
    unfold(page, "train-more")
    expect(number(page, "noise")).to_have_value("40")
    expect(page.locator("#address-refusals")).to_be_hidden()


def test_a_link_that_is_shared_shows_the_same_elsewhere(
    page: Page, new_visitor: Callable[..., Page], url: str
) -> None:
    open_train(page, url, f"{TINY}&blur=1.5&rate=0.002&optimiser=SGD")
    page.locator("#skips input").uncheck()
    link = shared(page, "Link")
    other = new_visitor()
    other.goto(link)
    expect(other.locator("#skips input")).not_to_be_checked()
    assert shared(other, "Link") == link
    for setting in ("width=8", "blur=1.5", "rate=0.002", "optimiser=SGD", "skips=0"):
        assert setting in link


def test_what_is_shared_is_copied_or_stands_there_selected(page: Page, url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_train(page, url, TINY)
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Copy link").click()
    expect(dialog.get_by_role("status")).to_contain_text("Copied")
    link = dialog.get_by_label("Link", exact=True)
    assert page.evaluate("navigator.clipboard.readText()") == link.input_value()
    page.evaluate(NO_CLIPBOARD)
    dialog.get_by_role("button", name="Copy link").click()
    expect(link).to_be_focused()
    selected = "field => field.value.slice(field.selectionStart, field.selectionEnd)"
    assert link.evaluate(selected).startswith(f"{url}?page=train&preset=random")
    expect(dialog.get_by_role("status")).to_contain_text("Ctrl+C")


def test_the_embed_code_is_an_iframe_of_the_page_alone_as_the_preview_shows(
    page: Page, url: str
) -> None:
    open_train(page, url, f"{TINY}&__theme=dark&lang=zh-TW")
    assert len(page.frames) == 1
    page.get_by_role("button", name="分享").click()
    dialog = page.get_by_role("dialog")
    code = dialog.locator("#share-embed").input_value()
    preview = dialog.frame_locator("iframe")
    expect(preview.locator("#train-status")).to_contain_text("寬度 8")
    page.keyboard.press("Escape")
    expect(dialog.locator("iframe")).to_have_count(0)
    expect(page.get_by_role("button", name="分享")).to_be_focused()
    page.set_content(code)
    frame = page.frame_locator("iframe")
    expect(frame.locator("#train-start")).to_be_visible()
    expect(frame.locator(".bar-tools")).to_be_hidden()
    expect(frame.locator("#train-status")).to_contain_text("寬度 8")
    assert "autostart" not in code


def test_a_frame_whose_sandbox_keeps_the_page_from_its_server_says_so(
    new_visitor: Callable[[], Page], url: str
) -> None:
    page = new_visitor()
    page.set_content(f'<iframe sandbox="allow-scripts" src="{url}?lang=ko"></iframe>')
    said = page.frame_locator("iframe").get_by_role("alert")
    expect(said).to_contain_text("allow-same-origin")
    expect(said).to_contain_text("새 탭")


def test_what_the_address_asks_in_vain_is_said_and_the_rest_holds(page: Page, url: str) -> None:
    open_train(page, url, "noise=200&width=8&nois=4&network=<b>")
    said = page.locator("#address-refusals [role=alert]")
    expect(said).to_have_count(3)
    expect(said.nth(0)).to_contain_text("The address says network=<b>, which was left out")
    expect(said.nth(1)).to_contain_text("noise=200, which was left out: choose a number from 0")
    expect(said.nth(2)).to_contain_text("did you mean noise?")
    expect(page.locator("#train-status")).to_contain_text("width 8")


def test_the_address_sets_the_segment_page(page: Page, url: str) -> None:
    page.goto(f"{url}?example=membranes&threshold=0.7&opacity=0.3&style=outline")
    expect(page.locator("#segment-status")).to_contain_text("Cell membranes (ISBI 2012): 512×512")
    expect(number(page, "threshold")).to_have_value("0.7")
    expect(number(page, "opacity")).to_have_value("0.3")
    expect(page.locator("#style input[value=outline]")).to_be_checked()
    expected = (
        "page=segment&checkpoint=isbi&example=membranes&threshold=0.7&opacity=0.3&style=outline"
    )
    assert parse_qs(urlparse(shared(page, "Link")).query) == parse_qs(expected)


def test_a_segmentation_alone_fits_a_slide_and_a_phone(page: Page, url: str) -> None:
    page.goto(f"{url}?page=segment&example=person&controls=0")
    legend = page.locator("#legend table")
    expect(legend).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator("#viewer .readout")).to_be_in_viewport(ratio=1)
        expect(page.locator("#checkpoint")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollHeight") == height
    page.set_viewport_size({"width": 360, "height": 740})
    show_next_frame(page)
    box = legend.bounding_box()
    assert box and box["x"] + box["width"] <= 360


def test_what_is_refused_lies_in_a_small_box_over_the_page_alone_until_it_is_closed(
    page: Page, url: str
) -> None:
    page.set_viewport_size({"width": 960, "height": 540})
    open_train(page, url, "controls=0&width=33&rate=0&steps=0&noise=999&blur=x&seed=x&size=1")
    box = page.locator("#address-refusals")
    expect(box.locator("[role=alert]")).to_have_count(7)
    place = box.bounding_box()
    assert place and place["height"] < 540 / 5 and place["y"] + place["height"] <= 540
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    page.reload()
    expect(box).to_be_visible()
    box.get_by_role("button", name="Close").click()
    expect(box).to_be_hidden()


def test_a_segmentation_alone_fits_where_its_checkpoint_cannot_be_had(
    page: Page, url: str, hub_cache: Path
) -> None:
    page.set_viewport_size({"width": 960, "height": 540})
    page.goto(f"{url}?controls=0&checkpoint=no/such")
    expect(page.locator("#segment-status .mistake")).to_contain_text("no/such")
    expect(page.locator("#viewer .readout")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollHeight") == 540


def test_of_what_an_address_says_twice_the_last_holds_without_its_blanks(
    page: Page, url: str
) -> None:
    page.goto(
        f"{url}?page=train&page=%20about&controls=1&controls=%200&__theme=light&__theme=dark%20"
    )
    expect(page.locator("#models .checkpoint").first).to_be_visible()
    expect(page.locator("html")).to_have_class(re.compile(r"\bbare bare-models\b"))
    expect(page.locator("body")).to_have_class("dark")
    expect(page.locator("#address-refusals")).to_be_hidden()
    page.mouse.wheel(0, 400)
    page.wait_for_function("scrollY > 0")


def test_the_page_alone_has_two_buttons_in_every_state_and_space_presses_them_and_nothing_moves(
    slide: Page,
) -> None:
    page = slide
    assert buttons(page) == ["Train", "Reset"]
    expect(page.locator("#train-start")).to_have_attribute("aria-keyshortcuts", "Space")
    page.keyboard.press("Space")
    expect(page.locator("#train-pause")).to_be_visible()
    assert buttons(page) == ["Pause", "Stop"]
    wait_for_step(page, 60)
    page.keyboard.press("Space")
    expect(page.locator("#train-resume")).to_be_visible()
    assert page.evaluate("window.shifted ?? 0") < 0.1
    assert buttons(page) == ["Resume", "Stop"]
    page.keyboard.press("Space")
    expect(page.locator("#train-pause")).to_be_visible()
    page.locator("#train-stop").click()
    expect(page.locator("#train-reset")).to_be_enabled()
    assert buttons(page) == ["Train", "Reset"]
    page.locator("#train-reset").click()
    expect(page.locator("[data-reading=step] dd")).to_have_text("–")


def test_the_page_alone_fits_a_slide_and_stands_in_one_column_on_a_phone(slide: Page) -> None:
    size = "() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]"

    def places() -> tuple[FloatRect, FloatRect]:
        curve = slide.locator("#train-chart .plot").bounding_box()
        pictures = slide.locator("#train-scenes").bounding_box()
        assert curve and pictures
        return curve, pictures

    for width, height in SIZES:
        slide.set_viewport_size({"width": width, "height": height})
        show_next_frame(slide)
        assert slide.evaluate(size) == [width, height]
        for hidden in ("footer", "[role=tablist]", "#preset"):
            expect(slide.locator(hidden).first).to_be_hidden()
        curve, pictures = places()
        assert curve["x"] + curve["width"] <= pictures["x"]
        assert pictures["x"] + pictures["width"] <= width
        assert max(curve["y"] + curve["height"], pictures["y"] + pictures["height"]) <= height
        assert curve["height"] > height / 4
    slide.set_viewport_size({"width": 360, "height": 740})
    show_next_frame(slide)
    curve, pictures = places()
    assert pictures["width"] > 300 and curve["width"] > 300
    assert pictures["y"] + pictures["height"] <= curve["y"]
    assert slide.evaluate(size)[0] == 360


def test_space_in_a_field_or_on_another_page_trains_nothing(page: Page, url: str) -> None:
    open_train(page, url, TINY)
    unfold(page, "train-more")
    page.locator("#steps input[type=number]").focus()
    page.keyboard.press("Space")
    page.get_by_role("tab", name="Segment").click()
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    page.get_by_role("tab", name="Train").click()
    let_the_server_answer(page)
    expect(page.locator("#train-start")).to_be_enabled()
    expect(page.locator("[data-reading=step] dd")).to_have_text("–")


def test_autostart_trains_once_however_often_the_page_is_loaded(page: Page, served: Served) -> None:
    address = f"{served.address}?page=train&{TINY}&steps=5000&autostart=1"
    page.goto(address)
    wait_for_step(page, 2)
    assert served.page.trainings.running == 1
    page.reload()
    wait_for_step(page, 2)
    wait_for_runs(served, 1)
    assert [session.number for session in served.page.sessions.open if session.running] == [1]
    page.locator("#train-stop").click()
    expect(page.locator("#train-reset")).to_be_enabled()
    page.locator("#train-reset").click()
    expect(page.locator("#train-reset")).to_be_disabled()
    let_the_server_answer(page)
    assert served.page.trainings.running == 0


def test_a_run_that_starts_by_itself_waits_for_a_free_place(
    page: Page, new_visitor: Callable[..., Page], served: Served
) -> None:
    address = f"{served.address}?page=train&{TINY}&steps=5000&autostart=1"
    first, second = new_visitor(), new_visitor()
    for tab in (first, second):
        tab.goto(address)
        wait_for_step(tab, 1)
    page.goto(address)
    expect(page.locator("#train-status")).to_contain_text(IN_LINE)
    assert served.page.trainings.running == TRAININGS_AT_ONCE
    expect(page.locator("[data-reading=step] dd")).to_have_text("–")
    first.locator("#train-stop").click()
    wait_for_step(page, 1)


def test_a_slide_from_a_file_trains_by_itself_and_can_be_turned(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{EMBED.as_uri()}?demo={url}")
    assert page.locator("iframe").get_attribute("src") is None
    page.keyboard.press("ArrowRight")
    frame = page.frame_locator("iframe")
    wait_for_step(frame, 5)
    wait_until_drawn(frame)
    frame.locator("#train-stop").click()
    expect(frame.locator("#train-reset")).to_be_enabled()
    page.keyboard.press("ArrowRight")  # the frame has the keyboard now
    expect(page.locator("nav")).to_have_text("3 / 3")
    page.keyboard.press("PageUp")
    expect(page.locator("iframe")).to_be_visible()
