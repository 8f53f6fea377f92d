"""Who may wait for what: Gradio's queue, where no stranger takes everybody's places.

Scripts, trainings and pages have rooms of their own. One address and one page hold few places of a
room, have their turns in line with others, leave a place to others, and lose what they don't read.
"""

import asyncio
import math
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import HTTPException, Request
from gradio.block_function import BlockFunction
from gradio.blocks import Blocks
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue
from gradio.utils import run_coro_in_background

from ...data import Cancelled
from ..text import language_of, say
from .visitors import address_of

T = TypeVar("T")

WAKE_SECONDS = 0.1
"""Between two looks at whether work that waits was called off."""

UNREAD_SECONDS = 30
"""An answer that nobody reads for so long is dropped, with the work for it."""

UNREAD_SECONDS_WHEN_FULL = 5
"""The same where others find no place."""

SWEEP_SECONDS = 1

MOST_UNREAD = 1000
"""Sessions whose answers nobody reads; of more, the ones that are unread for the longest go."""

SCRIPTS, TRAININGS, PAGES = "scripts", "scripts' trainings", "pages"
"""The rooms; the first two are names of the concurrency groups there, too."""


@dataclass(frozen=True)
class Room:
    """The most events that wait or run: all of them, one address's, and one session's."""

    all: int
    address: int
    session: int


ROOMS = {
    SCRIPTS: Room(64, 40, 8),
    TRAININGS: Room(16, 8, 4),
    PAGES: Room(512, 96, 24),
}
"""A class behind one address has places for all, and leaves some to others."""


class Turn:
    """Threads of their own for what runs within an event, such as a network; whoever waits can be called off.

    Always the same few: each thread that a network ever ran in keeps memory for it.
    """

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once)

    def run(self, work: Callable[[], T], cancelled: threading.Event | None = None) -> T:
        """Do the work in its turn. Raises Cancelled if ``cancelled`` is set before, and what the work raises."""
        begun = self._threads.submit(copy_context().run, work)
        while not wait([begun], WAKE_SECONDS).done:
            if cancelled and cancelled.is_set() and begun.cancel():
                raise Cancelled
        return begun.result()


class Messages(asyncio.Queue):
    """The answers to one session, and whether somebody reads them."""

    def __init__(self) -> None:
        super().__init__()
        self._readers = 0
        self._left = time.monotonic()

    async def get(self) -> Any:
        """Wait for the next one; Gradio does so again and again while a reader is there."""
        self._readers += 1
        try:
            return await super().get()
        finally:
            self._readers -= 1
            self._left = time.monotonic()

    @property
    def unread_seconds(self) -> float:
        """For how long nobody has waited for an answer."""
        return 0.0 if self._readers else time.monotonic() - self._left


class Places(Queue):
    """Gradio's queue with rooms, turns, and an end to what nobody reads."""

    def __init__(self, blocks: Blocks, limit: int) -> None:
        """Queue the events of ``blocks``; ``limit``: how many of a function run at once, if it says nothing."""
        super().__init__(
            live_updates=True,
            concurrency_count=blocks.max_threads,
            update_intervals=1,
            max_size=None,
            blocks=blocks,
            default_concurrency_limit=limit,
        )
        # Gradio's own forgets the oldest of 2,000, though somebody reads it.
        self.pending_messages_per_session: dict[str, Messages] = {}  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to serve."""
        super().start()
        run_coro_in_background(self._sweep)

    async def push(
        self, body: PredictBodyInternal, request: Request, username: str | None
    ) -> tuple:
        """Take a place, or raise HTTPException with a sentence that says why there is none."""
        fn = self._function(body)
        if fn is not None:
            body.session_hash = body.session_hash or uuid.uuid4().hex
            await self._check(room_of(fn), body.session_hash, request)
            self.pending_messages_per_session.setdefault(body.session_hash, Messages())
        answer = await super().push(body, request, username)
        if fn is not None and fn.concurrency_id in self.event_queue_per_concurrency_id:
            line = self.event_queue_per_concurrency_id[fn.concurrency_id]
            line.queue[:] = in_turns(line.queue)
        return answer

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """Choose what runs next; of more than two places, an address leaves one to others."""
        running = Counter(
            (one.concurrency_id, address_of(one.request))
            for job in self.active_jobs
            for one in job or ()
        )
        groups = list(self.event_queue_per_concurrency_id.items())
        random.shuffle(groups)
        for name, line in groups:
            limit = math.inf if line.concurrency_limit is None else line.concurrency_limit
            if line.current_concurrency >= limit:
                continue
            most = limit - 1 if limit > 2 else limit
            for event in line.queue:
                if running[name, address_of(event.request)] < most:
                    line.queue.remove(event)
                    return [event], False, name
        return None

    def _function(self, body: PredictBodyInternal) -> BlockFunction | None:
        return None if body.fn_index is None else self.blocks.fns.get(body.fn_index)

    async def _check(self, room: str, session: str, request: Request) -> None:
        address = address_of(request)
        if self._refusal(room, session, address):
            await self._drop(UNREAD_SECONDS_WHEN_FULL)
        if refusal := self._refusal(room, session, address):
            raise HTTPException(429, say(refusal, language_of(request)))

    def _refusal(self, room: str, session: str, address: str) -> str | None:
        """The key of the sentence that says why there is no place, if there is none."""
        bound = ROOMS[room]
        held = [one for one in self.event_ids_to_events.values() if room_of(one.fn) == room]
        if sum(one.session_hash == session for one in held) >= bound.session:
            return "busy_session"
        if sum(address_of(one.request) == address for one in held) >= bound.address:
            return "busy_address"
        return "busy_all" if len(held) >= bound.all else None

    async def _sweep(self) -> None:
        while not self.stopped:
            await asyncio.sleep(SWEEP_SECONDS)
            await self._drop(UNREAD_SECONDS)

    async def _drop(self, seconds: float) -> None:
        """Forget what nobody has read for so long, waiting or running."""
        unread = {
            name: messages.unread_seconds
            for name, messages in self.pending_messages_per_session.items()
        }
        unread = {name: late for name, late in unread.items() if late}
        oldest_first = sorted(unread, key=lambda name: -unread[name])
        many = len(unread) - MOST_UNREAD
        for place, name in enumerate(oldest_first):
            if unread[name] > seconds or place < many:
                await self.clean_events(session_hash=name)
                self.pending_messages_per_session.pop(name, None)
                self.pending_event_ids_session.pop(name, None)


def room_of(fn: BlockFunction) -> str:
    """Return the room where a function's events wait: what is public is for scripts."""
    if fn.api_visibility != "public":
        return PAGES
    return TRAININGS if fn.concurrency_id == TRAININGS else SCRIPTS


def in_turns(events: list[Event]) -> list[Event]:
    """Order what waits: each address's first, then each one's second …; so with an address's sessions."""
    by_session = _in_turns(events, lambda event: event.session_hash)
    return _in_turns(by_session, lambda event: address_of(event.request))


def _in_turns(events: list[Event], whose: Callable[[Event], Hashable]) -> list[Event]:
    seen: Counter[Hashable] = Counter()
    turns = []
    for event in events:
        turns.append(seen[whose(event)])
        seen[whose(event)] += 1
    order = sorted(range(len(events)), key=turns.__getitem__)  # stable
    return [events[place] for place in order]
