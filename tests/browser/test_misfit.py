"""A picture for which the chosen checkpoint is plainly wrong, in a real Chromium."""

from pathlib import Path

import tifffile
from handling import look_for, open_segment
from playwright.sync_api import Page, expect

from unet_demo.data.em import synthetic_em


def test_membranes_on_shapes_get_a_hint_and_a_button_with_what_fits(
    page: Page, url: str, tmp_path: Path
) -> None:
    open_segment(page, url, "example=shapes")
    look_for(page, "shapes")
    hint, button = page.locator("#misfit"), page.locator("#fitting")
    expect(hint).to_be_hidden()
    tifffile.imwrite(tmp_path / "cells.tif", synthetic_em(128, seed=2)[0])
    page.locator("#picture input[type=file]").set_input_files(tmp_path / "cells.tif")
    expect(hint).to_contain_text("This looks like cell membranes")
    expect(button).to_have_text("Use “Cell membranes (ISBI 2012)”")
    button.click()
    expect(page.locator("#segment-status")).to_contain_text("Cell membranes (ISBI 2012)")
    expect(page.locator("#looks-for input[value=auto]")).to_be_checked()
    expect(hint).to_be_hidden()
