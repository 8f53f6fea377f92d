"""The box for pictures takes what the command line takes, in a real Chromium."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr
import pytest
from playwright.sync_api import Page, expect

from unet_demo.ui.components.picture_input import PictureInput
from unet_demo.ui.components.upload_box import upload_box

ZONE = "#picture .upload-container:has(> input)"

DROP = """(element, names) => {
  const dataTransfer = new DataTransfer();
  for (const name of names) dataTransfer.items.add(new File([name], name));
  for (const kind of ["dragenter", "dragover", "drop"])
    element.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
}"""
"""Files whose type the browser does not know."""


@pytest.fixture(scope="module")
def address(serve_blocks: Callable[..., str]) -> str:
    """A box for pictures, and the name of the file that it handed over."""
    with gr.Blocks() as demo:
        picture = PictureInput(type="filepath", sources=["upload"], elem_id="picture")
        upload_box("picture")
        name = gr.Textbox(elem_id="name")
        picture.change(lambda path: path and Path(path).name, picture, name)
    return serve_blocks(demo)


@pytest.fixture
def opened(page: Page, address: str) -> Page:
    page.goto(address)
    expect(page.locator(ZONE)).to_be_visible()
    expect(page.locator(".taken")).to_be_attached()  # its script listens from then on
    return page


def drop(page: Page, names: Sequence[str], where: str = ZONE) -> None:
    page.locator(where).evaluate(DROP, names)


def handed_over(page: Page):
    return page.locator("#name :is(input, textarea)")


@pytest.mark.parametrize("ending", ["lsm", "svs", "btf", "tif"])
def test_a_file_that_the_browser_calls_no_image_is_taken(opened: Page, ending: str) -> None:
    drop(opened, [f"cells.{ending}"])
    expect(handed_over(opened)).to_have_value(f"cells.{ending}")
    expect(opened.locator(".taken")).to_be_empty()


def test_a_file_chooser_offers_them_and_the_box_takes_what_is_chosen(
    opened: Page, tmp_path: Path
) -> None:
    (tmp_path / "cells.lsm").write_bytes(b"cells")
    with opened.expect_file_chooser() as chooser:
        opened.locator(ZONE).click()
    assert ".lsm" in chooser.value.element.evaluate("input => input.accept")
    chooser.value.set_files(tmp_path / "cells.lsm")
    expect(handed_over(opened)).to_have_value("cells.lsm")


def test_of_two_files_one_is_taken_and_it_says_which(opened: Page) -> None:
    sent: list[str] = []
    opened.on("request", lambda request: sent.append(request.post_data or ""))
    drop(opened, ["one.tif", "two.tif"])
    expect(handed_over(opened)).to_have_value("one.tif")
    expect(opened.locator(".taken")).to_have_text("Of 2 files, one.tif was taken: one at a time.")
    assert not any("two.tif" in body for body in sent)


def test_a_box_that_shows_a_picture_takes_another(opened: Page) -> None:
    drop(opened, ["one.tif"])
    expect(handed_over(opened)).to_have_value("one.tif")
    drop(opened, ["two.tif"], "#picture img")
    expect(handed_over(opened)).to_have_value("two.tif")
