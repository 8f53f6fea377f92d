"""The Segment page's components, as they are laid out."""

from collections.abc import Iterable
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from ...checkpoints import offered_names
from ...checkpoints.files import read_titles
from ...checkpoints.hub import PICKLES
from ...exports import EXPORTS
from ...render import STYLES
from ...segmentation import FITTING
from ..components.history import settings
from ..components.phone_bar import phone_bar
from ..components.picture_input import PictureInput, SliceSlider
from ..components.upload_box import upload_box
from ..components.viewer import legend, viewer
from ..files import download_link
from ..html import Update, heading, hint
from ..text import t, t_name

Values = dict[Block, Any]
"""What a handler is given: the components that it asked for → their values."""

AUTO = "auto"
"""What is looked for: whatever the picture seems to show; else one of FITTING's checkpoints."""


TURN = "(turn, ...others) => [performance.now(), ...others]"
"""What is asked for in quick succession reaches the server in any order; so the browser says when it was."""

PAINTED = "painted"
"""The one of EXPORTS that only a network that paints colours has something for."""


class SegmentControls:
    """All that stands on the page; ``names`` are the checkpoints that the menu has from the start."""

    def __init__(self) -> None:
        self.names = offered_names()
        self.kinds = [AUTO, *(name for name in FITTING.values() if name in self.names)]
        self.turn = gr.Number(0, visible=False)  # the first component: TURN puts it first
        with gr.Row(elem_classes="segment-page"):
            with gr.Column(min_width=0, elem_classes=["rail", "input"]):
                self._lay_out_picture()
                self._lay_out_looks_for()
                self._lay_out_more()
            with gr.Column(min_width=0, elem_classes="result"):
                self.viewer = viewer(elem_id="viewer")
                self._lay_out_view()
                self._lay_out_status()
            with gr.Column(min_width=0, elem_classes=["rail", "findings"]):
                gr.HTML(heading("segment_classes"))
                self.legend = legend(elem_id="legend")
                self._lay_out_truth()
                self._lay_out_downloads()
            self.phone_bar = phone_bar(self.kinds, AUTO)

    def _lay_out_picture(self) -> None:
        gr.HTML(heading("segment_picture"))
        self.picture = PictureInput(
            type="filepath",
            image_mode=None,
            format="png",
            sources=["upload", "clipboard", "webcam"],
            label=t("segment_picture"),
            show_label=False,
            placeholder=t("segment_placeholder"),  # type: ignore[arg-type]
            height=96,
            elem_id="picture",
        )
        upload_box("picture")
        self.examples = gr.Gallery(
            label=t("segment_examples"),
            show_label=False,
            columns=3,
            height="auto",
            allow_preview=False,
            interactive=False,
            format="png",
            buttons=[],
            elem_id="examples",
        )

    def _lay_out_looks_for(self) -> None:
        gr.HTML(heading("segment_looks_for"))
        self.looks_for = gr.Radio(
            choices=[(t(f"looks_{kind}"), kind) for kind in self.kinds],
            value=AUTO,
            label=t("segment_looks_for"),
            show_label=False,
            elem_id="looks-for",
        )
        self.guess = gr.HTML(elem_id="guess", elem_classes="hint")
        titles = read_titles()
        self.offered = [(t_name("title", titles.get(name, name)), name) for name in self.names]
        self.checkpoint = gr.Dropdown(
            choices=self.offered,
            value=next(iter(self.names), None),
            label=t("segment_checkpoint"),
            filterable=False,
            elem_id="checkpoint",
        )

    def _lay_out_more(self) -> None:
        self.tta = gr.Checkbox(label=t("segment_flips"), elem_id="flips")
        with gr.Accordion(t("segment_other"), open=False, elem_id="other"):
            self.repo = gr.Textbox(
                label=t("segment_repo"), info=t("segment_repo_info"), elem_id="repo", max_lines=1
            )
            self.file = gr.File(
                label=t("segment_file"),
                file_types=[".safetensors", *PICKLES],  # those are told why not
                elem_id="checkpoint-file",
            )

    def _lay_out_view(self) -> None:
        with gr.Row(elem_classes="view-line"):
            self.slice = SliceSlider(
                1, 2, 1, step=1, label=t("segment_slice"), visible=False, elem_id="slice",
                buttons=[], min_width=0,
            )  # fmt: skip
            self.threshold = gr.Slider(
                0, 1, 0.5, step=0.01, label=t("segment_threshold"), visible=False,
                elem_id="threshold", buttons=[], min_width=0,
            )  # fmt: skip
            self.opacity = gr.Slider(
                0, 1, 0.6, step=0.05, label=t("segment_opacity"), elem_id="opacity",
                buttons=[], min_width=0,
            )  # fmt: skip
            self.style = gr.Radio(
                choices=[(t(f"segment_style_{style}"), style) for style in STYLES],
                value="fill", label=t("segment_style"), show_label=False,
                elem_id="style", min_width=0,
            )  # fmt: skip

    def _lay_out_status(self) -> None:
        # Below the picture, which what is said so never moves; the button lies over the picture.
        with gr.Row(visible=False, elem_id="misfit") as self.misfit:
            self.misfit_said = gr.HTML(elem_classes="status")
            self.fitting = gr.Button("", size="sm", scale=0, min_width=200, elem_id="fitting")
        with gr.Row(elem_classes="status-row"):
            self.status = gr.HTML(hint("loading"), elem_id="segment-status", elem_classes="status")
            self.cancel = gr.Button(
                t("segment_cancel"), size="sm", visible=False, min_width=90, scale=0,
                elem_id="cancel",
            )  # fmt: skip

    def _lay_out_truth(self) -> None:
        gr.HTML(heading("segment_truth"))
        self.scores = gr.HTML(elem_id="scores")
        self.truth = gr.File(
            label=t("segment_truth_file"), show_label=False, height=44, elem_id="truth"
        )
        upload_box("truth")
        gr.HTML(t("segment_truth_info"), elem_classes="hint")

    def _lay_out_downloads(self) -> None:
        gr.HTML(heading("segment_downloads"))
        with gr.Row(elem_id="downloads"):
            self.downloads = {
                kind: gr.Button(
                    t(f"segment_download_{kind}"), size="sm", min_width=0,
                    visible=kind != PAINTED, elem_id=f"download-{kind}",
                )
                for kind in EXPORTS
            }  # fmt: skip
        self.download_note = gr.HTML(elem_classes="hint")
        self.told = settings(elem_id="segment-told")
        # A file is made when it is asked for, then this link is clicked for the person.
        self.download = download_link("download-link")

    @property
    def linked(self) -> dict[str, Component]:
        """What an address can set besides checkpoint, example and slice, by name."""
        return {
            "flips": self.tta,
            "threshold": self.threshold,
            "opacity": self.opacity,
            "style": self.style,
        }

    @property
    def settings(self) -> set[Block]:
        """How the page is set when something is to be segmented, and when; as a set, it comes as one dict."""
        return {self.turn, self.looks_for, self.checkpoint, self.tta, self.slice}

    @property
    def view(self) -> list[Component]:
        """How a result is looked at, in the order of the fields of `View`."""
        return [self.threshold, self.opacity, self.style, self.slice]

    @property
    def results(self) -> list[Block]:
        """What changes when something is segmented."""
        return [
            self.viewer, self.status, self.scores, self.truth, self.looks_for, self.phone_bar, self.guess,
            self.checkpoint, self.tta, self.picture, self.slice, self.threshold, self.download_note,
            self.cancel, self.misfit, self.misfit_said, self.fitting, self.downloads[PAINTED],
            self.told,
        ]  # fmt: skip

    def picked(self, checkpoint: str, tta: bool, choices: Iterable[tuple[str, str]]) -> Update:
        """Set the menu, whose ``choices`` are labels and names, and the box for averaging."""
        return {
            self.checkpoint: gr.Dropdown(choices=list(choices), value=checkpoint),
            self.tta: tta,
        }
