"""A component of our own: ``gr.HTML`` whose script and style lie beside this file.

The script builds its own elements, so the HTML template stays empty: Gradio compiles the template
again at each new value, and that costs a live chart dearly. Texts travel inside the script because
Gradio translates no prop of ``gr.HTML``; the browser's language chooses among them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent


def component(
    name: str,
    value: Any,
    texts: dict[str, dict[str, str]],
    *,
    parts: Sequence[str] = (),
    **html: Any,
) -> gr.HTML:
    """Make a ``gr.HTML`` driven by ``name.js`` and dressed by ``name.css``, if there is one.

    Args:
        name: stem of the two files.
        value: what the component shows at first, JSON-able.
        texts: language → key → text, see `component_texts`.
        parts: stems of scripts and styles that come before its own, which it shares with others.
        html: further arguments of ``gr.HTML`` (``elem_id``, ``visible``, …).
    """
    styles = [_read(f"{stem}.css") for stem in (*parts, name) if (HERE / f"{stem}.css").exists()]
    script = [
        f"const STYLE = {json.dumps(''.join(styles))};",
        f"const TEXTS = {json.dumps(texts, ensure_ascii=False)};",
        *(_read(f"{part}.js") for part in ("component", *parts, name)),
    ]
    return gr.HTML(
        value, html_template="", js_on_load="\n".join(script), apply_default_css=False, **html
    )


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
