"""The Segment page: what happens when it is used. A handler makes a request, and `SegmentPage.run` does it."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from ...data import Cancelled
from ...data.images import Picture, read_picture
from ...examples import EXAMPLES, load_example, offered_examples
from ...render import LAYERS, View
from ...segmentation import (
    EXPECTED_ERRORS,
    FITTING,
    SegmentRequest,
    Truth,
    plain_words,
    subject_of,
)
from ..components.history import restored_query
from ..files import start_download
from ..html import QUICK, Update, alert
from .controls import AUTO, TURN, SegmentControls, Values
from .link import SegmentLink, task_refuses
from .results import Results
from .run import Runner
from .session import Session, Sessions
from .views import captioned_examples

INFERENCE = "inference"
"""Concurrency group of its own: segmenting never waits behind a training."""

SEGMENTED_AT_ONCE = 4
"""Visitors whose pictures are read or segmented; fewer have the network, see `Runner`."""

OPENING = "opening"
"""Group of the pages that open: who comes without a request never waits behind others' large pictures."""

OPENINGS_AT_ONCE = 4

PROGRESS = gr.Progress()

SLOW: dict[str, Any] = {
    "concurrency_id": INFERENCE,
    "concurrency_limit": SEGMENTED_AT_ONCE,
    "trigger_mode": "multiple",  # newer work calls off the work before, see Session.begin
    "api_visibility": "private",
}
"""How Gradio listens for what the network runs for."""

# The viewer paints by itself. It asks for scores only where there are some.
LOOK = """(threshold, opacity, style, slice) => {
  const scored = Boolean(document.querySelector('#scores table'));
  const detail = { threshold, opacity, style, slice, scored };
  document.querySelector('#viewer .viewer')?.dispatchEvent(new CustomEvent('look', { detail }));
}"""

# On a phone the result may lie out of sight when a picture is chosen below it.
SHOW_VIEWER = """() => {
  const viewer = document.querySelector('#viewer'), { top, bottom } = viewer.getBoundingClientRect();
  if (bottom < 80 || top > innerHeight - 80) viewer.scrollIntoView({ behavior: 'smooth' });
}"""

# Gradio would call them "Thumbnail 1 of 5" for those who cannot see them.
NAME_EXAMPLES = """() => {
  for (const button of document.querySelectorAll('#examples .thumbnail-item'))
    button.setAttribute('aria-label', button.innerText.trim());
}"""


Brought = tuple[Picture, Truth | None, int]
"""A picture from another page, its ground truth if it has one, and the slice that is looked at, from 1."""


