"""The picture to paint on, with a mouse, a finger and the keyboard, in a real Chromium."""

from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from unet_demo.ui.components.brush import SIDE, brush, brush_value, painted, strokes_of

PICTURE = np.full((64, 64, 3), 200, np.uint8)


@pytest.fixture(scope="module")
def sent() -> list[dict[str, Any]]:
    """What the server was sent, the newest last."""
    return []


@pytest.fixture(scope="module")
def address(serve_blocks: Callable[..., str], sent: list[dict[str, Any]]) -> str:
    def take(value: dict[str, Any]) -> str:
        sent.append(value)
        return str(len(sent))

    with gr.Blocks() as demo:
        paper = brush(elem_id="paper")
        count = gr.Textbox(elem_id="count")
        paper.input(take, paper, count, show_progress="hidden")
        demo.load(lambda: brush_value(PICTURE), None, paper)
    return serve_blocks(demo)


@pytest.fixture
def opened(tab: Page, address: str, sent: list[dict[str, Any]]) -> Page:
    sent.clear()
    tab.goto(address)
    expect(tab.locator("#paper img")).to_be_visible()
    return tab


def choose(page: Page, name: str) -> None:
    page.locator("#paper").get_by_role("radio", name=name).check(force=True)


def expect_sent(page: Page, times: int) -> None:
    expect(page.locator("#count :is(input, textarea)")).to_have_value(str(times))


def drag(page: Page, *points: tuple[float, float]) -> None:
    """Points as shares of the canvas."""
    box = canvas(page).bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up()


def canvas(page: Page) -> Locator:
    return page.locator("#paper canvas")


def pixel(value: dict[str, Any], x: float, y: float) -> tuple[int, ...]:
    return tuple(int(part) for part in strokes_of(value)[int(y * SIDE), int(x * SIDE)])


def test_a_stroke_is_sent_once_when_it_has_ended(opened: Page, sent: list[dict[str, Any]]) -> None:
    drag(opened, (0.2, 0.5), (0.5, 0.5), (0.8, 0.5))
    expect_sent(opened, 1)
    assert pixel(sent[0], 0.5, 0.5) == (220, 40, 40, 255)
    assert pixel(sent[0], 0.5, 0.9)[3] == 0
    picture = painted(sent[0], 64)
    assert picture[32, 32].tolist() == [220, 40, 40] and picture[60, 32].tolist() == [200] * 3


def test_shapes_colours_the_eraser_undo_and_clear(opened: Page, sent: list[dict[str, Any]]) -> None:
    choose(opened, "Rectangle")
    choose(opened, "blue")
    drag(opened, (0.2, 0.2), (0.8, 0.8))
    expect_sent(opened, 1)
    assert pixel(sent[-1], 0.25, 0.75) == (40, 100, 220, 255)
    choose(opened, "Eraser")
    drag(opened, (0.4, 0.5), (0.6, 0.5))
    expect_sent(opened, 2)
    assert pixel(sent[-1], 0.5, 0.5)[3] == 0
    opened.get_by_role("button", name="Undo").click()
    expect_sent(opened, 3)
    assert pixel(sent[-1], 0.5, 0.5)[3] == 255
    opened.get_by_role("button", name="Clear").click()
    expect_sent(opened, 4)
    assert not strokes_of(sent[-1]).any()


def test_the_keyboard_draws_a_circle_and_escape_takes_a_stroke_back(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    choose(opened, "Circle")
    for key in ("Space", "Shift+ArrowRight", "Shift+ArrowRight"):
        canvas(opened).press(key)
    expect(opened.locator("#paper [role=status]")).to_have_text("x 256, y 192, pen down")
    canvas(opened).press("Escape")
    for key in ("Space", "Shift+ArrowLeft", "Space"):
        canvas(opened).press(key)
    expect_sent(opened, 1)
    assert pixel(sent[0], 0.6, 0.5)[3] == 255 and pixel(sent[0], 0.75, 0.5)[3] == 0


@pytest.mark.parametrize(
    "forged", [None, 7, "data:image/png;base64,AAAA", "data:image/png;base64,??", "x"]
)
def test_what_no_brush_sends_is_refused(forged: object) -> None:
    with pytest.raises(ValueError, match="drawing"):
        painted({**brush_value(PICTURE), "picture": forged}, 64)
