"""The Train page: press a button, and watch the loss fall and the mask appear."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np
from PIL import Image

from ..live.settings import LiveSettings, SettingsError, current_limits, with_changes
from ..render import overlay
from . import later, zero_gpu
from .chart import chart
from .download import download_link, hand_over
from .files import fresh_folder
from .link import GENERAL, read
from .notices import alert, hint, note
from .parameters import publish
from .scenes import scenes
from .share import ShareButtons
from .shortcut import shortcut
from .texts import DEFAULT_LANGUAGE, language_of, say, t
from .train_controls import (
    FIRST_PRESET,
    data_controls,
    experiment_controls,
    preset_control,
    preset_values,
    settings_of,
    training_controls,
    values_of,
)
from .train_link import TrainLink
from .train_session import Session, Sessions
from .train_views import (
    curves,
    envelope_table,
    pictures,
    preview,
    readings,
    ready_sentence,
    run_sentence,
    runs_table,
)
from .viewer import viewer, viewer_value

if TYPE_CHECKING:
    from ..live.run import LiveRun, Snapshot

TRAINING = "train"
"""Concurrency group of the trainings, so that nothing else waits behind one."""

TRAININGS_AT_ONCE = 2

CANVAS = 384
"""Side in px of the picture that a person draws on."""

BUTTONS = ("start", "pause", "resume", "step", "stop", "reset")

ENABLED: dict[str, tuple[str, ...]] = {
    "ready": ("start", "step"),
    "running": ("pause", "stop"),
    "paused": ("resume", "step", "stop", "reset"),
    "over": ("start", "step", "reset"),
}
"""Which buttons a person can press in each state."""

Update = dict[Any, Any]
"""Component → its new value or properties."""


class TrainPage:
    """The page's components, and what happens when they are used.

    ``first`` is what it opens with; the preset "Random shapes" if left out.
    ``checkpoint`` holds the path of the file that "Use it in Segment" has written; ``saved`` is
    that event, for the Segment page to go on from with ``.success``.
    """

    def __init__(self, demo: gr.Blocks, first: LiveSettings | None = None) -> None:
        self.sessions = Sessions()
        self.limits = current_limits()
        self.controls: dict[str, Any] = {}
        opening = values_of(first) if first else preset_values(FIRST_PRESET, self.limits)
        with gr.Row(elem_classes="train-page"):
            with gr.Column(min_width=280, elem_classes="start"):
                self._lay_out_start()
            with gr.Column(min_width=280, elem_classes="scenes-column"):
                self.scenes = scenes(elem_id="train-scenes")
                self.controls |= experiment_controls(opening)
            with gr.Column(min_width=280, elem_classes="chart-column"):
                self.chart = chart(elem_id="train-chart")
                with gr.Row(elem_classes="train-foot"):
                    shortcut()
                    self.share = ShareButtons("train")
        with gr.Row(equal_height=False):
            with (
                gr.Column(min_width=300),
                gr.Accordion(t("train_training"), open=False, elem_id="train-training"),
            ):
                self.controls |= training_controls(opening, self.limits)
            with (
                gr.Column(min_width=300),
                gr.Accordion(t("train_data"), open=False, elem_id="train-data"),
            ):
                self.controls |= data_controls(opening, self.limits)
        self._lay_out_afterwards()
        self.checkpoint = gr.State(None)
        self.autostarted = gr.State(False)
        self.link = TrainLink(self.controls, self.limits)
        self._wire(demo)
        publish(
            self.train_network,
            "train",
            concurrency_id=TRAINING,
            concurrency_limit=TRAININGS_AT_ONCE,
        )

    def _lay_out_start(self) -> None:
        self.preset = preset_control()
        with gr.Row(elem_classes="train-buttons"):
            self.buttons = {
                name: gr.Button(
                    t(f"train_{name}"),
                    variant="primary" if name == "start" else "secondary",
                    size="lg" if name == "start" else "md",
                    interactive=name in ENABLED["ready"],
                    elem_id=f"train-{name}",
                    min_width=64,
                )
                for name in BUTTONS
            }
        self.status = gr.HTML(
            hint("loading"),
            elem_id="train-status",
            elem_classes="status",
        )
        self.readings = gr.HTML(readings(None, DEFAULT_LANGUAGE), elem_id="train-readings")

    def _lay_out_afterwards(self) -> None:
        with gr.Row(elem_id="train-after"):
            with gr.Column(min_width=300):
                self.editor = gr.ImageEditor(
                    type="numpy", image_mode="RGB", format="png", sources=(), transforms=(),
                    layers=False, canvas_size=(CANVAS, CANVAS), fixed_canvas=True, height=CANVAS + 80,
                    brush=gr.Brush(
                        default_size=28, colors=["#dc2828", "#28c828", "#2864dc", "#f0f0f0"],
                        default_color="#dc2828", color_mode="defaults",
                    ),
                    label=t("train_draw"), buttons=[], elem_id="train-editor",
                )  # fmt: skip
                with gr.Row(elem_id="train-downloads"):
                    self.downloads = {
                        kind: gr.Button(
                            t(f"train_download_{kind}"), size="sm", interactive=False, min_width=110,
                            elem_id=f"train-download-{kind}",
                        )
                        for kind in FILES
                    }  # fmt: skip
                self.use = gr.Button(t("train_use"), interactive=False, elem_id="train-use")
            with gr.Column(min_width=300):
                self.drawn = viewer(empty="train_drawn_empty", elem_id="train-drawn")
                self.drawn_note = gr.HTML(
                    hint("train_draw_untrained"), elem_id="train-drawn-note", elem_classes="padded"
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

    def _wire(self, demo: gr.Blocks) -> None:
        controls = list(self.controls.values())
        watched = [self.chart, self.scenes, self.status, self.readings, self.runs, self.use]
        outputs = [*watched, *self.buttons.values(), *self.downloads.values()]
        slow: dict[str, Any] = {
            "outputs": outputs,
            "concurrency_id": TRAINING,
            "concurrency_limit": TRAININGS_AT_ONCE,
            "show_progress_on": [self.status],
            "trigger_mode": "once",
            "api_visibility": "private",
        }
        quick: dict[str, Any] = {
            "queue": False,
            "show_progress": "hidden",
            "api_visibility": "private",
        }
        demo.load(
            self.on_greeting,
            controls,
            [
                self.scenes,
                self.status,
                self.chart,
                self.readings,
                self.runs,
                self.envelope,
                self.editor,
                self.preset,
                *controls,
            ],
            **quick,
        ).then(
            # Through the queue: without it Gradio tells nobody that a state has changed.
            self.on_autostart, None, self.autostarted, concurrency_limit=None,
            show_progress="hidden", api_visibility="private",
        )  # fmt: skip
        demo.unload(self.on_leave)
        drawing = (self.on_draw, self.editor, [self.drawn, self.drawn_note])
        drawn: dict[str, Any] = {
            "show_progress": "hidden", "trigger_mode": "always_last", "concurrency_id": "draw",
            "concurrency_limit": 2, "api_visibility": "private",
        }  # fmt: skip
        for name, handler, inputs in (
            ("start", self.on_start, controls),
            ("step", self.on_step, controls),
            ("resume", self.on_resume, []),
        ):
            self.buttons[name].click(handler, inputs, **slow).then(*drawing, **drawn)
        # A state's change is told but once: a second load event of the page starts no second run.
        self.autostarted.change(self.on_autostarted, [self.autostarted, *controls], **slow).then(
            *drawing, **drawn
        )
        self.share.wire(self.query, [self.preset, *controls])
        self.buttons["pause"].click(self.on_pause, **quick)
        self.buttons["stop"].click(self.on_stop, outputs=outputs, **quick)
        self.buttons["reset"].click(self.on_reset, controls, outputs, **quick)
        self.forget.click(self.on_forget, None, [self.runs, self.chart], **quick)
        self.preset.input(
            self.on_preset, self.preset, [*controls, self.editor, *outputs],
            show_progress="hidden", api_visibility="private",
        ).then(*drawing, **drawn)  # fmt: skip
        gr.on(
            [control.input for control in controls],
            self.on_change,
            controls,
            [self.scenes, self.status, self.chart],
            show_progress="hidden",
            trigger_mode="always_last",
            concurrency_id="preview",
            concurrency_limit=4,
            api_visibility="private",
        )
        # Gradio's own ``change`` comes a stroke late.
        self.editor.input(*drawing, **drawn)
        for kind, button in self.downloads.items():
            made = button.click(
                self._download(kind), None, [self.download, self.status],
                show_progress_on=[self.status], api_visibility="private",
            )  # fmt: skip
            hand_over(made, self.download)
        self.saved = self.use.click(
            self.on_use, None, [self.checkpoint, self.status], api_visibility="private"
        )

    def _session(self, request: gr.Request) -> Session:
        """The visitor's session, which speaks the language of the page."""
        session = self.sessions.of(request.session_hash)
        session.language = language_of(request)
        return session

    def on_greeting(self, request: gr.Request, *values: Any) -> Update:
        """What has to be computed, or said in the visitor's language.

        Torch is imported for it, which takes time: what the visitor did meanwhile holds.
        """
        session = self._session(request)
        session.opened = True
        deeds = session.deeds
        wished = self.link.read(request.query_params).values
        settings = settings_of(wished) if wished else self._settings(values)
        linked = {control: wished[name] for name, control in self._linked().items() if wished}
        proposal = {**linked, **self._proposal(session, settings)}
        envelope = {self.envelope: envelope_table(session.language)}
        ground = drawing_ground(settings)
        if session.run:
            return envelope
        return {
            **(proposal if session.deeds == deeds else {}),
            **envelope,
            self.editor: ground,
            self.readings: readings(None, session.language),
            self.runs: runs_table(session),
        }

    def on_autostart(self, request: gr.Request) -> bool:
        """Whether the address asks for a run at once."""
        return read(request.query_params, GENERAL).values.get("autostart", False)

    def on_autostarted(self, request: gr.Request, wanted: bool, *values: Any) -> Iterator[Update]:
        """Start the run that the address asks for; the browser tells of a state that is False, too."""
        if wanted and self._session(request).run is None:
            yield from self.on_start(request, *values)
        else:
            yield {self.status: gr.skip()}

    def query(self, request: gr.Request, preset: str, *values: Any) -> tuple[str, bool]:
        """The query of an address that brings the controls' values back; nothing is left out."""
        return self.link.write(preset, dict(zip(self.controls, values, strict=True))), False

    def on_preset(self, name: str, request: gr.Request) -> Update:
        """Set every control, and show what is to be learned unless a run is in progress."""
        session = self._session(request)
        session.act()
        values = preset_values(name, self.limits)
        settings = settings_of(values)
        moved = {self.controls[key]: value for key, value in values.items()}
        if session.in_progress:
            return moved
        return {**moved, self.editor: drawing_ground(settings), **self._proposal(session, settings)}

    def on_change(self, request: gr.Request, *values: Any) -> Update:
        """A control moved: show what would be learned, unless a run is in progress."""
        session = self._session(request)
        session.act()
        if session.in_progress:
            return {self.status: gr.skip()}
        try:
            return self._proposal(session, self._settings(values))
        except SettingsError as error:
            return {self.status: alert(error, session.language)}

    def on_start(self, request: gr.Request, *values: Any) -> Iterator[Update]:
        """Train anew with what the controls say."""
        yield from self._start(self._session(request), values, None)

    def on_step(self, request: gr.Request, *values: Any) -> Iterator[Update]:
        """One step: of the run that is paused, else the first of a new one."""
        session = self._session(request)
        if session.run and session.in_progress:
            yield from self._follow(session, session.run, 1)
        else:
            yield from self._start(session, values, 1)

    def on_resume(self, request: gr.Request) -> Iterator[Update]:
        """Go on with the run that is paused."""
        session = self._session(request)
        if session.run:
            yield from self._follow(session, session.run, None)
        else:
            # The run went with a connection that broke; a generator without a yield empties the page.
            yield {
                self.status: alert(why_no_network(session), session.language),
                **self._buttons("ready", trained=False),
            }

    def on_pause(self, request: gr.Request) -> None:
        """Let the run rest after its step; the handler that follows it says so."""
        run = self._session(request).run
        if run:
            run.pause()

    def on_stop(self, request: gr.Request) -> Update:
        """End the run after its step; the handler that follows it, if there is one, says so."""
        session = self._session(request)
        followed = session.running
        if session.run is None:
            return {self.status: gr.skip()}
        session.run.stop()
        if followed:
            return {self.status: gr.skip()}
        snapshot = session.run.snapshot()
        return {
            **self._motion(session, session.run, snapshot),
            self.status: run_status(snapshot, session.run, session.language),
            self.runs: runs_table(session),
        }

    def on_reset(self, request: gr.Request, *values: Any) -> Update:
        """Put the run away and show what would be learned next."""
        session = self._session(request)
        session.put_away()
        try:
            settings = self._settings(values)
        except SettingsError as error:
            return {
                self.status: alert(error, session.language),
                **self._buttons("ready", trained=False),
            }
        return {
            **self._proposal(session, settings),
            self.chart: curves(session, settings),
            self.readings: readings(None, session.language),
            self.runs: runs_table(session),
            **self._buttons("ready", trained=False),
        }

    def on_forget(self, request: gr.Request) -> Update:
        """Forget the runs before the one in hand."""
        session = self._session(request)
        session.forget()
        settings = session.run.settings if session.run else with_changes(FIRST_PRESET)
        return {self.runs: runs_table(session), self.chart: curves(session, settings)}

    def on_leave(self, request: gr.Request) -> None:
        """The tab was closed or loaded anew: its run stops and its memory goes."""
        self.sessions.close(request.session_hash)

    def on_draw(self, drawing: dict[str, Any] | None, request: gr.Request) -> Update:
        """Segment what was drawn with the network as it is."""
        session = self._session(request)
        if not session.opened and session.run is None:
            return {self.drawn_note: alert(why_no_network(session), session.language)}
        if session.run is None or not session.trained:
            text = "train_draw_running" if session.running else "train_draw_untrained"
            return {self.drawn_note: hint(text)}
        if drawing is None or drawing["composite"] is None:
            return {self.drawn_note: hint("train_draw_info")}
        try:
            value = segment_drawing(session.run, drawing["composite"])
        except later.live_run.LiveError as error:
            return {self.drawn_note: alert(error, session.language)}
        return {self.drawn: value, self.drawn_note: hint("train_draw_info")}

    def on_use(self, request: gr.Request) -> Update:
        """Write the checkpoint for the Segment page."""
        session = self._session(request)
        run = self._trained_run(session)
        step = run.snapshot().trained_steps
        path = session.file(f"live-{session.number}-{step}.safetensors")
        FILES["checkpoint"].write(run, path)
        return {
            self.checkpoint: str(path),
            self.status: note(say("train_used", session.language, name=path.name)),
        }

    def train_network(
        self,
        preset: str = FIRST_PRESET,
        network: str | None = None,
        width: int | None = None,
        skips: bool | None = None,
        batch_norm: bool | None = None,
        optimiser: str | None = None,
        rate: float | None = None,
        schedule: str | None = None,
        loss: str | None = None,
        batch: int | None = None,
        steps: int | None = None,
        seed: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Train a small U-Net on drawn shapes, and tell how well it learns, a few times a second.

        Whatever is left out stays as the preset has it. A run takes from seconds to minutes.

        Args:
            preset: one of article, random, no-clue and noisy; all that follows changes it.
            network: one of the articles' six networks, ShapesUNet for instance.
            width: the channels of the first level: 8, 16, 32 or 64.
            skips: true or false: with skip connections, or without.
            batch_norm: true or false: with BatchNorm, or without.
            optimiser: one of Adam, AdamW, RMSprop and SGD.
            rate: the learning rate, a number above 0.
            schedule: the learning rate's course: constant or cosine.
            loss: one of cross-entropy, dice and both.
            batch: the pictures of a step, a whole number.
            steps: the number of steps, a whole number.
            seed: a whole number; the same one gives the same run.

        Returns:
            progress: state, step, loss, validation_mIoU and more; the last is not "running" and has all "losses".
        """
        try:
            settings = with_changes(
                preset, network=network, width=width, skips=skips, batch_norm=batch_norm,
                optimiser=optimiser, rate=rate, schedule=schedule, loss=loss, batch=batch,
                steps=steps, seed=seed,
            )  # fmt: skip
            run = zero_gpu.new_run(settings, self.limits)
            with closing(run.play()) as snapshots:
                for snapshot in snapshots:
                    yield progress(snapshot, run)
        except later.live_run.RUN_ERRORS as error:
            raise gr.Error(str(error), print_exception=False) from error

    def _linked(self) -> dict[str, Any]:
        """What an address can set, by name."""
        return {"preset": self.preset, **self.controls}

    def _settings(self, values: Sequence[Any]) -> LiveSettings:
        settings = settings_of(dict(zip(self.controls, values, strict=True)))
        self.limits.check(settings)
        return settings

    def _start(
        self, session: Session, values: Sequence[Any], steps: int | None
    ) -> Iterator[Update]:
        session.act()
        yield self._buttons("running", trained=False)
        try:
            run = zero_gpu.new_run(self._settings(values), self.limits)
        except later.live_run.RUN_ERRORS as error:
            yield self._failure(session, error)
            return
        session.begin(run)
        yield from self._follow(session, run, steps)

    def _follow(self, session: Session, run: "LiveRun", steps: int | None) -> Iterator[Update]:
        """Show a run until it rests. What changes seldom is computed when it has changed."""
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
                    known = state
                    if snapshot.look is None or snapshot.look is not seen:
                        moved[self.scenes] = pictures(snapshot, run.settings, session.language)
                    seen = snapshot.look
                    yield {**moved, self.status: status}
        except later.live_run.LiveError as error:
            yield self._failure(session, error)
        except gr.Error as error:  # ZeroGPU has no GPU for this visitor now
            yield self._failure(session, error.message)

    def _motion(self, session: Session, run: "LiveRun", snapshot: "Snapshot") -> Update:
        """What is said at every update.

        The buttons don't move, nor does the status, but a tab that is just opening puts its
        components back as they were laid out, and an answer of before the run may come late: said
        again, they come right.
        """
        return {
            self.chart: curves(session, run.settings),
            self.readings: readings(snapshot, session.language),
            **self._buttons(shown_state(snapshot), trained=session.trained),
        }

    def _failure(self, session: Session, error: object) -> Update:
        return {
            self.status: alert(error, session.language),
            **self._buttons("over", trained=session.trained),
        }

    def _proposal(self, session: Session, settings: LiveSettings) -> Update:
        """What a run with these settings would learn; nothing where one has begun meanwhile."""
        self.limits.check(settings)
        proposal = {
            self.scenes: preview(settings, session.language),
            self.status: note(ready_sentence(settings, session.language)),
            self.chart: curves(session, settings),
        }
        return {self.status: gr.skip()} if session.in_progress else proposal

    def _buttons(self, state: str, *, trained: bool) -> Update:
        """Which buttons can be pressed."""
        pressed = {
            button: gr.Button(interactive=name in ENABLED[state])
            for name, button in self.buttons.items()
        }
        files = {button: gr.Button(interactive=trained) for button in self.downloads.values()}
        return {**pressed, **files, self.use: gr.Button(interactive=trained)}

    def _trained_run(self, session: Session) -> "LiveRun":
        """The run in hand. Raises gr.Error where no network has been trained, or none is at rest."""
        if session.run is None or not session.trained:
            raise gr.Error(why_no_network(session), print_exception=False)
        return session.run

    def _download(self, kind: str) -> Callable[[gr.Request], Update]:
        def on_download(request: gr.Request) -> Update:
            session = self._session(request)
            path = session.file(FILES[kind].name)
            FILES[kind].write(self._trained_run(session), path)
            return {self.download: str(path)}

        return on_download


@dataclass(frozen=True)
class RunFile:
    """A file that a person can take along: its name, and how it is written."""

    name: str
    write: "Callable[[LiveRun, Path], None]"


def checkpoint_file(run: "LiveRun", path: Path) -> None:
    """The network, as the Segment page and the command line open it."""
    checkpoint = run.checkpoint()
    later.checkpoints.save_checkpoint(path, checkpoint.network, checkpoint.card)


def losses_file(run: "LiveRun", path: Path) -> None:
    """The losses, a row a step."""
    later.live_files.write_losses(path, run.snapshot())


def animation_file(run: "LiveRun", path: Path) -> None:
    """The run as a GIF."""
    later.live_files.write_animation(path, run, title_of(run.settings))


def curve_file(run: "LiveRun", path: Path) -> None:
    """The losses as a picture, with the article's own behind those of its preset."""
    published = None if run.settings.scenes else later.article_losses.PUBLISHED
    later.live_files.write_curve(path, run.snapshot(), title_of(run.settings), published)


FILES: dict[str, RunFile] = {
    "checkpoint": RunFile("live-shapes.safetensors", checkpoint_file),
    "losses": RunFile("losses.csv", losses_file),
    "animation": RunFile("run.gif", animation_file),
    "curve": RunFile("curve.png", curve_file),
}


def why_no_network(session: Session) -> str:
    """What to do where none is at hand."""
    return say("train_nothing_yet" if session.opened else "lost_forgotten", session.language)


def run_status(snapshot: "Snapshot", run: "LiveRun", language: str) -> str:
    """What has become of a run, as HTML; what went wrong is announced at once."""
    said = run_sentence(snapshot, run, language)
    wrong = snapshot.state == "diverged" or snapshot.exploded
    next_step = hint("train_draw_now") if snapshot.state == "finished" else ""
    return (alert(said, language) if wrong else note(said)) + next_step


def shown_state(snapshot: "Snapshot") -> str:
    """The state that the buttons follow, one of `ENABLED`."""
    return "over" if snapshot.over else snapshot.state


def title_of(settings: LiveSettings) -> str:
    """A heading for pictures of a run."""
    return f"{settings.network}, width {settings.width}"


def drawing_ground(settings: LiveSettings) -> str:
    """The path of a scene to draw on, a PNG of CANVAS × CANVAS px.

    Of pixels Gradio would write the file anew, while another visitor's browser reads it.
    """
    picture = Image.fromarray(later.live_experiment.watched_scenes(settings).images[0])
    path = fresh_folder() / "scene.png"
    picture.resize((CANVAS, CANVAS), Image.Resampling.NEAREST).save(path)
    return str(path)


def segment_drawing(run: "LiveRun", drawing: np.ndarray) -> dict[str, Any]:
    """The viewer's value for a drawing uint8 (H, W, 3), at the size that the network knows."""
    side = run.settings.size
    small = Image.fromarray(drawing).convert("RGB").resize((side, side), Image.Resampling.BOX)
    picture = np.asarray(small)
    prediction = run.predict(picture[None])
    task = prediction.task
    painted = overlay(picture, prediction.labels()[0], task)
    return viewer_value(picture, painted, task.classes, task.palette, prediction.probabilities[0])


def progress(snapshot: "Snapshot", run: "LiveRun") -> dict[str, Any]:
    """A snapshot as a script reads it; None where there is no number."""
    look = snapshot.look
    told = {
        "state": snapshot.state,
        "step": snapshot.step,
        "steps": snapshot.steps,
        "loss": finite(snapshot.loss),
        "validation_loss": finite(look.loss if look else None),
        "validation_mIoU": finite(look.miou if look else None),
        "pixel_accuracy": finite(look.accuracy if look else None),
        "steps_per_second": round(snapshot.steps_per_second, 3),
        "seconds": round(snapshot.seconds, 3),
        "device": snapshot.device,
        "message": run_sentence(snapshot, run, DEFAULT_LANGUAGE),
    }
    return told | {"losses": [finite(loss) for loss in snapshot.losses]} if snapshot.over else told


def finite(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None