class SegmentPage:
    """The page's components, and what happens when they are used."""

    def __init__(self, demo: gr.Blocks) -> None:
        self.sessions = Sessions()
        self.thumbnails = tempfile.TemporaryDirectory(prefix="unet_demo_")
        self.controls = SegmentControls()
        self.link = SegmentLink(self.controls.linked)
        self.runner = Runner(self.controls, self.sessions)
        self.results = Results(self.runner)
        self.addressed = gr.State(False)  # whether the page's address names something to segment
        self._wire_opening(demo)
        self._wire_segmenting()
        self._wire_looking()

    def _wire_opening(self, demo: gr.Blocks) -> None:
        opened = [*self.controls.results, self.controls.opacity, self.controls.style]
        self._segment_at(
            demo.load, self.on_open, outputs=[*self.controls.results, self.addressed],
            concurrency_id=OPENING, concurrency_limit=OPENINGS_AT_ONCE,
        )  # fmt: skip
        self._segment_at(self.addressed.change, self.on_addressed, outputs=opened)
        greeted = [self.controls.examples, self.controls.checkpoint]
        demo.load(
            self.on_greeting, None, greeted, queue=False, show_progress="hidden",
            api_visibility="private",
        ).then(None, js=NAME_EXAMPLES)  # fmt: skip
        demo.unload(self.on_leave)

    def _wire_segmenting(self) -> None:
        controls = self.controls
        # Not "input": a paste and the camera fire that before the new picture has arrived.
        self._segment_at(controls.picture.change, self.on_picture, controls.picture)
        self._segment_at(controls.examples.select, self.on_example)
        self._segment_at(controls.looks_for.input, self.on_looks_for)
        self._segment_at(controls.checkpoint.input, self.on_checkpoint)
        self._segment_at(controls.tta.input, self.on_averaging)
        self._segment_at(controls.fitting.click, self.on_fitting)
        self._segment_at(controls.repo.submit, self.on_repo, controls.repo)
        self.open_from(controls.file.upload, controls.file)
        controls.cancel.click(self.on_cancel, queue=False, api_visibility="private")
        chosen = (
            controls.picture.upload, controls.examples.select, controls.looks_for.input,
            controls.checkpoint.input, controls.fitting.click,
        )  # fmt: skip
        gr.on(list(chosen), None, js=SHOW_VIEWER)

    def _wire_looking(self) -> None:
        controls = self.controls
        moved = [
            controls.threshold.change, controls.opacity.change, controls.style.change,
            controls.slice.change,
        ]  # fmt: skip
        gr.on(moved, None, controls.view, js=LOOK)
        controls.viewer.ask(
            self.results.on_slice, controls.view, [controls.viewer, controls.status], **QUICK
        )
        controls.viewer.rested(self.results.on_compare, controls.view, controls.scores, **QUICK)
        # Not "change", which also tells of the page's own putting away.
        gr.on(
            [controls.truth.upload, controls.truth.clear],
            self.results.on_truth, [controls.truth, *controls.view],
            [controls.viewer, controls.scores, controls.truth, controls.status],
            # A truth that is taken away while it is compared must not stay.
            trigger_mode="multiple", show_progress_on=[controls.scores], api_visibility="private",
        )  # fmt: skip
        for kind, button in controls.downloads.items():
            made = button.click(
                self.results.download(kind),
                controls.view,
                controls.download,
                api_visibility="private",
            )
            start_download(made, controls.download)

    def follow(self, steps: gr.HTML) -> None:
        """Have the page follow the history's ``steps``; of what it shows, ``controls.told`` tells."""
        self.steps = steps
        looks = [self.controls.opacity, self.controls.style]
        self._segment_at(
            steps.restored_segment, self.on_restored, steps,
            outputs=[*self.controls.results, *looks],
        )  # fmt: skip

    def _segment_at(
        self, listen: Callable[..., Dependency], handler: Callable, *inputs: Block, **options: Any
    ) -> None:
        controls = self.controls
        slow = {
            "outputs": controls.results, "show_progress_on": [controls.viewer], "js": TURN, **SLOW,
        }  # fmt: skip
        listen(handler, controls.settings.union(inputs), **{**slow, **options})

    def open_from(
        self,
        listen: Callable[..., Dependency],
        file: Block,
        brought: Callable[[gr.Request], Brought | None] = lambda _: None,
    ) -> None:
        """Use the checkpoint file in ``file`` at each event that ``listen`` is called for.

        ``brought`` returns the picture that it is for; None: the latest.
        """

        def on_file(
            values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
        ) -> Iterator[Update]:
            """Segment a picture with a checkpoint file, brought or just trained."""
            checkpoint, own = Path(values[file]), brought(request)
            if own is None:
                yield from self._again(values, request, progress, checkpoint)
                return
            picture, truth, slice = own
            session = self.sessions.visitor(request)
            wanted = SegmentRequest(picture, truth, checkpoint, values[self.controls.tta])
            view = View(slice=slice)
            yield from self.runner.newest(
                session,
                values,
                lambda stop: self.runner.run(session, stop, wanted, view, values, progress),
            )

        self._segment_at(listen, on_file, file)

    # --- what asks for a segmentation -----------------------------------------------------------

    def on_greeting(self, request: gr.Request) -> Update:
        """Give the examples and the menu, in words that Gradio's script would not translate."""
        session = self.sessions.visitor(request)
        session.opened = True
        examples = captioned_examples(Path(self.thumbnails.name), session.language)
        menu = gr.Dropdown(choices=self.runner.choices(session))
        return {self.controls.examples: examples, self.controls.checkpoint: menu}

    def on_open(self, values: Values, request: gr.Request) -> Iterator[Update]:
        """Show the first example; what an address names is only noted."""
        session = self.sessions.visitor(request)
        if session.asked:  # a visitor was quicker than the queue
            yield self.runner.unchanged()
        elif self.link.read(request.query_params).values:
            yield {self.addressed: True}
        else:
            yield from self.runner.newest(
                session, values, lambda stop: self.runner.open(session, stop)
            )

    def on_addressed(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Segment what the address names: in line with all others who have a network run."""
        session = self.sessions.visitor(request)
        if session.asked:
            yield self.runner.unchanged()
            return
        yield from self._asked(session, values, request.query_params, progress)

    def on_restored(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Segment what an address of before names; one that names nothing is the opening's."""
        query = restored_query(values[self.steps])
        if not self.link.read(query).values:
            query = {"example": EXAMPLES[0].name}
        yield from self._asked(self.sessions.visitor(request), values, query, progress)

    def _asked(
        self, session: Session, values: Values, query: Mapping[str, str], progress: gr.Progress
    ) -> Iterator[Update]:
        asked = self.link.read(query).values

        def work(stop: Event) -> Iterator[Update]:
            example = load_example(asked["example"])
            wanted = replace(
                example,
                checkpoint=asked["checkpoint"],
                tta=asked.get("flips", False),
                auto=asked["checkpoint"] == example.checkpoint,
            )
            named = {name: asked[name] for name in View.__match_args__ if name in asked}
            view = View(**{"layer": LAYERS[0], "zoom": 1, **named})
            session.take(stop, wanted, view)
            yield {
                self.controls.opacity: view.opacity,
                self.controls.style: view.style,
                **self.runner.begun(session, wanted, values),
            }
            mistakes = []
            try:
                file = session.locate(wanted.name)
            except EXPECTED_ERRORS as error:
                mistakes.append(alert(plain_words(error), session.language))
                wanted = replace(wanted, checkpoint=example.checkpoint, auto=True)
                file = None
            yield from self.runner.run(session, stop, wanted, view, values, progress, file)
            if session.result:
                unfit = task_refuses(asked, session.result.card.task, query)
                mistakes += [
                    alert(warning.said(session.language), session.language)
                    for warning in unfit.values()
                ]
            if mistakes:
                yield {self.controls.status: "".join(mistakes)}

        yield from self.runner.newest(session, values, work)

    def on_picture(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Segment a picture that was dropped, chosen, pasted or taken; removing one keeps the result."""
        session, path = self.sessions.visitor(request), values[self.controls.picture]
        if path is None:
            yield self.runner.unchanged()
            return

        def work(stop: Event) -> Iterator[Update]:
            yield self.runner.reading(session)
            try:
                picture = read_picture(path, stop)
            except Cancelled:
                yield {self.controls.picture: None, **self.runner.called_off(session, stop)}
                return
            except EXPECTED_ERRORS as error:
                mistake = self.runner.mistake(error, session)
                yield {
                    self.controls.picture: None,
                    **self.runner.as_before(session, stop),
                    **mistake,
                }
                return
            auto = values[self.controls.looks_for] == AUTO
            checkpoint = (
                self._fitting(picture, values) if auto else values[self.controls.checkpoint]
            )
            wanted = SegmentRequest(picture, None, checkpoint, values[self.controls.tta], auto)
            yield from self.runner.run(session, stop, wanted, View(), values, progress)

        yield from self.runner.newest(session, values, work)

    def on_example(
        self,
        values: Values,
        event: gr.SelectData,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> Iterator[Update]:
        """Segment an example with the checkpoint in use, if it knows the example's classes, else its own."""
        session = self.sessions.visitor(request)

        def work(stop: Event) -> Iterator[Update]:
            example = offered_examples()[event.index]
            wanted = replace(load_example(example.name), tta=values[self.controls.tta])
            result = session.result
            if result and result.card.task.classes == example.task.classes:
                kept = result.request.checkpoint
                wanted = replace(wanted, checkpoint=kept, auto=kept == example.checkpoint)
            yield from self.runner.run(session, stop, wanted, View(), values, progress)

        yield from self.runner.newest(session, values, work)

    def on_looks_for(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Look for another kind of thing in the latest picture, or for whatever it seems to show."""
        latest, kind = self.sessions.visitor(request).request, values[self.controls.looks_for]
        auto = kind == AUTO
        checkpoint = self._fitting(latest.picture, values) if latest and auto else kind
        yield from self._again(values, request, progress, checkpoint, auto)

    def on_checkpoint(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Segment the latest picture with another checkpoint of the menu."""
        yield from self._again(values, request, progress, values[self.controls.checkpoint])

    def on_averaging(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Segment the latest picture with the same checkpoint, and other averaging."""
        auto = values[self.controls.looks_for] == AUTO
        yield from self._again(values, request, progress, values[self.controls.checkpoint], auto)

    def on_fitting(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Segment the latest picture with the checkpoint that the hint names."""
        latest = self.sessions.visitor(request).request
        fitting = self._fitting(latest.picture, values) if latest else ""
        yield from self._again(values, request, progress, fitting, auto=True)

    def _fitting(self, picture: Picture, values: Values) -> str:
        """Name the checkpoint for what a picture seems to show; where it is not offered, the menu's."""
        fitting = FITTING[subject_of(picture.slices[0]).classes]
        return fitting if fitting in self.controls.names else values[self.controls.checkpoint]

    def on_repo(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Segment the latest picture with a checkpoint of the Hub's."""
        yield from self._again(values, request, progress, values[self.controls.repo].strip())

    def _again(
        self,
        values: Values,
        request: gr.Request,
        progress: gr.Progress,
        checkpoint: str | Path,
        auto: bool = False,
    ) -> Iterator[Update]:
        """Segment the latest picture with a checkpoint; without one, nothing is called off."""
        session = self.sessions.visitor(request)
        latest = session.request
        if latest is None:
            yield self.runner.nothing(session)
            return
        wanted = replace(latest, checkpoint=checkpoint, tta=values[self.controls.tta], auto=auto)
        view = View(slice=values[self.controls.slice])
        yield from self.runner.newest(
            session,
            values,
            lambda stop: self.runner.run(session, stop, wanted, view, values, progress),
        )

    def on_cancel(self, request: gr.Request) -> None:
        """Call off the segmentation that is running; its handler says so."""
        self.sessions.visitor(request).stop.set()

    def on_leave(self, request: gr.Request) -> None:
        """Forget the visitor, whose tab was closed or loaded anew: nobody waits for the result."""
        self.sessions.close(request.session_hash)
