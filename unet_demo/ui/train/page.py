"""The Train page: press a button, and watch the loss fall and the mask appear."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import gradio as gr

from ...live.play import RUN_ERRORS, LiveError
from ...live.run import LiveRun, Snapshot
from ...live.settings import LiveSettings, SettingsError, current_limits, with_changes
from ..components.brush import brush
from ..components.chart import chart
from ..components.history import restored_query
from ..components.recording import recording
from ..components.scenes import scenes
from ..components.shortcut import shortcut
from ..components.u import u
from ..files import download_link, start_download
from ..html import QUICK, Update, alert, hint, note
from ..server import zero_gpu
from ..server.trainings import Trainings
from ..text import DEFAULT_LANGUAGE, say, t
from ..training_page import TrainingPage, shown_state
from .controls import (
    DATA,
    EXPERIMENT,
    FIRST_PRESET,
    METHOD,
    lay_out,
    preset_control,
    preset_values,
    settings_of,
    values_of,
)
from .downloads import FILES, drawing_ground, segment_drawing
from .link import TrainLink
from .recording import recorded_for
from .session import KEPT_RUNS, Session, Sessions
from .views import (
    curves,
    drawn,
    envelope_table,
    living_u,
    pictures,
    proposed,
    readings,
    ready_sentence,
    run_sentence,
    runs_table,
)


class TrainPage(TrainingPage[Session]):
    """The page's components, and what happens when they are used.

    ``first`` is what it opens with; the preset "Random shapes" if left out.
    ``checkpoint`` holds the path of the file that "Use it in Segment" has written; ``saved`` is
    that event, for the Segment page to go on from with ``.success``.
    """

    def __init__(self, demo: gr.Blocks, first: LiveSettings | None = None) -> None:
        super().__init__(Sessions(), Trainings())
        self.limits = current_limits()
        self.controls: dict[str, Any] = {}
        opening = values_of(first) if first else preset_values(FIRST_PRESET, self.limits)
        with gr.Row(elem_classes="train-page"):
            with gr.Row(elem_id="train-strip"):
                self._lay_out_strip(opening)
            with gr.Column(elem_classes="told"):
                self.readings = gr.HTML(readings(None, DEFAULT_LANGUAGE), elem_id="train-readings")
                self.status = gr.HTML(
                    hint("loading"), elem_id="train-status", elem_classes="status"
                )
            with gr.Column(elem_classes="scenes-column"):
                self.scenes = scenes(elem_id="train-scenes")
                self.drawn_note = gr.HTML(hint("train_draw_untrained"), elem_id="train-drawn-note")
                with gr.Row(elem_id="train-drawing"):
                    self.editor = brush(elem_id="train-editor")
                    self.drawn = gr.HTML(elem_id="train-drawn")
            with gr.Column(elem_classes="u-column"):
                self.u = u(elem_id="train-u")
            with gr.Column(elem_classes="chart-column"):
                self.chart = chart(elem_id="train-chart")
                self.recording = recording(elem_id="train-recording")
        self._lay_out_afterwards()
        self.checkpoint = gr.State(None)
        self.autostarted = gr.State(False)
        self.link = TrainLink(self.limits)
        self._wire_opening(demo)
        self._wire_buttons()
        self._wire_controls()
        self._wire_afterwards()

    def _lay_out_strip(self, opening: dict[str, Any]) -> None:
        """The buttons and what a run is, in one line; what is seldom changed folds out below it."""
        with gr.Row(elem_classes="train-buttons"):
            self.lay_out_buttons("train", "ready")
        self.preset = preset_control()
        self.controls |= lay_out(EXPERIMENT, opening, self.limits, elem_id="train-experiment")
        with gr.Accordion(t("train_more"), open=False, elem_id="train-more"), gr.Row():
            with gr.Column():
                gr.HTML(f"<h3>{t('train_training')}</h3>", padding=False)
                self.controls |= lay_out(METHOD, opening, self.limits)
            with gr.Column():
                gr.HTML(f"<h3>{t('train_data')}</h3>", padding=False)
                self.controls |= lay_out(DATA, opening, self.limits)

    def _lay_out_afterwards(self) -> None:
        with gr.Row(elem_classes="train-foot"):
            shortcut("train")
        with gr.Row(elem_id="train-downloads"):
            self.downloads = {
                kind: gr.Button(
                    t(f"train_download_{kind}"), size="sm", interactive=False, min_width=110,
                    elem_id=f"train-download-{kind}",
                )
                for kind in FILES
            }  # fmt: skip
            self.use = gr.Button(
                t("train_use"), size="sm", interactive=False, min_width=110, elem_id="train-use"
            )
        # A file is made when it is asked for, then this link is clicked for the person.
        self.download = download_link("train-download-link")
        with gr.Accordion(t("train_runs"), open=True):
            gr.HTML(t("train_runs_info"), elem_classes=["hint", "padded"])
            self.runs = gr.HTML(runs_table(Session()), elem_id="train-runs")
            self.forget = gr.Button(t("train_runs_forget"), size="sm", elem_id="train-forget")
        with gr.Accordion(t("train_envelope"), open=False):
            gr.HTML(t("train_envelope_info"), elem_classes=["hint", "padded"])
            self.envelope = gr.HTML(elem_id="train-envelope")

    def _wire_opening(self, demo: gr.Blocks) -> None:
        """What a page does when it opens, and when it is left."""
        greeted = [
            self.scenes, self.u, self.status, self.chart, self.readings, self.runs, self.envelope,
            self.editor, self.preset, self.recording,
        ]  # fmt: skip
        controls = list(self.controls.values())
        demo.load(self.on_greeting, controls, [*greeted, *controls], **QUICK).then(
            # Through the queue: without it Gradio tells nobody that a state has changed.
            self.on_autostart, None, [self.autostarted, *self._followed], concurrency_limit=None,
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip
        # A state's change is told but once: a second load event of the page starts no second run.
        self._wire_run(self.autostarted.change, self.on_autostarted, [self.autostarted, *controls])
        demo.unload(self.on_leave)

    def _wire_buttons(self) -> None:
        """What begins, rests and ends a run, and what is kept of it."""
        controls = list(self.controls.values())
        for name, handler, inputs in (
            ("start", self.on_start, controls),
            ("step", self.on_step, controls),
            ("resume", self.on_resume, []),
        ):
            self.buttons[name].click(self.on_press, None, self._followed, **QUICK)
            self._wire_run(self.buttons[name].click, handler, inputs)
        self.buttons["pause"].click(self.on_pause, **QUICK)
        stopped = self.buttons["stop"].click(self.on_stop, outputs=self._followed, **QUICK)
        stopped.then(self.on_rested, controls, self.u, **QUICK)
        self.buttons["reset"].click(self.on_reset, controls, self._followed, **QUICK)
        self.forget.click(self.on_forget, None, [self.runs, self.chart], **QUICK)

    def _wire_controls(self) -> None:
        """What shows at once what a run would learn."""
        controls = list(self.controls.values())
        chosen = self.preset.input(
            self.on_preset, self.preset, [*controls, self.editor, *self._followed],
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip
        self._wire_drawing(chosen.then)
        shown = [self.scenes, self.u, self.status, self.chart, self.recording]
        gr.on(
            [control.input for control in controls],
            self.on_change,
            controls,
            shown,
            **QUICK,
        )
        skips = self.controls["skips"]
        switched = self.u.input(None, skips, skips, js="(on) => !on", **QUICK)
        switched.then(self.on_change, controls, shown, **QUICK)

    def follow(self, steps: gr.HTML) -> None:
        """Have the address follow the controls, and the controls the history's ``steps``."""
        linked = [self._linked()[name] for name in self.link.settings]
        gr.on([control.change for control in linked], None, linked, js=self.link.script())
        steps.restored_train(
            self.on_restored, steps, [self.preset, *self.controls.values(), self.editor, *self._followed],
            **QUICK,
        )  # fmt: skip

    def _wire_afterwards(self) -> None:
        """What can be done with a network that was trained."""
        self._wire_drawing(self.editor.input)
        for kind, button in self.downloads.items():
            made = button.click(
                self._download(kind), None, [self.download, self.status],
                show_progress_on=[self.status], api_visibility="private",
            )  # fmt: skip
            start_download(made, self.download)
        self.saved = self.use.click(
            self.on_use, None, [self.checkpoint, self.status], api_visibility="private"
        )

    def _wire_run(
        self, event: Callable[..., Any], handler: Callable[..., Any], inputs: Sequence[Any]
    ) -> None:
        """Have an event call a handler that follows a run, and then segment the drawing."""
        over = self.wire_training(event, handler, inputs, self._followed)
        over.then(self.on_rested, list(self.controls.values()), self.u, **QUICK)
        self._wire_drawing(over.then)

    def _wire_drawing(self, event: Callable[..., Any]) -> None:
        """Have an event segment what was drawn."""
        event(
            self.on_draw, self.editor, [self.drawn, self.drawn_note], **QUICK,
        )  # fmt: skip

    @property
    def for_trained(self) -> list[gr.Button]:
        return [*self.downloads.values(), self.use]

    @property
    def _followed(self) -> list[Any]:
        """All that moves while a run is followed."""
        watched = [self.chart, self.scenes, self.u, self.status, self.readings, self.runs, self.use]
        watched.append(self.recording)
        return [*watched, *self.buttons.values(), *self.downloads.values()]

    def on_greeting(self, request: gr.Request, *values: Any) -> Update:
        """What has to be computed, or said in the visitor's language."""
        session = self.sessions.visitor(request)
        session.opened = True
        wished = self.link.read(request.query_params).values
        settings = settings_of(wished) if wished else self._settings(values)
        linked = {control: wished[name] for name, control in self._linked().items() if wished}
        proposal = {**linked, **self._proposal(session, settings)}
        run = session.run
        always = {
            self.envelope: envelope_table(session.language),
            self.editor: drawing_ground(run.settings if run else settings),
        }
        if session.run:
            return always
        starts = self.link.autostart(request.query_params)
        if starts:
            proposal |= self.told_to_wait(session)
        return {
            **proposal,
            **always,
            self.recording: None if starts else recorded_for(settings),
            self.readings: readings(None, session.language),
            self.runs: runs_table(session),
        }

    def on_autostart(self, request: gr.Request) -> Update:
        """Whether the address asks for a run at once, and whether that has to wait."""
        wanted = self.link.autostart(request.query_params)
        session = self.sessions.visitor(request)
        waiting = self.waiting(session) if wanted and session.run is None else {}
        return {self.autostarted: wanted, **waiting}

    def on_autostarted(self, request: gr.Request, wanted: bool, *values: Any) -> Iterator[Update]:
        """Start the run that the address asks for; the browser tells of a state that is False, too."""
        if wanted and self.sessions.visitor(request).run is None:
            yield from self.on_start(request, *values)
        else:
            yield {self.status: gr.skip()}

    def on_preset(self, name: str, request: gr.Request) -> Update:
        """Set every control, and show what is to be learned unless a run is in progress."""
        return self._set(self.sessions.visitor(request), preset_values(name, self.limits))

    def on_restored(self, step: dict[str, Any], request: gr.Request) -> Update:
        """Set what an address of before says, as for a preset."""
        first = {"preset": FIRST_PRESET, **preset_values(FIRST_PRESET, self.limits)}
        values = self.link.read(restored_query(step)).values or first
        return {self.preset: values["preset"], **self._set(self.sessions.visitor(request), values)}

    def _set(self, session: Session, values: dict[str, Any]) -> Update:
        settings = settings_of(values)
        moved = {control: values[name] for name, control in self.controls.items()}
        if session.in_progress:
            return moved
        return {**moved, self.editor: drawing_ground(settings), **self._proposal(session, settings)}

    def on_change(self, request: gr.Request, *values: Any) -> Update:
        """A control moved: show what would be learned, unless a run is in progress."""
        session = self.sessions.visitor(request)
        if session.in_progress:
            return {self.status: gr.skip()}
        try:
            return self._proposal(session, self._settings(values))
        except SettingsError as error:
            told = gr.skip() if session.waiting else alert(error, session.language)
            return {self.status: told, self.recording: None}

    def on_rested(self, request: gr.Request, *values: Any) -> Update:
        """A run is over: the U is again that of the controls, and its skips can be switched."""
        session = self.sessions.visitor(request)
        try:
            settings = self._settings(values)
        except SettingsError:
            return {self.u: gr.skip()}
        return {self.u: gr.skip() if session.in_progress else living_u(session, settings)}

    def on_press(self, request: gr.Request) -> Update:
        return {self.recording: None, **self.waiting(self.sessions.visitor(request))}

    def on_resume(self, request: gr.Request) -> Iterator[Update]:
        """Go on with the run that is paused."""
        session = self.sessions.visitor(request)
        if session.run:
            yield from self.served(session, self.follow_run(session, session.run, None))
        else:
            session.waiting = False
            # The run went with a connection that broke; a generator without a yield empties the page.
            yield {
                self.status: alert(why_no_network(session), session.language),
                **self.show_buttons("ready", trained=False),
            }

    def on_reset(self, request: gr.Request, *values: Any) -> Update:
        """Put the run away and show what would be learned next."""
        session = self.sessions.visitor(request)
        session.set_aside()
        try:
            settings = self._settings(values)
        except SettingsError as error:
            return {
                self.status: alert(error, session.language),
                **self.show_buttons("ready", trained=False),
            }
        return {
            **self._proposal(session, settings),
            self.chart: curves(session, settings),
            self.readings: readings(None, session.language),
            self.runs: runs_table(session),
            **self.show_buttons("ready", trained=False),
        }

    def on_forget(self, request: gr.Request) -> Update:
        """Forget the runs before the one in hand."""
        session = self.sessions.visitor(request)
        session.forget()
        settings = session.run.settings if session.run else with_changes(FIRST_PRESET)
        return {self.runs: runs_table(session), self.chart: curves(session, settings)}

    def on_draw(self, drawing: dict[str, Any] | None, request: gr.Request) -> Update:
        """Segment what was drawn with the network as it is."""
        session = self.sessions.visitor(request)
        if session.run is None and (session.evicted or not session.opened):
            return {self.drawn_note: alert(why_no_network(session), session.language)}
        if session.run is None or not session.trained:
            text = "train_draw_running" if session.running else "train_draw_untrained"
            return {self.drawn_note: hint(text)}
        if drawing is None:
            return {self.drawn_note: hint("train_draw_info")}
        try:
            mask = segment_drawing(session.run, drawing)
        except ValueError:
            broken = say("train_draw_broken", session.language)
            return {self.drawn_note: alert(broken, session.language)}
        except LiveError as error:
            return {self.drawn_note: alert(error, session.language)}
        shown = drawn(mask, session.language)
        return {self.drawn: shown, self.drawn_note: hint("train_draw_info")}

    def on_use(self, request: gr.Request) -> Update:
        """Write the checkpoint for the Segment page."""
        session = self.sessions.visitor(request)
        run = self._trained_run(session)
        step = run.snapshot().trained_steps
        path = session.file(f"live-{session.number}-{step}.safetensors")
        used = sorted(path.parent.glob("live-*-*"), key=lambda file: file.stat().st_mtime)
        for earlier in used[: 1 - KEPT_RUNS]:
            earlier.unlink()
        FILES["checkpoint"].write(run, path)
        return {
            self.checkpoint: str(path),
            self.status: note(say("train_used", session.language, name=path.name)),
        }

    def _linked(self) -> dict[str, Any]:
        """What an address can set, by name."""
        return {"preset": self.preset, **self.controls}

    def _settings(self, values: Sequence[Any]) -> LiveSettings:
        settings = settings_of(dict(zip(self.controls, values, strict=True)))
        self.limits.check(settings)
        return settings

    def begin(self, session: Session, steps: int | None, *values: Any) -> Iterator[Update]:
        yield self.show_buttons("waiting", trained=False)
        try:
            run = zero_gpu.new_run(self._settings(values), self.limits)
        except RUN_ERRORS as error:
            yield self.failure(session, error)
            return
        session.begin(run)
        yield from self.follow_run(session, run, steps)

    def follow_run(self, session: Session, run: LiveRun, steps: int | None) -> Iterator[Update]:
        # What changes seldom is computed when it has changed.
        known = seen = None
        status = ""
        try:
            with closing(run.play(steps)) as snapshots:
                for snapshot in snapshots:
                    moved = self._motion(session, run, snapshot)
                    state = snapshot.state, snapshot.exploded
                    if state != known:
                        status = run_status(snapshot, run, session.language)
                        moved[self.runs] = runs_table(session)
                    if snapshot.validation is None or snapshot.validation is not seen:
                        moved[self.scenes] = pictures(session, run.settings, snapshot)
                    if snapshot.validation is not seen or state != known:
                        moved[self.u] = living_u(session, run.settings, snapshot)
                    seen = snapshot.validation
                    known = state
                    yield {**moved, self.status: status}
        except LiveError as error:
            yield self.failure(session, error)
        except gr.Error as error:  # ZeroGPU has no GPU for this visitor now
            yield self.failure(session, error.message)

    def at_rest(self, session: Session, run: LiveRun) -> Update:
        snapshot = run.snapshot()
        return {
            **self._motion(session, run, snapshot),
            self.status: run_status(snapshot, run, session.language),
            self.runs: runs_table(session),
        }

    def _motion(self, session: Session, run: LiveRun, snapshot: Snapshot) -> Update:
        """What is said at every update.

        The buttons don't move, nor does the status, but a tab that is just opening puts its
        components back as they were laid out, and an answer of before the run may come late: said
        again, they come right.
        """
        return {
            self.chart: curves(session, run.settings),
            self.readings: readings(snapshot, session.language),
            **self.show_buttons(shown_state(snapshot), trained=session.trained),
        }

    def _proposal(self, session: Session, settings: LiveSettings) -> Update:
        """What a run with these settings would learn; nothing where one has begun meanwhile.

        Whoever waits for a run goes on reading why.
        """
        self.limits.check(settings)
        proposal = {
            self.scenes: proposed(session, settings),
            self.u: living_u(session, settings),
            self.status: note(ready_sentence(settings, session.language)),
            self.chart: curves(session, settings),
            self.recording: None,
        }
        if session.in_progress:
            return {self.status: gr.skip()}
        return {**proposal, self.status: gr.skip()} if session.waiting else proposal

    def _trained_run(self, session: Session) -> LiveRun:
        """The run in hand. Raises gr.Error where no network has been trained, or none is at rest."""
        if session.run is None or not session.trained:
            raise gr.Error(why_no_network(session), print_exception=False)
        return session.run

    def _download(self, kind: str) -> Callable[[gr.Request], Update]:
        def on_download(request: gr.Request) -> Update:
            session = self.sessions.visitor(request)
            path = session.file(FILES[kind].name)
            FILES[kind].write(self._trained_run(session), path)
            return {self.download: str(path)}

        return on_download


def why_no_network(session: Session) -> str:
    """What to do where none is at hand."""
    if session.evicted:
        return say("train_put_away", session.language)
    return say("train_nothing_yet" if session.opened else "lost_forgotten", session.language)


def run_status(snapshot: Snapshot, run: LiveRun, language: str) -> str:
    """What has become of a run, as HTML; what went wrong is announced at once."""
    said = run_sentence(snapshot, run, language)
    wrong = snapshot.state == "diverged" or snapshot.exploded
    next_step = hint("train_draw_now") if snapshot.state == "finished" else ""
    return (alert(said, language) if wrong else note(said)) + next_step
