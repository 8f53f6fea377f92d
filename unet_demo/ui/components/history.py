"""The browser's address follows what the pages show, and what they show follows Back and Forward.

A page tells of its settings with a DOM event ``settings``, see history.js; `settings` makes a component
that tells them from the server. Where a step back leads to other settings, the page is asked for them.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from .component import component

PAGES = ("segment", "train", "teach", "inside")
"""Those with settings. For each the component has an event, ``restored_segment`` and so on."""


def history() -> gr.HTML:
    """Add the script; its value, when an event asks for settings, is for `restored_query`."""
    return component("history", None, {"en": {}}, elem_id="history")


def settings(**html: Any) -> gr.HTML:
    """Add a script that tells of settings; its value is the event's detail."""
    return component("settings", None, {"en": {}}, **html)


def restored_query(value: Mapping[str, Any]) -> dict[str, str]:
    """Return the query that a step in the history leads to, as names and values."""
    return dict(parse_qsl(str(value["query"]), keep_blank_values=True))
