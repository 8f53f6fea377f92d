"""Tells browsers to keep Gradio's scripts and styles, so that a page that is opened again asks for few files."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = "/assets/"
"""Where Gradio serves them: the name of each holds a hash of what is in it."""

KEEP = "public, max-age=31536000, immutable"
"""For a year, without asking whether it has changed."""


class KeptAssets:
    """ASGI middleware that lets a browser keep each asset; Gradio itself has it ask again for each."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and assets with the header."""

        async def send_kept(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(raw=message["headers"])["cache-control"] = KEEP
            await send(message)

        asset = scope["type"] == "http" and scope["path"].startswith(ASSETS)
        await self.app(scope, receive, send_kept if asset else send)
