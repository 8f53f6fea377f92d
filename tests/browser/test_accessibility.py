"""axe-core finds nothing serious or critical on any page, in either theme, wide and on a phone."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from unet_demo.ui.demo import launch

OPENED = {
    "segment": ("#segment-status", "px in"),
    "train": ("#train-status", "parameters"),
    "about": ("body", "Five articles"),
}
"""A page's name → where and what it shows once it is there."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app, address, _ = launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield address
    app.get_blocks().close()


def faults(page: Page) -> list[str]:
    """The serious and critical violations: rule, number of places, and the first of them."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ×{len(rule['nodes'])}: {rule['nodes'][0]['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("width", [1366, 360])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", OPENED)
def test_a_page_has_no_serious_fault(
    browser: Browser, url: str, name: str, theme: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, locale="en-US")
    page.goto(f"{url}?page={name}&__theme={theme}")
    where, what = OPENED[name]
    expect(page.locator(where)).to_contain_text(what, timeout=30_000)
    page.wait_for_timeout(1500)  # colours fade in
    assert not faults(page), "\n".join(faults(page))
    page.close()


def test_axe_does_find_a_fault_where_there_is_one(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html lang=en><title>t</title><p style='color:#aaa;background:#fff'>pale</p>")
    assert [fault.split()[0] for fault in faults(page)] == ["color-contrast"]
    page.close()
