"""What one request may cost, and one address's requests together; and which doors are closed."""

import math
from collections import Counter
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..files import MAX_UPLOAD
from ..text import language_of, say
from .disk import MOST_OF_AN_ADDRESS, Brought, has_room
from .unforeseen import told
from .visitors import address_of

API = "/gradio_api/"

CLOSED = (
    "file=http", "file/http", "proxy=", "process_recording", "component_server", "deep_link", "stream/",
    "vibe-", "undo-vibe-",
)  # fmt: skip
"""Of Gradio's own doors those that no page of ours uses: they fetch, keep or write for anybody."""

MEGABYTE = 2**20


@dataclass(frozen=True)
class Bound:
    """The most that requests for addresses of a beginning may take.

    ``body``: bytes of one; ``values``: of its JSON, to each of which Gradio goes one by one, before it
    answers anybody else; ``address`` and ``all``: requests at once, of one address and together.
    """

    begins: str
    body: int = 3 * MEGABYTE  # a slice's labels of the brush, of 2048², where each pixel differs
    values: float = 10_000
    address: int = 1000
    all: int = 5000


# A form around the file, and a class that comes with one photograph each.
UPLOAD = Bound(f"{API}upload", MAX_UPLOAD + MEGABYTE, values=math.inf, address=40, all=64)

BOUNDS = (
    Bound(f"{API}upload_progress", address=200),
    UPLOAD,
    Bound(f"{API}heartbeat/", address=200),
    Bound(f"{API}queue/data", address=200),
    Bound(f"{API}call/", address=100),
    Bound(f"{API}run/", address=100, all=300),
    Bound(f"{API}mcp", MAX_UPLOAD * 4 // 3 + MEGABYTE, address=100),  # pictures as base64
    Bound("/"),
)
"""The first that fits holds."""

BEFORE_VALUES = b"[{,"
"""What stands before each value of a JSON; a file in base64 holds none of it."""


class TooLarge(Exception):
    """A request's body goes on beyond its bound."""


class Guard:
    """ASGI middleware that refuses, in a sentence, what goes beyond `BOUNDS`, and tells of errors."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open: Counter[tuple[str, str | None]] = Counter()
        self._brought = Brought()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may be asked for."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer(Request(scope), send)
        if is_closed(scope["path"]):
            await answer.refuse(404, "closed")
            return
        bound = next((one for one in BOUNDS if scope["path"].startswith(one.begins)), BOUNDS[-1])
        places = ((bound.begins, address_of(answer.request)), (bound.begins, None))
        if self._open[places[0]] >= bound.address or self._open[places[1]] >= bound.all:
            await answer.refuse(429, "busy_requests")
            return
        self._open.update(places)
        try:
            if bound is UPLOAD and (refusal := self._no_room(answer.request)):
                await answer.refuse(507, refusal)
            else:
                await self._pass_on(scope, receive, answer, bound)
        finally:
            if bound is UPLOAD:
                self._brought.add(address_of(answer.request), answer.had)
            self._open.subtract(places)
            if not self._open[places[0]]:
                del self._open[places[0]]

    def _no_room(self, request: Request) -> str | None:
        """The key of the sentence that says why nothing more may be brought, if so."""
        length = told_length(request)
        if self._brought.of(address_of(request)) + length > MOST_OF_AN_ADDRESS:
            return "brought_too_much"
        return None if has_room(length) else "disk_full"

    async def _pass_on(
        self, scope: Scope, receive: Receive, answer: "Answer", bound: Bound
    ) -> None:
        if told_length(answer.request) > bound.body:
            await answer.refuse(413, "body_too_large")
            return
        try:
            await self.app(scope, answer.counted(receive, bound), answer.send)
        except Exception as error:
            if answer.too_large:
                await answer.refuse(413, "body_too_large")
            else:
                await answer.fail(error)


@dataclass
class Answer:
    """What is sent to whoever asked."""

    request: Request
    to: Send
    begun: bool = False
    too_large: bool = False
    had: int = 0
    """Bytes of the body that have come."""
    values: int = 0
    """Of its JSON."""

    async def send(self, message: Message) -> None:
        """Pass a message on, unless the body turned out too large, for which the app has no words."""
        if self.too_large and not self.begun:
            raise TooLarge
        self.begun = True
        await self.to(message)

    def counted(self, receive: Receive, bound: Bound) -> Receive:
        """Wrap ``receive`` so that it raises TooLarge beyond the bound."""

        async def receive_on() -> Message:
            message = await receive()
            body = message.get("body", b"")
            self.had += len(body)
            self.values += sum(map(body.count, BEFORE_VALUES)) if bound.values < math.inf else 0
            if self.had > bound.body or self.values > bound.values:
                self.too_large = True
                raise TooLarge
            return message

        return receive_on

    async def refuse(self, status: int, key: str) -> None:
        """Answer with a sentence, unless an answer is under way."""
        await self._say(status, say(key, language_of(self.request)))

    async def fail(self, error: Exception) -> None:
        """Log an error that nobody foresaw, and answer with a sentence."""
        if not any(isinstance(one, HTTPException) for one in leaves(error)):
            await self._say(500, told(error, language_of(self.request)))
        elif self.begun:  # Gradio does not know, or no longer, whose answer was asked for
            await self._end()

    async def _say(self, status: int, sentence: str) -> None:
        if self.begun:
            await self._end()
            return
        answer = JSONResponse({"error": sentence, "detail": sentence}, status_code=status)
        await answer(self.request.scope, self.request.receive, self.to)

    async def _end(self) -> None:
        await self.to({"type": "http.response.body", "body": b"", "more_body": False})


def told_length(request: Request) -> int:
    """Return how long a request says that its body is; 0 where it does not say."""
    length = request.headers.get("content-length", "")
    return int(length[:20]) if length.isdecimal() else 0


def leaves(error: BaseException) -> list[BaseException]:
    """Return the errors of a group, or the one that is none."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in leaves(one)]
    return [error]


def is_closed(path: str) -> bool:
    """Tell whether nobody is let in there."""
    _, api, door = path.partition(API)
    return bool(api) and door.lstrip("/").lower().startswith(CLOSED)
