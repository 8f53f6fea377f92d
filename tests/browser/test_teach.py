"""Teach, as a person uses it with a mouse, a finger and the keyboard: paint, train, correct, take away, come back."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import tifffile
from handling import PATIENCE, forget_all, show_next_frame, wait_until
from PIL import Image
from playwright.sync_api import Page, expect

from unet_demo.inference import Prediction, Progress
from unet_demo.teach.lesson import Lesson
from unet_demo.ui.serve import head
from unet_demo.ui.server.guard import Bound
from unet_demo.ui.server.trainings import Trainings
from unet_demo.ui.teach.page import TeachPage
from unet_demo.ui.teach.session import Session
from unet_demo.ui.text import i18n

WIDTH, HEIGHT = 64, 48


@pytest.fixture(scope="module")
def served(serve_blocks: Callable[..., str]) -> tuple[TeachPage, str]:
    """The Teach page alone, and its address."""
    with gr.Blocks(fill_width=True) as demo, gr.Tabs(), gr.Tab("Teach", id="teach") as one:
        page = TeachPage(demo, one, Trainings())
    return page, serve_blocks(demo, i18n=i18n(), head=head())


@pytest.fixture(scope="module")
def tab(tab: Page, served: tuple[TeachPage, str]) -> Page:
    return load(tab, served[1])


@pytest.fixture
def opened(tab: Page, served: tuple[TeachPage, str]) -> Page:
    """The page as if it had just opened, in a browser that has kept nothing."""
    begun = time.time()
    forget_all(tab)
    tab.locator("#teach-examples button").nth(1).click()
    wait_until(lambda: session_of(served).paper.made > begun and session_of(served).heard.edit > 0)
    expect(tab.locator("#teach-status")).to_contain_text("Press Train")
    return tab


def load(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator("#teach-status")).to_contain_text("Press Train")
    expect(page.locator(".paint .clear")).to_be_enabled()
    return page


def session_of(served: tuple[TeachPage, str]) -> Session:
    """The visitor's whose picture came last."""
    known = [one for one in served[0].sessions.open if one.paper]
    return max(known, key=lambda one: one.paper.made)


