"""Serves the demo, from its settings to its end, and writes the visitor's language into each page.

Gradio reads ``navigator.language`` before it runs any script of ours, knows no ``?lang=``, and takes
zh-HK for English. So the server, which decides the language anyway, writes it where Gradio looks.

Nor do Gradio's scripts arrive in an iframe whose sandbox lacks allow-same-origin, where the server is
this machine's: it does not answer pages of no origin, so that no other site drives it. What stands
here does arrive, and says so. It is also early enough to open the page that the address names (address.js).
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import gradio as gr
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import __version__
from ..checkpoints import CheckpointError
from ..devices import leave_cores_free, release_threads, share_free_memory
from ..environment import PORT_VARIABLE, ServeError
from ..segmentation import EXPECTED_ERRORS, plain_words
from .api import endpoints
from .api.mcp import add_agents, check_mcp, mcp_wanted
from .files import MAX_UPLOAD
from .pages import build, theme
from .segment.session import opening
from .server.assets import KeptAssets
from .server.demo import States
from .server.disk import take_place
from .server.guard import Guard
from .text import i18n, language_of, say
from .triples import triples_routes

OWN_ROUTES = "/gradio_api/"
"""Where Gradio serves files and events, which stay as they are."""

HEAD = b"<head>"

LANGUAGE_SCRIPT = """<script>
for (const [name, value] of [["language", %(language)s], ["languages", [%(language)s]]])
  Object.defineProperty(navigator, name, { value, configurable: true });
document.documentElement.lang = navigator.language;
if (self.origin === "null") {
  let refused = false;
  addEventListener("error", ({ target }) => (refused ||= target.tagName === "SCRIPT"), true);
  addEventListener("load", () => {
    if (refused) document.body.innerHTML = '<p role="alert" style="margin: 2rem">%(sandboxed)s</p>';
  });
}
{
const OPENING = %(opening)s;
%(address)s
}
</script>"""

HERE = Path(__file__).parent

ADDRESS = (HERE / "components" / "address.js").read_text(encoding="utf-8")


class PageLanguage:
    """ASGI middleware that puts the language at the top of each HTML page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and pages with the script in them."""
        if scope["type"] != "http" or OWN_ROUTES in scope["path"]:
            await self.app(scope, receive, send)
            return
        language = language_of(Request(scope))
        script = LANGUAGE_SCRIPT % {
            "language": json.dumps(language),
            "sandboxed": say("page_sandboxed", language),
            "opening": json.dumps({key: say(key, language) for key in ("title", "loading")}),
            "address": ADDRESS,
        }
        await self.app(scope, receive, _with_script(script.encode(), send))


def _with_script(script: bytes, send: Send) -> Send:
    """Wrap ``send`` so that in a page the script follows ``<head>``."""
    start: Message | None = None

    async def send_on(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and _is_page(message):
            start = message  # waits for the body, since its length is about to change
            return
        if start is not None and message["type"] == "http.response.body":
            before = message.get("body", b"")
            body = before.replace(HEAD, HEAD + script, 1)
            _lengthen(start, len(body) - len(before))
            await send(start)
            start, message = None, {**message, "body": body}
        await send(message)

    return send_on


def _is_page(start: Message) -> bool:
    return MutableHeaders(raw=start["headers"]).get("content-type", "").startswith("text/html")


def _lengthen(start: Message, more: int) -> None:
    headers = MutableHeaders(raw=start["headers"])
    headers.add_vary_header("accept-language")
    if "content-length" in headers:
        headers["content-length"] = str(int(headers["content-length"]) + more)


OURS = "page"


class PageAddress:
    """ASGI middleware that leaves our parameter out of the queries that Gradio answers with a page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] == "http" and OWN_ROUTES not in scope["path"]:
            scope = {**scope, "query_string": _without_ours(scope["query_string"])}
        await self.app(scope, receive, send)


def _without_ours(query: bytes) -> bytes:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name != OURS]
    return query if len(kept) == len(pairs) else urlencode(kept).encode()


HEALTH_PATH = "/health"


def health_route() -> Route:
    """Answer GET /health with 200 ``{"status": "ok", "version": …}``, also where the page asks for a password.

    It computes nothing and waits for no network: it tells of the server, not of a checkpoint.
    """
    return Route(HEALTH_PATH, _health)


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": __version__})


LOGGER = logging.getLogger(__name__)

WAKE_SECONDS = 0.1
"""Between two looks at whether the server is to end."""

SHEETS = ("page", "bar", "segment", "train", "teach", "inside", "reading", "bare")

STYLES = [HERE / "styles" / f"{name}.css" for name in SHEETS]

RADIOS = HERE / "components" / "radios.js"


def head() -> str:
    """Return what goes before the page: the styles, and a script for radio buttons."""
    styles = "".join(f"<style>{path.read_text(encoding='utf-8')}</style>" for path in STYLES)
    return f"{styles}<script>{RADIOS.read_text(encoding='utf-8')}</script>"


def launch(**options: object):
    """Build and serve; ``options`` override ``Blocks.launch``'s. Returns what ``launch()`` returns.

    Raises ServeError if the address is taken, if the list of the bundled checkpoints is damaged, or
    if the MCP server was asked for and its package is not installed.
    """
    alone = not options.get("prevent_thread_lock")
    if alone:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # with all that is to be tidied up
        share_free_memory()
        take_place()
    options = {"mcp_server": mcp_wanted(), **options}
    wants_agents = options.pop("mcp_server")
    if options.get("server_port") is None and PORT_VARIABLE in os.environ:
        options["server_port"] = int(os.environ[PORT_VARIABLE])  # or Gradio would take another one
    if wants_agents:
        check_mcp()
    try:
        demo = build()
    except CheckpointError as error:
        raise ServeError(str(error)) from error
    release_threads()
    demo.wait_in_line()
    settings: dict[str, object] = {
        "theme": theme(),
        # Not as css_paths: Gradio would confine each rule to the inside of its own container.
        "head": head(),
        "i18n": i18n(),
        "app_kwargs": {
            "middleware": [
                Middleware(one) for one in (Guard, PageAddress, PageLanguage, KeptAssets)
            ],
            "routes": [health_route(), *triples_routes()],
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
    launched[0].state_holder = States(demo)
    threading.Thread(target=get_ready, daemon=True).start()
    if alone:
        serve_until_interrupted(demo)
    return launched


def serve_until_interrupted(demo: gr.Blocks) -> None:
    """Sleep until SIGINT (Ctrl-C) or SIGTERM comes, then close; a second one ends it at once.

    Also where a script started the process in the background, and by that had SIGINT ignored.
    """
    came: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: came.append(number))
    while not came:
        time.sleep(WAKE_SECONDS)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
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
