"""Each page tells the scripts on it the visitor's language, which Gradio alone would not learn.

Gradio reads ``navigator.language`` before it runs any script of ours, knows no ``?lang=``, and takes
zh-HK for English. So the server, which decides the language anyway, writes it where Gradio looks.

Nor do Gradio's scripts arrive in an iframe whose sandbox lacks allow-same-origin, where the server is
this machine's: it does not answer pages of no origin, so that no other site drives it. What stands
here does arrive, and says so.
"""

import json
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..constants import VERSION
from .text import language_of, say

OWN_ROUTES = "/gradio_api/"
"""Where Gradio serves files and events, which stay as they are."""

HEAD = b"<head>"

SCRIPT = """<script>
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
</script>"""


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
        script = SCRIPT % {
            "language": json.dumps(language),
            "sandboxed": say("page_sandboxed", language),
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
    return JSONResponse({"status": "ok", "version": VERSION})
