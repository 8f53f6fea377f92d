"""The Segment page: a person's picture, a checkpoint, and what it sees."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency
from PIL import Image

from ..checkpoints.files import read_titles
from ..checkpoints.hub import looks_like_repo
from ..data.images import Picture, read_picture
from ..exports import EXPORTS
from ..render import error_map
from . import later, zero_gpu
from .cancelling import Cancellations
from .files import fresh_folder, hand_over
from .html import Update, alert, note, score_table
from .segment_controls import SegmentControls, Values
from .segment_job import Job, Work
from .segment_link import (
    Linkable,
    SegmentLink,
    checkpoints_of_examples,
    example_of,
    threshold_refused,
)
from .segment_session import Session, Sessions
from .segment_views import PageLook, Shown, new_token, repainted, status, view, whole_page
from .text import language_of, say, say_name

if TYPE_CHECKING:
    from ..checkpoints import Card
    from ..examples import Example
    from ..segmentation import Brought

INFERENCE = "inference"
"""Concurrency group of its own: segmenting never waits behind a training."""

INFERENCES_AT_ONCE = 2

OPENING = "opening"
"""Group of the pages that open: who comes without a wish never waits behind others' large pictures."""

OPENINGS_AT_ONCE = 4

PROGRESS = gr.Progress()

HIDDEN_BUTTON = gr.Button(visible=False)

SLOW: dict[str, Any] = {
    "concurrency_id": INFERENCE,
    "concurrency_limit": INFERENCES_AT_ONCE,
    "trigger_mode": "multiple",  # a newer wish calls off the one before, see _newest
    "api_visibility": "private",
}
"""How Gradio listens for what the network runs for."""

QUICK: dict[str, Any] = {
    "queue": False,  # it loses what is asked for while the stream of the answer before is closing
    "show_progress": "hidden",
    # On no component: Gradio would show the wait of the event before beside the hidden one.
    "show_progress_on": [],
    "trigger_mode": "always_last",
    "api_visibility": "private",
}
"""How it listens for what is painted from what the network has said."""

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


