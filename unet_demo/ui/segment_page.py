"""The Segment page: a person's picture, a checkpoint, and what it sees."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency
from PIL import Image

from ..bundled import offered_names, read_titles
from ..data.images import read_picture
from ..exports import EXPORTS, Look
from ..hub import looks_like_repo
from ..render import STYLES, error_map
from . import later, zero_gpu
from .cancelling import Cancellations, StopSignal
from .download import download_link, hand_over
from .files import fresh_folder
from .notices import alert, hint, note
from .picture_input import PictureInput
from .scores import score_table
from .segment_link import SegmentLink, checkpoints_of_examples, example_of
from .segment_session import Session, Sessions
from .segment_views import Shown, repainted, status, view, whole_page
from .share import ShareButtons
from .texts import language_of, say, say_name, t, t_name
from .viewer import viewer

if TYPE_CHECKING:
    from ..examples import Example
    from ..inference import Predictor
    from ..remote import RemotePredictor
    from ..segmentation import Brought

INFERENCE = "inference"
"""Concurrency group of its own: segmenting never waits behind a training."""

INFERENCES_AT_ONCE = 2

Values = dict[Block, Any]
"""What a handler is given: the components that it asked for → their values."""

Update = dict[Any, Any]
"""Component → its new value or properties."""

PROGRESS = gr.Progress()

HIDDEN_BUTTON = gr.Button(visible=False)

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


@dataclass(frozen=True)
class Job:
    """A wish to segment something: with what, how to show it, and for whom.

    ``checkpoint`` is the picker's value; ``others`` maps those values to files that are not
    bundled. ``signal`` calls the job off, for a newer one of the same visitor's, say.
    """

    session: Session
    signal: StopSignal
    others: dict[str, str]
    checkpoint: str
    flips: bool
    page: int
    opacity: float
    style: str
    language: str
    progress: gr.Progress
    picked: bool = False
    """Whether the picker and the flips' box show this wish already, since it came from them."""
    threshold: float | None = None
    """Another one than the checkpoint's own."""

    def predictor(self) -> "Predictor | RemotePredictor":
        """Raises CheckpointError, HubError or DeviceError."""
        other = self.others.get(self.checkpoint)
        offered = later.checkpoints.find_offered
        return zero_gpu.open_predictor(Path(other) if other else offered(self.checkpoint))

    def take(self, brought: "Brought") -> None:
        """Have later wishes be for this picture, unless a newer job has chosen another."""
        if not self.signal.superseded:
            self.session.brought = brought

    def keep(self, shown: Shown, look: Look) -> None:
        """What the page goes on to show, unless a newer job decides that."""
        if not self.signal.superseded:
            self.session.shown, self.session.look = shown, look
            self.session.others = self.others


Work = Callable[[Job], Iterator[Update]]
"""What a job consists of, as updates of the page."""


