"""The picture viewer, driven in a browser."""

import gradio as gr
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Position, expect

from unet_demo.ui.viewer import DISPLAY_SIDE, repaint_value, viewer, viewer_value

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
        shown = viewer()
        values = {
            "three": three_classes,
            "binary": binary,
            "huge": huge,
            "repaint": lambda: repaint_value(plain((0, 158, 115)), TOKEN),
            "late repaint": lambda: repaint_value(plain((0, 158, 115)), "another/1"),
            "clear": lambda: None,
        }
        for name, make in values.items():
            gr.Button(name).click(make, outputs=shown, show_progress="hidden")
    return serve_blocks(demo)


def show(page: Page, address: str, name: str) -> None:
    page.goto(address)
    press(page, name)
    expect(page.locator(".viewer[data-empty]")).to_have_count(0)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def point(page: Page, x: int, y: int, columns: int = SIDE, rows: int = SIDE) -> Position:
    """Where the pixel's centre lies within the stage, in CSS pixels."""
    box = page.locator(".viewer .stage").bounding_box()
    assert box
    return {"x": (x + 0.5) * box["width"] / columns, "y": (y + 0.5) * box["height"] / rows}


def readout(page: Page) -> Locator:
    return page.locator(".viewer .readout")


def test_hover_names_the_three_likeliest_classes(page: Page, address: str):
    show(page, address, "three")
    page.locator(".stage").hover(position=point(page, 3, 4))
    expect(readout(page)).to_have_text(
        "x 3, y 4 — circle 97.1 %, background 2.6 %, rectangle 0.3 %"
    )
    page.locator(".stage").hover(position=point(page, 10, 20))
    expect(readout(page)).to_have_text(
        "x 10, y 20 — rectangle 50.0 %, circle 30.0 %, background 20.0 %"
    )


def test_a_binary_task_reads_one_probability(page: Page, address: str):
    show(page, address, "binary")
    page.locator(".stage").hover(position=point(page, 0, 31))
    expect(readout(page)).to_have_text("x 0, y 31 — P(cell interior) 0.93")


def test_a_picture_above_the_limit_keeps_its_own_coordinates(page: Page, address: str):
    show(page, address, "huge")
    page.locator(".stage").focus()
    page.keyboard.press("ArrowRight")
    expect(readout(page)).to_contain_text("x 1603, y 21 — rectangle 100.0 %")


def test_the_divider_answers_to_keys_and_mouse(page: Page, address: str):
    show(page, address, "three")
    slider = page.get_by_role("slider")
    expect(slider).to_have_attribute("aria-valuenow", "50")
    slider.focus()
    for key, expected in (("ArrowRight", "51"), ("Home", "0"), ("End", "100"), ("PageDown", "90")):
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuenow", expected)
    grip = page.locator(".viewer .grip").bounding_box()
    stage = page.locator(".viewer .stage").bounding_box()
    assert grip and stage
    page.mouse.move(grip["x"] + 22, grip["y"] + 22)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] / 4, grip["y"] + 22, steps=4)
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")


def test_a_repaint_keeps_picture_divider_and_pin(page: Page, address: str):
    show(page, address, "three")
    page.get_by_role("slider").press("PageUp")
    page.locator(".stage").click(position=point(page, 10, 20))
    pinned = "pinned x 10, y 20 — rectangle 50.0 %, circle 30.0 %, background 20.0 %"
    expect(readout(page)).to_have_text(pinned)
    overlay = page.locator(".viewer .after")
    picture = page.locator(".viewer .before").get_attribute("src")
    before = overlay.get_attribute("src")
    press(page, "repaint")
    expect(overlay).not_to_have_attribute("src", before or "")
    expect(page.locator(".viewer .before")).to_have_attribute("src", picture or "")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", "60")
    expect(readout(page)).to_have_text(pinned)
    press(page, "three")
    expect(overlay).to_have_attribute("src", before or "")
    expect(readout(page)).to_have_text(pinned)


def test_a_repaint_for_another_picture_of_the_same_size_is_dropped(page: Page, address: str):
    show(page, address, "three")
    overlay = page.locator(".viewer .after")
    before = overlay.get_attribute("src")
    press(page, "late repaint")
    page.wait_for_timeout(500)
    expect(overlay).to_have_attribute("src", before or "")
    press(page, "repaint")
    expect(overlay).not_to_have_attribute("src", before or "")


def test_escape_and_a_click_on_the_pin_release_it(page: Page, address: str):
    show(page, address, "three")
    stage = page.locator(".stage")
    stage.click(position=point(page, 4, 4))
    expect(readout(page)).to_contain_text("pinned x 4, y 4")
    page.keyboard.press("Escape")
    expect(readout(page)).to_contain_text("click to pin")
    stage.press("Enter")
    stage.press("Enter")
    expect(readout(page)).not_to_contain_text("pinned")


def test_nothing_below_moves_from_empty_to_result_to_read_out(page: Page, address: str):
    page.goto(address)
    expect(page.locator(".viewer .empty")).to_be_visible()

    def height() -> float:
        box = page.locator(".viewer").bounding_box()
        assert box
        return box["height"]

    empty = height()
    press(page, "three")
    expect(page.locator(".viewer[data-empty]")).to_have_count(0)
    assert height() == pytest.approx(empty, abs=1)
    page.locator(".stage").hover(position=point(page, 3, 4))
    assert height() == pytest.approx(empty, abs=1)
    press(page, "clear")
    expect(page.locator(".viewer .empty")).to_be_visible()
    assert height() == pytest.approx(empty, abs=1)


def test_the_address_chooses_the_language(page: Page, address: str):
    show(page, f"{address}?lang=ko", "three")
    page.locator(".stage").hover(position=point(page, 3, 4))
    expect(readout(page)).to_have_text("x 3, y 4 — 원 97.1 %, 배경 2.6 %, 사각형 0.3 %")


def test_small_pictures_are_enlarged_with_square_pixels(page: Page, address: str):
    show(page, address, "three")
    box = page.locator(".viewer .stage").bounding_box()
    assert box and box["width"] > 10 * SIDE
    expect(page.locator(".viewer .after")).to_have_css("image-rendering", "pixelated")
