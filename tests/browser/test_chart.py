"""The loss chart, driven in a browser, and what Python sends it."""

import json
import math

import gradio as gr
import numpy as np
import pytest
from handling import show_next_frame
from playwright.sync_api import Page, expect

from unet_demo.ui.components.chart import POINTS, Curve, chart, chart_value, thin_out

STEPS = range(1, 121)
FALLING = [1.2 * math.exp(-step / 40) for step in STEPS]


def run(label: str = "width 16", live: bool = True) -> Curve:
    return Curve(label, STEPS, FALLING, FALLING, [60, 120], [0.4, 0.25], live)


def diverging() -> Curve:
    return Curve("rate 1e3", [1, 2, 3, 4], [1.0, 2.0, math.nan, math.inf], live=True)


def reference() -> Curve:
    return Curve("the article", range(1, 11), np.linspace(1.1, 0.3, 10).tolist())


def checked(first: float) -> Curve:
    """A run whose first validation gave this loss."""
    return Curve("x", STEPS, FALLING, FALLING, [10, 60, 120], [first, 0.4, 0.25], live=True)


VALUES = {
    "checked": lambda: chart_value([checked(1.0)]),
    "checked too early": lambda: chart_value([checked(14.3)]),
    "one": lambda: chart_value([run()]),
    "two": lambda: chart_value([run("no skips", live=False), run()], reference()),
    "diverged": lambda: chart_value([diverging()]),
    "diverged at once": lambda: chart_value([Curve("x", [1], [math.nan], live=True)]),
    "one point": lambda: chart_value([Curve("x", [1], [0.7], live=True)]),
    "no point": lambda: chart_value([Curve("x", [], [], live=True)]),
    "negative": lambda: chart_value([Curve("x", [1, 2], [-1.0, 0.0], live=True)]),
    "clear": lambda: None,
}


@pytest.fixture(scope="module")
def address(serve_blocks) -> str:
    with gr.Blocks() as demo:
        shown, told = chart(), gr.Textbox(interactive=True, elem_id="told")
        for name, make in VALUES.items():
            gr.Button(name).click(
                lambda name=name, make=make: (make(), name),
                outputs=[shown, told],
                show_progress="hidden",
            )
    return serve_blocks(demo)


@pytest.fixture(scope="module")
def opened(tab: Page, address: str) -> Page:
    tab.goto(address)
    return tab


@pytest.fixture
def empty(opened: Page) -> Page:
    """The chart as it is before a run."""
    show(opened, "one")
    choose_scale(opened, "Linear")
    show(opened, "clear")
    return opened


