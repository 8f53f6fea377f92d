"""Nothing jumps while something is under way, and no number leaves its tile."""

from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
from handling import (
    NOTE_SHIFTS,
    TINY,
    choose_checkpoint,
    open_segment,
    open_train,
    press,
    show_next_frame,
)
from playwright.sync_api import Page, expect

from unet_demo.data.shapes import SceneOptions
from unet_demo.live.run import LiveRun, Snapshot, Validation
from unet_demo.live.settings import LiveSettings
from unet_demo.ui.serve import head
from unet_demo.ui.train.views import readings

SETTLING_MS = 1500

SHIFTED_AT_MOST = 0.02

TRAIN_PARTS = [
    ".train-buttons", "#train-step", "#train-reset", "#train-status", "#train-readings",
    "#train-chart .plot", "#train-u .drawing", "#train-scenes .cells", "#train-experiment",
    "#train-editor", "#train-downloads", "#train-drawn", "#train-drawn-note",
]  # fmt: skip

SEGMENT_PARTS = [
    "#segment-status", "#viewer .stage", "#legend", "#opacity", "#downloads", "#checkpoint",
    "#looks-for", "#picture", "#examples",
]  # fmt: skip

NOTE_PLACES = """(parts) => {
  window.shifted = 0;
  const places = (window.places = Object.fromEntries(parts.map((part) => [part, []])));
  const note = () => {
    for (const part of parts) {
      const { left, top, width, height } = document.querySelector(part).getBoundingClientRect();
      const place = width ? [left, top + scrollY, width, height].map(Math.round).join(" ") : "folded";
      if (places[part].at(-1) !== place) places[part].push(place);
    }
    requestAnimationFrame(note);
  };
  note();
}"""
"""Notes in each frame where the parts are, on the page and not in its window."""


