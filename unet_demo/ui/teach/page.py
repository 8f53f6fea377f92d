"""The Teach page: paint a few strokes, and a network learns the picture from them while one watches."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from ...checkpoints import find_offered, offered_names
from ...checkpoints.files import read_titles
from ...data import Cancelled
from ...data.images import Picture, read_picture
from ...inference import Prediction
from ...live.play import LiveError
from ...segmentation import Truth, plain_words
from ...tasks import VOID
from ...teach.examples import EXAMPLES, load
from ...teach.files import read_strokes
from ...teach.lesson import Lesson, TeachSnapshot
from ...teach.settings import TEACH_ERRORS, current_limits
from ...teach.strokes import COLOURS, MOST_CLASSES, TeachError, task_of
from ..components.chart import chart
from ..components.figures import figures
from ..components.history import restored_query, settings
from ..components.paint import brought_value, heard, paint, prediction, strokes
from ..components.picture_input import PictureInput
from ..components.shortcut import shortcut
from ..components.u import u
from ..components.upload_box import upload_box
from ..files import download_link, start_download
from ..html import QUICK, Update, alert, heading, hint, note
from ..segment.page import SegmentPage
from ..segment.views import menu
from ..server import zero_gpu
from ..server.trainings import TRAINING, TRAININGS_AT_ONCE, Trainings
from ..text import DEFAULT_LANGUAGE, say, t, t_name
from ..training_page import TrainingPage, shown_state
from .downloads import FILES
from .link import RANDOM, TeachLink
from .session import PICTURE_BOX, Paper, Session, Sessions, StrokesBroken
from .views import (
    curve,
    examples,
    free_name,
    laid_over,
    lesson_said,
    living_u,
    next_step,
    readings,
    why_nothing,
)

PROGRESS = gr.Progress()


class TeachPage(TrainingPage[Session]):
    """The page's components, and what happens when they are used.

    ``trainings`` are those of all pages; a lesson that is used in Segment is opened there with its picture.
    """

    def __init__(self, demo: gr.Blocks, tab: gr.Tab, trainings: Trainings) -> None:
        super().__init__(Sessions(), trainings)
        self.limits = current_limits()
        self.link = TeachLink()
        with gr.Row(elem_classes="teach-page"):
            with gr.Column(elem_classes=["teach-aside", "rail"], min_width=0):
                self._lay_out_aside()
            with gr.Column(elem_classes="teach-paper", min_width=0):
                self.paint = paint(elem_id="teach-paint")
            with gr.Column(elem_classes="teach-run", min_width=0):
                self._lay_out_run()
            with gr.Row(elem_classes="teach-foot"):
                self._lay_out_foot()
        self.strokes = strokes(elem_id="teach-strokes")
        self.heard = heard(elem_id="teach-heard")
        self.prediction = prediction(elem_id="teach-prediction")
        self.told = settings(elem_id="teach-told")
        self.opened = gr.State(False)
        self.checkpoint = gr.State(None)
        self._wire_picture(demo, tab)
        self._wire_lesson()
        self._wire_afterwards()

    def _lay_out_aside(self) -> None:
        self.picture = PictureInput(
            type="filepath", image_mode=None, format="png", sources=["upload", "clipboard", "webcam"],
            label=t("teach_picture"), show_label=False, placeholder=t("teach_placeholder"),  # type: ignore[arg-type]
            height=96,
            elem_id=PICTURE_BOX,
        )  # fmt: skip
        upload_box(PICTURE_BOX)
        self.examples = figures(elem_id="teach-examples")
        titles = read_titles()
        offered = [(t_name("title", titles.get(name, name)), name) for name in offered_names()]
        self.start = gr.Dropdown(
            [(t("teach_start_random"), RANDOM), *offered], value=RANDOM, filterable=False,
            label=t("teach_start"), elem_id="teach-from", min_width=0,
        )  # fmt: skip
        gr.HTML(t("teach_labels_info"), elem_classes="hint")
        self.labels = gr.File(
            label=t("teach_labels"), show_label=False, height=44, elem_id="teach-labels"
        )
        upload_box("teach-labels")

    def _lay_out_run(self) -> None:
        with gr.Row(elem_classes=["train-buttons", "teach-buttons"]):
            self.lay_out_buttons("teach", None)
        self.status = gr.HTML(hint("loading"), elem_id="teach-status", elem_classes="status")
        self.readings = gr.HTML(readings(None, DEFAULT_LANGUAGE), elem_id="teach-readings")
        self.chart = chart(elem_id="teach-chart")
        self.u = u(elem_id="teach-u")
        shortcut("teach")

    def _lay_out_foot(self) -> None:
        gr.HTML(heading("teach_take"), padding=False)
        self.apply = gr.Button(
            t("teach_apply"), size="sm", interactive=False, visible=False, min_width=110,
            elem_id="teach-apply",
        )  # fmt: skip
        self.cancel = gr.Button(
            t("segment_cancel"), size="sm", visible=False, min_width=90, elem_id="teach-cancel"
        )
        self.use = gr.Button(
            t("train_use"), size="sm", interactive=False, min_width=110, elem_id="teach-use"
        )
        self.downloads = {
            kind: gr.Button(
                t(f"teach_download_{kind}"), size="sm", interactive=not file.taught, min_width=110,
                elem_id=f"teach-download-{kind}",
            )
            for kind, file in FILES.items()
        }  # fmt: skip
        self.download = download_link("teach-download-link")

    # --- wiring ---------------------------------------------------------------------------------

    def _wire_picture(self, demo: gr.Blocks, tab: gr.Tab) -> None:
        taken = [self.opened, self.start, *self._of_picture]
        tab.select(self.on_open, [self.opened, self.start], taken, **QUICK)
        demo.unload(self.on_leave)
        self.examples.pick(self.on_example, self.start, self._of_picture, **QUICK)
        # Not "input": a paste and the camera fire that before the new picture has arrived.
        self.picture.change(
            self.on_picture, [self.picture, self.start], self._of_picture,
            show_progress_on=[self.status], api_visibility="private",
        )  # fmt: skip
        self.labels.upload(
            self.on_labels, self.labels, [self.paint, self.labels, self.status],
            show_progress_on=[self.status], api_visibility="private",
        )  # fmt: skip
        self.start.input(self.on_begin_with, self.start, [self.u, self.told, self.status], **QUICK)
        shown = [self.paint, *self._moving]
        self.strokes.input(self.on_strokes, self.strokes, shown, **QUICK)

    def _wire_lesson(self) -> None:
        for name, handler in (
            ("start", self.on_start),
            ("step", self.on_step),
            ("resume", self.on_resume),
        ):
            pressed = self.buttons[name].click
            pressed(self.on_press, None, self._moving, **QUICK)
            self.wire_training(pressed, handler, [self.strokes, self.start], self._moving)
        self.buttons["pause"].click(self.on_pause, **QUICK)
        self.buttons["stop"].click(self.on_stop, None, self._moving, **QUICK)
        self.buttons["reset"].click(self.on_reset, self.start, self._moving, **QUICK)

    def _wire_afterwards(self) -> None:
        self.apply.click(self.on_press_apply, None, self.status, **QUICK)
        self.apply.click(
            self.on_apply, None, [self.prediction, self.status, self.apply, self.cancel],
            concurrency_id=TRAINING, concurrency_limit=TRAININGS_AT_ONCE,
            show_progress_on=[self.status], trigger_mode="once", api_visibility="private",
        )  # fmt: skip
        self.cancel.click(self.on_cancel, **QUICK)
        for kind, button in self.downloads.items():
            made = button.click(
                self._download(kind), self.strokes, self.download,
                show_progress_on=[self.status], api_visibility="private",
            )  # fmt: skip
            start_download(made, self.download)
        self.saved = self.use.click(
            self.on_use, None, [self.checkpoint, self.status], api_visibility="private"
        )

    def follow(self, steps: gr.HTML) -> None:
        """Have the page follow the history's ``steps``; of what it shows, ``told`` tells."""
        steps.restored_teach(self.on_restored, steps, [self.start, *self._of_picture], **QUICK)

    def open_in(self, segment: SegmentPage) -> None:
        """Have Segment open what was taught, with its picture."""

        def taught(request: gr.Request) -> Any:
            session = self.sessions.visitor(request)
            paper = session.paper
            truth = None if session.truth is None else Truth(session.truth, session.classes)
            return paper and (paper.picture, truth, session.slice)

        segment.open_from(self.saved.success, self.checkpoint, taught)

    @property
    def for_trained(self) -> list[gr.Button]:
        files = [self.downloads[kind] for kind, file in FILES.items() if file.taught]
        return [*files, self.use, self.apply]

    @property
    def _moving(self) -> list[Any]:
        """All that moves while a lesson is followed."""
        shown = [
            self.chart,
            self.u,
            self.status,
            self.readings,
            self.prediction,
            self.heard,
            self.use,
            self.apply,
        ]
        return [*shown, *self.buttons.values(), *self.downloads.values()]

    @property
    def _of_picture(self) -> list[Any]:
        """What changes when another picture comes."""
        return [self.paint, self.examples, self.told, self.picture, self.labels, *self._moving]

    # --- the picture ----------------------------------------------------------------------------

    def on_open(self, request: gr.Request, opened: bool, start: str) -> Update:
        """Show the picture that the address names, the first time; later what there is stays."""
        session = self.sessions.visitor(request)
        session.opened = True
        if opened:
            return {self.status: gr.skip()}
        asked = self.link.all_values(request.query_params)
        titles = [
            (label.split("\n")[0], name)
            for label, name in menu(tuple(offered_names()), session.language)
        ]
        choices = [(say("teach_start_random", session.language), RANDOM), *titles]
        offered = {self.start: gr.Dropdown(choices=choices, value=asked["start"])}
        return {
            self.opened: True,
            **offered,
            **self._example(session, asked["picture"], asked["start"]),
        }

    def on_restored(self, step: dict[str, Any], request: gr.Request) -> Update:
        """Show what an address of before names."""
        asked = self.link.all_values(restored_query(step))
        session = self.sessions.visitor(request)
        shown = self._example(session, asked["picture"], asked["start"])
        return {self.start: asked["start"], **shown}

    def on_example(self, event: gr.EventData, request: gr.Request, start: str) -> Update:
        """Show an example, with the strokes that it has."""
        name = event._data.get("example")
        if name not in EXAMPLES:
            return {self.status: gr.skip()}
        return self._example(self.sessions.visitor(request), name, start)

    def _example(self, session: Session, name: str, start: str) -> Update:
        taught = load(name)
        paper = Paper.of(
            taught.picture,
            taught.task.classes,
            labels=taught.labels,
            truth=taught.truth,
            example=name,
        )
        return self._take(session, paper, start)

    def on_picture(self, request: gr.Request, path: str | None, start: str) -> Update:
        """Have a picture of one's own painted on; removing one from its box changes nothing."""
        session = self.sessions.visitor(request)
        if path is None:
            return {self.status: gr.skip()}
        try:
            picture = read_picture(path)
            self.limits.check(picture)
            paper = Paper.own(picture, path)
            self.limits.check(paper.picture)
        except TEACH_ERRORS as error:
            return {self.picture: None, **self._mistake(session, error)}
        return self._take(session, paper, start)

    def _take(self, session: Session, paper: Paper, start: str) -> Update:
        session.take(paper)
        self.sessions.budget.make_room(session)
        return {
            self.paint: session.shown(),
            self.examples: examples(session),
            self.told: self.link.told(paper.example, start),
            self.picture: None,  # it stands on the page, and the box is for the next
            self.labels: None,
            **self._ready(session, start),
        }

    def _ready(self, session: Session, start: str) -> Update:
        """What is shown before a lesson."""
        several = session.paper is not None and len(session.paper.picture.slices) > 1
        return {
            self.prediction: None,
            self.status: next_step(session),
            self.chart: curve(None, session.language),
            self.readings: readings(None, session.language),
            **self._planned(session, start),
            **self.show_buttons("ready", trained=False),
            self.apply: gr.Button(visible=several, interactive=False),
        }

    def _planned(self, session: Session, start: str) -> Update:
        """The network that a lesson would begin with."""
        try:
            return {self.u: living_u(session, self._file(start))}
        except TEACH_ERRORS as error:
            return {self.u: gr.skip(), **self._mistake(session, error)}

    def on_begin_with(self, request: gr.Request, start: str) -> Update:
        """Begin the next lesson with other weights."""
        session = self.sessions.visitor(request)
        example = session.paper.example if session.paper else ""
        shown = {} if session.run else self._planned(session, start)
        return {self.told: self.link.told(example, start), **shown}

    def on_labels(self, request: gr.Request, path: str | None) -> Update:
        """Paint with labels that a file holds, in place of what is painted; undo brings that back."""
        session = self.sessions.visitor(request)
        if path is None or session.paper is None:
            return {self.status: gr.skip() if path is None else next_step(session)}
        emptied = {self.labels: None}
        try:
            read, classes = self._read_labels(session, Path(path), session.paper.picture)
        except TEACH_ERRORS as error:
            return {**emptied, **self._mistake(session, error)}
        session.brought += 1
        brought = brought_value(session.brought, dict(enumerate(read, 1)), classes)
        return {**emptied, self.paint: session.shown(brought=brought)}

    def _read_labels(
        self, session: Session, path: Path, picture: Picture
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """Read labels, and name the classes that they need beyond the session's. Raises TEACH_ERRORS."""
        classes = session.classes
        try:
            return read_strokes(path, session.task, picture), classes
        except TEACH_ERRORS:
            all_names = [*classes]
            while len(all_names) < MOST_CLASSES:
                all_names.append(free_name(all_names, session.language))
            read = read_strokes(path, task_of(tuple(all_names)), picture)
        last = int(read[read != VOID].max(initial=0))
        return read, tuple(all_names[: max(len(classes), last + 1)])

    # --- strokes --------------------------------------------------------------------------------

    def on_strokes(self, request: gr.Request, value: object) -> Update:
        """Take what is painted: a lesson learns from it from its next step on."""
        session = self.sessions.visitor(request)
        try:
            heard = session.hear(value)
        except StrokesBroken:
            return {
                self.status: alert(say("teach_strokes_broken", session.language), session.language)
            }
        if not heard:
            return {self.status: next_step(session) if session.paper is None else gr.skip()}
        turned = session.slice != session.sent
        update: Update = {self.heard: session.heard.value}
        if turned:
            update[self.paint] = session.shown()
        run = session.run
        if run is None:
            return {**update, self.status: next_step(session)}
        return {
            **update,
            **self._join(session, run),
            **(self._look(session, run) if turned else {}),
        }

    def _join(self, session: Session, run: Lesson) -> Update:
        """Have a lesson learn from the strokes as they are now. What it cannot is said; the strokes stay."""
        if session.paper is None or run.picture is not session.paper.picture:
            return {}  # another one has come meanwhile
        if len(session.classes) < len(run.settings.task.classes):
            session.set_aside()
            said = note(say("teach_class_gone", session.language))
            return {
                self.prediction: None,
                **self.show_buttons("ready", trained=False),
                self.status: said,
            }
        try:
            if session.classes != run.settings.task.classes:
                run.set_classes(session.classes, COLOURS)
            labels = session.labels
            assert labels is not None
            if labels is not session.learned:
                run.set_labels(labels)
                session.learned = labels
        except TeachError as error:
            session.problem = alert(error, session.language)
        else:
            session.problem = ""
        said = lesson_said(run, run.snapshot(), session.language)
        return {self.status: said + session.problem}

    def _look(self, session: Session, run: Lesson) -> Update:
        """Another slice is shown: look at that."""
        if run.snapshot().state == "running":
            run.watch(session.slice - 1)
            return {}
        look = None
        try:
            if not session.predicted and run.snapshot().step:
                look = run.look(session.slice - 1)
        except TEACH_ERRORS as error:
            return self._mistake(session, error)
        return {self.prediction: laid_over(session, look)}

    # --- the lesson -----------------------------------------------------------------------------

    def on_resume(self, request: gr.Request, value: object, start: str) -> Iterator[Update]:
        """Go on with the lesson that is paused; one that was put away begins anew, with the strokes."""
        session = self.sessions.visitor(request)
        if session.run:
            yield from self.served(session, self.follow_run(session, session.run, None))
        else:
            yield from self.served(session, self.begin(session, None, value, start))

    def on_reset(self, request: gr.Request, start: str) -> Update:
        """Put the lesson away; the strokes stay."""
        session = self.sessions.visitor(request)
        session.set_aside()
        return self._ready(session, start)

    def _file(self, start: str) -> Path | None:
        """Find what a lesson starts from. Raises CheckpointError or HubError."""
        return None if start == RANDOM else find_offered(start)

    def begin(self, session: Session, steps: int | None, *values: Any) -> Iterator[Update]:
        value, start = values
        yield self.show_buttons("waiting", trained=False)
        try:
            session.hear(value)
        except StrokesBroken:
            yield self.failure(session, say("teach_strokes_broken", session.language))
            return
        if session.paper is None:
            yield {self.status: next_step(session), **self.show_buttons("ready", trained=False)}
            return
        yield {self.heard: session.heard.value}
        paper, labels = session.paper, session.labels
        assert labels is not None
        try:
            run = zero_gpu.new_lesson(
                paper.picture,
                labels,
                session.settings(self._file(start)),
                self.limits,
                session.truth,
            )
        except TEACH_ERRORS as error:
            yield self.failure(session, plain_words(error))
            return
        if not session.begin(run, paper, labels):
            yield {self.status: next_step(session), **self.buttons_of(session)}
            return
        if session.labels is not labels or session.classes != run.settings.task.classes:
            yield self._join(session, run)  # painted or named meanwhile
        if session.run is not run:
            return
        run.watch(session.slice - 1)
        yield from self.follow_run(session, run, steps)

    def follow_run(self, session: Session, run: Lesson, steps: int | None) -> Iterator[Update]:
        # What changes seldom is computed when it has changed.
        seen = None
        try:
            with closing(run.play(steps)) as snapshots:
                for snapshot in snapshots:
                    moved = self._motion(session, run, snapshot)
                    if snapshot.validation is not seen and snapshot.validation:
                        moved[self.prediction] = laid_over(session, snapshot.validation)
                    if snapshot.validation is not seen or not seen:
                        moved[self.u] = living_u(session, None, snapshot)
                    seen = snapshot.validation
                    if run is session.run:  # else a class was removed, or it was put away
                        yield moved
        except LiveError as error:
            yield self.failure(session, error)
        except gr.Error as error:  # ZeroGPU has no GPU for this visitor now
            yield self.failure(session, error.message)

    def at_rest(self, session: Session, run: Lesson) -> Update:
        return self._motion(session, run, run.snapshot())

    def _motion(self, session: Session, run: Lesson, snapshot: TeachSnapshot) -> Update:
        """What is said at every update."""
        return {
            self.chart: curve(snapshot, session.language),
            self.readings: readings(snapshot, session.language),
            self.status: lesson_said(run, snapshot, session.language) + session.problem,
            **self.show_buttons(shown_state(snapshot), trained=session.trained),
        }

    def _mistake(self, session: Session, error: Exception) -> Update:
        return {self.status: alert(plain_words(error), session.language)}

    # --- afterwards -----------------------------------------------------------------------------

    def on_press_apply(self, request: gr.Request) -> Update:
        """All slices are to be segmented: say at once where that has to wait."""
        told = self.told_to_wait(self.sessions.visitor(request))
        return told or {self.status: gr.skip()}

    def on_apply(self, request: gr.Request, progress: gr.Progress = PROGRESS) -> Iterator[Update]:
        """Segment all slices with the network as it is."""
        session = self.sessions.visitor(request)
        run = session.run
        step = run and run.snapshot().step
        running = {self.apply: gr.Button(interactive=False), self.cancel: gr.Button(visible=True)}
        yield {self.status: note(say("teach_applying", session.language)), **running}
        update: Update = {}
        try:
            predicted = self._predict(session, lambda done, total: progress((done, total)))
        except Cancelled:
            said = note(say("segment_cancelled", session.language))
        except (*TEACH_ERRORS, gr.Error) as error:
            words = error.message if isinstance(error, gr.Error) else plain_words(error)
            said = alert(words, session.language)
        else:
            count = len(predicted.probabilities)
            said = note(say("teach_applied", session.language, count=count))
            update[self.prediction] = laid_over(session, None)
        rested = {
            self.apply: gr.Button(interactive=session.trained),
            self.cancel: gr.Button(visible=False),
        }
        # Another picture came, or the lesson went on, and the page tells of that.
        overtaken = session.run is not run or (run and run.snapshot().step) != step
        yield rested if overtaken else {self.status: said, **update, **rested}

    def on_cancel(self, request: gr.Request) -> None:
        """Call off the segmenting of all slices; its handler says so."""
        self.sessions.visitor(request).stop.set()

    def _predict(
        self, session: Session, progress: Callable[[int, int], None] | None = None
    ) -> Prediction:
        """Return what the network makes of all slices, made if need be.

        Raises gr.Error where no network is at rest, Cancelled, and TEACH_ERRORS.
        """
        with session.predicting:
            run = self._taught(session)
            if session.predicted:
                return session.predicted
            step = run.snapshot().step
            session.stop, session.under_way = threading.Event(), True
            try:
                predicted = run.predict_all(progress, session.stop)
            finally:
                session.under_way = False
            session.keep(run, step, predicted)
        self.sessions.budget.make_room(session)
        return predicted

    def _taught(self, session: Session) -> Lesson:
        """The lesson in hand. Raises gr.Error where nothing has been taught, or it does not rest."""
        if session.run is None or not session.trained:
            key = "teach_nothing_yet" if session.paper else why_nothing(session)
            raise gr.Error(say(key, session.language), print_exception=False)
        return session.run

    def on_use(self, request: gr.Request) -> Update:
        """Write the checkpoint for the Segment page."""
        session = self.sessions.visitor(request)
        self._taught(session)
        path = FILES["checkpoint"].write(session, self._predict)
        said = note(say("train_used", session.language, name=path.name))
        return {self.checkpoint: str(path), self.status: said}

    def _download(self, kind: str) -> Callable[..., str]:
        def on_download(request: gr.Request, value: object) -> str:
            session = self.sessions.visitor(request)
            if FILES[kind].taught:
                self._taught(session)
            elif session.paper is None:
                raise gr.Error(say(why_nothing(session), session.language), print_exception=False)
            elif not session.hear(value) or not session.whole:
                words = say("teach_strokes_coming", session.language)
                raise gr.Error(words, print_exception=False)
            try:
                return str(FILES[kind].write(session, self._predict))
            except Cancelled:
                words = say("teach_called_off", session.language)
                raise gr.Error(words, print_exception=False) from None
            except TEACH_ERRORS as error:
                raise gr.Error(plain_words(error), print_exception=False) from None

        return on_download