def choose_scale(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def show(page: Page, name: str) -> None:
    """One of the values, until it has been drawn."""
    told = page.locator("#told :is(input, textarea)")
    told.fill("")
    page.get_by_role("button", name=name, exact=True).click()
    expect(told).to_have_value(name)
    show_next_frame(page)


def ink(page: Page) -> int:
    """How many pixels of the canvas are drawn on."""
    return page.evaluate("""() => {
        const canvas = document.querySelector(".chart canvas");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return pixels.data.filter((value, index) => index % 4 === 3 && value).length;
    }""")


def test_thinning_keeps_the_ends_and_the_extremes():
    losses = np.random.default_rng(0).normal(size=10_000)
    kept = thin_out(losses)
    assert len(kept) <= POINTS
    assert (kept[0], kept[-1]) == (0, 9_999)
    assert {losses.argmin(), losses.argmax()} <= set(kept.tolist())


def test_nan_and_infinity_end_the_line_and_stay_out_of_the_json():
    sent = chart_value([diverging()])["runs"][0]
    assert json.loads(sent["train"]) == [[1, 2], [1.0, 2.0]]
    assert sent["diverged"] == 3


def test_a_curve_with_a_loss_too_few_is_refused():
    with pytest.raises(ValueError, match="2 steps but 1 losses"):
        chart_value([Curve("x", [1, 2], [1.0])])


def test_the_read_out_shows_the_last_step_then_the_pointed_one(empty: Page):
    expect(empty.locator(".chart .notice")).to_have_text(
        "Press Train: the loss will be drawn here."
    )
    show(empty, "two")
    readout = empty.locator(".chart .readout")
    expect(readout).to_contain_text("step 120 — training 0.0597, smoothed 0.0597, validation 0.25")
    empty.locator(".chart canvas").hover(position={"x": 47, "y": 100})
    expect(readout).to_contain_text("step 1 — training 1.17")
    expect(readout).to_contain_text("no skips 1.17, the article 1.1")
    empty.locator(".chart canvas").press("End")
    expect(readout).to_contain_text("step 120")


def test_the_legend_names_every_run_and_the_reference(empty: Page):
    show(empty, "two")
    expect(empty.locator(".chart .legend li")).to_have_text(
        ["width 16", "training", "smoothed", "validation", "no skips", "the article"]
    )


def test_the_chosen_scale_survives_updates(empty: Page):
    show(empty, "one")
    log = empty.get_by_role("button", name="Log", exact=True)
    expect(log).to_have_attribute("aria-pressed", "false")
    choose_scale(empty, "Log")
    show(empty, "two")
    expect(empty.locator(".chart .legend li")).to_have_count(6)
    expect(log).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("name", ["one point", "diverged", "diverged at once"])
@pytest.mark.parametrize("scale", ["Linear", "Log"])
def test_few_and_broken_points_are_drawn(empty: Page, name: str, scale: str):
    show(empty, "one")
    choose_scale(empty, scale)
    drawn = empty.locator(".chart canvas").get_attribute("aria-label")
    show(empty, name)
    expect(empty.locator(".chart canvas")).not_to_have_attribute("aria-label", drawn or "")
    expect(empty.locator(".chart .notice")).to_be_empty()
    assert ink(empty) > 500


def test_no_point_leaves_the_empty_text_and_no_positive_one_says_so(empty: Page):
    show(empty, "negative")
    choose_scale(empty, "Log")
    expect(empty.locator(".chart .notice")).to_contain_text("No loss above zero")
    show(empty, "no point")
    expect(empty.locator(".chart .notice")).to_contain_text("Press Train")


def test_dark_mode_redraws_in_its_own_colours(empty: Page):
    show(empty, "one")
    drawn = "document.querySelector('.chart canvas').toDataURL()"
    light = empty.evaluate(drawn)
    show_next_frame(empty)
    assert empty.evaluate(drawn) == light
    empty.evaluate("document.body.classList.add('dark')")
    empty.wait_for_function(f"light => {drawn} !== light", arg=light)
    empty.evaluate("document.body.classList.remove('dark')")
    empty.wait_for_function(f"light => {drawn} === light", arg=light)


def test_a_divergence_is_told_to_a_screen_reader(page: Page, address: str):
    page.goto(address)
    show(page, "diverged")
    expect(page.locator(".chart canvas")).to_have_attribute(
        "aria-label", "Loss by training step: step 2, training loss 2, diverged at step 3"
    )
    expect(page.locator(".chart [role=status]")).to_contain_text("diverged at step 3")


def test_summaries_for_screen_readers_keep_five_seconds_apart(page: Page, address: str):
    page.clock.install()
    page.goto(address)
    expect(page.locator(".chart .notice")).to_contain_text("Press Train")
    page.evaluate("""() => {
        window.spokenAt = [];
        const note = () => window.spokenAt.push(performance.now());
        const status = document.querySelector(".chart [role=status]");
        new MutationObserver(note).observe(status, { childList: true });
    }""")
    spoken = page.locator(".chart [role=status]")
    show(page, "one")
    expect(spoken).to_have_text("step 120, training loss 0.0597, validation loss 0.25")
    show(page, "one point")
    page.clock.run_for(5_000)
    expect(spoken).to_have_text("step 1, training loss 0.7")
    first, second = page.evaluate("window.spokenAt")
    assert second - first >= 4_990


def test_the_address_chooses_the_language(page: Page, address: str):
    page.goto(f"{address}?lang=ko")
    expect(page.locator(".chart .notice")).to_contain_text("손실이 여기에 그려집니다")


LATER = """() => {
    const canvas = document.querySelector(".chart canvas"), { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(width * 0.6, 0, width * 0.4, height);
    return [...data].join();
}"""
"""What is drawn right of the second validation."""

MARK = """() => {
    const canvas = document.querySelector(".chart canvas"), ratio = devicePixelRatio;
    const x = 52 + ((canvas.clientWidth - 66) * 9) / 119;
    const place = [x - 4, 23, 40, 8].map((length) => length * ratio);
    const { data } = canvas.getContext("2d").getImageData(...place);
    return data.filter((value, index) => index % 4 === 3 && value).length;
}"""
"""How many pixels are drawn at the upper edge where the first validation is."""


def test_an_early_validation_sets_no_scale_and_is_clipped_with_a_mark(empty: Page):
    show(empty, "checked")
    later, bare = empty.evaluate(LATER), empty.evaluate(MARK)
    show(empty, "checked too early")
    assert empty.evaluate(f"later => ({LATER})() === later", later)
    assert empty.evaluate(MARK) > bare + 20
    empty.locator(".chart canvas").press("Home")
    expect(empty.locator(".chart .readout")).to_contain_text("validation 14.3")
