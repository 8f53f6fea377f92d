"""How the demo is served, from its settings to its end."""

import logging
import signal
import threading
import time
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from ..checkpoints import CheckpointError
from ..devices import leave_cores_free
from ..environment import ServeError
from ..segmentation import EXPECTED_ERRORS, plain_words
from .api import endpoints
from .api.mcp import add_agents, check_mcp, mcp_wanted
from .files import MAX_UPLOAD
from .middleware import PageAddress, PageLanguage, health_route
from .pages import build
from .segment.session import opening
from .text import i18n
from .theme import theme

LOGGER = logging.getLogger(__name__)

WAKE_SECONDS = 0.1
"""Between two looks at whether the server is to end."""

HERE = Path(__file__).parent

SHEETS = ("page", "bar", "segment", "train", "about", "bare")

STYLES = [HERE / "styles" / f"{name}.css" for name in SHEETS]

SCRIPT = HERE / "components" / "address.js"


def head() -> str:
    """Return what goes before the page: the styles, and the script that reads the address at once."""
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
    threading.Thread(target=get_ready, daemon=True).start()
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
    """Segment the first example: a visitor should not have to wait for it.

    What is wrong with the example's checkpoint or the device is logged; the page says it, too.
    """
    leave_cores_free()
    try:
        opening()
    except EXPECTED_ERRORS as error:
        words = plain_words(error)
        LOGGER.warning("The first example cannot be segmented: %s", words)
