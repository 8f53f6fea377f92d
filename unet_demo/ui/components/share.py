"""Two small buttons that copy what a page shows: as a link, and as the code of an iframe."""

from collections.abc import Callable, Sequence
from time import time_ns
from typing import Any

import gradio as gr
from gradio.components import Component

from ...live.settings import SettingsError
from ..text import component_texts, language_of, t, translated
from .component import component

KINDS = ("link", "embed")


class ShareButtons:
    """The buttons of one page, ``page`` being its name in an address."""

    def __init__(self, page: str) -> None:
        with gr.Row(elem_classes="share", elem_id=f"{page}-share"):
            self.buttons = {
                kind: gr.Button(
                    t(f"share_copy_{kind}"), size="sm", scale=0, min_width=140,
                    elem_id=f"{page}-copy-{kind}",
                )
                for kind in KINDS
            }  # fmt: skip
            self.answer = component(
                "share", None, component_texts("share"), elem_id=f"{page}-shared", padding=False
            )

    def wire(self, query: Callable[..., tuple[str, bool]], inputs: Sequence[Component]) -> None:
        """Have a press copy what ``query`` makes of the request and the inputs' values.

        It returns an address's query without its question mark, and whether something that is shown
        cannot be part of it; a SettingsError, of settings that no address could bring back, is said.
        """
        for kind, button in self.buttons.items():

            def copy(request: gr.Request, *values: Any, kind: str = kind) -> dict[str, Any]:
                moment = time_ns()  # tells a second press from the first
                try:
                    asked, incomplete = query(request, *values)
                except SettingsError as error:
                    return {"refused": translated(error, language_of(request)), "moment": moment}
                return {"kind": kind, "query": asked, "incomplete": incomplete, "moment": moment}

            button.click(
                copy, list(inputs), self.answer, queue=False, show_progress="hidden",
                api_visibility="private",
            )  # fmt: skip