class SegmentPage:
    """The page's components, and what happens when they are used."""

    def __init__(self, demo: gr.Blocks) -> None:
        self.jobs = Cancellations()
        self.sessions = Sessions()
        self._thumbnails = tempfile.TemporaryDirectory(prefix="unet_demo_")
        with gr.Row(elem_classes="segment-page"):
            with gr.Column(scale=2, min_width=280):
                self._lay_out_input()
            with gr.Column(scale=3, min_width=280, elem_classes="result"):
                self._lay_out_result()
        self.link = SegmentLink(
            {
                "flips": self.flips,
                "threshold": self.threshold,
                "opacity": self.opacity,
                "style": self.style,
            }
        )
        self._wire(demo)

    def _lay_out_input(self) -> None:
        titles = read_titles()
        self.names = offered_names()
        self.offered = [(t_name("title", titles.get(name, name)), name) for name in self.names]
        self.checkpoint = gr.Radio(
            choices=self.offered,
            value=next(iter(self.names), None),
            label=t("segment_checkpoint"),
            info=t("segment_checkpoint_info"),
            elem_id="checkpoint",
        )
        self.summary = gr.HTML(elem_id="checkpoint-summary", elem_classes=["hint", "padded"])
        self.picture = PictureInput(
            type="filepath",
            image_mode=None,
            format="png",
            sources=["upload", "clipboard", "webcam"],
            label=t("segment_picture"),
            height=220,
            elem_id="picture",
        )
        gr.HTML(t("segment_picture_info"), elem_classes=["hint", "padded"])
        self.examples = gr.Gallery(
            label=t("segment_examples"),
            columns=3,
            height="auto",
            allow_preview=False,
            interactive=False,
            format="png",
            elem_id="examples",
        )
        self.flips = gr.Checkbox(
            label=t("segment_flips"), info=t("segment_flips_info"), elem_id="flips"
        )
        with gr.Accordion(t("segment_other"), open=False):
            self.repo = gr.Textbox(
                label=t("segment_repo"), info=t("segment_repo_info"), elem_id="repo", max_lines=1
            )
            self.file = gr.File(
                label=t("segment_file"), file_types=[".safetensors"], elem_id="checkpoint-file"
            )

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

    def _lay_out_result(self) -> None:
        with gr.Row(elem_classes="status-row"):
            self.status = gr.HTML(
                hint("loading"), elem_id="segment-status", elem_classes="status", min_height=56
            )
            self.cancel = gr.Button(
                t("segment_cancel"), size="sm", visible=False, min_width=90, scale=0,
                elem_id="cancel",
            )  # fmt: skip
        self.viewer = viewer(elem_id="viewer")
        self.legend = gr.HTML(elem_id="legend")
        self.slice = gr.Slider(
            1, 2, 1, step=1, label=t("segment_slice"), info=t("segment_slice_info"),
            visible=False, elem_id="slice",
        )  # fmt: skip
        with gr.Row():
            self.threshold = gr.Slider(
                0.05, 0.95, 0.5, step=0.01, label=t("segment_threshold"),
                info=t("segment_threshold_info"), visible=False, elem_id="threshold", min_width=200,
            )  # fmt: skip
            self.opacity = gr.Slider(
                0, 1, 0.6, step=0.05, label=t("segment_opacity"),
                info=t("segment_opacity_info"), elem_id="opacity", min_width=200,
            )  # fmt: skip
            self.style = gr.Radio(
                choices=[(t(f"segment_style_{style}"), style) for style in STYLES],
                value="fill", label=t("segment_style"), info=t("segment_style_info"),
                elem_id="style", min_width=200,
            )  # fmt: skip
        with gr.Row(elem_id="downloads"):
            self.downloads = {
                kind: gr.Button(
                    t(f"segment_download_{kind}"), size="sm", elem_id=f"download-{kind}"
                )
                for kind in EXPORTS
            }
        self.download_note = gr.HTML(elem_classes=["hint", "padded"])
        self.share = ShareButtons("segment")
        # A file is made when it is asked for, then this link is clicked for the person.
        self.download = download_link("download-link")
        with gr.Accordion(t("segment_truth"), open=False):
            self.truth = gr.File(label=t("segment_truth_file"), elem_id="truth")
            gr.HTML(t("segment_truth_info"), elem_classes="hint")
            self.scores = gr.HTML(elem_id="scores")
            self.errors = gr.Image(
                label=t("segment_truth_errors"), format="png", visible=False, interactive=False,
                elem_id="errors",
            )  # fmt: skip

    def _wire(self, demo: gr.Blocks) -> None:
        seen = [self.slice, self.threshold, self.opacity, self.style]
        painted = [self.viewer, self.legend, self.status]
        # As a set, so that a handler is given one dict of what it may need.
        settings: set[Block] = {
            self.checkpoint, self.flips, self.slice, self.opacity, self.style,
        }  # fmt: skip
        outputs = [
            self.flips, self.viewer, self.status, self.legend, self.slice, self.threshold,
            self.download_note, self.picture, self.checkpoint, self.summary, self.scores,
            self.errors, self.cancel,
        ]  # fmt: skip
        slow: dict[str, Any] = {
            "outputs": outputs,
            "concurrency_id": INFERENCE,
            "concurrency_limit": INFERENCES_AT_ONCE,
            "show_progress_on": [self.viewer],
            "trigger_mode": "multiple",  # a newer wish calls off the one before, see _newest
            "api_visibility": "private",
        }
        quick: dict[str, Any] = {
            "show_progress": "hidden",
            # On no component: Gradio would show the wait of the event before beside the hidden one.
            "show_progress_on": [],
            "trigger_mode": "always_last",
            "api_visibility": "private",
        }

        def segment(
            listen: Callable[..., Dependency], handler: Callable, *inputs: Block, **options: Any
        ) -> None:
            listen(handler, settings.union(inputs), **{**slow, **options}).then(
                self.on_settled, seen, painted, **quick
            )

        self._segment_at = segment
        segment(demo.load, self.on_open, outputs=[*outputs, self.opacity, self.style])
        self.share.wire(self.query, seen)
        demo.load(
            self.on_greeting, None, self.examples, queue=False, show_progress="hidden",
            api_visibility="private",
        ).then(None, js=NAME_EXAMPLES)  # fmt: skip
        demo.unload(self.on_leave)
        # Not "input": a paste and the camera fire that before the new picture has arrived.
        segment(self.picture.change, self.on_picture, self.picture)
        segment(self.examples.select, self.on_example)
        segment(partial(gr.on, [self.checkpoint.input, self.flips.input]), self.on_again)
        segment(self.repo.submit, self.on_repo, self.repo)
        self.open_from(self.file.upload, self.file)
        self.cancel.click(self.on_cancel, queue=False, api_visibility="private")
        gr.on(
            [self.threshold.input, self.opacity.input, self.style.input],
            self.on_repaint,
            seen,
            painted,
            **quick,
        )
        self.slice.input(self.on_slice, seen, painted, **quick)
        self.truth.change(
            self.on_truth,
            [self.truth, self.slice, self.threshold],
            [self.scores, self.errors, self.status],
            api_visibility="private",
        )
        gr.on(
            [self.threshold.change, self.slice.change],
            self.on_compare,
            [self.slice, self.threshold],
            [self.scores, self.errors],
            **quick,
        )
        for kind, button in self.downloads.items():
            made = button.click(
                self._download(kind), [self.threshold, self.opacity, self.style], self.download,
                api_visibility="private",
            )  # fmt: skip
            hand_over(made, self.download)
        for brought in (self.picture.upload, self.examples.select):
            brought(None, js=SHOW_VIEWER)

    def open_from(self, listen: Callable[..., Dependency], file: Block) -> None:
        """Use the checkpoint file in ``file`` at each event that ``listen`` is called for."""

        def on_file(values: Values, request: gr.Request, progress=PROGRESS):
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

    def on_greeting(self, request: gr.Request):
        """The examples, with captions that Gradio's script would not translate."""
        self._session(request).opened = True
        return self._captioned_examples(language_of(request))

    def on_open(self, values: Values, request: gr.Request, progress=PROGRESS):
        """The page opens with its first example segmented, or with what its address names."""

        def work(job: Job) -> Iterator[Update]:
            wished = self.link.read(request.query_params).values
            yield from self._open_as(wished, job) if wished else self._open(job)

        yield from self._newest(values, request, progress, work)

    def _open(self, job: Job) -> Iterator[Update]:
        """The first example."""
        brought = later.examples.load_example(later.examples.EXAMPLES[0].name)
        job.take(brought)
        try:
            shown = opening()
        except later.segmentation.EXPECTED_ERRORS as error:
            yield {self.status: expected_alert(error, job.language)}
            return
        yield self._result(shown, replace(job, page=1))

    def _open_as(self, wished: dict[str, Any], job: Job) -> Iterator[Update]:
        """What an address names; where its repository can't be had, the example's own checkpoint."""
        opacity, style = wished.get("opacity", job.opacity), wished.get("style", job.style)
        yield {self.opacity: opacity, self.style: style}
        brought = later.examples.load_example(wished["example"])
        job.take(brought)
        name, others, refusal = wished["checkpoint"], {}, None
        if name not in self.names:
            try:
                others = {name: str(later.checkpoints.find_offered(name))}
            except later.segmentation.EXPECTED_ERRORS as error:
                refusal = error
                name = checkpoints_of_examples()[wished["example"]]
        job = replace(
            job,
            others=others,
            checkpoint=name,
            flips=wished.get("flips", False),
            page=wished.get("slice", 1),
            opacity=opacity,
            style=style,
            threshold=wished.get("threshold"),
        )
        yield from self._segment(job, brought)
        if refusal:
            yield {self.status: expected_alert(refusal, job.language)}

    def query(
        self, request: gr.Request, page: float, threshold: float, opacity: float, style: str
    ) -> tuple[str, bool]:
        """The query of an address that shows the same, and whether something of it cannot travel."""
        shown = self._session(request).shown
        if shown is None:
            return self.link.write({}, threshold), False
        segmentation = shown.segmentation
        card = segmentation.card
        example = example_of(segmentation.picture)
        travels = shown.checkpoint in self.names or looks_like_repo(shown.checkpoint)
        settings = {
            "checkpoint": shown.checkpoint if travels else None,
            "example": example,
            "slice": page if example else None,
            "flips": shown.flips,
            "threshold": threshold if card.task.kind == "binary" else None,
            "opacity": opacity,
            "style": style,
        }
        return self.link.write(settings, card.threshold), example is None or not travels

    def on_picture(self, values: Values, request: gr.Request, progress=PROGRESS):
        """A picture was dropped, chosen, pasted or taken; removing one keeps the result."""
        path = values[self.picture]
        if path is None or self._session(request).is_preview(path):
            yield {self.status: gr.skip()}  # a generator that yields nothing empties its outputs
            return

        def work(job: Job) -> Iterator[Update]:
            try:
                brought = later.segmentation.Brought(read_picture(path))
            except later.segmentation.EXPECTED_ERRORS as error:
                # The box goes back to the picture that the result still shows.
                message = expected_alert(error, job.language)
                yield {self.picture: None, **self._as_before(job, message)}
                return
            yield from self._segment(replace(job, page=1, picked=True), brought)

        yield from self._newest(values, request, progress, work)

    def on_example(
        self, values: Values, event: gr.SelectData, request: gr.Request, progress=PROGRESS
    ):
        """An example was clicked: take it with a checkpoint that knows its kind."""

        def work(job: Job) -> Iterator[Update]:
            example = later.examples.offered_examples()[event.index]
            name = checkpoint_for(example, job.session.shown)
            brought = later.examples.load_example(example.name)
            yield from self._segment(replace(job, checkpoint=name, page=1), brought)

        yield from self._newest(values, request, progress, work)

    def on_again(self, values: Values, request: gr.Request, progress=PROGRESS):
        """Another checkpoint, or other averaging, for the picture that was brought last."""
        yield from self._again(
            values, request, progress,
            lambda job, brought: self._segment(replace(job, picked=True), brought),
        )  # fmt: skip

    def on_repo(self, values: Values, request: gr.Request, progress=PROGRESS):
        """A checkpoint of the Hub's, for the picture that was brought last."""
        repo = values[self.repo]

        def work(job: Job, brought: "Brought") -> Iterator[Update]:
            yield {self.status: note(say("segment_fetching", job.language, repo=repo))}
            try:
                file = later.checkpoints.find_offered(repo)
            except later.segmentation.EXPECTED_ERRORS as error:
                yield self._as_before(job, expected_alert(error, job.language))
                return
            name = repo.strip()
            others = job.others if name in self.names else {**job.others, name: str(file)}
            yield from self._segment(replace(job, checkpoint=name, others=others), brought)

        yield from self._again(values, request, progress, work)

    def on_cancel(self, request: gr.Request) -> None:
        """Call off the segmentation that is running; its handler says so."""
        self.jobs.cancel(request.session_hash or "")

    def on_leave(self, request: gr.Request) -> None:
        """The tab was closed or loaded anew: nobody waits for the result, and its memory goes."""
        self.jobs.cancel(request.session_hash or "")
        self.sessions.close(request.session_hash)

    def on_repaint(self, page, threshold, opacity, style, request: gr.Request):
        """Threshold, opacity or marking moved: paint anew what the network said."""
        return self._paint(repainted, page, Look(threshold, opacity, style), request)

    def on_slice(self, page, threshold, opacity, style, request: gr.Request):
        """Another page of the stack."""
        return self._paint(view, page, Look(threshold, opacity, style), request)

    def on_settled(self, page, threshold, opacity, style, request: gr.Request):
        """A result has come, painted as was asked when it was begun: that may have changed since."""
        look = self._session(request).look
        if look and (look.opacity, look.style) == (opacity, style):
            return {self.status: gr.skip()}
        return self.on_repaint(page, threshold, opacity, style, request)

    def _paint(self, paint: Callable, page: int, look: Look, request: gr.Request) -> Update:
        """The viewer's value and the legend; nothing where another result has come meanwhile."""
        session = self._session(request)
        session.look = look
        shown = session.shown
        if shown is None:
            return {self.status: gr.skip()} if session.opened else self._no_picture(request)
        value, table = paint(shown, page, look, language_of(request))
        if session.shown is None or session.shown.token != shown.token:
            return {self.status: gr.skip()}
        return {self.viewer: value, self.legend: table}

    def on_truth(self, path, page, threshold, request: gr.Request):
        """A ground truth was dropped, or taken away: compare with it, or no longer."""
        session, language = self._session(request), language_of(request)
        if session.shown is None:
            return self._no_picture(request)
        segmentation = session.shown.segmentation
        picture, task = segmentation.picture, segmentation.card.task
        try:
            truth = None if path is None else later.truth.read_truth(path, task)
            if truth is not None:
                truth = later.truth.fit_truth(truth, picture.pages.shape[:3])
        except later.segmentation.EXPECTED_ERRORS as error:
            return {self.status: expected_alert(error, language)}
        session.compare_with(later.segmentation.Brought(picture, truth, task.classes))
        return self._comparison(session.shown, page, threshold, language)

    def on_compare(self, page, threshold, request: gr.Request):
        """The threshold or the slice has come to rest: score again."""
        shown = self._session(request).shown
        if shown is None:
            return {self.scores: gr.skip()}
        return self._comparison(shown, page, threshold, language_of(request))

    def _download(self, kind: str) -> Callable[..., str]:
        """The handler that makes a file of this kind."""

        def on_download(threshold, opacity, style, request: gr.Request) -> str:
            shown = self._session(request).shown
            if shown is None:
                raise gr.Error(self._why_no_picture(request), print_exception=False)
            segmentation, look = shown.segmentation, Look(threshold, opacity, style)
            write = EXPORTS[kind]
            return str(write(fresh_folder(), segmentation.picture, segmentation.prediction, look))

        return on_download

    def _session(self, request: gr.Request) -> Session:
        return self.sessions.of(request.session_hash)

    def _why_no_picture(self, request: gr.Request) -> str:
        opened = self._session(request).opened
        return say("segment_no_picture" if opened else "lost_forgotten", language_of(request))

    def _no_picture(self, request: gr.Request) -> Update:
        return {self.status: alert(self._why_no_picture(request), language_of(request))}

    def _newest(
        self, values: Values, request: gr.Request, progress: gr.Progress, work: Work
    ) -> Iterator[Update]:
        """Do what was wished for, from how the page is set.

        It calls off the visitor's job before; once a newer one does so to it, it says nothing more.
        """
        session = self._session(request)
        with self.jobs.begin(request.session_hash or "") as signal:
            job = Job(
                session=session,
                signal=signal,
                others=session.others,
                checkpoint=values[self.checkpoint],
                flips=values[self.flips],
                page=values[self.slice],
                opacity=values[self.opacity],
                style=values[self.style],
                language=language_of(request),
                progress=progress,
            )
            for update in work(job):
                if signal.superseded:
                    yield {self.status: gr.skip()}
                    return
                yield update

    def _again(
        self, values: Values, request: gr.Request, progress: gr.Progress,
        work: "Callable[[Job, Brought], Iterator[Update]]",
    ) -> Iterator[Update]:  # fmt: skip
        """As `_newest`, for the picture that was brought last; without one, nothing is called off."""
        brought = self._session(request).brought
        if brought is None:
            yield self._no_picture(request)
            return
        yield from self._newest(values, request, progress, lambda job: work(job, brought))

    def _segment(self, job: Job, brought: "Brought") -> Iterator[Update]:
        """Run the network and show what it says; if nothing comes of it, the earlier result stays."""
        job.take(brought)
        yield {self.cancel: gr.Button(visible=True)}
        try:
            predictor = job.predictor()
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
        segmentation = later.segmentation.Segmentation(brought.picture, prediction, card)
        truth = job.session.latest(brought).truth_for(card)
        yield self._result(Shown(segmentation, truth, job.checkpoint, job.flips), job)

    def _as_before(self, job: Job, message: str) -> dict:
        """The message, and the controls as they were for the result that stays."""
        before: Update = {self.status: message, self.cancel: HIDDEN_BUTTON}
        shown = job.session.shown
        if shown:
            picture, classes = shown.segmentation.picture, shown.segmentation.card.task.classes
            job.take(later.segmentation.Brought(picture, shown.truth, classes))
            before |= {
                self.checkpoint: shown.checkpoint,
                self.flips: shown.flips,
                self.picture: job.session.preview(picture),
            }
        return before

    def _result(self, shown: Shown, job: Job) -> Update:
        """Everything on the page that speaks of the picture, after the network ran."""
        segmentation = shown.segmentation
        card, pages = segmentation.card, len(segmentation.picture.pages)
        page = whole_page(job.page, segmentation)
        binary = card.task.kind == "binary"
        threshold = job.threshold if binary and job.threshold is not None else card.threshold
        look = Look(threshold, job.opacity, job.style)
        painted, table = view(shown, page, look, job.language)
        # A checkpoint that is not bundled goes by the name of its file or repository.
        choices = [*self.offered, *((name, name) for name in job.others)]
        picker = {
            self.checkpoint: gr.Radio(choices=choices, value=shown.checkpoint),
            self.flips: shown.flips,
        }
        update = {
            **({} if job.picked else picker),
            self.viewer: painted,
            self.legend: table,
            self.status: status(segmentation, job.language),
            self.slice: gr.Slider(maximum=max(2, pages), value=page, visible=pages > 1),
            self.threshold: gr.Slider(value=threshold, visible=binary),
            self.download_note: say(
                "segment_download_note", job.language, last=len(card.task.classes) - 1
            ),
            self.picture: job.session.preview(segmentation.picture),
            self.summary: escape(say_name("summary", card.summary, job.language)),
            self.cancel: HIDDEN_BUTTON,
            **self._comparison(shown, page, threshold, job.language),
        }
        job.keep(shown, look)
        return update

    def _comparison(self, shown: Shown, page: int, threshold: float, language: str) -> Update:
        if shown.truth is None:
            return {self.scores: "", self.errors: gr.Image(value=None, visible=False)}
        segmentation = shown.segmentation
        page = whole_page(page, segmentation)
        labels = segmentation.prediction.labels(threshold)
        wrong = error_map(
            segmentation.picture.pages[page - 1], labels[page - 1], shown.truth[page - 1]
        )
        scores = later.segmentation.truth_scores(labels, shown.truth, segmentation.card)
        return {
            self.scores: score_table(scores, language),
            self.errors: gr.Image(
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
    return Shown(segmentation, brought.truth, example.checkpoint, flips=False)


def expected_alert(error: Exception, language: str) -> str:
    """What is wrong with what a person brought."""
    return alert(later.segmentation.plain_words(error), language)


def checkpoint_for(example: "Example", shown: Shown | None) -> str:
    """The checkpoint in use, if it knows the example's classes, else the example's own."""
    fits = shown and shown.segmentation.card.task.classes == example.task.classes
    return shown.checkpoint if shown and fits else example.checkpoint
