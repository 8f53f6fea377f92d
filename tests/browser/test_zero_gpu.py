"""A Space on ZeroGPU, as a visitor has it: its server forks for each press (tests/ui/forking/)."""

import os
from collections.abc import Iterator

import pytest
from handling import (
    TINY,
    look_for,
    open_segment,
    open_train,
    press,
    step_of,
    wait_for_step,
    wait_until,
)
from playwright.sync_api import Page, expect
from serving import ROOT, own_server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    stands_in = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "ui" / "forking")))
    # Two threads: what a process has that computed with several is what a fork may hang on.
    with own_server(
        PYTHONPATH=stands_in, SPACES_ZERO_GPU="true", SPACE_ID="someone/unet_demo",
        UNET_DEMO_DEVICE="cpu", OMP_NUM_THREADS="2",
    ) as (_, server):  # fmt: skip
        yield str(server.web.base_url)


def test_a_picture_is_segmented_there(page: Page, url: str) -> None:
    open_segment(page, url)
    look_for(page, "shapes")
    expect(page.locator("#legend")).to_contain_text("rectangle")


def test_a_run_is_trained_there_pauses_and_goes_on(page: Page, url: str) -> None:
    open_train(page, url, TINY)
    press(page, "start")
    wait_for_step(page, 2)
    press(page, "pause")
    expect(page.locator("#train-status")).to_contain_text("Paused after step")
    rested = step_of(page)
    press(page, "resume")
    wait_for_step(page, rested + 2)
    press(page, "stop")
    expect(page.locator("#train-status")).to_contain_text("Stopped after step")


def test_strokes_are_learned_there_and_the_mask_comes_back(page: Page, url: str) -> None:
    page.goto(f"{url}?page=teach")
    status = page.locator("#teach-status")
    expect(status).to_contain_text("Press Train")
    page.locator("#teach-start").click()
    expect(page.locator(".paint .mask")).to_be_visible()
    step = page.locator("#teach-readings [data-reading=step] dd")
    wait_until(lambda: step.inner_text().isdecimal() and int(step.inner_text()) > 1)
    page.locator("#teach-pause").click()
    expect(status).to_contain_text("Paused after step")
    rested = int(step.inner_text())
    page.locator("#teach-resume").click()
    wait_until(lambda: int(step.inner_text()) > rested + 1)
    page.locator("#teach-pause").click()
    expect(status).to_contain_text("Paused after step")
    with page.expect_download() as download:
        page.locator("#teach-download-colours").click()
    assert download.value.suggested_filename == "coins-colours.png"