SCROLLS_SIDEWAYS = """(part) => [part, `${part} :is(th, td)`]
  .flatMap((selector) => [...document.querySelectorAll(selector)])
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""
"""What a part shows that is wider than its place."""


def watch(page: Page, parts: list[str]) -> None:
    """From now on; what the opening page itself sets has come to rest."""
    page.wait_for_timeout(SETTLING_MS)
    page.evaluate(NOTE_PLACES, parts)


def check(page: Page) -> None:
    page.wait_for_timeout(300)
    places = page.evaluate("window.places")
    moved = {part: seen for part, seen in places.items() if len(seen) > 1}
    assert not moved, "\n".join(f"{part}: {' → '.join(seen)}" for part, seen in moved.items())
    assert page.evaluate("window.shifted") < SHIFTED_AT_MOST


def test_nothing_jumps_from_before_a_run_to_after_it_nor_in_a_second_run_on_a_phone(
    page: Page, url: str
) -> None:
    page.add_init_script(NOTE_SHIFTS)
    open_train(page, url, f"{TINY}&steps=30")
    drawn = page.locator("#train-drawn img")
    watch(page, [*TRAIN_PARTS, "#train-forget"])
    press(page, "start")
    expect(page.locator("#train-status")).to_contain_text("Finished")
    expect(drawn).to_be_visible()
    check(page)
    page.locator("#skips input").uncheck()
    page.set_viewport_size({"width": 360, "height": 740})
    watch(page, TRAIN_PARTS)
    press(page, "start")
    expect(page.locator("#train-runs tbody tr")).to_have_count(2)
    expect(page.locator("#train-status")).to_contain_text("Finished")
    check(page)
    assert page.evaluate(SCROLLS_SIDEWAYS, "#train-runs") == []


def test_nothing_jumps_when_a_run_breaks_wide_and_on_a_phone(page: Page, url: str) -> None:
    page.add_init_script(NOTE_SHIFTS)
    open_train(page, url, f"{TINY}&steps=30&rate=1000&optimiser=SGD")
    for width in (1366, 360):
        page.set_viewport_size({"width": width, "height": 900})
        watch(page, TRAIN_PARTS)
        press(page, "start")
        expect(page.locator("#train-status [role=alert]")).to_contain_text("lower rate")
        expect(page.locator("#train-reset")).to_be_enabled()
        check(page)
        press(page, "reset")
        expect(page.locator("#train-reset")).to_be_disabled()


def test_nothing_jumps_when_another_checkpoint_segments_the_picture(page: Page, url: str) -> None:
    page.add_init_script(NOTE_SHIFTS)
    open_segment(page, url, "example=membranes")
    for width, other in (
        (1366, "Cell membranes, with elastic deformation"),
        (360, "Cell membranes (ISBI 2012)"),
    ):
        page.set_viewport_size({"width": width, "height": 900})
        if width == 360:
            page.locator(".phone-bar .more").click()
        watch(page, SEGMENT_PARTS)
        choose_checkpoint(page, other)
        expect(page.locator("#segment-status")).to_contain_text(other)
        check(page)


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1280, 720)])
def test_picture_sliders_bars_and_readout_share_the_first_screen(
    stack_shown: Page, width: int, height: int
) -> None:
    stack_shown.set_viewport_size({"width": width, "height": height})
    for part in (
        "#viewer .stage", "#viewer .readout", "#viewer .layers", "#slice", "#threshold", "#opacity",
        "#style", "#legend table", "#looks-for", "#guess", "#examples", "#segment-status", "#scores",
    ):  # fmt: skip
        expect(stack_shown.locator(part)).to_be_in_viewport(ratio=1)
    stage = stack_shown.locator("#viewer .stage").bounding_box()
    assert stage and stage["height"] >= 500
    line = stack_shown.locator(".view-line").bounding_box()
    assert line and line["height"] <= 44


@pytest.fixture(scope="module")
def stack_shown(tab: Page, url: str) -> Page:
    """The page with as many sliders as it has."""
    open_segment(tab, url, "example=stack")
    return tab


def widest() -> Snapshot:
    """A run that exploded, with the longest numbers that a person may meet."""
    run = LiveRun(LiveSettings(SceneOptions(size=64), width=8, batch=1, steps=5000))
    return replace(
        run.snapshot(),
        state="running",
        step=5000,
        losses=(1.378e12,),
        validation=Validation(5000, 1.0, 0.794, 1.0, np.zeros((4, 64, 64), np.uint8), np.zeros(0)),
        seconds=5000 / 0.0123,
        seconds_left=3599,
        device="cuda:0",
    )


@pytest.fixture(scope="module")
def address_of_readings(serve_blocks) -> str:
    with (
        gr.Blocks(fill_width=True) as demo,
        gr.Row(elem_classes="train-page"),
        gr.Column(min_width=280, elem_classes="start"),
    ):
        gr.HTML(readings(widest(), "en"))
    return serve_blocks(demo, head=head())


@pytest.mark.parametrize(
    ("query", "sizes"),
    [
        ("page=train", [(360, 740), (1366, 900)]),
        ("page=train&controls=0", [(360, 740), (800, 600), (960, 540)]),
    ],
)
def test_a_loss_that_exploded_stays_in_its_tile(
    page: Page, address_of_readings: str, query: str, sizes: list[tuple[int, int]]
) -> None:
    page.goto(f"{address_of_readings}?{query}")
    expect(page.locator("[data-reading=loss] dd")).to_contain_text("1.378")
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        leaving = page.eval_on_selector_all(
            ".readings dd",
            "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)",
        )
        assert leaving == [], (width, height)


MOVING = [
    ".train-buttons", "#train-readings", "#train-u .drawing", "#train-chart .plot",
    "#train-scenes .cells",
]  # fmt: skip
"""What moves in a run, and what is pressed meanwhile."""

IN_SIGHT = """(parts) => parts.map((part) => {
  const box = document.querySelector(part).getBoundingClientRect();
  const inside = box.left >= 0 && box.right <= innerWidth && box.top >= 0 && box.bottom <= innerHeight;
  return [part, box.width > 0 && inside, [box.left, box.top, box.right, box.bottom].map(Math.round)];
}).filter(([, inside]) => !inside)"""
"""The parts that are not wholly inside the first screen, and where they are."""

CLASHES = """(parts) => {
  const boxes = parts.map((part) => document.querySelector(part).getBoundingClientRect());
  const aside = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 1;
  const apart = (a, b) => aside(a, b) || aside(b, a);
  return parts.flatMap((part, at) => parts.slice(at + 1)
    .filter((_, next) => !apart(boxes[at], boxes[at + 1 + next])).map((other) => [part, other]));
}"""
"""The parts that lie over each other."""


def outside(page: Page, parts: list[str]) -> list[object]:
    page.evaluate("scrollTo(0, 0)")
    show_next_frame(page)
    assert page.evaluate(CLASHES, parts) == []
    return page.evaluate(IN_SIGHT, parts)


def test_all_that_moves_in_a_run_is_in_sight_on_one_screen(tab: Page, url: str) -> None:
    open_train(tab, url, f"{TINY}&steps=5")
    press(tab, "start")
    expect(tab.locator("#train-drawn img")).to_be_visible()
    for width, height in ((1366, 768), (1280, 720), (1920, 1080)):
        tab.set_viewport_size({"width": width, "height": height})
        strip = ["#preset", "#network", "#width", "#skips", "#batch-norm", "#train-more"]
        shown = [*MOVING, "#train-status", "#train-drawn-note", "#train-editor", *strip]
        assert outside(tab, shown) == [], (width, height)
        box = tab.locator("#train-chart canvas").bounding_box()
        assert box and box["width"] >= 440 and box["height"] >= 240
        assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_on_a_phone_all_but_the_u_is_in_sight_and_nothing_scrolls_sideways(tab: Page) -> None:
    tab.set_viewport_size({"width": 360, "height": 780})
    expect(tab.locator("#train-u .u")).to_have_attribute("data-form", "upright")
    parts = [part for part in MOVING if part != "#train-u .drawing"]
    assert outside(tab, [*parts, "#preset", "#train-status"]) == []
    assert (
        tab.evaluate(CLASHES, [*MOVING, "#train-experiment", "#train-editor", "#train-runs"]) == []
    )
    assert tab.evaluate("document.documentElement.scrollWidth") == 360


def test_the_page_alone_shows_the_u_the_chart_and_the_scenes(tab: Page, url: str) -> None:
    open_train(tab, url, f"{TINY}&steps=5&controls=0")
    press(tab, "start")
    expect(tab.locator("#train-scenes img[data-column=errors]").last).to_be_visible()
    for width, height in ((960, 540), (960, 720), (800, 600), (1920, 1080)):
        tab.set_viewport_size({"width": width, "height": height})
        assert outside(tab, MOVING) == [], (width, height)
