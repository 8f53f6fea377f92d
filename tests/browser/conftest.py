"""A real Chromium. A page fails its test when it logs an error or asks another host."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlparse

import gradio as gr
import pytest
from handling import Served
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright
from starlette.middleware import Middleware

from unet_demo.live.settings import LiveSettings
from unet_demo.ui.demo import launch
from unet_demo.ui.page_address import PageAddress
from unet_demo.ui.page_language import PageLanguage
from unet_demo.ui.texts import i18n
from unet_demo.ui.train_page import TrainPage

SYSTEM = ("/usr/bin/chromium", "/usr/bin/google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

SILENT_ONCE_LEFT = """addEventListener("beforeunload", () => { console.error = () => {} })"""
"""Gradio logs an error of each request that a page cuts off when it is left: nobody's to see."""


def chromium_path() -> str | None:
    """The named browser, else the system's; None leaves the choice to Playwright's own."""
    named = os.environ.get("UNET_DEMO_CHROMIUM")
    return named or next((path for path in SYSTEM if Path(path).exists()), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    faults: list[str] = []

    def note_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(f"console: {message.text}")

    def note_request(request: Request) -> None:
        address = urlparse(request.url)
        if address.scheme not in ("data", "blob", "file") and address.hostname != "127.0.0.1":
            faults.append(f"asked another host: {request.url}")

    context = browser.new_context(viewport={"width": 1366, "height": 900}, locale="en-US")
    context.add_init_script(SILENT_ONCE_LEFT)
    page = context.new_page()
    page.on("console", note_console)
    page.on("request", note_request)
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    yield page
    context.close()
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server that closes empties Gradio's cache, under another one on this machine, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the whole demo."""
    app, address, _ = launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield address
    app.get_blocks().close()


@pytest.fixture(scope="module")
def serve_blocks() -> Iterator[Callable[..., str]]:
    """serve_blocks(demo, …): launches Blocks, answers their address, closes them after the module."""
    running: list[gr.Blocks] = []

    def start(demo: gr.Blocks, **options: object) -> str:
        address = demo.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1",
            app_kwargs={"middleware": [Middleware(PageAddress), Middleware(PageLanguage)]},
            **options,
        )[1]  # fmt: skip
        running.append(demo)
        return address

    yield start
    for demo in running:
        demo.close()


@pytest.fixture(scope="module")
def serve_train(serve_blocks: Callable[..., str]) -> Callable[..., Served]:
    """serve_train(first, …): launches the Train page alone, which opens with these settings."""

    def start(first: LiveSettings | None = None, **options: object) -> Served:
        with gr.Blocks(fill_width=True) as demo:
            train_page = TrainPage(demo, first)
        return Served(train_page, serve_blocks(demo, i18n=i18n(), **options))

    return start
