"""Labels painted on a stack, with a mouse, fingers and the keyboard, in a real Chromium."""

import re
from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np
import pytest
from handling import forget_all, wait_until
from playwright.sync_api import CDPSession, Locator, Page, expect

from unet_demo.data.images import Picture
from unet_demo.ui.components.component import HERE
from unet_demo.ui.components.paint import (
    brought_value,
    heard,
    ids_png,
    paint,
    prediction,
    prediction_value,
    read_ids,
    strokes,
)
from unet_demo.ui.html import QUICK
from unet_demo.ui.teach.session import Paper, Session

WIDTH, HEIGHT = 64, 48
PICTURE = Picture(np.full((3, HEIGHT, WIDTH, 1), 120, np.uint8), "coins.png", ())
LABELS = np.full((HEIGHT, WIDTH), 255, np.uint8)
LABELS[2:6, 2:30] = 0
MASK = np.full((HEIGHT, WIDTH), 1, np.uint8)
UNSURE = np.zeros((HEIGHT, WIDTH), np.uint8)
UNSURE[30:40, 40:50] = 255


@pytest.fixture(scope="module")
def sent() -> list[dict[str, Any]]:
    """What the server was told, the newest last; and ``known``, all labels that it has of it then."""
    return []


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


@pytest.fixture(scope="module")
def address(serve_blocks: Callable[..., str], sent: list[dict[str, Any]], session: Session) -> str:
    def load() -> dict[str, Any]:
        labels = np.full((3, HEIGHT, WIDTH), 255, np.uint8)
        labels[0] = LABELS
        session.take(Paper.of(PICTURE, ("background", "coin"), labels=labels))
        return session.shown()

    def take(told: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        session.hear(told)
        sent.append({**told, "known": session.labels})
        return session.shown(), session.heard.value

    with gr.Blocks() as demo:
        shown = paint(elem_id="paint")
        out, told = strokes(elem_id="strokes"), prediction(elem_id="prediction")
        predicts, brings = gr.Button("predict"), gr.Button("bring")
        out.input(take, out, [shown, heard(elem_id="heard")], **QUICK)
        predicts.click(lambda: prediction_value(session.paper.key, 1, MASK, UNSURE), None, told)
        brings.click(lambda: session.shown(brought=brought_value(1, {1: MASK})), None, shown)
        demo.load(load, None, shown)
    return serve_blocks(demo)


@pytest.fixture(scope="module")
def listening(tab: Page) -> Page:
    """The tab, which notes the newest of its messages that the server has answered."""
    tab.add_init_script(
        """document.addEventListener("heard", ({detail}) => { window.answered = detail?.edit })"""
    )
    return tab


@pytest.fixture
def opened(listening: Page, address: str, sent: list[dict[str, Any]]) -> Page:
    """The page, on which this browser has kept nothing."""
    tab = listening
    tab.goto(f"{address}config")  # of the same origin, and nothing there paints
    forget_all(tab)
    sent.clear()
    tab.goto(address)
    wait_until(lambda: bool(sent))
    return tab


def paper(page: Page) -> Locator:
    return page.locator("#paint .strokes")


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a pixel of the picture is in the window, as long as it is not zoomed."""
    box = paper(page).bounding_box()
    assert box
    return box["x"] + x / WIDTH * box["width"], box["y"] + y / HEIGHT * box["height"]


def drag(page: Page, *points: tuple[float, float]) -> None:
    """Through pixels of the picture."""
    places = [place(page, *point) for point in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for one in places[1:]:
        page.mouse.move(*one, steps=3)
    page.mouse.up()


def wait_for_answer(page: Page, sent: list[dict[str, Any]]) -> None:
    """Wait until the browser knows what the server has."""
    page.wait_for_function("edit => window.answered >= edit", arg=sent[-1]["edit"])


def told(sent: list[dict[str, Any]], act: Callable[[], object]) -> dict[str, Any]:
    """What the server is told of an act."""
    before = len(sent)
    act()
    wait_until(lambda: len(sent) > before)
    return sent[-1]


def ids(value: dict[str, Any], slice: int = 1) -> np.ndarray:
    return value["known"][slice - 1]


def test_a_stroke_is_told_with_no_id_but_its_own(opened: Page, sent: list[dict[str, Any]]) -> None:
    opened.keyboard.press("]")
    value = told(sent, lambda: drag(opened, (10, 20), (40, 33), (50, 20)))
    painted = ids(value)
    assert set(np.unique(painted)) == {0, 1, 255}
    assert painted[20, 10] == 1 and painted[33, 40] == 1 and painted[4, 10] == 0
    assert value["classes"] == ["background", "coin"]
    colours = opened.evaluate(
        """() => { const paper = document.querySelector("#paint .strokes");
          const { data } = paper.getContext("2d").getImageData(0, 0, paper.width, paper.height);
          const pixels = Array.from(new Uint32Array(data.buffer)).filter((pixel) => pixel >>> 24 === 255);
          return new Set(pixels).size; }"""
    )
    assert colours == 3  # background, coin, and the marks of its pattern


def test_line_fill_eraser_and_thirty_strokes_undone_and_redone(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    opened.keyboard.press("l")
    for corner, to in (((10, 12), (50, 12)), ((50, 12), (50, 40)), ((50, 40), (10, 12))):
        value = told(sent, lambda here=corner, there=to: drag(opened, here, there))
    assert ids(value)[20, 40] == 255 and ids(value)[12, 30] == 1
    opened.keyboard.press("f")
    value = told(sent, lambda: drag(opened, (40, 20), (40, 20)))
    assert ids(value)[20, 42] == 1 and ids(value)[40, 20] == 255
    opened.keyboard.press("e")
    value = told(sent, lambda: drag(opened, (30, 12), (34, 12)))
    assert ids(value)[12, 32] == 255
    opened.keyboard.press("1")
    for row in range(26):
        told(sent, lambda row=row: drag(opened, (2, 8 + row), (5, 8 + row)))
    last = sent[-1]["known"]
    for _ in range(31):
        opened.keyboard.press("z")
    expect(opened.locator(".paint .undo")).to_be_disabled()
    wait_until(lambda: (ids(sent[-1]) == LABELS).all())
    opened.keyboard.press("Shift+Z")
    for _ in range(30):
        opened.keyboard.press("y")
    expect(opened.locator(".paint .redo")).to_be_disabled()
    wait_until(lambda: np.array_equal(sent[-1]["known"], last))


@pytest.mark.parametrize(
    ("edits", "megabytes", "left"), [(99, 0.1, 99), (300, 0.1, 100), (60, 2, 32), (60, 50, 20)]
)
def test_as_many_edits_can_be_undone_as_fit_in_memory_and_twenty_in_any_case(
    tab: Page, edits: int, megabytes: float, left: int
) -> None:
    patch = f"{{ before: {{ length: {megabytes * 5e5} }}, after: {{ length: {megabytes * 5e5} }} }}"
    many = f"for (let n = 0; n < {edits}; n++) remember(kept, {{ number: n, patches: [{patch}] }});"
    script = (HERE / "undo.js").read_text(encoding="utf-8")
    kept = tab.evaluate(f"() => {{ {script}; const kept = []; {many} return kept; }}")
    assert [one["number"] for one in kept] == list(range(edits - left, edits))


def test_the_wheel_zooms_and_a_stroke_lands_where_it_is_seen(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    corner = place(opened, 60, 44)
    opened.mouse.move(*corner)
    opened.mouse.wheel(0, -800)
    expect(opened.locator(".paint .unzoom")).to_be_visible()

    def dot() -> None:
        opened.mouse.down()
        opened.mouse.up()

    assert ids(told(sent, dot))[44, 60] == 1
    opened.locator(".paint .unzoom").click()
    expect(opened.locator(".paint .unzoom")).to_be_hidden()


def touch(page: Page, devtools: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    at = [dict(zip("xy", place(page, *point), strict=True), id=n) for n, point in enumerate(points)]
    devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})


def test_one_finger_paints_and_two_zoom_without_a_stroke(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    devtools = opened.context.new_cdp_session(opened)

    def stroke() -> None:
        touch(opened, devtools, "touchStart", (20, 20))
        touch(opened, devtools, "touchMove", (30, 20))
        touch(opened, devtools, "touchEnd")

    before = told(sent, stroke)
    assert ids(before)[20, 25] == 1
    touch(opened, devtools, "touchStart", (30, 30))
    touch(opened, devtools, "touchStart", (30, 30), (34, 30))
    for apart in (8, 14, 20):
        touch(opened, devtools, "touchMove", (30 - apart, 30), (34 + apart, 30))
    touch(opened, devtools, "touchEnd")
    expect(opened.locator(".paint .unzoom")).to_be_visible()
    opened.locator(".paint .unzoom").click()
    value = told(sent, lambda: drag(opened, (2, 40), (6, 40)))
    assert (ids(value) != ids(before)).sum() < 60


def test_once_a_pen_has_painted_a_hand_on_the_screen_paints_nothing(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    devtools = opened.context.new_cdp_session(opened)

    def pen(kind: str, x: float, y: float) -> None:
        at = dict(zip("xy", place(opened, x, y), strict=True))
        held = {"button": "left", "buttons": 1, "pointerType": "pen", "clickCount": 1}
        devtools.send("Input.dispatchMouseEvent", {"type": kind, **at, **held})

    def stroke() -> None:
        pen("mousePressed", 20, 20)
        pen("mouseMoved", 30, 20)
        pen("mouseReleased", 30, 20)

    before = told(sent, stroke)
    assert ids(before)[20, 25] == 1
    touch(opened, devtools, "touchStart", (40, 40))
    touch(opened, devtools, "touchMove", (50, 40))
    touch(opened, devtools, "touchEnd")
    after = told(sent, lambda: drag(opened, (2, 40), (6, 40)))
    assert ids(after)[40, 4] == 1 and ids(after)[40, 45] == 255


def make_pointers(page: Page) -> None:
    """Give scripts of a test ``point(kind, pointerType, x, y)``, at a pixel of the picture."""
    page.evaluate(
        """([across, down]) => {
          const paper = document.querySelector("#paint .strokes");
          paper.setPointerCapture = () => {};  // which there is none of
          PointerEvent.prototype.getCoalescedEvents = undefined;  // which a browser alone makes
          const { left, top, width, height } = paper.getBoundingClientRect();
          window.point = (kind, pointerType, x, y) => paper.dispatchEvent(new PointerEvent(kind, {
            pointerType, pointerId: pointerType === "pen" ? 8 : 9, bubbles: true, button: 0,
            clientX: left + x / across * width, clientY: top + y / down * height }));
        }""",
        [WIDTH, HEIGHT],
    )


def test_a_pen_paints_while_the_hand_rests_on_the_screen(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    make_pointers(opened)

    def stroke() -> None:
        for step in (
            ("down", "touch", 40, 40), ("move", "touch", 42, 40), ("down", "pen", 20, 20),
            ("move", "touch", 44, 40), ("move", "pen", 30, 20), ("up", "touch", 44, 40),
            ("down", "touch", 44, 40), ("move", "pen", 36, 20), ("up", "pen", 36, 20),
        ):  # fmt: skip
            opened.evaluate("([kind, ...at]) => window.point(`pointer${kind}`, ...at)", step)

    value = told(sent, stroke)
    assert (ids(value)[20, [20, 25, 35]] == 1).all()
    assert ids(value)[40, 42] == 255 and ids(value)[40, 44] == 255
    expect(opened.locator(".paint .unzoom")).to_be_hidden()


def test_a_prediction_in_the_middle_of_a_stroke_disturbs_neither_it_nor_the_view(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    opened.mouse.move(*place(opened, 0, 0))
    opened.mouse.wheel(0, -400)
    scale = opened.locator(".paint .unzoom").inner_text()
    opened.mouse.move(*place(opened, 5, 5))
    opened.mouse.down()
    opened.mouse.move(*place(opened, 6, 6), steps=2)
    opened.get_by_role("button", name="predict").evaluate("button => button.click()")
    expect(opened.locator(".paint .mask")).to_be_visible()
    opened.mouse.move(*place(opened, 7, 5), steps=2)
    value = told(sent, opened.mouse.up)
    assert (ids(value) == 1).any()
    assert opened.locator(".paint .unzoom").inner_text() == scale
    expect(opened.locator(".paint .here")).to_be_visible()
    opened.get_by_label("Where it is unsure").uncheck()
    expect(opened.locator(".paint .here")).to_be_hidden()


def test_each_slice_has_strokes_of_its_own_and_undo_leads_back_to_it(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    value = told(sent, lambda: opened.keyboard.press("."))
    assert value["slice"] == 2
    expect(opened.locator(".paint .slice")).to_contain_text("2 / 3")
    expect(opened.locator(".paint .clear")).to_be_disabled()
    value = told(sent, lambda: drag(opened, (20, 20), (30, 20)))
    assert sorted(value["stamps"]) == ["1", "2"] and ids(value, 2)[20, 25] == 1
    told(sent, lambda: opened.keyboard.press(","))
    opened.keyboard.press("z")
    expect(opened.locator(".paint .slice")).to_contain_text("2 / 3")
    wait_until(lambda: sorted(sent[-1]["stamps"]) == ["1"])


def test_only_what_has_changed_is_sent_and_what_was_lost_once_more(
    opened: Page, sent: list[dict[str, Any]], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(sent[-1]["labels"]) == ["1"]
    wait_for_answer(opened, sent)
    told(sent, lambda: opened.keyboard.press("."))
    assert not sent[-1]["labels"]
    with monkeypatch.context() as patch:
        patch.setattr(session, "hear", lambda _: False)  # as if it had never come
        value = told(sent, lambda: drag(opened, (20, 20), (30, 20)))
    assert list(value["labels"]) == ["2"] and (ids(value, 2) == 255).all()
    told(sent, lambda: opened.keyboard.press("."))
    wait_until(lambda: ids(sent[-1], 2)[20, 25] == 1)
    wait_for_answer(opened, sent)
    value = told(sent, lambda: drag(opened, (20, 20), (30, 20)))
    assert list(value["labels"]) == ["3"] and session.whole


def test_classes_are_added_named_and_removed_and_a_removal_is_undone(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    opened.get_by_role("button", name="Add a class").click()
    opened.keyboard.type("coin")
    opened.keyboard.press("Enter")
    wait_until(lambda: sent[-1]["classes"] == ["background", "coin", "coin 2"])
    told(sent, lambda: drag(opened, (20, 20), (30, 20)))
    assert ids(sent[-1])[20, 25] == 2
    opened.get_by_role("button", name="Rename or remove").click()
    value = told(sent, opened.get_by_role("button", name="Remove background").click)
    assert value["classes"] == ["coin", "coin 2"]
    assert ids(value)[20, 25] == 1 and ids(value)[4, 10] == 255
    opened.keyboard.press("Escape")
    value = told(sent, lambda: opened.keyboard.press("z"))
    assert value["classes"] == ["background", "coin", "coin 2"]
    assert ids(value)[20, 25] == 2 and ids(value)[4, 10] == 0
    for _ in range(2):
        opened.get_by_role("button", name="Add a class").click()
        opened.keyboard.insert_text("b" * 40)
        opened.keyboard.press("Enter")
    wait_until(lambda: sent[-1]["classes"][3:] == ["b" * 40, "b" * 38 + " 2"])


def test_a_reload_brings_the_strokes_back_from_this_browser(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    before = told(sent, lambda: drag(opened, (20, 20), (30, 20)))
    opened.reload()
    expect(opened.locator(".paint .told")).to_contain_text("Your own strokes are back")
    wait_until(lambda: np.array_equal(sent[-1]["known"], before["known"]))
    opened.keyboard.press("z")
    wait_until(lambda: (ids(sent[-1]) == LABELS).all())


def test_a_reload_brings_back_what_was_only_renamed(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    opened.get_by_role("button", name="Rename or remove").click()
    opened.get_by_role("textbox").nth(1).fill("euro")
    told(sent, lambda: opened.keyboard.press("Enter"))
    wait_for_answer(opened, sent)
    sent.clear()
    opened.reload()
    wait_until(lambda: bool(sent) and sent[-1]["classes"] == ["background", "euro"])


def test_a_browser_that_keeps_nothing_says_so_and_paints_on(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    opened.evaluate("() => { IDBFactory.prototype.open = () => { throw new Error('no room'); }; }")
    value = told(sent, lambda: drag(opened, (20, 20), (30, 20)))
    expect(opened.locator(".paint .told")).to_contain_text("does not keep these strokes")
    assert ids(value)[20, 25] == 1


def test_labels_that_are_brought_take_the_place_of_strokes_and_undo_brings_these_back(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    opened.get_by_role("button", name="bring").click()
    wait_until(lambda: (ids(sent[-1]) == MASK).all())
    opened.locator(".paint .undo").click()
    expect(opened.locator(".paint .undo")).to_be_disabled()
    wait_until(lambda: (ids(sent[-1]) == LABELS).all())


def test_a_class_goes_from_a_slice_too_that_was_painted_just_before(
    opened: Page, sent: list[dict[str, Any]]
) -> None:
    opened.get_by_role("button", name="Add a class").click()
    opened.keyboard.press("Enter")
    told(sent, lambda: opened.keyboard.press("."))
    expect(opened.locator(".paint .slice")).to_contain_text("2 / 3")
    opened.get_by_role("button", name="Rename or remove").click()
    make_pointers(opened)
    # At once: what was painted is not encoded yet.
    opened.evaluate(
        """() => {
          for (const kind of ["pointerdown", "pointerup"]) window.point(kind, "mouse", 20, 20);
          document.querySelector("#paint [aria-label='Remove background']").click();
        }"""
    )
    wait_until(lambda: len(sent[-1]["classes"]) == 2 and "2" in sent[-1]["stamps"])
    wait_until(lambda: ids(sent[-1], 2)[20, 20] == 1)


def test_the_keyboard_paints_alone(opened: Page, sent: list[dict[str, Any]]) -> None:
    paper(opened).focus()
    for key in ("Enter", "ArrowRight", "ArrowRight"):
        opened.keyboard.press(key)
    expect(opened.locator(".paint [role=status]")).to_have_text(re.compile("brush down"))
    value = told(sent, lambda: opened.keyboard.press("Enter"))
    assert ids(value)[24, 33] == 1


@pytest.mark.parametrize("forged", [None, 7, "AAAA", "??", ids_png(MASK[:9])])
def test_what_no_brush_tells_is_refused(forged: object) -> None:
    with pytest.raises(ValueError, match="label ids"):
        read_ids(forged, HEIGHT, WIDTH)


def test_labels_are_read_as_they_were_written() -> None:
    every = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    assert (read_ids(ids_png(every), HEIGHT, WIDTH) == every).all()
