"""A real Chromium. A page fails its test when it logs an error or asks another host."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlparse

import gradio as gr
import pytest
from handling import PATIENCE, Served
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)
from starlette.middleware import Middleware

from unet_demo.ui.serve import PageAddress, PageLanguage, launch
from unet_demo.ui.server.guard import Guard
from unet_demo.ui.text import i18n
from unet_demo.ui.train.page import TrainPage

SYSTEM = ("/usr/bin/chromium", "/usr/bin/google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

VIEWPORT: ViewportSize = {"width": 1366, "height": 900}

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
        expect.set_options(timeout=PATIENCE)
        yield chromium
        chromium.close()


@contextmanager
def visitor(browser: Browser, **options: object) -> Iterator[Page]:
    """A tab with a browser context of its own, closed in the end."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def watched(browser: Browser) -> Iterator[Page]:
    """A visitor's tab whose faults fail what it is used for, once it is closed."""
    faults: list[str] = []

    def note_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            faults.append(f"console: {message.text}")

    def note_request(request: Request) -> None:
        address = urlparse(request.url)
        if address.scheme not in ("data", "blob", "file") and address.hostname != "127.0.0.1":
            faults.append(f"asked another host: {request.url}")

    with visitor(browser, viewport=VIEWPORT, locale="en-US") as page:
        page.add_init_script(SILENT_ONCE_LEFT)
        page.on("console", note_console)
        page.on("request", note_request)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        yield page
    assert not faults, "\n".join(faults)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new one for each test."""
    with watched(browser) as page:
        yield page


@pytest.fixture(scope="module")
def servers() -> Iterator[ExitStack]:
    """What a module serves; closed after its tabs, which would log that it has gone."""
    with ExitStack() as running:
        yield running


@pytest.fixture(scope="module")
def watched_tab(browser: Browser, servers: ExitStack) -> Iterator[Callable[[], Page]]:
    """watched_tab(): one for a whole module, since to load a page takes longer than most tests."""
    with ExitStack() as tabs:
        yield lambda: tabs.enter_context(watched(browser))


@pytest.fixture(scope="module")
def tab(watched_tab: Callable[[], Page]) -> Page:
    """The first of them."""
    return watched_tab()


@pytest.fixture
def new_visitor(browser: Browser) -> Iterator[Callable[..., Page]]:
    """new_visitor(locale=…): the tab of one more person, which may log errors; closed after the test."""
    with ExitStack() as tabs:
        yield lambda **options: tabs.enter_context(visitor(browser, **options))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server that closes empties Gradio's cache, under another one on this machine, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


@pytest.fixture(scope="module")
def url(servers: ExitStack) -> str:
    """The address of the whole demo."""
    app, address, _ = launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    servers.callback(app.get_blocks().close)
    return address


@pytest.fixture(scope="module")
def serve_blocks(servers: ExitStack) -> Callable[..., str]:
    """serve_blocks(demo, …): launches Blocks, answers their address, closes them after the module."""

    def start(demo: gr.Blocks, **options: object) -> str:
        address = demo.launch(
            prevent_thread_lock=True, quiet=True, server_name="127.0.0.1",
            app_kwargs={
                "middleware": [Middleware(Guard), Middleware(PageAddress), Middleware(PageLanguage)]
            },
            **options,
        )[1]  # fmt: skip
        servers.callback(demo.close)
        return address

    return start


@pytest.fixture(scope="module")
def serve_train(serve_blocks: Callable[..., str]) -> Callable[..., Served]:
    """serve_train(…): launches the Train page alone."""

    def start(**options: object) -> Served:
        with gr.Blocks(fill_width=True) as demo:
            train_page = TrainPage(demo)
        return Served(train_page, serve_blocks(demo, i18n=i18n(), **options))

    return start
