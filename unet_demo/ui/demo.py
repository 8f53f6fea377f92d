"""The demo: its pages, and how it is served."""

import threading
from pathlib import Path

import gradio as gr

from ..devices import leave_cores_free
from . import endpoints
from .segment_page import SegmentPage, opening
from .texts import i18n, say, t
from .theme import theme
from .train_page import TrainPage

MAX_UPLOAD = "200mb"

MASTHEAD = '<header class="masthead"><h1>{title}</h1><p>{tagline}</p></header>'

STYLES = [Path(__file__).with_name(name) for name in ("page.css", "train_page.css")]


def build() -> gr.Blocks:
    """All pages, as one Blocks."""
    with gr.Blocks(title="unet_demo", delete_cache=(3600, 3600), fill_width=True) as demo:
        gr.HTML(MASTHEAD.format(**{key: say(key) for key in ("title", "tagline")}))
        with gr.Tabs() as pages:
            with gr.Tab(t("page_segment"), id="segment"):
                segment = SegmentPage(demo)
            with gr.Tab(t("page_train"), id="train"):
                train = TrainPage(demo)
        segment.open_from(train.saved, train.checkpoint)
        train.saved.success(
            lambda: gr.Tabs(selected="segment"),
            None,
            pages,
            show_progress="hidden",
            api_visibility="private",
        )
        endpoints.build()
    return demo


def launch(**options: object):
    """Build and serve; ``options`` override ``Blocks.launch``'s. Returns what ``launch()`` returns."""
    leave_cores_free()
    demo = build()
    # The first visitor should not wait for the network to be loaded.
    threading.Thread(target=opening, daemon=True).start()
    # Inference must not wait behind a training: each event names its own concurrency group.
    demo.queue(default_concurrency_limit=4, max_size=64)
    settings: dict[str, object] = {
        "theme": theme(),
        # Not as css_paths: Gradio would confine each rule to the inside of its own container.
        "head": "".join(f"<style>{path.read_text(encoding='utf-8')}</style>" for path in STYLES),
        "i18n": i18n(),
        "max_file_size": MAX_UPLOAD,
        "enable_monitoring": False,
        "run_history": False,
        "ssr_mode": False,
        "footer_links": ["api"],
    }
    return demo.launch(**{**settings, **options})  # type: ignore[arg-type]
