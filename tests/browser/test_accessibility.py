"""axe-core finds nothing serious or critical on any page, in either theme, wide and on a phone."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from axe_playwright_python.sync_playwright import Axe
from handling import PATIENCE, TINY, open_segment, open_train, press, wait_for_step
from playwright.sync_api import Browser, Page, expect

OPENED = {
    "segment": ("#segment-status", "px in"),
    "train": ("#train-status", "parameters"),
    "about": ("body", "Five articles"),
}
"""A page's name → where and what it shows once it is there."""

SETTLING_SECONDS = 10

AT_ONCE = """addEventListener("DOMContentLoaded", () => document.head.insertAdjacentHTML("beforeend",
  "<style>*, ::before, ::after { transition: none !important; animation: none !important }</style>"))"""
"""No colour fades in: a pale moment between two states is no fault."""

IN_BOTH_WAYS = pytest.mark.parametrize(("width", "theme"), [(1366, "light"), (360, "dark")])
"""A theme changes colours alone and a width the places alone: two cases see both of each."""


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One for all tests; each goes to an address of its own, which ends what the one before began."""
    page = browser.new_page(locale="en-US")
    page.set_default_timeout(PATIENCE)
    page.add_init_script(AT_ONCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    page.close()


def set_width(tab: Page, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 900})


def faults(page: Page) -> list[str]:
    """The serious and critical violations: rule, number of places, and the first of them."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ×{len(rule['nodes'])}: {rule['nodes'][0]['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


def check(page: Page, state: str) -> None:
    """No fault that stays: Gradio pales what is on its way, and has an empty box say so."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while (found := faults(page)) and time.monotonic() < deadline:
        page.wait_for_timeout(300)
    assert not found, "\n".join([state, *found])


def show_predictions(tab: Page) -> None:
    expect(tab.locator("#train-scenes img[data-column=errors]").first).to_be_visible()
    expect(tab.locator("#train-chart .chart:not([data-empty])")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", OPENED)
def test_a_page_has_no_serious_fault_wide_and_on_a_phone(
    tab: Page, url: str, name: str, theme: str
) -> None:
    set_width(tab, 1366)
    tab.goto(f"{url}?page={name}&__theme={theme}")
    where, what = OPENED[name]
    expect(tab.locator(where)).to_contain_text(what)
    check(tab, f"{name}, wide")
    set_width(tab, 360)
    check(tab, f"{name}, on a phone")


@IN_BOTH_WAYS
def test_the_train_page_has_none_after_a_run_in_one_and_paused(
    tab: Page, url: str, width: int, theme: str
) -> None:
    set_width(tab, width)
    open_train(tab, url, f"{TINY}&steps=2&__theme={theme}")
    press(tab, "start")
    expect(tab.locator("#train-status")).to_contain_text("Finished")
    expect(tab.locator("#train-drawn .viewer:not([data-empty])")).to_be_visible()
    tab.locator("#train-training button").first.click()
    tab.locator("#train-data button").first.click()
    show_predictions(tab)
    check(tab, "finished")
    steps = tab.locator("#steps input[type=number]")
    steps.fill("3000")
    steps.press("Tab")
    press(tab, "start")
    wait_for_step(tab, 3)
    check(tab, "in training")
    press(tab, "pause")
    expect(tab.locator("#train-status")).to_contain_text("Paused")
    expect(tab.locator("#train-runs tbody tr")).to_have_count(2)
    check(tab, "paused")


@IN_BOTH_WAYS
def test_the_train_page_alone_has_none_before_a_run_and_in_one(
    tab: Page, url: str, width: int, theme: str
) -> None:
    set_width(tab, width)
    open_train(tab, url, f"{TINY}&steps=3000&controls=0&__theme={theme}")
    check(tab, "before")
    press(tab, "start")
    wait_for_step(tab, 1)
    show_predictions(tab)
    check(tab, "in training")


@IN_BOTH_WAYS
def test_the_segment_page_has_none_after_an_error_with_a_stack_and_with_scores(
    tab: Page, url: str, width: int, theme: str, tmp_path: Path
) -> None:
    set_width(tab, width)
    open_segment(tab, url, f"example=membranes&__theme={theme}")
    broken, stack, truth = (tmp_path / name for name in ("broken.png", "stack.tif", "truth.tif"))
    broken.write_bytes(b"this is no picture")
    slices = np.random.default_rng(0).integers(0, 256, (3, 64, 64), np.uint8)
    tifffile.imwrite(stack, slices, photometric="minisblack")
    tifffile.imwrite(truth, (slices > 128).astype(np.uint8), photometric="minisblack")
    tab.locator("#picture input[type=file]").set_input_files(broken)
    expect(tab.get_by_role("alert")).to_be_visible()
    check(tab, "after an error")
    tab.locator("#picture input[type=file]").set_input_files(stack)
    expect(tab.locator("#segment-status")).to_contain_text("3 slices")
    expect(tab.locator("#slice")).to_be_visible()
    check(tab, "with a stack")
    tab.get_by_text("Compare with ground truth").click()
    tab.locator("#truth input[type=file]").set_input_files(truth)
    expect(tab.locator("#errors img")).to_be_visible()
    expect(tab.locator("#scores table")).to_be_visible()
    check(tab, "with scores")


@IN_BOTH_WAYS
def test_a_segmentation_alone_has_none(tab: Page, url: str, width: int, theme: str) -> None:
    set_width(tab, width)
    open_segment(tab, url, f"controls=0&__theme={theme}")
    check(tab, "a segmentation alone")


def test_axe_does_find_a_fault_where_there_is_one(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html lang=en><title>t</title><p style='color:#aaa;background:#fff'>pale</p>")
    assert [fault.split()[0] for fault in faults(page)] == ["color-contrast"]
    page.close()
