"""The About page; its text: about_text.py."""

import gradio as gr

from ..bundled import WEIGHTS
from . import later
from .notices import alert
from .texts import language_of


class AboutPage:
    """One piece of HTML, made when a visitor opens the tab: neither start nor other pages wait for it."""

    def __init__(self, tab: gr.Tab) -> None:
        self.text = gr.HTML(elem_id="about", min_height=120)
        tab.select(
            self.on_select,
            None,
            self.text,
            queue=False,
            show_progress="minimal",
            api_visibility="private",
        )

    def on_select(self, request: gr.Request) -> str:
        """The page in the visitor's language, about what is bundled at this moment."""
        language = language_of(request)
        try:
            return later.about_text.about(later.about_text.read_bundled(WEIGHTS), language)
        except later.checkpoints.CheckpointError as error:
            return alert(error, language)
