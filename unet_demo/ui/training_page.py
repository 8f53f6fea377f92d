"""What Train and Teach have alike: the buttons that begin, rest and end a training, and waiting for one's turn."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic

import gradio as gr

from ..live.play import PlaySnapshot
from .html import QUICK, Update, alert, note
from .server.sessions import Sessions
from .server.trainings import TRAINING, TRAININGS_AT_ONCE, T, Trainings, served
from .text import say, t

MAIN = ("start", "pause", "resume")
"""One button in three states: only the one that can be pressed is seen."""

BUTTONS = (*MAIN, "step", "stop", "reset")

ENABLED: dict[str, tuple[str, ...]] = {
    "ready": ("start", "step"),
    "waiting": (),
    "running": ("pause", "stop"),
    "paused": ("resume", "step", "stop", "reset"),
    "over": ("start", "step", "reset"),
}
"""Which buttons a person can press in each state."""


class TrainingPage(ABC, Generic[T]):
    """A page on which networks are trained; ``trainings`` are those of all pages."""

    status: gr.HTML
    buttons: dict[str, gr.Button]

    def __init__(self, sessions: Sessions[T], trainings: Trainings) -> None:
        self.sessions = sessions
        self.trainings = trainings
        trainings.join(sessions)

    @property
    @abstractmethod
    def for_trained(self) -> list[gr.Button]:
        """The buttons that need a network that has learned something and is at rest."""

    @abstractmethod
    def begin(self, session: T, steps: int | None, *values: Any) -> Iterator[Update]:
        """Train anew with what the page's components say, and follow it for so many steps; None: to its end."""

    @abstractmethod
    def follow_run(self, session: T, run: Any, steps: int | None) -> Iterator[Update]:
        """Show a training, the session's ``run``, for so many steps; None: until it rests."""

    @abstractmethod
    def at_rest(self, session: T, run: Any) -> Update:
        """What is said of a training, the session's ``run``, while it rests."""

    def lay_out_buttons(self, page: str, state: str | None) -> None:
        """Lay out the buttons as in a state; None: before anything can be trained."""
        enabled = ENABLED[state] if state else ()
        self.buttons = {
            name: gr.Button(
                t(f"train_{name}"),
                variant="primary" if name in MAIN else "secondary",
                interactive=name in enabled,
                elem_id=f"{page}-{name}",
                elem_classes="chief" if name in MAIN else None,
                min_width=0,
            )
            for name in BUTTONS
        }

    def wire_training(
        self,
        event: Callable[..., Any],
        handler: Callable[..., Iterator[Update]],
        inputs: Sequence[Any],
        moving: Sequence[Any],
    ) -> Any:
        """Have an event call a handler that follows a training; return what comes when that is over."""
        over = event(
            handler, list(inputs), list(moving), concurrency_id=TRAINING,
            concurrency_limit=TRAININGS_AT_ONCE, show_progress_on=[self.status],
            trigger_mode="once", api_visibility="private",
        )  # fmt: skip
        over.failure(self.on_refused, None, list(moving), **QUICK)
        return over

    def on_press(self, request: gr.Request) -> Update:
        """A training was asked for: say at once where it has to wait; what begins it says the rest."""
        return self.waiting(self.sessions.visitor(request)) or {self.status: gr.skip()}

    def on_refused(self, request: gr.Request) -> Update:
        """Where a training was waited for and never had its turn: wait no more; Gradio has said why."""
        session = self.sessions.visitor(request)
        if not session.waiting:
            return {self.status: gr.skip()}
        session.waiting = False
        return {self.status: "", **self.buttons_of(session)}

    def on_start(self, request: gr.Request, *values: Any) -> Iterator[Update]:
        """Train anew."""
        session = self.sessions.visitor(request)
        yield from self.served(session, self.begin(session, None, *values))

    def on_step(self, request: gr.Request, *values: Any) -> Iterator[Update]:
        """One step: of the training that is paused, else the first of a new one."""
        session = self.sessions.visitor(request)
        run = session.run
        updates = (
            self.follow_run(session, run, 1)
            if run and session.in_progress
            else self.begin(session, 1, *values)
        )
        yield from self.served(session, updates)

    def on_stop(self, request: gr.Request) -> Update:
        """End the training after its step; the handler that follows it, if there is one, says so."""
        session = self.sessions.visitor(request)
        run, followed = session.run, session.running
        if run is None:
            return {self.status: gr.skip()}
        run.stop()
        return {self.status: gr.skip()} if followed else self.at_rest(session, run)

    def on_pause(self, request: gr.Request) -> None:
        """Let the training rest after its step; the handler that follows it says so."""
        run = self.sessions.visitor(request).run
        if run:
            run.pause()

    def on_leave(self, request: gr.Request) -> None:
        """The tab was closed or loaded anew: its training stops and its memory goes."""
        self.sessions.close(request.session_hash)

    def served(self, session: T, updates: Iterator[Update]) -> Iterator[Update]:
        """Yield what a training says whose turn has come."""
        return served(self.sessions, session, updates, self.failure)

    def told_to_wait(self, session: T) -> Update:
        """That a training begins later, where as many are under way as there is room for; else nothing."""
        if not self.trainings.full:
            return {}
        told = note(say("train_said_waiting", session.language, count=TRAININGS_AT_ONCE))
        return {self.status: f'<div class="waiting">{told}</div>'}

    def waiting(self, session: T) -> Update:
        """The same, and no button to press meanwhile."""
        told = self.told_to_wait(session)
        session.waiting = bool(told)
        return told and {**told, **self.show_buttons("waiting", trained=session.trained)}

    def show_buttons(self, state: str, *, trained: bool) -> Update:
        """Which buttons can be pressed in a state, one of `ENABLED`."""
        pressed = {
            button: gr.Button(interactive=name in ENABLED[state])
            for name, button in self.buttons.items()
        }
        return {
            **pressed,
            **{button: gr.Button(interactive=trained) for button in self.for_trained},
        }

    def buttons_of(self, session: T) -> Update:
        """Which buttons can be pressed, with the training in hand."""
        state = shown_state(session.run.snapshot()) if session.run else "ready"
        return self.show_buttons(state, trained=session.trained)

    def failure(self, session: T, error: object) -> Update:
        """What went wrong with a training."""
        return {self.status: alert(error, session.language), **self.buttons_of(session)}


def shown_state(snapshot: PlaySnapshot) -> str:
    """The state that the buttons follow, one of `ENABLED`."""
    return "over" if snapshot.over else snapshot.state
