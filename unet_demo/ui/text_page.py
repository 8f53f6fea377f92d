"""A page of text and pictures that changes with nothing that a visitor does."""

from collections.abc import Callable

import gradio as gr

from .html import hint

SCROLL = """() => requestAnimationFrame(
  () => document.getElementById(location.hash.slice(1))?.scrollIntoView()
)"""
"""Goes to the card that the address names, which was not there when the browser looked for it."""


class TextPage:
    """One piece of HTML, made when a visitor opens its tab: neither start nor other pages wait for it."""

    def __init__(self, tab: gr.Tab, name: str, make: Callable[[gr.Request], str]) -> None:
        self.text = gr.HTML(hint("loading"), elem_id=name, min_height=120)
        self.make = make
        tab.select(
            self.on_select,
            None,
            self.text,
            queue=False,
            show_progress="minimal",
            api_visibility="private",
        ).then(None, js=SCROLL, api_visibility="private")

    def on_select(self, request: gr.Request) -> str:
        """Return the page in the visitor's language, about what is bundled at this moment."""
        return self.make(request)
