"""Take the README's pictures of the running pages: python tools/screenshots.py OUT_DIR"""

import os
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from unet_demo.ui.serve import launch

SYSTEM = ("/usr/bin/chromium", "/usr/bin/google-chrome")


def segment(page: Page, out: Path) -> None:
    """The Segment page with the membranes example, and with the photograph of a person."""
    for number, title, name in (
        (0, "Cell membranes (ISBI 2012): 512", "segment"),
        (5, "Everyday objects, pretrained encoder: 512", "voc"),
    ):
        page.locator("#examples .gallery-item").nth(number).locator("button").click()
        page.get_by_text(title).wait_for(timeout=60_000)
        page.locator("h1").click()
        page.wait_for_timeout(1500)
        page.screenshot(path=out / f"{name}.png")


def train(page: Page, out: Path) -> None:
    """The Train page some seconds into a run."""
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-start").click()
    page.wait_for_timeout(20_000)
    page.screenshot(path=out / "train.png")
    page.locator("#train-stop").click()


def teach(page: Page, out: Path) -> None:
    """The Teach page, some seconds after its example has begun to be learned."""
    page.get_by_role("tab", name="Teach").click()
    page.locator(".paint .clear:enabled").wait_for(timeout=60_000)
    page.locator("#teach-start").click()
    page.wait_for_timeout(20_000)
    page.screenshot(path=out / "teach.png")
    page.locator("#teach-stop").click()


def read(page: Page, out: Path) -> None:
    """The Articles and the Models page, from their tops."""
    for name, seen in (("Articles", "#article-classic"), ("Models", "#models-voc")):
        page.get_by_role("tab", name=name).click()
        page.locator(seen).wait_for(timeout=60_000)
        page.wait_for_timeout(3000)
        page.screenshot(path=out / f"{name.lower()}.png")


def main(out: Path) -> None:
    """Serve the demo, visit its pages, and leave a PNG of each in ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    app, address, _ = launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    named = os.environ.get("UNET_DEMO_CHROMIUM")
    chromium = named or next((path for path in SYSTEM if Path(path).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address)
        page.locator("#segment-status p").first.wait_for(timeout=60_000)
        segment(page, out)
        train(page, out)
        teach(page, out)
        read(page, out)
        browser.close()
    app.get_blocks().close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
