"""What a person does on the pages, and what is noted of them meanwhile."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlparse

from playwright.sync_api import FrameLocator, Page, expect

from unet_demo.ui.train.page import TrainPage

PATIENCE = 60_000
"""Milliseconds after which a page is taken to hang: on a busy machine what takes a second takes many."""

TINY = "preset=random&width=8&size=64&batch=1"
"""What an address asks for, so that a step takes no time."""

IN_LINE = "yours starts when one of them ends"
"""What a visitor is told for whom there is no room to train."""

NOTE_SHIFTS = """new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted = (window.shifted ?? 0) + entry.value;
}).observe({ type: "layout-shift", buffered: true })"""
"""Adds up how far what is in sight jumps; those jumps count too that follow a press."""


STREAMS_CLOSE_LATE = """() => {
  const ask = window.fetch;
  window.fetch = async (...request) => {
    const answer = await ask(...request);
    if (!answer.url.includes("/queue/data")) return answer;
    const read = new TextDecoder(), write = new TextEncoder();
    const late = new TransformStream({
      async transform(bytes, out) {
        const [said, end] = read.decode(bytes).split(/(?=data: {"msg":"close_stream")/);
        out.enqueue(write.encode(said));
        if (!end) return;
        await new Promise((done) => setTimeout(done, 2000));
        out.enqueue(write.encode(end));
      },
    });
    return new Response(answer.body.pipeThrough(late), answer);
  };
}"""
"""A busy tab learns late that the stream of an answer has ended: what is asked for meanwhile is lost."""


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


def choose_checkpoint(page: Page, title: str) -> None:
    """In the menu of the Segment page, by what its line begins with."""
    page.locator("#checkpoint input").click()
    page.get_by_role("option", name=re.compile(f"^{re.escape(title)}")).click()


def expect_checkpoint(page: Page, title: str) -> None:
    expect(page.locator("#checkpoint input")).to_have_value(re.compile(f"^{re.escape(title)}"))


def look_for(page: Page, kind: str) -> None:
    """With a press on the strip; its radio buttons lie hidden below their words."""
    page.locator(f"#looks-for label:has(input[value={kind}])").click()


def press(page: Page, button: str) -> None:
    page.locator(f"#train-{button}").click()


def unfold(page: Page, accordion: str) -> None:
    """Open an accordion, and wait for what is in it: Gradio gives new components their values twice.

    A number that is typed before the second time, faster than a person can, is gone.
    """
    page.locator(f"#{accordion} button").first.click()
    page.evaluate("new Promise((done) => requestIdleCallback(done))")


def choose(page: Page, control: str, name: str) -> None:
    """One of the choices of a list."""
    page.locator(f"#{control} input").click()
    page.get_by_role("option", name=name, exact=True).click()


def step_of(page: Page | FrameLocator) -> int:
    """How many steps the page says that the run has taken; 0 before one."""
    shown = page.locator("[data-reading=step] dd").inner_text()
    return int(shown.split("/")[0]) if "/" in shown else 0


def wait_for_step(page: Page | FrameLocator, step: int) -> None:
    wait_until(lambda: step_of(page) >= step)


def wait_until(there: Callable[[], bool]) -> None:
    """For what no page shows; what one shows, `expect` waits for."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def forget_all(page: Page) -> None:
    """Have the browser keep nothing of what was painted and opened at this address."""
    page.evaluate(
        "new Promise((done) => { indexedDB.deleteDatabase('unet_demo').onsuccess = () => done(); })"
    )


def let_the_server_answer(page: Page) -> None:
    """Until it has, to something that was asked after all that a test says nothing comes of."""
    with page.expect_response("**/run/predict*"):
        page.locator("#train-forget").click()


def asks_for(page: Page, query: str) -> None:
    """Until the address says just this, in whatever order."""
    page.wait_for_url(
        lambda url: parse_qs(urlparse(url).query) == parse_qs(query), wait_until="commit"
    )


def show_next_frame(page: Page) -> None:
    """Until what is to be drawn has been drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def meter(page: Page) -> Callable[[], tuple[float, float]]:
    """What tells the seconds that the main thread has computed, and the MiB of heap once garbage is collected.

    The time in which it waits for a core, on a busy machine, does not count.
    """
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def measure() -> tuple[float, float]:
        devtools.send("HeapProfiler.collectGarbage")
        metrics = {
            metric["name"]: metric["value"]
            for metric in devtools.send("Performance.getMetrics")["metrics"]
        }
        return metrics["TaskDuration"], metrics["JSHeapUsedSize"] / 2**20

    return measure
