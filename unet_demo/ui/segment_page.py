"""The Segment page: a person's picture, a checkpoint, and what it sees."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency
from PIL import Image

from ..bundled import offered_names, read_titles
from ..data.images import PictureError, read_picture
from ..exports import EXPORTS, Look
from ..hub import looks_like_repo
from ..render import STYLES, error_map
from . import later, zero_gpu
from .cancelling import Cancellations
from .files import fresh_folder
from .notices import alert, hint, note
from .picture_input import PictureInput
from .scores import score_table
from .segment_link import SegmentLink, checkpoints_of_examples, example_of
from .segment_views import PREVIEW, Shown, legend_table, paint, preview, status, view, whole_page
from .share import ShareButtons
from .texts import language_of, say, say_name, t, t_name
from .viewer import repaint_value, viewer

if TYPE_CHECKING:
    from ..examples import Example
    from ..inference import Predictor
    from ..remote import RemotePredictor
    from ..segmentation import Brought

INFERENCE = "inference"
"""Concurrency group of its own: segmenting never waits behind a training."""

INFERENCES_AT_ONCE = 2

STATE_SECONDS = 3600
"""How long a visitor's picture and result are kept after they were last used."""


Values = dict[Block, Any]
"""What a handler is given: the components that it asked for → their values."""

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

CLICK_LINK = "() => document.querySelector('#download-link').click()"


@dataclass(frozen=True)
class Job:
    """A wish to segment something: with what, how to show it, and for whom.

    ``checkpoint`` is the picker's value; ``others`` maps those values to files that are not
    bundled. ``shown`` is what the page shows meanwhile, and goes on to show if it comes to nothing.
    """

    brought: "Brought | None"
    shown: Shown | None
    others: dict[str, str]
    checkpoint: str
    flips: bool
    page: int
    opacity: float
    style: str
    session: str
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


