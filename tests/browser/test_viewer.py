"""The picture viewer, driven in a browser."""

import gradio as gr
import numpy as np
import pytest
from handling import show_next_frame
from playwright.sync_api import Locator, Page, Position, expect

from unet_demo.ui.components.viewer import DISPLAY_SIDE, repaint_value, viewer, viewer_value

CLASSES = ("background", "circle", "rectangle")
PALETTE = ((0, 0, 0), (230, 159, 0), (86, 180, 233))
SIDE = 32
TOKEN = "three/1"


def plain(colour: tuple[int, int, int], height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def shares(*per_class: float, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.stack([np.full((height, width), share, np.float32) for share in per_class])


def three_classes() -> dict:
    probabilities = shares(0.026, 0.971, 0.003)
    probabilities[:, 20, 10] = (0.2, 0.3, 0.5)
    picture, overlay = plain((90, 90, 90)), plain((230, 159, 0))
    return viewer_value(picture, overlay, CLASSES, PALETTE, probabilities, token=TOKEN)


def binary() -> dict:
    names = ("membrane", "cell interior")
    return viewer_value(plain((9, 9, 9)), plain((0, 0, 255)), names, PALETTE[:2], shares(0.93))


def huge() -> dict:
    picture = plain((50, 50, 50), 40, 2 * DISPLAY_SIDE)
    return viewer_value(picture, picture, CLASSES, PALETTE, shares(0, 0, 1, height=40, width=3200))


@pytest.fixture(scope="module")
def address(serve_blocks) -> str:
    with gr.Blocks() as demo:
        shown, told = viewer(), gr.Textbox(interactive=True, elem_id="told")
        values = {
            "three": three_classes,
            "binary": binary,
            "huge": huge,
            "repaint": lambda: repaint_value(plain((0, 158, 115)), TOKEN),
            "late repaint": lambda: repaint_value(plain((0, 158, 115)), "another/1"),
            "clear": lambda: None,
        }
        for name, make in values.items():
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
    """The viewer without a picture."""
    show(opened, "clear")
    expect(opened.locator(".viewer .empty")).to_be_visible()
    return opened


@pytest.fixture
def three(empty: Page) -> Page:
    """With a picture of three classes, the divider in its middle."""
    show(empty, "three")
    for key in ("Home", *5 * ["PageUp"]):
        empty.get_by_role("slider").press(key)
    return empty


def show(page: Page, name: str) -> None:
    """One of the values, until it has been drawn."""
    told = page.locator("#told :is(input, textarea)")
    told.fill("")
    page.get_by_role("button", name=name, exact=True).click()
    expect(told).to_have_value(name)
    show_next_frame(page)


def point(page: Page, x: int, y: int, columns: int = SIDE, rows: int = SIDE) -> Position:
    """Where the pixel's centre lies within the stage, in CSS pixels."""
    box = page.locator(".viewer .stage").bounding_box()
    assert box
    return {"x": (x + 0.5) * box["width"] / columns, "y": (y + 0.5) * box["height"] / rows}


def readout(page: Page) -> Locator:
    return page.locator(".viewer .readout")


def test_hover_names_the_three_likeliest_classes(three: Page):
    three.locator(".stage").hover(position=point(three, 3, 4))
    expect(readout(three)).to_have_text(
        "x 3, y 4 — circle 97.1 %, background 2.6 %, rectangle 0.3 %"
    )
    three.locator(".stage").hover(position=point(three, 10, 20))
    expect(readout(three)).to_have_text(
        "x 10, y 20 — rectangle 50.0 %, circle 30.0 %, background 20.0 %"
    )


def test_a_binary_task_reads_one_probability(empty: Page):
    show(empty, "binary")
    empty.locator(".stage").hover(position=point(empty, 0, 31))
    expect(readout(empty)).to_have_text("x 0, y 31 — P(cell interior) 0.93")


def test_a_picture_above_the_limit_keeps_its_own_coordinates(empty: Page):
    show(empty, "huge")
    empty.locator(".stage").focus()
    empty.keyboard.press("ArrowRight")
    expect(readout(empty)).to_contain_text("x 1603, y 21 — rectangle 100.0 %")


def test_the_divider_answers_to_keys_and_mouse(three: Page):
    slider = three.get_by_role("slider")
    expect(slider).to_have_attribute("aria-valuenow", "50")
    slider.focus()
    for key, expected in (("ArrowRight", "51"), ("Home", "0"), ("End", "100"), ("PageDown", "90")):
        three.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuenow", expected)
    grip = three.locator(".viewer .grip").bounding_box()
    stage = three.locator(".viewer .stage").bounding_box()
    assert grip and stage
    three.mouse.move(grip["x"] + 22, grip["y"] + 22)
    three.mouse.down()
    three.mouse.move(stage["x"] + stage["width"] / 4, grip["y"] + 22, steps=4)
    three.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")


def test_a_repaint_keeps_picture_divider_and_pin(three: Page):
    three.get_by_role("slider").press("PageUp")
    three.locator(".stage").click(position=point(three, 10, 20))
    pinned = "pinned x 10, y 20 — rectangle 50.0 %, circle 30.0 %, background 20.0 %"
    expect(readout(three)).to_have_text(pinned)
    overlay = three.locator(".viewer .after")
    picture = three.locator(".viewer .before").get_attribute("src")
    before = overlay.get_attribute("src")
    show(three, "repaint")
    expect(overlay).not_to_have_attribute("src", before or "")
    expect(three.locator(".viewer .before")).to_have_attribute("src", picture or "")
    expect(three.get_by_role("slider")).to_have_attribute("aria-valuenow", "60")
    expect(readout(three)).to_have_text(pinned)
    show(three, "three")
    expect(overlay).to_have_attribute("src", before or "")
    expect(readout(three)).to_have_text(pinned)


def test_a_repaint_for_another_picture_of_the_same_size_is_dropped(three: Page):
    overlay = three.locator(".viewer .after")
    before = overlay.get_attribute("src")
    show(three, "late repaint")
    expect(overlay).to_have_attribute("src", before or "")
    show(three, "repaint")
    expect(overlay).not_to_have_attribute("src", before or "")


def test_escape_and_a_click_on_the_pin_release_it(three: Page):
    stage = three.locator(".stage")
    stage.click(position=point(three, 4, 4))
    expect(readout(three)).to_contain_text("pinned x 4, y 4")
    three.keyboard.press("Escape")
    expect(readout(three)).to_contain_text("click to pin")
    stage.press("Enter")
    stage.press("Enter")
    expect(readout(three)).not_to_contain_text("pinned")


def test_nothing_below_moves_from_empty_to_result_to_read_out(empty: Page):
    def height() -> float:
        box = empty.locator(".viewer").bounding_box()
        assert box
        return box["height"]

    before = height()
    show(empty, "three")
    expect(empty.locator(".viewer[data-empty]")).to_have_count(0)
    assert height() == pytest.approx(before, abs=1)
    empty.locator(".stage").hover(position=point(empty, 3, 4))
    assert height() == pytest.approx(before, abs=1)
    show(empty, "clear")
    expect(empty.locator(".viewer .empty")).to_be_visible()
    assert height() == pytest.approx(before, abs=1)


def test_the_address_chooses_the_language(page: Page, address: str):
    page.goto(f"{address}?lang=ko")
    show(page, "three")
    page.locator(".stage").hover(position=point(page, 3, 4))
    expect(readout(page)).to_have_text("x 3, y 4 — 원 97.1 %, 배경 2.6 %, 사각형 0.3 %")


def test_small_pictures_are_enlarged_with_square_pixels(three: Page):
    box = three.locator(".viewer .stage").bounding_box()
    assert box and box["width"] > 10 * SIDE
    expect(three.locator(".viewer .after")).to_have_css("image-rendering", "pixelated")