def bring(page: Page, file: Path) -> None:
    """A picture of one's own, of which nothing is painted."""
    page.locator("#teach-picture input[type=file]").set_input_files(file)
    expect(page.locator("#teach-status")).to_contain_text("paint a short stroke")
    expect(page.locator(".paint .clear")).to_be_disabled()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three slices, bright to the right."""
    slices = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    slices[:, :, WIDTH // 2 :] = 200
    file = tmp_path_factory.mktemp("stack") / "cells.tif"
    tifffile.imwrite(file, slices, photometric="minisblack")
    return file


def place(page: Page, x: float, y: float) -> tuple[float, float]:
    box = page.locator("#teach-paint .strokes").bounding_box()
    assert box
    return box["x"] + x / WIDTH * box["width"], box["y"] + y / HEIGHT * box["height"]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=4)
    page.mouse.up()


def paint_both(page: Page) -> None:
    """A stroke of each class, on the slice that is shown."""
    page.keyboard.press("1")
    drag(page, (8, 10), (8, 36))
    page.keyboard.press("2")
    drag(page, (50, 10), (50, 36))


def train_a_step(page: Page) -> None:
    page.locator("#teach-step").click()
    expect(page.locator("#teach-status")).to_contain_text("Paused after step 1")


def test_an_example_is_learned_at_one_press_and_corrected_while_it_runs(
    opened: Page, served: tuple[TeachPage, str]
) -> None:
    opened.locator("#teach-start").click()
    expect(opened.locator(".paint .mask")).to_be_visible()
    expect(opened.locator("#teach-status")).to_contain_text("paint over it in the right class")
    expect(opened.locator("#teach-u image").first).to_have_attribute("href", re.compile("^data:"))
    run = session_of(served).run
    assert run
    before = run.strokes.counts
    opened.keyboard.press("1")
    drag(opened, (2, 40), (12, 40))
    wait_until(lambda: run.strokes.counts[0] > before[0])
    opened.keyboard.press("Space")
    expect(opened.locator("#teach-resume")).to_be_enabled()
    expect(opened.locator("#teach-status")).to_contain_text("Paused")
    opened.keyboard.press("z")
    wait_until(lambda: run.strokes.counts == before)
    opened.locator("#teach-reset").click()
    expect(opened.locator(".paint .mask")).to_be_hidden()
    expect(opened.locator("#teach-status")).to_contain_text("Press Train")


def test_what_to_do_next_is_said_from_the_first_stroke_on_and_each_mistake_leaves_the_strokes(
    opened: Page, served: tuple[TeachPage, str], stack: Path, tmp_path: Path
) -> None:
    status = opened.locator("#teach-status")
    bring(opened, stack)
    opened.locator("#teach-start").click()
    expect(status.get_by_role("alert")).to_contain_text("Nothing is painted yet")
    opened.keyboard.press("1")
    drag(opened, (8, 10), (8, 36))
    expect(status).to_contain_text("Now choose another class")
    opened.locator("#teach-start").click()
    expect(status.get_by_role("alert")).to_contain_text("Only 'background' is painted")
    small, other = tmp_path / "small.png", tmp_path / "other.png"
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(small)
    Image.fromarray(np.zeros((60, 60), np.uint8)).save(other)
    opened.locator("#teach-picture input[type=file]").set_input_files(small)
    expect(status.get_by_role("alert")).to_contain_text("9×9")
    opened.locator("#teach-labels input[type=file]").set_input_files(other)
    expect(status.get_by_role("alert")).to_contain_text("60×60")
    opened.keyboard.press("2")
    drag(opened, (50, 10), (50, 36))
    expect(status).to_contain_text("Press Train")
    labels = session_of(served).labels
    assert labels is not None and labels[0, 20, 8] == 0 and labels[0, 20, 50] == 1


def test_a_stack_is_segmented_and_taken_away_and_its_labels_come_back_as_a_file(
    opened: Page, served: tuple[TeachPage, str], stack: Path, tmp_path: Path
) -> None:
    bring(opened, stack)
    paint_both(opened)
    opened.keyboard.press(".")
    expect(opened.locator(".paint .slice")).to_contain_text("2 / 3")
    expect(opened.locator(".paint .clear")).to_be_disabled()
    paint_both(opened)
    wait_until(lambda: (session_of(served).labels[:2] != 255).any((1, 2)).all())
    train_a_step(opened)
    opened.locator("#teach-apply").click()
    expect(opened.locator("#teach-status")).to_contain_text("All 3 slices")
    opened.keyboard.press(".")
    expect(opened.locator(".paint .slice")).to_contain_text("3 / 3")
    expect(opened.locator(".paint .mask")).to_be_visible()
    files = {}
    for kind in ("checkpoint", "colours", "labels", "strokes", "animation"):
        with opened.expect_download() as download:
            opened.locator(f"#teach-download-{kind}").click()
        files[kind] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[kind])
    assert [file.name for file in files.values()] == [
        "cells-taught.safetensors", "cells-colours.tif", "cells-labels.tif", "cells-strokes.tif",
        "cells-lesson.gif",
    ]  # fmt: skip
    strokes = tifffile.imread(files["strokes"])
    assert (strokes == session_of(served).labels).all() and (strokes[2] == 255).all()
    opened.locator(".paint .undo").click()
    wait_until(lambda: not (strokes == session_of(served).labels).all())
    opened.locator("#teach-labels input[type=file]").set_input_files(files["strokes"])
    wait_until(lambda: (strokes == session_of(served).labels).all())


def test_the_segmenting_of_all_slices_is_called_off_and_done_when_asked_for_again(
    opened: Page, stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = opened.locator("#teach-status")
    bring(opened, stack)
    paint_both(opened)
    expect(status).to_contain_text("Press Train")
    train_a_step(opened)
    predict_all = Lesson.predict_all

    def waits(lesson: Lesson, progress: Progress, cancelled: threading.Event) -> Prediction:
        def told(done: int, total: int) -> None:
            progress(done, total)
            cancelled.wait(PATIENCE / 1000)

        return predict_all(lesson, told, cancelled)

    with monkeypatch.context() as patch:
        patch.setattr(Lesson, "predict_all", waits)
        opened.locator("#teach-apply").click()
        opened.locator("#teach-cancel").click()
        expect(status).to_contain_text("Cancelled")
    expect(opened.locator("#teach-cancel")).to_be_hidden()
    opened.locator("#teach-apply").click()
    expect(status).to_contain_text("All 3 slices")


def test_masks_of_a_stack_of_more_than_one_message_may_hold_are_learned_from(
    opened: Page, served: tuple[TeachPage, str], tmp_path: Path
) -> None:
    labels = np.random.default_rng(0).integers(0, 8, (32, 512, 512), np.uint8)
    files = tmp_path / "large.tif", tmp_path / "masks.tif"
    tifffile.imwrite(files[0], labels * 30, photometric="minisblack")
    tifffile.imwrite(files[1], labels, photometric="minisblack", compression="zlib")
    assert files[1].stat().st_size > Bound("/").body
    bring(opened, files[0])
    opened.locator("#teach-labels input[type=file]").set_input_files(files[1])
    expect(opened.locator(".paint .sending")).to_contain_text("on their way")
    expect(opened.locator(".paint .sending")).to_be_empty()
    assert np.array_equal(session_of(served).labels, labels)
    train_a_step(opened)
    assert session_of(served).run.strokes.taught_pixels > labels.size / 2


def test_a_reload_frees_the_lesson_and_one_press_brings_picture_and_strokes_back(
    opened: Page, served: tuple[TeachPage, str], stack: Path
) -> None:
    bring(opened, stack)
    paint_both(opened)
    wait_until(lambda: len(np.unique(session_of(served).labels)) == 3)
    before = session_of(served)
    labels = before.labels
    train_a_step(opened)
    load(opened, served[1])
    wait_until(lambda: before.run is None and before.labels is None)
    opened.get_by_role("button", name="Go on with cells").click()
    expect(opened.locator(".paint .told")).to_contain_text("Your own strokes are back")
    wait_until(lambda: np.array_equal(session_of(served).labels, labels))
    expect(opened.locator(".paint .again")).to_be_hidden()
    opened.locator("#teach-examples button").first.click()
    opened.get_by_role("button", name="Forget this picture").click()
    expect(opened.locator(".paint .again")).to_be_hidden()
    bring(opened, stack)


def test_two_people_at_once_see_nothing_of_each_others_strokes(
    opened: Page, served: tuple[TeachPage, str], new_visitor: Callable[..., Page]
) -> None:
    mine = session_of(served)
    other = load(new_visitor(viewport={"width": 700, "height": 700}), served[1])
    theirs = session_of(served)
    assert mine is not theirs and np.array_equal(mine.labels, theirs.labels)
    other.keyboard.press("1")
    drag(other, (2, 40), (12, 40))
    wait_until(lambda: not np.array_equal(mine.labels, theirs.labels))
    train_a_step(other)
    expect(opened.locator(".paint .mask")).to_be_hidden()
    assert mine.run is None and theirs.run
    other.close()
    wait_until(lambda: theirs not in served[0].sessions.open)


def test_a_finger_paints_on_a_phone_and_a_class_is_added_while_it_learns(
    served: tuple[TeachPage, str], new_visitor: Callable[..., Page]
) -> None:
    phone = new_visitor(viewport={"width": 360, "height": 780}, has_touch=True, is_mobile=True)
    load(phone, served[1])
    session = session_of(served)
    train_a_step(phone)
    phone.get_by_role("button", name="Add a class").click()
    phone.keyboard.type("shadow")
    phone.keyboard.press("Enter")
    phone.touchscreen.tap(*place(phone, 10, 40))
    wait_until(lambda: bool((session.labels == 2).any()))
    assert session.run and session.run.settings.task.classes == ("background", "coin", "shadow")
    assert phone.evaluate("document.documentElement.scrollWidth") == 360


WITHOUT_SCROLLING = ["#teach-paint .stage", "#teach-paint .rail", ".teach-buttons", "#teach-status"]


def test_picture_tools_train_row_and_chart_share_the_first_screen(opened: Page) -> None:
    for width, height in ((1366, 768), (1280, 720), (360, 780)):
        opened.set_viewport_size({"width": width, "height": height})
        show_next_frame(opened)
        wide = ["#teach-chart .chart", "#teach-u .u"] if width > 360 else []
        for part in (*WITHOUT_SCROLLING, *wide):
            expect(opened.locator(part)).to_be_in_viewport(ratio=1)
        assert opened.evaluate("document.documentElement.scrollWidth") == width
