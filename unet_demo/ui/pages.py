"""The demo's pages, and the address that leads to each."""

from typing import Any

import gradio as gr

from .about.page import AboutPage
from .api import endpoints
from .components.bar import bar
from .components.connection import lost
from .html import alerts
from .link import GENERAL, misspelt, read
from .segment.page import SegmentPage
from .text import language_of, t
from .train.page import TrainPage


def build() -> gr.Blocks:
    """Build all pages, as one Blocks."""
    with gr.Blocks(title="unet_demo", delete_cache=(3600, 3600), fill_width=True) as demo:
        lost()
        with gr.Tabs(elem_id="pages") as pages:
            with gr.Tab(t("page_segment"), id="segment"):
                segment = SegmentPage(demo)
            with gr.Tab(t("page_train"), id="train"):
                train = TrainPage(demo)
            with gr.Tab(t("page_about"), id="about") as about:
                AboutPage(about)
        bar()
        refusals = gr.HTML(visible=False, elem_id="address-refusals", elem_classes="status")
        segment.open_from(train.saved.success, train.checkpoint)
        train.saved.success(
            lambda: gr.Tabs(selected="segment"),
            None,
            pages,
            show_progress="hidden",
            api_visibility="private",
        )
        endpoints.build()
        links = (segment.link, train.link)

        def on_address(request: gr.Request) -> dict[Any, Any]:
            """Open the page that the address names, and say what of it was left out."""
            query, language = request.query_params, language_of(request)
            asked = read(query, GENERAL)
            known = [*GENERAL, *(name for link in links for name in link.parameters)]
            refused = [
                *asked.warnings,
                *(warning for link in links for warning in link.read(query).warnings),
            ]
            said = [warning.said(language) for warning in (*refused, *misspelt(query, known))]
            wished = asked.values.get("page")
            return {
                refusals: gr.HTML(alerts(said, language), visible=bool(said)),
                # Where the address names none, a visitor may have opened another page meanwhile.
                **({pages: gr.Tabs(selected=wished)} if wished else {}),
            }

        demo.load(
            on_address, None, [pages, refusals], queue=False, show_progress="hidden",
            api_visibility="private",
        )  # fmt: skip
    return demo