class SegmentPage:
    """The page's components, and what happens when they are used."""

    def __init__(self, demo: gr.Blocks) -> None:
        self.jobs = Cancellations()
        self.brought = gr.State(None, time_to_live=STATE_SECONDS)
        self.shown = gr.State(None, time_to_live=STATE_SECONDS)
        self.others = gr.State({}, time_to_live=STATE_SECONDS)
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
                Image.fromarray(later.examples.load_thumbnail(example.name)).save(path)
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
        self.download = gr.DownloadButton(visible="hidden", elem_id="download-link")
        with gr.Accordion(t("segment_truth"), open=False):
            self.truth = gr.File(label=t("segment_truth_file"), elem_id="truth")
            gr.HTML(t("segment_truth_info"), elem_classes="hint")
            self.scores = gr.HTML(elem_id="scores")
            self.errors = gr.Image(
                label=t("segment_truth_errors"), format="png", visible=False, interactive=False,
                elem_id="errors",
            )  # fmt: skip

    def _wire(self, demo: gr.Blocks) -> None:
        look = [self.threshold, self.opacity, self.style]
        # As a set, so that a handler is given one dict of what it may need.
        settings: set[Block] = {
            self.brought, self.shown, self.others, self.checkpoint, self.flips, self.slice,
            self.opacity, self.style,
        }  # fmt: skip
        outputs = [
            self.brought, self.shown, self.others, self.flips, self.viewer, self.status,
            self.legend, self.slice, self.threshold,
            self.download_note, self.picture, self.checkpoint, self.summary, self.scores,
            self.errors, self.cancel,
        ]  # fmt: skip
        slow: dict[str, Any] = {
            "outputs": outputs,
            "concurrency_id": INFERENCE,
            "concurrency_limit": INFERENCES_AT_ONCE,
            "show_progress_on": [self.viewer],
            "trigger_mode": "multiple",  # a newer wish calls off the one before, see _segment
            "api_visibility": "private",
        }
        quick: dict[str, Any] = {
            "show_progress": "hidden",
            "trigger_mode": "always_last",
            "api_visibility": "private",
        }
        from_address = [self.opacity, self.style]
        demo.load(self.on_open, settings, **{**slow, "outputs": [*outputs, *from_address]})
        self.share.wire(self.query, [self.shown, self.slice, *look])
        demo.load(
            self.on_greeting, None, self.examples, queue=False, show_progress="hidden",
            api_visibility="private",
        ).then(None, js=NAME_EXAMPLES)  # fmt: skip
        demo.unload(self.on_leave)
        # Not "input": a paste and the camera fire that before the new picture has arrived.
        self.picture.change(self.on_picture, {self.picture} | settings, **slow)
        self.examples.select(self.on_example, settings, **slow)
        gr.on(
            [self.checkpoint.input, self.flips.input],
            self.on_again,
            settings,
            **slow,
        )
        self.repo.submit(self.on_repo, {self.repo} | settings, **slow)
        self._slow, self._settings = slow, settings
        self.open_from(self.file.upload, self.file)
        self.cancel.click(self.on_cancel, queue=False, api_visibility="private")
        painted = [self.viewer, self.legend]
        gr.on(
            [self.threshold.input, self.opacity.input, self.style.input],
            self.on_repaint,
            [self.shown, self.slice, *look],
            painted,
            **quick,
        )
        self.slice.input(self.on_slice, [self.shown, self.slice, *look], painted, **quick)
        self.truth.change(
            self.on_truth,
            [self.truth, self.brought, self.shown, self.slice, self.threshold],
            [self.brought, self.shown, self.scores, self.errors, self.status],
            api_visibility="private",
        )
        gr.on(
            [self.threshold.change, self.slice.change],
            self.on_compare,
            [self.shown, self.slice, self.threshold],
            [self.scores, self.errors],
            **quick,
        )
        for kind, button in self.downloads.items():
            button.click(
                lambda shown, *look, kind=kind: self.on_download(kind, shown, *look),
                [self.shown, *look],
                self.download,
                api_visibility="private",
            ).then(None, js=CLICK_LINK)
        for brought in (self.picture.upload, self.examples.select):
            brought(None, js=SHOW_VIEWER)

    def open_from(self, listen: Callable[..., Dependency], file: Block) -> None:
        """Use the checkpoint file in ``file`` at each event that ``listen`` is called for."""

        def on_file(values: Values, request: gr.Request, progress=PROGRESS):
            """A checkpoint file, brought or just trained, for the picture that was brought last."""
            name = Path(values[file]).name
            others = {**values[self.others], name: values[file]}
            yield from self._segment(
                self._job(values, request, progress, checkpoint=name, others=others)
            )

        listen(on_file, {file} | self._settings, **self._slow)

    def on_greeting(self, request: gr.Request):
        """The examples, with captions that Gradio's script would not translate."""
        return self._captioned_examples(language_of(request))

    def on_open(self, values: Values, request: gr.Request, progress=PROGRESS):
        """The page opens with its first example segmented, or with what its address names."""
        wished = self.link.read(request.query_params).values
        if wished:
            yield from self._open_as(wished, self._job(values, request, progress))
            return
        try:
            shown = opening()
        except later.segmentation.EXPECTED_ERRORS as error:
            yield {self.status: alert(error, language_of(request))}
            return
        example = later.examples.load_example(later.examples.EXAMPLES[0].name)
        job = self._job(
            values, request, progress, brought=example, checkpoint=shown.checkpoint, page=1
        )
        yield {self.brought: example, **self._result(shown, job)}

    def _open_as(self, wished: dict[str, Any], job: Job) -> Iterator[dict]:
        """What an address names; where its repository can't be had, the example's own checkpoint."""
        name, others, refusal = wished["checkpoint"], {}, None
        if name not in self.names:
            try:
                others = {name: str(later.checkpoints.find_offered(name))}
            except later.segmentation.EXPECTED_ERRORS as error:
                refusal = error
                name = checkpoints_of_examples()[wished["example"]]
        job = replace(
            job,
            brought=later.examples.load_example(wished["example"]),
            others=others,
            checkpoint=name,
            flips=wished.get("flips", False),
            page=wished.get("slice", 1),
            opacity=wished.get("opacity", job.opacity),
            style=wished.get("style", job.style),
            threshold=wished.get("threshold"),
        )
        yield {self.opacity: job.opacity, self.style: job.style}
        yield from self._segment(job)
        if refusal:
            yield {self.status: alert(refusal, job.language)}

    def query(
        self, shown: Shown | None, page: float, threshold: float, opacity: float, style: str
    ) -> tuple[str, bool]:
        """The query of an address that shows the same, and whether something of it cannot travel."""
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
        if path is None or Path(path).name == PREVIEW:
            yield {self.status: gr.skip()}  # a generator that yields nothing empties its outputs
            return
        try:
            brought = later.segmentation.Brought(read_picture(path))
        except PictureError as error:
            # The box goes back to the picture that the result still shows.
            shown = values[self.shown]
            earlier = preview(shown.segmentation.picture) if shown else None
            yield {self.status: alert(error, language_of(request)), self.picture: earlier}
            return
        yield from self._segment(
            self._job(values, request, progress, brought=brought, page=1, picked=True)
        )

    def on_example(
        self, values: Values, event: gr.SelectData, request: gr.Request, progress=PROGRESS
    ):
        """An example was clicked: take it with a checkpoint that knows its kind."""
        example = later.examples.offered_examples()[event.index]
        name = checkpoint_for(example, values[self.shown])
        brought = later.examples.load_example(example.name)
        yield from self._segment(
            self._job(values, request, progress, brought=brought, checkpoint=name, page=1)
        )

    def on_again(self, values: Values, request: gr.Request, progress=PROGRESS):
        """Another checkpoint, or other averaging, for the picture that was brought last."""
        yield from self._segment(self._job(values, request, progress, picked=True))

    def on_repo(self, values: Values, request: gr.Request, progress=PROGRESS):
        """A checkpoint of the Hub's, for the picture that was brought last."""
        repo, language = values[self.repo], language_of(request)
        yield {self.status: note(say("segment_fetching", language, repo=repo))}
        try:
            file = later.checkpoints.find_offered(repo)
        except later.segmentation.EXPECTED_ERRORS as error:
            yield {self.status: alert(error, language)}
            return
        name = repo.strip()
        others = values[self.others]
        if name not in self.names:
            others = {**others, name: str(file)}
        yield from self._segment(
            self._job(values, request, progress, checkpoint=name, others=others)
        )

    def on_cancel(self, request: gr.Request) -> None:
        """Call off the segmentation that is running; its handler says so."""
        self.jobs.cancel(request.session_hash or "")

    def on_leave(self, request: gr.Request) -> None:
        """The tab was closed: nobody waits for the result any more."""
        self.jobs.cancel(request.session_hash or "")

    def on_repaint(self, shown, page, threshold, opacity, style, request: gr.Request):
        """Threshold, opacity or marking moved: paint anew what the network said."""
        if shown is None:
            return gr.skip(), gr.skip()
        painted, entries = paint(shown, page, Look(threshold, opacity, style))
        return repaint_value(painted), legend_table(entries, language_of(request))

    def on_slice(self, shown, page, threshold, opacity, style, request: gr.Request):
        """Another page of the stack."""
        if shown is None:
            return gr.skip(), gr.skip()
        return view(shown, page, Look(threshold, opacity, style), language_of(request))

    def on_truth(self, path, brought, shown, page, threshold, request: gr.Request):
        """A ground truth was dropped, or taken away: compare with it, or no longer."""
        language = language_of(request)
        if shown is None:
            return {self.status: alert(say("segment_no_picture", language), language)}
        card = shown.segmentation.card
        try:
            truth = None if path is None else later.truth.read_truth(path, card.task)
            if truth is not None:
                truth = later.truth.fit_truth(truth, shown.segmentation.picture.pages.shape[:3])
        except PictureError as error:
            return {self.status: alert(error, language)}
        shown = replace(shown, truth=truth)
        return {
            self.brought: replace(brought, truth=truth, classes=card.task.classes),
            self.shown: shown,
            **self._comparison(shown, page, threshold, language),
        }

    def on_compare(self, shown, page, threshold, request: gr.Request):
        """The threshold or the slice has come to rest: score again."""
        return self._comparison(shown, page, threshold, language_of(request))

    def on_download(self, kind, shown, threshold, opacity, style):
        """Make the file that was asked for; the link beside it is then clicked for the person."""
        if shown is None:
            return gr.skip()
        segmentation, look = shown.segmentation, Look(threshold, opacity, style)
        write = EXPORTS[kind]
        return str(write(fresh_folder(), segmentation.picture, segmentation.prediction, look))

    def _job(
        self, values: Values, request: gr.Request, progress: gr.Progress, **wished: Any
    ) -> Job:
        """What the page is set to, as a wish; ``wished`` are the fields of it that differ."""
        job = Job(
            brought=values[self.brought],
            shown=values[self.shown],
            others=values[self.others],
            checkpoint=values[self.checkpoint],
            flips=values[self.flips],
            page=values[self.slice],
            opacity=values[self.opacity],
            style=values[self.style],
            session=request.session_hash or "",
            language=language_of(request),
            progress=progress,
        )
        return replace(job, **wished)

    def _segment(self, job: Job) -> Iterator[dict]:
        """Run the network and show what it says; if nothing comes of it, the earlier result stays."""
        if job.brought is None:
            yield {self.status: alert(say("segment_no_picture", job.language), job.language)}
            return
        signal = self.jobs.begin(job.session)
        yield {self.brought: job.brought, self.cancel: gr.Button(visible=True)}
        try:
            predictor = job.predictor()
            prediction = predictor.predict(
                job.brought.picture.pages,
                flips=job.flips,
                progress=lambda done, total: job.progress((done, total)),
                cancelled=signal,
            )
        except later.inference.Cancelled:
            called_off = not self.jobs.superseded(job.session, signal)
            message = note(say("segment_cancelled", job.language))
            yield self._as_before(job, message) if called_off else {self.status: gr.skip()}
            return
        except (*later.segmentation.EXPECTED_ERRORS, MemoryError) as error:
            yield self._as_before(job, alert(error, job.language))
            return
        except gr.Error as error:  # ZeroGPU has no GPU for this visitor now
            yield self._as_before(job, alert(error.message, job.language))
            return
        finally:
            superseded = self.jobs.superseded(job.session, signal)
            self.jobs.end(job.session, signal)
        if superseded:
            yield {self.status: gr.skip()}
            return
        card = predictor.card
        segmentation = later.segmentation.Segmentation(job.brought.picture, prediction, card)
        truth = job.brought.truth_for(card)
        yield self._result(Shown(segmentation, truth, job.checkpoint, job.flips), job)

    def _as_before(self, job: Job, message: str) -> dict:
        """The message, and the controls as they were for the result that stays."""
        before: dict = {self.status: message, self.cancel: HIDDEN_BUTTON}
        if job.shown:
            picture = job.shown.segmentation.picture
            before |= {
                self.checkpoint: job.shown.checkpoint,
                self.flips: job.shown.flips,
                self.picture: preview(picture),
                self.brought: later.segmentation.Brought(
                    picture, job.shown.truth, job.shown.segmentation.card.task.classes
                ),
            }
        return before

    def _result(self, shown: Shown, job: Job) -> dict:
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
        return {
            **({} if job.picked else picker),
            self.shown: shown,
            self.others: job.others,
            self.viewer: painted,
            self.legend: table,
            self.status: status(segmentation, job.language),
            self.slice: gr.Slider(maximum=max(2, pages), value=page, visible=pages > 1),
            self.threshold: gr.Slider(value=threshold, visible=binary),
            self.download_note: say(
                "segment_download_note", job.language, last=len(card.task.classes) - 1
            ),
            self.picture: preview(segmentation.picture),
            self.summary: escape(say_name("summary", card.summary, job.language)),
            self.cancel: HIDDEN_BUTTON,
            **self._comparison(shown, page, threshold, job.language),
        }

    def _comparison(self, shown: Shown | None, page: int, threshold: float, language: str) -> dict:
        if shown is None or shown.truth is None:
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


def checkpoint_for(example: "Example", shown: Shown | None) -> str:
    """The checkpoint in use, if it knows the example's classes, else the example's own."""
    fits = shown and shown.segmentation.card.task.classes == example.task.classes
    return shown.checkpoint if shown and fits else example.checkpoint