class SegmentPage:
    """The page's components, and what happens when they are used."""

    def __init__(self, demo: gr.Blocks) -> None:
        self.jobs = Cancellations()
        self.sessions = Sessions()
        self._thumbnails = tempfile.TemporaryDirectory(prefix="unet_demo_")
        self.controls = SegmentControls()
        self.link = SegmentLink(self.controls.linked)
        self.wishes = gr.State(False)  # whether the page's address names something to segment
        self._wire_opening(demo)
        self._wire_segmenting()
        self._wire_looking()
        self._wire_truth()
        self._wire_taking_along()

    def _captioned_examples(self, language: str) -> list[tuple[str, str]]:
        """A thumbnail's file, made once, and a caption for each example.

        Of pixels Gradio would write the files anew, while another visitor's browser reads them.
        """
        captioned = []
        for example in later.examples.offered_examples():
            path = Path(self._thumbnails.name) / f"{example.name}.png"
            if not path.exists():
                aside = fresh_folder() / path.name
                Image.fromarray(later.examples.load_thumbnail(example.name)).save(aside)
                aside.replace(path)
            captioned.append((str(path), say_name("example", example.caption, language)))
        return captioned

    def _wire_opening(self, demo: gr.Blocks) -> None:
        opened = [*self.controls.results, self.controls.opacity, self.controls.style]
        self._segment_at(
            demo.load, self.on_open, outputs=[*opened, self.wishes], concurrency_id=OPENING,
            concurrency_limit=OPENINGS_AT_ONCE,
        )  # fmt: skip
        self._segment_at(self.wishes.change, self.on_wish, outputs=opened)
        demo.load(
            self.on_greeting, None, self.controls.examples, queue=False, show_progress="hidden",
            api_visibility="private",
        ).then(None, js=NAME_EXAMPLES)  # fmt: skip
        demo.unload(self.on_leave)

    def _wire_segmenting(self) -> None:
        controls = self.controls
        # Not "input": a paste and the camera fire that before the new picture has arrived.
        self._segment_at(controls.picture.change, self.on_picture, controls.picture)
        self._segment_at(controls.examples.select, self.on_example)
        picked = [controls.checkpoint.input, controls.flips.input]
        self._segment_at(partial(gr.on, picked), self.on_again)
        self._segment_at(controls.fitting.click, self.on_fitting)
        self._segment_at(controls.repo.submit, self.on_repo, controls.repo)
        self.open_from(controls.file.upload, controls.file)
        controls.cancel.click(self.on_cancel, queue=False, api_visibility="private")
        for brought in (controls.picture.upload, controls.examples.select):
            brought(None, js=SHOW_VIEWER)

    def _wire_looking(self) -> None:
        controls = self.controls
        moved = [controls.threshold.input, controls.opacity.input, controls.style.input]
        gr.on(moved, self.on_repaint, controls.look, controls.painted, **QUICK)
        controls.slice.input(self.on_slice, controls.look, controls.painted, **QUICK)

    def _wire_truth(self) -> None:
        controls = self.controls
        # Not "change", which also tells of the page's own putting away.
        gr.on(
            [controls.truth.upload, controls.truth.clear],
            self.on_truth, [controls.truth, *controls.look],
            [*controls.compared, controls.truth, controls.status], api_visibility="private",
        )  # fmt: skip
        rested = [controls.threshold.change, controls.slice.change]
        gr.on(rested, self.on_compare, controls.look, controls.compared, **QUICK)

    def _wire_taking_along(self) -> None:
        controls = self.controls
        controls.share.wire(self.query, controls.look)
        for kind, button in controls.downloads.items():
            made = button.click(
                self._download(kind), controls.look, controls.download, api_visibility="private"
            )
            hand_over(made, controls.download)

    def _segment_at(
        self, listen: Callable[..., Dependency], handler: Callable, *inputs: Block, **options: Any
    ) -> None:
        """Segment at an event; what comes of it is painted anew if the look changed meanwhile."""
        controls = self.controls
        slow = {"outputs": controls.results, "show_progress_on": [controls.viewer], **SLOW}
        listen(handler, controls.settings.union(inputs), **{**slow, **options}).then(
            self.on_settled, controls.look, controls.painted, **QUICK
        )

    def open_from(self, listen: Callable[..., Dependency], file: Block) -> None:
        """Use the checkpoint file in ``file`` at each event that ``listen`` is called for."""

        def on_file(
            values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
        ) -> Iterator[Update]:
            """A checkpoint file, brought or just trained, for the picture that was brought last."""
            path = values[file]
            name = Path(path).name
            yield from self._again(
                values, request, progress,
                lambda job, brought: self._segment(
                    replace(job, checkpoint=name, others={**job.others, name: path}), brought
                ),
            )  # fmt: skip

        self._segment_at(listen, on_file, file)

    def on_greeting(self, request: gr.Request) -> list[tuple[str, str]]:
        """The examples, with captions that Gradio's script would not translate."""
        self._session(request).opened = True
        return self._captioned_examples(language_of(request))

    def on_open(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """The page opens with its first example segmented; an address's wish is only noted."""
        if self._session(request).wished:  # by a visitor who was quicker than the queue
            yield self._unchanged()
        elif self.link.read(request.query_params).values:
            yield {self.wishes: True}
        else:
            yield from self._newest(values, request, progress, self._open)

    def on_wish(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Segment what the address names: in line with all others who have a network run."""
        if self._session(request).wished:
            yield self._unchanged()
            return
        wished = self.link.read(request.query_params).values
        yield from self._newest(
            values, request, progress, lambda job: self._open_as(wished, job, request)
        )

    def _open(self, job: Job) -> Iterator[Update]:
        """The first example."""
        brought = later.examples.load_example(later.examples.EXAMPLES[0].name)
        job.take(brought)
        try:
            shown = opening()
        except later.segmentation.EXPECTED_ERRORS as error:
            yield {self.controls.status: expected_alert(error, job.language)}
            return
        yield self._result(shown, replace(job, page=1))

    def _open_as(self, wished: dict[str, Any], job: Job, request: gr.Request) -> Iterator[Update]:
        """What an address names; where its repository can't be had, the example's own checkpoint."""
        controls = self.controls
        name = wished["checkpoint"]
        known, refusals = name in controls.names, []
        job = replace(
            job,
            checkpoint=name,
            flips=wished.get("flips", False),
            page=wished.get("slice", 1),
            opacity=wished.get("opacity", job.opacity),
            style=wished.get("style", job.style),
            threshold=wished.get("threshold"),
        )
        yield {
            controls.opacity: job.opacity,
            controls.style: job.style,
            controls.flips: job.flips,
            **(self._begun(job) if known else self._fetching(name, job)),
        }
        brought = later.examples.load_example(wished["example"])
        job.take(brought)
        if not known:
            try:
                job = replace(job, others={name: str(later.checkpoints.find_offered(name))})
            except later.segmentation.EXPECTED_ERRORS as error:
                refusals.append(later.segmentation.plain_words(error))
                job = replace(job, checkpoint=checkpoints_of_examples()[wished["example"]])
        yield from self._segment(job, brought)
        if self._left_out(job):
            refusals.append(threshold_refused(request.query_params).said(job.language))
        if refusals:
            yield {controls.status: "".join(alert(one, job.language) for one in refusals)}

    def query(self, request: gr.Request, *look: Any) -> tuple[str, bool]:
        """The query of an address that shows the same, and whether something of it cannot travel.

        While nothing is shown, of one that asks for what is under way; before that, of the page's
        own address. Raises gr.Error where the server has forgotten what is shown.
        """
        session, seen = self._session(request), PageLook(*look)
        shown, wished = session.shown, session.wished
        if shown:
            segmentation = shown.segmentation
            card = segmentation.card
            threshold = seen.threshold if card.task.kind == "binary" else None
            made = Linkable(
                segmentation.picture, shown.checkpoint, shown.flips, seen.page, threshold
            )
            return self._query_of(made, seen, card.threshold)
        if wished:
            return self._query_of(wished, seen, None)
        if session.nothing_shown == "segment_no_picture":
            asked = self.link.read(request.query_params).values
            return self.link.write(asked, None), False
        raise gr.Error(self._why_nothing(request), print_exception=False)

    def _query_of(
        self, what: Linkable, seen: PageLook, own_threshold: float | None
    ) -> tuple[str, bool]:
        example = example_of(what.picture)
        travels = what.checkpoint in self.controls.names or looks_like_repo(what.checkpoint)
        settings = {
            "checkpoint": what.checkpoint if travels else None,
            "example": example,
            "slice": what.page if example else None,
            "flips": what.flips,
            "threshold": what.threshold,
            "opacity": seen.opacity,
            "style": seen.style,
        }
        return self.link.write(settings, own_threshold), example is None or not travels

    def on_picture(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """A picture was dropped, chosen, pasted or taken; removing one keeps the result."""
        path = values[self.controls.picture]
        if path is None or self._session(request).is_preview(path):
            yield self._unchanged()
            return

        def work(job: Job) -> Iterator[Update]:
            try:
                brought = later.segmentation.Brought(read_picture(path))
            except later.segmentation.EXPECTED_ERRORS as error:
                # The box goes back to the picture that the result still shows.
                message = expected_alert(error, job.language)
                yield {self.controls.picture: None, **self._as_before(job, message)}
                return
            yield from self._segment(replace(job, page=1, picked=True), brought)

        yield from self._newest(values, request, progress, work)

    def on_example(
        self,
        values: Values,
        event: gr.SelectData,
        request: gr.Request,
        progress: gr.Progress = PROGRESS,
    ) -> Iterator[Update]:
        """An example was clicked: take it with a checkpoint that knows its kind."""

        def work(job: Job) -> Iterator[Update]:
            example = later.examples.offered_examples()[event.index]
            name = checkpoint_for(example, job.session.shown)
            brought = later.examples.load_example(example.name)
            yield from self._segment(replace(job, checkpoint=name, page=1), brought)

        yield from self._newest(values, request, progress, work)

    def on_again(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """Another checkpoint, or other averaging, for the picture that was brought last."""
        yield from self._again(
            values, request, progress,
            lambda job, brought: self._segment(replace(job, picked=True), brought),
        )  # fmt: skip

    def on_fitting(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """The checkpoint that the hint names, for the picture that was brought last."""

        def work(job: Job, brought: "Brought") -> Iterator[Update]:
            task = later.subject.subject_of(brought.picture.pages[0])
            name = later.subject.FITTING[task.classes]
            yield from self._segment(replace(job, checkpoint=name), brought)

        yield from self._again(values, request, progress, work)

    def on_repo(
        self, values: Values, request: gr.Request, progress: gr.Progress = PROGRESS
    ) -> Iterator[Update]:
        """A checkpoint of the Hub's, for the picture that was brought last."""
        repo = values[self.controls.repo]

        def work(job: Job, brought: "Brought") -> Iterator[Update]:
            yield self._fetching(repo, job)
            try:
                file = later.checkpoints.find_offered(repo)
            except later.segmentation.EXPECTED_ERRORS as error:
                yield self._as_before(job, expected_alert(error, job.language))
                return
            name = repo.strip()
            others = job.others if name in self.controls.names else {**job.others, name: str(file)}
            yield from self._segment(replace(job, checkpoint=name, others=others), brought)

        yield from self._again(values, request, progress, work)

    def on_cancel(self, request: gr.Request) -> None:
        """Call off the segmentation that is running; its handler says so."""
        self.jobs.cancel(request.session_hash or "")

    def on_leave(self, request: gr.Request) -> None:
        """The tab was closed or loaded anew: nobody waits for the result, and its memory goes."""
        self.jobs.cancel(request.session_hash or "")
        self.sessions.close(request.session_hash)

    def on_repaint(self, request: gr.Request, *look: Any) -> Update:
        """Threshold, opacity or marking moved: paint anew what the network said."""
        return self._paint(repainted, PageLook(*look), request)

    def on_slice(self, request: gr.Request, *look: Any) -> Update:
        """Another page of the stack."""
        return self._paint(view, PageLook(*look), request)

    def on_settled(self, request: gr.Request, *look: Any) -> Update:
        """A result has come, painted as was asked when it was begun: that may have changed since."""
        before, seen = self._session(request).look, PageLook(*look)
        if before and (before.opacity, before.style) == (seen.opacity, seen.style):
            return self._unchanged()
        return self._paint(repainted, seen, request)

    def _paint(
        self,
        paint: Callable[[Shown, PageLook, str], tuple[dict, str]],
        look: PageLook,
        request: gr.Request,
    ) -> Update:
        """The viewer's value and the legend; nothing where another result has come meanwhile."""
        session = self._session(request)
        session.look = look
        shown = session.shown
        if shown is None:
            # Before a page's first result its sliders have nothing to paint.
            first = session.nothing_shown == "segment_no_picture"
            return self._unchanged() if first else self._nothing(request)
        value, table = paint(shown, look, language_of(request))
        if session.shown is None or session.shown.token != shown.token:
            return self._unchanged()
        return {self.controls.viewer: value, self.controls.legend: table}

    def on_truth(self, request: gr.Request, path: str | None, *look: Any) -> Update:
        """A ground truth was dropped, or taken away: compare with it, or no longer.

        One that cannot be compared leaves its box, which so never shows what is not compared.
        """
        session, language = self._session(request), language_of(request)
        shown, emptied = session.shown, {self.controls.truth: None} if path else {}
        if shown is None:
            return self._nothing(request) | emptied
        picture, task = shown.segmentation.picture, shown.segmentation.card.task
        try:
            fit = picture.pages.shape[:3], picture.orientations
            truth = None if path is None else later.truth.read_truth_of(path, task, *fit)
        except later.segmentation.EXPECTED_ERRORS as error:
            session.empty_box()
            refused = {self.controls.status: expected_alert(error, language)}
            return self.on_compare(request, *look) | emptied | refused
        session.compare_with(later.segmentation.Brought(picture, truth, task.classes))
        session.boxed = truth
        return self.on_compare(request, *look)

    def on_compare(self, request: gr.Request, *look: Any) -> Update:
        """The threshold or the slice has come to rest: score again."""
        shown = self._session(request).shown
        if shown is None:
            return {self.controls.scores: gr.skip()}
        return self._comparison(shown, PageLook(*look), language_of(request))

    def _download(self, kind: str) -> Callable[..., str]:
        """The handler that makes a file of this kind."""

        def on_download(request: gr.Request, *look: Any) -> str:
            shown = self._session(request).shown
            if shown is None:
                raise gr.Error(self._why_nothing(request), print_exception=False)
            picture, prediction = shown.segmentation.picture, shown.segmentation.prediction
            return str(EXPORTS[kind](fresh_folder(), picture, prediction, PageLook(*look)))

        return on_download

    def _session(self, request: gr.Request) -> Session:
        return self.sessions.of(request.session_hash)

    def _why_nothing(self, request: gr.Request) -> str:
        return say(self._session(request).nothing_shown, language_of(request))

    def _nothing(self, request: gr.Request) -> Update:
        return {self.controls.status: alert(self._why_nothing(request), language_of(request))}

    def _newest(
        self, values: Values, request: gr.Request, progress: gr.Progress, work: Work
    ) -> Iterator[Update]:
        """Do what was wished for, from how the page is set.

        It calls off the visitor's job before; once a newer one does so to it, it says nothing more.
        """
        session = self._session(request)
        # Whoever comes without a hash calls off nobody's job.
        with self.jobs.begin(request.session_hash or new_token()) as signal:
            job = Job(
                session=session,
                signal=signal,
                others=session.others,
                checkpoint=values[self.controls.checkpoint],
                flips=values[self.controls.flips],
                page=session.look.page if session.look else 1,
                opacity=values[self.controls.opacity],
                style=values[self.controls.style],
                language=language_of(request),
                progress=progress,
            )
            for update in work(job):
                if signal.superseded:
                    yield self._unchanged()
                    return
                yield update

    def _again(
        self, values: Values, request: gr.Request, progress: gr.Progress,
        work: "Callable[[Job, Brought], Iterator[Update]]",
    ) -> Iterator[Update]:  # fmt: skip
        """As `_newest`, for the picture that was brought last; without one, nothing is called off."""
        brought = self._session(request).brought
        if brought is None:
            yield self._nothing(request)
            return
        yield from self._newest(values, request, progress, lambda job: work(job, brought))

    def _segment(self, job: Job, brought: "Brought") -> Iterator[Update]:
        """Run the network and show what it says; if nothing comes of it, the earlier result stays."""
        job.take(brought)
        yield self._begun(job)
        try:
            predictor = job.predictor()
            yield self._misfit(predictor.card, brought.picture, job.language)
            prediction = predictor.predict(
                brought.picture.pages,
                flips=job.flips,
                progress=lambda done, total: job.progress((done, total)),
                cancelled=job.signal,
            )
        except later.inference.Cancelled:
            yield self._as_before(job, note(say("segment_cancelled", job.language)))
            return
        except later.segmentation.EXPECTED_ERRORS as error:
            yield self._as_before(job, expected_alert(error, job.language))
            return
        except gr.Error as error:  # ZeroGPU has no GPU for this visitor now
            yield self._as_before(job, alert(error.message, job.language))
            return
        card = predictor.card
        segmentation = later.segmentation.Segmentation(
            brought.picture, prediction.of(brought.picture), card
        )
        brought = job.session.latest(brought)
        job.take(brought)  # again, where it was put away meanwhile with an earlier result
        truth = brought.truth_for(card)
        yield self._result(Shown(segmentation, truth, job.checkpoint, job.flips), job)
        if job.session.is_boxed_elsewhere(job.session.shown):
            job.session.empty_box()

    def _unchanged(self) -> Update:
        """Says nothing; a generator that yields nothing at all would empty its outputs."""
        return {self.controls.status: gr.skip()}

    def _fetching(self, repo: str, job: Job) -> Update:
        return {self.controls.status: note(say("segment_fetching", job.language, repo=repo))}

    def _begun(self, job: Job) -> Update:
        """The network runs. A checkpoint that the picker does not have joins it with its result."""
        known = job.checkpoint in (*self.controls.names, *job.session.others)
        picked = self.controls.picked(job.checkpoint, job.flips, job.session.others)
        return {
            self.controls.cancel: gr.Button(visible=True),
            self.controls.status: note(say("segment_running", job.language)),
            **(picked if known and not job.picked else {}),
        }

    def _left_out(self, job: Job) -> bool:
        """Whether the job's threshold means nothing to the checkpoint that has come to its result."""
        shown = job.session.shown
        return (
            job.threshold is not None
            and shown is not None
            and shown.checkpoint == job.checkpoint
            and shown.segmentation.card.task.kind != "binary"
        )

    def _as_before(self, job: Job, message: str) -> dict:
        """The message, and the controls as they were for the result that stays."""
        before: Update = {self.controls.status: message, self.controls.cancel: HIDDEN_BUTTON}
        shown = job.session.shown
        if shown:
            picture, classes = shown.segmentation.picture, shown.segmentation.card.task.classes
            job.take(later.segmentation.Brought(picture, shown.truth, classes))
            before |= {
                self.controls.checkpoint: shown.checkpoint,
                self.controls.flips: shown.flips,
                self.controls.picture: job.session.preview(picture),
                **self._misfit(shown.segmentation.card, picture, job.language),
            }
        return before

    def _misfit(self, card: "Card", picture: Picture, language: str) -> Update:
        """That a checkpoint is plainly wrong for a picture, and a button with the one that fits."""
        controls, better = (
            self.controls,
            later.subject.better_checkpoint(picture.pages[0], card.task),
        )
        if better not in controls.names:
            return {controls.misfit: gr.Row(visible=False)}
        kind = say(f"kind_{better}", language)
        title = say_name("title", read_titles().get(better, better), language)
        return {
            controls.misfit: gr.Row(visible=True),
            controls.misfit_said: note(say("segment_misfit", language, kind=kind)),
            controls.fitting: say("segment_fitting", language, title=title),
        }

    def _result(self, shown: Shown, job: Job) -> Update:
        """Everything on the page that speaks of the picture, after the network ran."""
        controls, segmentation = self.controls, shown.segmentation
        card, pages = segmentation.card, len(segmentation.picture.pages)
        binary = card.task.kind == "binary"
        threshold = job.threshold if binary and job.threshold is not None else card.threshold
        page = whole_page(job.page, segmentation)
        look = PageLook(threshold, job.opacity, job.style, page)
        painted, table = view(shown, look, job.language)
        picked = controls.picked(shown.checkpoint, shown.flips, job.others)
        update = {
            **({} if job.picked else picked),
            controls.viewer: painted,
            controls.legend: table,
            controls.status: status(segmentation, job.language),
            controls.slice: gr.Slider(maximum=max(2, pages), value=page, visible=pages > 1),
            controls.threshold: gr.Slider(value=threshold, visible=binary),
            controls.download_note: say(
                "segment_download_note", job.language, last=len(card.task.classes) - 1
            ),
            controls.picture: job.session.preview(segmentation.picture),
            controls.summary: escape(say_name("summary", card.summary, job.language)),
            controls.cancel: HIDDEN_BUTTON,
            **self._comparison(shown, look, job.language),
        }
        if job.session.is_boxed_elsewhere(shown):
            away = escape(say("segment_truth_put_away", job.language))
            update[controls.truth] = None
            update[controls.status] += f'<p class="notice">{away}</p>'
        job.keep(shown, look)
        self.sessions.make_room(job.session)
        return update

    def _comparison(self, shown: Shown, look: PageLook, language: str) -> Update:
        controls, segmentation = self.controls, shown.segmentation
        if shown.truth is None:
            return {controls.scores: "", controls.errors: gr.Image(value=None, visible=False)}
        page = whole_page(look.page, segmentation)
        labels = segmentation.prediction.labels(look.threshold)
        wrong = error_map(
            segmentation.picture.pages[page - 1], labels[page - 1], shown.truth[page - 1]
        )
        scores = later.segmentation.truth_scores(labels, shown.truth, segmentation.card)
        return {
            controls.scores: score_table(scores, language),
            controls.errors: gr.Image(
                value=wrong, visible=True, alt_text=say("segment_truth_errors", language)
            ),
        }


@cache
def opening() -> Shown:
    """The first example, segmented once for all visitors."""
    example = later.examples.EXAMPLES[0]
    brought = later.examples.load_example(example.name)
    predictor = later.segmentation.open_predictor(example.checkpoint, zero_gpu.DEVICE)
    prediction = predictor.predict(brought.picture.pages)
    segmentation = later.segmentation.Segmentation(brought.picture, prediction, predictor.card)
    return Shown(segmentation, brought.truth, example.checkpoint, flips=False, shared=True)


def expected_alert(error: Exception, language: str) -> str:
    """What is wrong with what a person brought."""
    return alert(later.segmentation.plain_words(error), language)


def checkpoint_for(example: "Example", shown: Shown | None) -> str:
    """The checkpoint in use, if it knows the example's classes, else the example's own."""
    fits = shown and shown.segmentation.card.task.classes == example.task.classes
    return shown.checkpoint if shown and fits else example.checkpoint
