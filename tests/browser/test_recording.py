"""Before the first run a recorded one plays on Train, says so, asks nothing, and ends for good."""

from collections.abc import Callable

import pytest
from handling import Served, press
from playwright.sync_api import Page, expect

RECORDED = "[data-recorded]"
LAST = "step 200"


@pytest.fixture(scope="module")
def served(serve_train) -> Served:
    return serve_train()


@pytest.fixture(scope="module")
def opened(tab: Page, served: Served) -> Page:
    tab.goto(served.address)
    return tab


def heard(page: Page) -> str:
    return page.locator("#train-chart .spoken").inner_text()


def test_a_recorded_run_plays_to_its_end_and_says_what_it_is(opened: Page) -> None:
    expect(opened.locator(RECORDED)).to_have_count(2)
    expect(opened.locator("#train-chart .chart")).to_have_attribute("data-recorded", "Recording")
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    expect(opened.locator("#train-chart .readout")).to_contain_text(LAST)
    prediction = opened.locator("#train-scenes img[data-column=prediction]")
    for picture in prediction.all():
        expect(picture).to_be_visible()
    # A page that is opening may still ask whether to train by itself; test_train_quiet.py sees to what follows.
    assert [one for one in asked if not one.startswith("data:") and "/queue/" not in one] == []
    assert heard(opened) == ""


def test_a_control_that_moves_ends_it_for_good(opened: Page) -> None:
    opened.locator("#skips input").uncheck()
    expect(opened.locator(RECORDED)).to_have_count(0)
    expect(opened.locator("#train-chart .chart")).to_have_attribute("data-empty", "")
    expect(opened.locator("#train-scenes img[data-column=prediction]").first).to_be_hidden()
    opened.locator("#skips input").check()
    expect(opened.locator("#train-status")).to_contain_text("ShapesUNet")
    expect(opened.locator(RECORDED)).to_have_count(0)


def test_a_run_ends_it_and_is_what_is_shown(served: Served, page: Page) -> None:
    page.goto(served.address)
    expect(page.locator(RECORDED)).to_have_count(2)
    press(page, "start")
    expect(page.locator(RECORDED)).to_have_count(0)
    expect(page.locator("[data-reading=step] dd")).to_contain_text("/ 200")
    press(page, "stop")
    expect(page.locator("#train-status")).to_contain_text("Stopped")
    expect(page.locator(RECORDED)).to_have_count(0)


def test_who_wants_no_motion_sees_none(served: Served, new_visitor: Callable[..., Page]) -> None:
    page = new_visitor(reduced_motion="reduce")
    page.goto(served.address)
    expect(page.locator("#train-scenes img[data-column=truth]").first).to_be_visible()
    expect(page.locator("#train-chart .notice")).not_to_be_empty()
    expect(page.locator(RECORDED)).to_have_count(0)
