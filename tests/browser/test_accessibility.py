"""axe-core finds nothing serious or critical on any page, in either theme, wide and on a phone."""

import re
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tifffile
from axe_playwright_python.sync_playwright import Axe
from handling import TINY, open_segment, open_train, press, unfold, wait_for_step
from playwright.sync_api import Page, expect

OPENED = {
    "segment": ("#segment-status", "px in"),
    "train": ("#train-status", "parameters"),
    "teach": ("#teach-status", "Press Train"),
    "inside": ("#inside-status", "256 × 256"),
    "articles": ("#articles", "Its settings"),
    "models": ("#models", "Who made the data"),
}
"""A page's name → where and what it shows once it is there."""

SETTLING_SECONDS = 60

AT_ONCE = """addEventListener("DOMContentLoaded", () => document.head.insertAdjacentHTML("beforeend",
  "<style>*, ::before, ::after { transition: none !important; animation: none !important }</style>"))"""
"""No colour fades in: a pale moment between two states is no fault."""

WIDE, PHONE = 1366, 360

STOP = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return null;
  const { opacity } = getComputedStyle(focused);
  const shown = opacity === "0" && focused.type === "radio" ? focused.closest("label") : focused;
  const marked = focused.matches(".divider") ? focused.querySelector(".grip") : shown;
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(marked);
  const fill = (node) => getComputedStyle(node).backgroundColor;
  let around = marked.parentElement;
  while (around.parentElement && fill(around).endsWith(", 0)")) around = around.parentElement;
  return {
    name: focused.outerHTML.slice(0, 120),
    outline: outlineStyle, width: parseFloat(outlineWidth), colours: [outlineColor, fill(around)],
  };
}"""
"""Where the keyboard is, what marks it there, and the colours of that mark and of what it lies on."""

CONTRAST = 3.0
"""WCAG 2.1 asks for it of what is no text."""


@pytest.fixture(scope="module")
def tab(tab: Page) -> Page:
    """Each test goes to an address of its own, which ends what the one before began."""
    tab.add_init_script(AT_ONCE)
    return tab


@pytest.fixture(scope="module", params=OPENED)
def opened(tab: Page, url: str, request: pytest.FixtureRequest) -> Page:
    """Each page in turn."""
    where, what = OPENED[request.param]
    tab.goto(f"{url}?page={request.param}")
    expect(tab.locator(where)).to_contain_text(what)
    return tab


def dress(tab: Page, width: int, dark: bool) -> None:
    """In place: to load a page anew for each of its looks takes longer than to look at it."""
    tab.set_viewport_size({"width": width, "height": 900})
    tab.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)


def faults(page: Page) -> list[str]:
    """The serious and critical violations: rule, number of places, and the first of them."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ×{len(rule['nodes'])}: {rule['nodes'][0]['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


def check(page: Page, state: str, *looks: tuple[int, bool]) -> None:
    """No fault that stays: Gradio pales what is on its way, and has an empty box say so.

    A theme changes colours alone and a width the places alone: two ``looks`` see both of each.
    """
    for width, dark in looks or ((WIDE, False), (PHONE, True)):
        dress(page, width, dark)
        deadline = time.monotonic() + SETTLING_SECONDS
        while (found := faults(page)) and time.monotonic() < deadline:
            page.wait_for_timeout(300)
        assert not found, "\n".join([f"{state}, {width} px, dark: {dark}", *found])


def luminance(colour: str) -> float:
    """Of ``rgb(r, g, b)``, relative to white's, as WCAG 2.1 defines it."""
    shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares
    ]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(colours: list[str]) -> float:
    dark, light = sorted(luminance(colour) for colour in colours)
    return (light + 0.05) / (dark + 0.05)


def show_predictions(tab: Page) -> None:
    expect(tab.locator("#train-scenes img[data-column=errors]").first).to_be_visible()
    expect(tab.locator("#train-chart .chart:not([data-empty])")).to_be_visible()


def test_a_page_has_no_serious_fault_in_any_look(opened: Page) -> None:
    check(opened, opened.url, *product((WIDE, PHONE), (False, True)))


