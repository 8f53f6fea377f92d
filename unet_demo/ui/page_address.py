"""Keeps ``?page=`` of an address for ourselves: Gradio would look for a page of its own of that name,
which there is not, and answer with error 500. Its events, by which our handlers read the address, stay
as they are.
"""

from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from .page_language import OWN_ROUTES

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
