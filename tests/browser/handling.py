"""What a person does on the pages, and what is noted of them meanwhile."""

import time
from dataclasses import dataclass

from playwright.sync_api import FrameLocator, Page, expect

from unet_demo.ui.train_page import TrainPage

PATIENCE = 60_000
"""Milliseconds; on a busy machine a step takes seconds."""

TINY = "preset=random&width=8&size=64&batch=1"
"""What an address asks for, so that a step takes no time."""

NOTE_SHIFTS = """new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted = (window.shifted ?? 0) + entry.value;
}).observe({ type: "layout-shift", buffered: true })"""
"""Adds up how far what is in sight jumps; those jumps count too that follow a press."""


@dataclass(frozen=True)
class Served:
    """The Train page alone, what it knows of its visitors, and where it is."""

    page: TrainPage
    address: str


def open_train(page: Page, url: str, query: str) -> None:
    page.goto(f"{url}?page=train&{query}")
    picture = page.locator("#train-scenes img[data-column=picture]").first
    expect(picture).to_be_visible(timeout=PATIENCE)


def open_segment(page: Page, url: str, query: str = "") -> None:
    page.goto(f"{url}?page=segment&{query}")
    expect(page.locator("#segment-status")).to_contain_text("px in", timeout=PATIENCE)


def press(page: Page, button: str) -> None:
    page.locator(f"#train-{button}").click()


def wait_for_step(page: Page | FrameLocator, step: int) -> None:
    reading = page.locator("[data-reading=step] dd")
    deadline = time.monotonic() + PATIENCE / 1000
    while int("0" + reading.inner_text().split("/")[0].strip(" –")) < step:
        assert time.monotonic() < deadline, reading.inner_text()
        time.sleep(0.1)
