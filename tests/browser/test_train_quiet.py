"""What the Train page asks of the server and says to a screen reader, from its opening to a run's end."""

import pytest
from handling import TINY, open_train, wait_for_step
from playwright.sync_api import Page, Request, expect

AT_REST_MS = 3000
"""An editor that uploaded by itself did so six times a second."""

HEAR = """addEventListener("DOMContentLoaded", () => {
  window.heard = new Set();
  const hear = () => {
    for (const one of document.querySelectorAll(".sr-only[role=status]"))
      heard.add(one.textContent.trim());
  };
  const all = { childList: true, characterData: true, subtree: true };
  new MutationObserver(hear).observe(document, all);
})"""
"""Notes all that Gradio says of its jobs."""


@pytest.fixture(scope="module")
def asked(tab: Page) -> list[Request]:
    """What the page asked for."""
    requests: list[Request] = []
    tab.on("request", lambda request: requests.append(request))
    return requests


@pytest.fixture(scope="module")
def opened(tab: Page, url: str, asked: list[Request]) -> Page:
    tab.add_init_script(HEAR)
    open_train(tab, url, f"{TINY}&steps=60")
    return tab


def uploads(asked: list[Request]) -> list[str]:
    return [request.url for request in asked if "/upload" in request.url]


def test_opening_uploads_nothing_and_an_open_page_at_rest_asks_for_nothing(
    opened: Page, asked: list[Request]
) -> None:
    expect(opened.locator("#train-status")).to_contain_text("parameters")
    opened.wait_for_timeout(AT_REST_MS)
    before = len(asked)
    opened.wait_for_timeout(AT_REST_MS)
    assert [request.url for request in asked[before:]] == []
    assert uploads(asked) == []


def test_a_run_uploads_nothing_keeps_the_focus_and_ends_with_words(
    opened: Page, asked: list[Request]
) -> None:
    opened.locator("#train-start").press("Enter")
    expect(opened.locator("#train-pause")).to_be_focused()
    wait_for_step(opened, 1)
    expect(opened.locator("#train-status")).to_contain_text("Finished")
    expect(opened.locator("#train-start")).to_be_focused()
    expect(opened.locator("#train-drawn img")).to_be_visible()
    assert uploads(asked) == []
    opened.wait_for_function("heard.has('Done')")
    assert not [said for said in opened.evaluate("[...heard]") if said.startswith("common.")]
