"""One segmentation on its way: from a request to everything on the page that speaks of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from threading import Event

import gradio as gr

from ...checkpoints import Card, read_card
from ...checkpoints.files import read_titles
from ...data import Cancelled
from ...examples import EXAMPLES, load_example
from ...render import View
from ...segmentation import (
    EXPECTED_ERRORS,
    FITTING,
    Result,
    SegmentRequest,
    better_checkpoint,
    open_predictor,
    plain_words,
    segment,
)
from ..components.phone_bar import phone_bar_value
from ..html import Update, alert, note
from ..server import zero_gpu
from ..server.places import Turn
from ..text import say, say_name
from .controls import AUTO, PAINTED, SegmentControls, Values
from .link import UNKNOWN, told
from .session import Session, Sessions, opening
from .views import comparison, menu, slice_value, status, whole_slice

NETWORKS_AT_ONCE = 2
"""A picture that takes long to read holds no place of the network."""

HIDDEN_BUTTON = gr.Button(visible=False)


class Runner:
    """Does what visitors ask for, and says on their pages what comes of it."""

    def __init__(self, controls: SegmentControls, sessions: Sessions) -> None:
        self.controls = controls
        self.sessions = sessions
        self.network = Turn(NETWORKS_AT_ONCE)

    def newest(
        self, session: Session, values: Values, work: Callable[[Event], Iterator[Update]]
    ) -> Iterator[Update]:
        """Call off the visitor's work before, and do this; once newer work calls it off, it is silent."""
        stop = session.begin(values[self.controls.turn])
        session.under_way += 1
        try:
            updates = iter(()) if stop.is_set() else work(stop)
            for update in updates:
                if session.stop is not stop:
                    break
                yield update
            if session.stop is not stop:
                yield self.unchanged()
        finally:
            session.under_way -= 1
            self.sessions.budget.make_room(session)

    def open(self, session: Session, stop: Event) -> Iterator[Update]:
        """Show the first example, which is segmented once for all."""
        session.take(stop, load_example(EXAMPLES[0].name), View())
        try:
            result = opening()
        except EXPECTED_ERRORS as error:
            yield self.mistake(error, session)
            return
        session.keep(stop, result, View(), shared=True)
        yield self._shown(session, result, View())

    def run(
        self,
        session: Session,
        stop: Event,
        request: SegmentRequest,
        view: View,
        values: Values,
        progress: gr.Progress,
        file: Path | None = None,
    ) -> Iterator[Update]:
        """Segment what is asked for and show it; if nothing comes of it, the earlier result stays.

        ``file`` is the checkpoint's, where it is known already; ``values`` say what the page shows.
        """
        session.take(stop, request, view)
        try:
            if file is None:
                yield self.begun(session, request, values)
                file = session.locate(request.checkpoint)
            fit = self._fit(request, read_card(file), session.language)
            if fit[self.controls.looks_for] == values[self.controls.looks_for]:
                del fit[self.controls.looks_for]  # lest it undo what is chosen meanwhile
            yield {**self.begun(session, request, values, located=True), **fit}
            result = self.network.run(partial(segmented, request, file, stop, progress), stop)
        except Cancelled:
            yield self.called_off(session, stop)
        except EXPECTED_ERRORS as error:
            yield {**self.as_before(session, stop), **self.mistake(error, session)}
        except gr.Error as error:  # ZeroGPU has no GPU for this visitor now
            said = alert(error.message, session.language)
            yield {**self.as_before(session, stop), self.controls.status: said}
        else:
            result = replace(result, request=session.latest(request))
            if request.name not in self.controls.names and session.stop is stop:
                session.files[request.name] = file
            session.keep(stop, result, view)
            # With what was said before: of updates in quick succession Gradio may lose one.
            yield self._shown(session, result, view)
            if session.is_boxed_elsewhere(session.result):
                session.empty_box()

    def _picked(self, session: Session, request: SegmentRequest, values: Values) -> Update:
        """Set the picker and the box for averaging, unless they show this already, since it came from them."""
        shown = (values[self.controls.checkpoint], values[self.controls.tta])
        if shown == (request.name, request.tta):
            return {}
        return self.controls.picked(request.name, request.tta, self.choices(session))

    def choices(self, session: Session) -> list[tuple[str, str]]:
        """List the menu's checkpoints in the visitor's language; theirs go by file or repository."""
        own = [(name, name) for name in session.files]
        return menu(tuple(self.controls.names), session.language) + own

    def reading(self, session: Session) -> Update:
        """Say that a picture is read, which may take as long as a network."""
        return {
            self.controls.cancel: gr.Button(visible=True),
            self.controls.status: note(say("segment_reading", session.language)),
        }

    def begun(
        self, session: Session, request: SegmentRequest, values: Values, located: bool = False
    ) -> Update:
        """Say that the network runs. A checkpoint that the picker does not have joins it with its result."""
        known = request.name in (*self.controls.names, *session.files)
        here = known or located or isinstance(request.checkpoint, Path)
        key = "segment_running" if here else "segment_fetching"
        return {
            self.controls.cancel: gr.Button(visible=here),
            self.controls.status: note(say(key, session.language, repo=request.name)),
            self.controls.told: told(request, session.view, UNKNOWN),
            self.controls.picture: None,  # it stands in the viewer, and the box is for the next
            **(self._picked(session, request, values) if known else {}),
        }

    def called_off(self, session: Session, stop: Event) -> Update:
        """Say that it was called off."""
        said = note(say("segment_cancelled", session.language))
        return {**self.as_before(session, stop), self.controls.status: said}

    def as_before(self, session: Session, stop: Event) -> Update:
        """Set the controls as they were for the result that stays."""
        before: Update = {self.controls.cancel: HIDDEN_BUTTON}
        if session.result:
            session.take(stop, session.result.request, session.view)
            request = session.result.request
            before |= {
                self.controls.checkpoint: request.name,
                self.controls.tta: request.tta,
                self.controls.told: told(request, None, session.result.own_threshold),
                **self._fit(request, session.result.card, session.language),
            }
        return before

    def _fit(self, request: SegmentRequest, card: Card, language: str) -> Update:
        """Say what the picture looks like where that chose the checkpoint, with a button for the one
        that fits where a person chose one that is plainly wrong."""
        controls = self.controls
        kind = FITTING.get(card.task.classes)
        guess = say(f"kind_{kind}", language) if request.auto else ""
        looked_for = AUTO if request.auto else kind
        said = {
            controls.looks_for: looked_for,
            controls.phone_bar: phone_bar_value(controls.kinds, looked_for),
            controls.guess: note(say("segment_guess", language, kind=guess)) if guess else "",
            controls.misfit: gr.Row(visible=False),
        }
        better = better_checkpoint(request.picture.slices[0], card.task)
        if better is None or better not in controls.names:
            return said
        kind = say(f"kind_{better}", language)
        title = say_name("title", read_titles().get(better, better), language)
        return said | {
            controls.misfit: gr.Row(visible=True),
            controls.misfit_said: note(say("segment_misfit", language, kind=kind)),
            controls.fitting: say("segment_fitting", language, title=title),
        }

    def _shown(self, session: Session, result: Result, view: View) -> Update:
        """Set everything on the page that speaks of the picture, after the network ran."""
        controls, language, card = self.controls, session.language, result.card
        picture = result.request.picture
        slices = len(picture.slices)
        binary = result.own_threshold is not None
        threshold = card.threshold if view.threshold is None or not binary else view.threshold
        view = replace(view, threshold=threshold, slice=whole_slice(view.slice, slices))
        request = result.request
        update = {
            # Also where they showed this when it was asked for: work that was called off may have moved them.
            **controls.picked(request.name, request.tta, self.choices(session)),
            controls.viewer: slice_value(result, view),
            controls.status: status(result, threshold, language),
            controls.slice: gr.Slider(maximum=max(2, slices), value=view.slice, visible=slices > 1),
            controls.threshold: gr.Slider(value=threshold, visible=binary),
            controls.download_note: say(
                "segment_download_note", language, last=len(card.task.classes) - 1
            ),
            controls.cancel: HIDDEN_BUTTON,
            controls.downloads[PAINTED]: gr.Button(visible=result.prediction.painted is not None),
            controls.told: told(result.request, view, result.own_threshold),
            controls.scores: comparison(result, view, language),
            **self._fit(result.request, card, language),
        }
        if session.is_boxed_elsewhere(result):
            away = escape(say("segment_truth_put_away", language))
            update[controls.truth] = None
            update[controls.status] += f'<p class="notice">{away}</p>'
        return update

    def unchanged(self) -> Update:
        """Say nothing; a generator that yields nothing at all would empty its outputs."""
        return {self.controls.status: gr.skip()}

    def nothing(self, session: Session) -> Update:
        """Say why there is no result."""
        said = say(session.nothing_shown, session.language)
        return {self.controls.status: alert(said, session.language)}

    def mistake(self, error: Exception, session: Session) -> Update:
        """Say what is wrong with what a person brought."""
        return {self.controls.status: alert(plain_words(error), session.language)}


def segmented(request: SegmentRequest, file: Path, stop: Event, progress: gr.Progress) -> Result:
    """Segment, and paint if the network does that. Raises EXPECTED_ERRORS and Cancelled."""
    result = segment(
        request,
        lambda _: zero_gpu.open_predictor(file),
        progress=lambda done, total: progress((done, total)),
        cancelled=stop,
    )
    return with_colours(result, file, stop)


def with_colours(result: Result, file: Path, stop: Event) -> Result:
    """Add the colours that the checkpoint's network paints, if it is one that does.

    In this process, on ZeroGPU too, where that takes no second. Raises EXPECTED_ERRORS and Cancelled.
    """
    if result.card.task.kind != "colour":
        return result
    request = result.request
    painter = open_predictor(file, device=zero_gpu.DEVICE)
    painted = painter.paint(request.picture.slices, tta=request.tta, cancelled=stop)
    return replace(result, prediction=replace(result.prediction, painted=painted))
