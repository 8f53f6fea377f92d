"""Lays out the demo: its theme, its pages, and the address that leads to each."""

from typing import Any

import gradio as gr

from .api import endpoints
from .articles.page import ArticlesPage
from .components.bar import bar
from .components.connection import lost
from .components.history import history
from .components.share import share
from .html import alerts
from .inside.page import InsidePage
from .link import GENERAL, misspelt, read
from .models.page import ModelsPage
from .segment.page import SegmentPage
from .server.demo import Demo
from .teach.page import TeachPage
from .text import language_of, t
from .train.page import TrainPage


def theme() -> gr.themes.Base:
    """Return Gradio's base theme in the demo's colours; system fonts, so that nothing is fetched."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        # White on Gradio's own accent has a contrast of 3.7 : 1.
        color_accent="*primary_600",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        # Gradio's own subdued grays have a contrast of 2.6 : 1; AA asks for 4.5 : 1.
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
        input_placeholder_color="*neutral_600",
        input_placeholder_color_dark="*neutral_300",
    )


def build() -> Demo:
    """Build all pages, as one Blocks."""
    with Demo(title="unet_demo", delete_cache=(3600, 3600), fill_width=True) as demo:
        lost()
        with gr.Tabs(elem_id="pages") as pages:
            with gr.Tab(t("page_segment"), id="segment"):
                segment = SegmentPage(demo)
            with gr.Tab(t("page_train"), id="train"):
                train = TrainPage(demo)
            with gr.Tab(t("page_teach"), id="teach") as teach_tab:
                teach = TeachPage(demo, teach_tab, train.trainings)
            with gr.Tab(t("page_inside"), id="inside") as inside_tab:
                inside = InsidePage(inside_tab, segment.sessions, segment.controls.names)
            with gr.Tab(t("page_articles"), id="articles") as articles:
                ArticlesPage(articles)
            with gr.Tab(t("page_models"), id="models") as models:
                ModelsPage(models)
        bar()
        share()
        steps = history()
        segment.sessions.budget.share(train.sessions)
        segment.sessions.budget.share(teach.sessions)
        segment.follow(steps)
        train.follow(steps)
        teach.follow(steps)
        inside.follow(steps)
        refusals = gr.HTML(visible=False, elem_id="address-refusals", elem_classes="status")
        segment.open_from(train.saved.success, train.checkpoint)
        teach.open_in(segment)
        for saved in (train.saved, teach.saved):
            saved.success(
                lambda: gr.Tabs(selected="segment"),
                None,
                pages,
                show_progress="hidden",
                api_visibility="private",
            )
        endpoints.build()
        links = (segment.link, train.link, teach.link, inside.link)

        def on_address(request: gr.Request) -> dict[Any, Any]:
            """Say what of the address was left out."""
            query, language = request.query_params, language_of(request)
            known = [*GENERAL, *(name for link in links for name in link.parameters)]
            refused = [
                *read(query, GENERAL).warnings,
                *(warning for link in links for warning in link.read(query).warnings),
            ]
            said = [warning.said(language) for warning in (*refused, *misspelt(query, known))]
            once = dict.fromkeys(said)  # pages may share a name
            return {refusals: gr.HTML(alerts(once, language), visible=bool(said))}

        demo.load(
            on_address, None, refusals, queue=False, show_progress="hidden",
            api_visibility="private",
        )  # fmt: skip
    return demo