@pytest.mark.parametrize("dark", [False, True])
def test_wherever_the_tab_key_leads_a_ring_is_seen(opened: Page, dark: bool) -> None:
    dress(opened, WIDE, dark)
    opened.evaluate("document.activeElement.blur()")
    opened.keyboard.press("Tab")
    stops = []
    while stop := opened.evaluate(STOP):
        stops.append(stop)
        opened.keyboard.press("Tab")
    assert len(stops) > 10
    for stop in stops:
        assert stop["outline"] == "solid" and stop["width"] >= 2, stop
        assert contrast(stop["colours"]) >= CONTRAST, stop


def test_the_train_page_has_none_after_a_run_in_one_and_paused(tab: Page, url: str) -> None:
    open_train(tab, url, f"{TINY}&steps=2")
    press(tab, "start")
    expect(tab.locator("#train-status")).to_contain_text("Finished")
    expect(tab.locator("#train-drawn img")).to_be_visible()
    show_predictions(tab)
    check(tab, "finished")
    unfold(tab, "train-more")
    check(tab, "with more to choose")
    steps = tab.locator("#steps input[type=number]")
    steps.fill("5000")
    steps.press("Tab")
    press(tab, "start")
    wait_for_step(tab, 3)
    check(tab, "in training")
    press(tab, "pause")
    expect(tab.locator("#train-status")).to_contain_text("Paused")
    expect(tab.locator("#train-runs tbody tr")).to_have_count(2)
    check(tab, "paused")


def test_the_train_page_alone_has_none_with_refusals_before_a_run_and_in_one(
    tab: Page, url: str
) -> None:
    open_train(tab, url, f"{TINY}&steps=5000&controls=0&noise=x&blur=x&rate=0&seed=x&skips=x")
    expect(tab.locator("#address-refusals")).to_be_visible()
    check(tab, "with refusals")
    tab.keyboard.press("Escape")
    check(tab, "before")
    press(tab, "start")
    wait_for_step(tab, 1)
    show_predictions(tab)
    check(tab, "in training")


def test_the_teach_page_has_none_with_a_mask_a_mistake_and_classes_that_are_renamed(
    tab: Page, url: str
) -> None:
    tab.goto(f"{url}?page=teach&picture=membranes")
    expect(tab.locator("#teach-status")).to_contain_text("Press Train")
    tab.locator("#teach-step").click()
    expect(tab.locator("#teach-status")).to_contain_text("Paused")
    check(tab, "with a mask")
    tab.get_by_role("button", name="Clear this picture").click()
    expect(tab.locator("#teach-status [role=alert]")).to_contain_text("Nothing is painted")
    dress(tab, WIDE, dark=False)
    tab.get_by_role("button", name="Rename or remove").click()
    check(tab, "with a mistake and classes that are renamed")


def test_the_segment_page_has_none_after_an_error_with_a_stack_with_scores_and_in_dialogs(
    tab: Page, url: str, tmp_path: Path
) -> None:
    open_segment(tab, url, "example=membranes")
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
    dress(tab, WIDE, dark=False)
    tab.locator("#truth input[type=file]").set_input_files(truth)
    tab.locator("#viewer .layers").get_by_text("Errors").click()
    expect(tab.locator("#scores table")).to_be_visible()
    check(tab, "with scores")
    dress(tab, WIDE, dark=False)
    tab.get_by_role("button", name="Share").click()
    check(tab, "sharing")
    tab.keyboard.press("Escape")
    dress(tab, WIDE, dark=False)
    tab.get_by_label("Language", exact=True).select_option("ko")
    expect(tab.get_by_role("button", name="Stay here")).to_be_visible()
    check(tab, "before another language")
    tab.get_by_role("button", name="Stay here").click()


def test_a_segmentation_alone_has_none(tab: Page, url: str) -> None:
    open_segment(tab, url, "controls=0")
    check(tab, "a segmentation alone")


def test_axe_does_find_a_fault_where_there_is_one(page: Page) -> None:
    page.set_content("<html lang=en><title>t</title><p style='color:#aaa;background:#fff'>pale</p>")
    assert [fault.split()[0] for fault in faults(page)] == ["color-contrast"]
