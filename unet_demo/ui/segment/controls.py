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
from ..components.picture_input import PictureInput, SliceSlider
from ..components.share import ShareButtons
from ..components.upload_box import upload_box
from ..components.viewer import legend, viewer
from ..files import download_link
from ..html import Update, hint
from ..text import t, t_name

Values = dict[Block, Any]
"""What a handler is given: the components that it asked for → their values."""


class SegmentControls:
    """All that stands on the page; ``names`` are the checkpoints that the picker has from the start."""

    def __init__(self) -> None:
        self.names = offered_names()
        with gr.Row(elem_classes="segment-page"):
            with gr.Column(scale=2, min_width=280):
                self._lay_out_checkpoint()
                self._lay_out_picture()
                self._lay_out_other_checkpoints()
            with gr.Column(scale=3, min_width=280, elem_classes="result"):
                self._lay_out_result()
                self._lay_out_sliders()
                self._lay_out_downloads()
                self._lay_out_truth()

    def _lay_out_checkpoint(self) -> None:
        titles = read_titles()
        self.offered = [(t_name("title", titles.get(name, name)), name) for name in self.names]
        self.checkpoint = gr.Radio(
            choices=self.offered,
            value=next(iter(self.names), None),
            label=t("segment_checkpoint"),
            info=t("segment_checkpoint_info"),
            elem_id="checkpoint",
        )
        self.summary = gr.HTML(elem_id="checkpoint-summary", elem_classes=["hint", "padded"])

    def _lay_out_picture(self) -> None:
        self.picture = PictureInput(
            type="filepath",
            image_mode=None,
            format="png",
            sources=["upload", "clipboard", "webcam"],
            label=t("segment_picture"),
            height=220,
            elem_id="picture",
        )
        upload_box("picture")
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

    def _lay_out_other_checkpoints(self) -> None:
        self.tta = gr.Checkbox(
            label=t("segment_flips"), info=t("segment_flips_info"), elem_id="flips"
        )
        with gr.Accordion(t("segment_other"), open=False):
            self.repo = gr.Textbox(
                label=t("segment_repo"), info=t("segment_repo_info"), elem_id="repo", max_lines=1
            )
            self.file = gr.File(
                label=t("segment_file"),
                file_types=[".safetensors", *PICKLES],  # those are told why not
                elem_id="checkpoint-file",
            )

    def _lay_out_result(self) -> None:
        with gr.Row(visible=False, elem_id="misfit") as self.misfit:
            self.misfit_said = gr.HTML(elem_classes="status")
            self.fitting = gr.Button("", size="sm", scale=0, min_width=200, elem_id="fitting")
        # Next to the viewer: its button stands in that, below the progress.
        with gr.Row(elem_classes="status-row"):
            self.status = gr.HTML(
                hint("loading"), elem_id="segment-status", elem_classes="status", min_height=56
            )
            self.cancel = gr.Button(
                t("segment_cancel"), size="sm", visible=False, min_width=90, scale=0,
                elem_id="cancel",
            )  # fmt: skip
        self.viewer = viewer(elem_id="viewer")
        self.legend = legend(elem_id="legend")

    def _lay_out_sliders(self) -> None:
        self.slice = SliceSlider(
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

    def _lay_out_downloads(self) -> None:
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

    def _lay_out_truth(self) -> None:
        with gr.Accordion(t("segment_truth"), open=False):
            self.truth = gr.File(label=t("segment_truth_file"), elem_id="truth")
            upload_box("truth")
            gr.HTML(t("segment_truth_info"), elem_classes="hint")
            self.scores = gr.HTML(elem_id="scores")
            self.errors = gr.Image(
                label=t("segment_truth_errors"), format="png", visible=False, interactive=False,
                elem_id="errors",
            )  # fmt: skip

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
        """How the page is set when something is to be segmented; as a set, it comes as one dict."""
        return {self.checkpoint, self.tta, self.slice}

    @property
    def view(self) -> list[Component]:
        """How a result is looked at, in the order of the fields of `View`."""
        return [self.threshold, self.opacity, self.style, self.slice]

    @property
    def compared(self) -> list[Block]:
        """What is said of a result beside the truth."""
        return [self.scores, self.errors]

    @property
    def results(self) -> list[Block]:
        """What changes when something is segmented."""
        return [
            self.viewer, self.status, *self.compared, self.truth, self.checkpoint, self.tta,
            self.summary, self.picture, self.slice, self.threshold, self.download_note, self.cancel,
            self.misfit, self.misfit_said, self.fitting,
        ]  # fmt: skip

    def picked(self, checkpoint: str, tta: bool, others: Iterable[str]) -> Update:
        """Set the picker and the box for averaging; one that is not bundled goes by its file or repository."""
        choices = [*self.offered, *((name, name) for name in others)]
        return {
            self.checkpoint: gr.Radio(choices=choices, value=checkpoint),
            self.tta: tta,
        }
