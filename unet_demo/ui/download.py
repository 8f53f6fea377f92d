"""A file that is made when a person asks for it, and then handed over at once."""

import gradio as gr
from gradio.events import Dependency


def download_link(elem_id: str) -> gr.DownloadButton:
    """What holds the file that was made last; nobody sees it."""
    return gr.DownloadButton(visible="hidden", elem_id=elem_id)


def hand_over(made: Dependency, link: gr.DownloadButton) -> None:
    """Click the link for the person once the event has put a file into it.

    An event that has none to give raises gr.Error: whatever it returns, the link would hand over.
    """
    made.success(None, js=f"() => document.querySelector('#{link.elem_id}').click()")
