"""The picture viewer, driven in a browser."""

from collections.abc import Callable

import gradio as gr
import numpy as np
import pytest
from handling import show_next_frame
from playwright.sync_api import Locator, Page, Position, expect

from unet_demo.tasks import ISBI, SHAPES, VOID_COLOUR
from unet_demo.ui.components.viewer import DISPLAY_SIDE, legend, viewer, viewer_value

SIDE = 32


def plain(colour: tuple[int, int, int], height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def shares(*per_class: float, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.stack([np.full((height, width), share, np.float32) for share in per_class])


def three_classes(made: float = 2, slice: int = 1) -> dict:
    probabilities = shares(0.026, 0.971, 0.003)
    probabilities[:, 20, 10] = (0.2, 0.3, 0.5)
    picture = plain((90, 90, 90 * slice))
    return viewer_value(picture, probabilities, SHAPES, made=made, slice=slice, slices=2)


def judged() -> dict:
    """Three classes of which the right half is wrong, painted in one colour."""
    truth = np.where(np.arange(SIDE) < SIDE // 2, 1, 2).astype(np.uint8)[None].repeat(SIDE, axis=0)
    return viewer_value(
        plain((90, 90, 90)), shares(0.1, 0.9, 0), SHAPES, truth=truth, painted=plain((7, 8, 9))
    )


def halves() -> dict:
    """A rectangle to the left of a circle, and a speck of no name."""
    probabilities = shares(0.1, 0.9, 0)
    probabilities[:, :, : SIDE // 2] = np.array([0.1, 0, 0.9])[:, None, None]
    probabilities[:, 0, 0] = (0.1, 0.9, 0)
    return viewer_value(plain((9, 9, 9)), probabilities, SHAPES)


def binary(void: np.ndarray | None = None) -> dict:
    """Of membranes in the upper half, at 0.4."""
    membrane = shares(0.93)
    membrane[:, : SIDE // 2] = 0.4
    return viewer_value(plain((9, 9, 9)), membrane, ISBI, void=void)


def upper_half() -> np.ndarray:
    return np.arange(SIDE)[:, None].repeat(SIDE, axis=1) < SIDE // 2


def huge() -> dict:
    picture = plain((50, 50, 50), 40, 2 * DISPLAY_SIDE)
    return viewer_value(picture, shares(0, 0, 1, height=40, width=2 * DISPLAY_SIDE), SHAPES)


def noise(side: int) -> dict:
    """The worst that there is to paint: a pixel is unlike its neighbours."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (side, side, 1), np.uint8)
    return viewer_value(picture, rng.random((1, side, side), np.float32), ISBI)


@pytest.fixture(scope="module")
def address(serve_blocks: Callable[..., str]) -> str:
    with gr.Blocks() as demo:
        shown, told = viewer(), gr.Textbox(interactive=True, elem_id="told")
        legend(elem_id="legend")
        shown.ask(
            lambda: (three_classes(slice=2), "asked"), outputs=[shown, told], show_progress="hidden"
        )
        shown.rested(lambda: "rested", outputs=told, show_progress="hidden")
        values = {
            "three": three_classes,
            "binary": binary,
            "judged": judged,
            "halves": halves,
            "void": lambda: binary(upper_half()),
            "huge": huge,
            "another": lambda: three_classes(made=3),
            "late": lambda: three_classes(made=1, slice=2),
            "512": lambda: noise(512),
            "1600": lambda: noise(1600),
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


def look(page: Page, **view: object) -> None:
    """Look at the result otherwise, as the page's sliders have it."""
    page.evaluate(
        """(detail) => document.querySelector(".viewer")
          .dispatchEvent(new CustomEvent("look", { detail }))""",
        view,
    )


def pixel(page: Page, layer: str, x: int, y: int) -> list[int]:
    """Red, green, blue and alpha of a canvas."""
    return page.evaluate(
        """([layer, x, y]) => [...document.querySelector(`.viewer .${layer}`)
          .getContext("2d").getImageData(x, y, 1, 1).data]""",
        [layer, x, y],
    )


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


def test_each_class_has_its_colour_and_the_background_none(three: Page):
    assert pixel(three, "fill", 3, 4) == [*SHAPES.palette[1], 255]
    assert pixel(three, "fill", 10, 20) == [*SHAPES.palette[2], 255]
    show(three, "binary")
    look(three, threshold=0.95)
    assert pixel(three, "fill", 3, 30) == [*ISBI.palette[0], 255]


def test_what_has_no_label_has_the_colour_of_void_and_is_in_no_class(empty: Page):
    show(empty, "void")
    assert pixel(empty, "fill", 3, 4) == [*VOID_COLOUR, 255]
    table = empty.locator("#legend tbody tr")
    expect(table).to_have_text(["cell interior50.0%93.0%"])


def test_the_legend_follows_the_threshold(empty: Page):
    show(empty, "binary")
    table = empty.locator("#legend tbody tr")
    expect(table).to_have_text(["membrane50.0%60.0%", "cell interior50.0%93.0%"])
    look(empty, threshold=0.4)
    expect(table).to_have_text(["cell interior100.0%66.5%"])
    assert pixel(empty, "fill", 3, 4)[3] == 0
    show(empty, "clear")
    expect(empty.locator("#legend table")).to_be_hidden()


def test_a_style_shows_colours_or_outlines_or_both(three: Page):
    fill, outline = three.locator(".viewer .fill"), three.locator(".viewer .outline")
    expect(outline).to_be_hidden()
    look(three, style="outline", opacity=0.25)
    expect(fill).to_be_hidden()
    assert pixel(three, "outline", 10, 20) == [255] * 4
    assert pixel(three, "outline", 11, 20) == [255] * 4
    assert pixel(three, "outline", 12, 20) == [0, 0, 0, 255]
    assert pixel(three, "outline", 11, 21) == [0, 0, 0, 255]
    assert pixel(three, "outline", 13, 20) == [0] * 4
    look(three, style="both")
    expect(outline).to_be_visible()
    expect(fill).to_have_css("opacity", "0.25")
    look(three, style="fill", opacity=0.6)


def test_another_look_keeps_picture_divider_and_pin(three: Page):
    three.get_by_role("slider").press("PageUp")
    three.locator(".stage").click(position=point(three, 10, 20))
    pinned = "pinned x 10, y 20 — rectangle 50.0 %, circle 30.0 %, background 20.0 %"
    expect(readout(three)).to_have_text(pinned)
    picture = three.locator(".viewer .before").get_attribute("src") or ""
    look(three, threshold=0.2, opacity=0.3)
    show(three, "another")
    expect(three.locator(".viewer .before")).to_have_attribute("src", picture)
    expect(three.get_by_role("slider")).to_have_attribute("aria-valuenow", "60")
    expect(readout(three)).to_have_text(pinned)


def test_a_slice_is_asked_for_once(three: Page):
    picture, told = three.locator(".viewer .before"), three.locator("#told :is(input, textarea)")
    first = picture.get_attribute("src") or ""
    look(three, slice=2)
    expect(told).to_have_value("asked")
    expect(picture).not_to_have_attribute("src", first)
    told.fill("")
    look(three, slice=1)
    expect(picture).to_have_attribute("src", first)
    look(three, slice=2)
    expect(picture).not_to_have_attribute("src", first)
    expect(told).to_have_value("")


def test_what_comes_late_of_an_earlier_result_is_dropped(three: Page):
    show(three, "late")
    picture = three.locator(".viewer .before")
    first = picture.get_attribute("src") or ""
    look(three, slice=2)
    expect(three.locator("#told :is(input, textarea)")).to_have_value("asked")
    expect(picture).not_to_have_attribute("src", first)


def test_it_tells_that_a_scored_threshold_has_come_to_rest(three: Page):
    told = three.locator("#told :is(input, textarea)")
    look(three, threshold=0.3, scored=True)
    expect(told).to_have_value("rested")


@pytest.mark.parametrize("side", [512, 1600])
def test_a_repaint_asks_the_server_nothing(empty: Page, side: int):
    show(empty, str(side))
    expect(empty.locator("#legend tbody tr")).to_have_count(2)
    requests: list[str] = []
    empty.on("request", lambda request: requests.append(request.url))
    look(empty, style="both")
    for what, values in {
        "threshold": [{"threshold": 0.3 + number / 50} for number in range(20)],
        "opacity": [{"opacity": number / 20} for number in range(20)],
    }.items():
        milliseconds = empty.evaluate(
            """async (views) => {
              const viewer = document.querySelector(".viewer"), taken = [];
              for (const detail of views) {
                await new Promise(requestAnimationFrame);
                const begun = performance.now();
                viewer.dispatchEvent(new CustomEvent("look", { detail }));
                taken.push(performance.now() - begun);
              }
              return taken.sort((one, other) => one - other);
            }""",
            values,
        )
        middle, longest = milliseconds[len(milliseconds) // 2], milliseconds[-1]
        print(f"{side}², {what}: {middle:.1f} ms, at most {longest:.1f} ms")
    look(empty, style="fill", opacity=0.6)
    assert not [url for url in requests if not url.startswith("data:")]


def test_escape_and_a_click_on_the_pin_release_it(three: Page):
    stage = three.locator(".stage")
    stage.click(position=point(three, 4, 4))
    expect(readout(three)).to_contain_text("pinned x 4, y 4")
    three.keyboard.press("Escape")
    expect(readout(three)).to_contain_text("click to pin it")
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


def test_errors_and_painted_colours_are_further_layers(empty: Page):
    show(empty, "judged")
    layers = empty.locator(".viewer .layers")
    expect(layers.locator("label")).to_have_text(["Mask", "Errors", "Painted"])
    layers.locator("input").first.press("ArrowRight")
    expect(empty.locator(".viewer .fill")).to_be_hidden()
    assert pixel(empty, "errors", 4, 4)[3] == 128  # paler
    assert pixel(empty, "errors", SIDE - 4, 4) == [230, 30, 30, 255]
    layers.get_by_text("Painted").click()
    expect(empty.locator(".viewer .painted")).to_be_visible()
    show(empty, "halves")
    expect(layers).to_be_hidden()
    expect(empty.locator(".viewer .fill")).to_be_visible()


def test_each_class_is_named_where_its_largest_patch_is(empty: Page):
    show(empty, "halves")
    names = empty.locator(".viewer .names span")
    expect(names).to_have_count(2)
    places = {}
    for name in names.all():
        box, stage = name.bounding_box(), empty.locator(".viewer .stage").bounding_box()
        assert box and stage
        places[name.inner_text()] = (box["x"] + box["width"] / 2 - stage["x"]) / stage["width"]
    assert 0.1 < places["rectangle"] < 0.4 and 0.6 < places["circle"] < 0.9


def test_wheel_and_keys_zoom_and_the_picture_is_dragged(three: Page):
    stage, whole = three.locator(".viewer .stage"), three.locator(".viewer .unzoom")
    stage.hover(position=point(three, 8, 8))
    three.mouse.wheel(0, -400)
    expect(whole).to_have_text("2.2×")
    expect(readout(three)).to_contain_text("x 8, y 8")  # what is under the pointer stays there
    box = stage.bounding_box()
    assert box
    three.mouse.down()
    three.mouse.move(box["x"] + box["width"] * 0.27 - 80, box["y"] + box["height"] * 0.27, steps=4)
    three.mouse.up()
    expect(readout(three)).to_contain_text("x 8, y 8")  # it came along
    expect(readout(three)).not_to_contain_text("pinned")
    stage.press("+")
    expect(whole).to_have_text("3.3×")
    stage.press("-")
    expect(whole).to_have_text("2.2×")
    stage.press("0")
    expect(whole).to_be_hidden()


def test_two_fingers_zoom(three: Page):
    three.locator(".viewer .stage").evaluate(
        """(stage) => {
          const { left, top, width, height } = stage.getBoundingClientRect();
          const finger = (type, pointerId, x) => stage.dispatchEvent(new PointerEvent(type, {
            pointerId, clientX: left + x * width, clientY: top + height / 2, bubbles: true,
          }));
          stage.setPointerCapture = () => {}; // of fingers that there are not
          finger("pointerdown", 11, 0.4);
          finger("pointerdown", 12, 0.6);
          finger("pointermove", 11, 0.3);
          finger("pointermove", 12, 0.7);
          finger("pointerup", 11, 0.3);
          finger("pointerup", 12, 0.7);
        }"""
    )
    expect(three.locator(".viewer .unzoom")).to_have_text("2.0×")
    three.locator(".viewer .unzoom").click()
    expect(three.locator(".viewer .unzoom")).to_be_hidden()


def test_small_pictures_are_enlarged_with_square_pixels(three: Page):
    box = three.locator(".viewer .stage").bounding_box()
    assert box and box["width"] > 10 * SIDE
    expect(three.locator(".viewer .fill")).to_have_css("image-rendering", "pixelated")
