"""The demo: its pages, and how it is served."""

import logging
import signal
import threading
import time
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from ..bundled import CheckpointError
from . import endpoints, later, train_endpoint
from .about_page import AboutPage
from .agents import add_agents, check_mcp, mcp_wanted
from .files import MAX_UPLOAD
from .health import health_route
from .link import GENERAL, misspelt, read
from .lost import lost
from .notices import alerts
from .page_address import PageAddress
from .page_language import PageLanguage
from .segment_page import SegmentPage, opening
from .serve_error import ServeError
from .texts import i18n, language_of, t
from .theme import theme
from .train_page import TrainPage

LOGGER = logging.getLogger(__name__)

HEAD_START_SECONDS = 0.5
"""Of the first page over torch, whose import holds up everything else."""

WAKE_SECONDS = 0.1
"""Between two looks at whether the server is to end."""

HERE = Path(__file__).parent

STYLES = [
    HERE / name for name in ("page.css", "train_page.css", "about_page.css", "bare.css")
]  # fmt: skip

SCRIPT = HERE / "address.js"


def build() -> gr.Blocks:
    """All pages, as one Blocks."""
    with gr.Blocks(title="unet_demo", delete_cache=(3600, 3600), fill_width=True) as demo:
        with gr.Column(elem_classes="masthead"):
            gr.HTML(f"<h1>{t('title')}</h1>")
            gr.HTML(f"<p>{t('tagline')}</p>")
        lost()
        refusals = gr.HTML(visible=False, elem_id="address-refusals", elem_classes="status")
        with gr.Tabs() as pages:
            with gr.Tab(t("page_segment"), id="segment"):
                segment = SegmentPage(demo)
            with gr.Tab(t("page_train"), id="train"):
                train = TrainPage(demo)
            with gr.Tab(t("page_about"), id="about") as about:
                AboutPage(about)
        segment.open_from(train.saved.success, train.checkpoint)
        train.saved.success(
            lambda: gr.Tabs(selected="segment"),
            None,
            pages,
            show_progress="hidden",
            api_visibility="private",
        )
        train_endpoint.build()
        endpoints.build()
        links = (segment.link, train.link)

        def on_address(request: gr.Request) -> dict[Any, Any]:
            """Open the page that the address names, and say what of it was left out."""
            query, language = request.query_params, language_of(request)
            asked = read(query, GENERAL)
            known = [*GENERAL, *(name for link in links for name in link.parameters)]
            refused = [
                *asked.refusals,
                *(refusal for link in links for refusal in link.read(query).refusals),
            ]
            said = [refusal.said(language) for refusal in (*refused, *misspelt(query, known))]
            wished = asked.values.get("page")
            return {
                refusals: gr.HTML(alerts(said, language), visible=bool(said)),
                # Where the address names none, a visitor may have opened another page meanwhile.
                **({pages: gr.Tabs(selected=wished)} if wished else {}),
            }

        demo.load(
            on_address, None, [pages, refusals], queue=False, show_progress="hidden",
            api_visibility="private",
        )  # fmt: skip
    return demo


def head() -> str:
    """What goes before the page: the styles, and the script that reads the address at once."""
    styles = "".join(f"<style>{path.read_text(encoding='utf-8')}</style>" for path in STYLES)
    return f"{styles}<script>{SCRIPT.read_text(encoding='utf-8')}</script>"


def launch(**options: object):
    """Build and serve; ``options`` override ``Blocks.launch``'s. Returns what ``launch()`` returns.

    Raises ServeError if the address is taken, if the list of the bundled checkpoints is damaged, or
    if the MCP server was asked for and its package is not installed.
    """
    options = {"mcp_server": mcp_wanted(), **options}
    wants_agents = options.pop("mcp_server")
    if wants_agents:
        check_mcp()
    try:
        demo = build()
    except CheckpointError as error:
        raise ServeError(str(error)) from error
    # Inference must not wait behind a training: each event names its own concurrency group.
    demo.queue(default_concurrency_limit=4, max_size=64)
    settings: dict[str, object] = {
        "theme": theme(),
        # Not as css_paths: Gradio would confine each rule to the inside of its own container.
        "head": head(),
        "i18n": i18n(),
        "app_kwargs": {
            "middleware": [Middleware(PageAddress), Middleware(PageLanguage)],
            "routes": [health_route()],
            "exception_handlers": {TypeError: endpoints.refuse_parameters},
            "lifespan": add_agents(demo) if wants_agents else None,
        },
        "mcp_server": False,  # Gradio's own
        "max_file_size": MAX_UPLOAD,
        "enable_monitoring": False,
        "run_history": False,
        "ssr_mode": False,
        "footer_links": ["api"],
    }
    try:
        launched = demo.launch(**{**settings, **options, "prevent_thread_lock": True})  # type: ignore[arg-type]
    except (OSError, OverflowError) as error:  # Gradio looks on past the last port there is
        raise ServeError(
            "The demo cannot listen there: the port is taken, or the host is not this machine's;"
            " give another port (--port, GRADIO_SERVER_PORT) or host (--host, GRADIO_SERVER_NAME)."
        ) from error
    loading = threading.Timer(HEAD_START_SECONDS, get_ready)
    loading.daemon = True
    loading.start()
    if not options.get("prevent_thread_lock"):
        serve_until_interrupted(demo)
    return launched


def serve_until_interrupted(demo: gr.Blocks) -> None:
    """Sleep until SIGINT comes (Ctrl-C, `docker stop`), then close; a second one ends it at once.

    Also where a script started the process in the background, and by that had SIGINT ignored.
    """
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    while not came:
        time.sleep(WAKE_SECONDS)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    demo.close()


def get_ready() -> None:
    """Import what computes, and segment the first example: a visitor should not have to wait for it.

    What is wrong with the example's checkpoint or the device is logged; the page says it, too.
    """
    later.devices.leave_cores_free()
    try:
        opening()
    except later.segmentation.EXPECTED_ERRORS as error:
        words = later.segmentation.plain_words(error)
        LOGGER.warning("The first example cannot be segmented: %s", words)
    later.load_all()
