"""The demo: its pages, and how it is served."""

from pathlib import Path

import gradio as gr

from . import endpoints
from .segment_page import SegmentPage
from .texts import i18n, say, t
from .theme import theme

MAX_UPLOAD = "200mb"

MASTHEAD = '<header class="masthead"><h1>{title}</h1><p>{tagline}</p></header>'

STYLE = Path(__file__).with_name("page.css")


def build() -> gr.Blocks:
    """All pages, as one Blocks."""
    with gr.Blocks(title="unet_demo", delete_cache=(3600, 3600), fill_width=True) as demo:
        gr.HTML(MASTHEAD.format(**{key: say(key) for key in ("title", "tagline")}))
        with gr.Tab(t("page_segment"), id="segment"):
            SegmentPage(demo)
        endpoints.build()
    return demo


def launch(**options: object):
    """Build and serve; ``options`` override ``Blocks.launch``'s. Returns what ``launch()`` returns."""
    demo = build()
    # Inference must not wait behind a training: each event names its own concurrency group.
    demo.queue(default_concurrency_limit=4, max_size=64)
    settings: dict[str, object] = {
        "theme": theme(),
        # Not as css_paths: Gradio would confine each rule to the inside of its own container.
        "head": f"<style>{STYLE.read_text(encoding='utf-8')}</style>",
        "i18n": i18n(),
        "max_file_size": MAX_UPLOAD,
        "enable_monitoring": False,
        "run_history": False,
        "ssr_mode": False,
        "footer_links": ["api"],
    }
    return demo.launch(**{**settings, **options})  # type: ignore[arg-type]
