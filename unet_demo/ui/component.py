"""A component of our own: ``gr.HTML`` whose script and style lie beside this file.

The script builds its own elements, so the HTML template stays empty: Gradio compiles the template
again at each new value, and that costs a live chart dearly. Texts travel inside the script because
Gradio translates no prop of ``gr.HTML``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent

Texts = Mapping[str, Mapping[str, str]]
"""Language (``"en"``, ``"ko"``, ``"zh-CN"``, …) -> key -> what a person reads."""


def component(
    name: str, value: Any, english: Mapping[str, str], texts: Texts | None, **html: Any
) -> gr.HTML:
    """``gr.HTML`` driven by ``name.js`` and dressed by ``name.css``.

    The browser chooses the language: ``?lang=`` in the address, else the page's, else the
    navigator's, else English. A key that a language lacks is shown in English.

    Args:
        name: stem of the two files.
        value: what the component shows at first, JSON-able.
        english: every text of the component.
        texts: further languages; an ``"en"`` among them overrides single English texts.
        html: further arguments of ``gr.HTML`` (``elem_id``, ``visible``, …).
    """
    texts = texts or {}
    languages = {**texts, "en": {**english, **texts.get("en", {})}}
    script = [
        f"const STYLE = {json.dumps(_read(f'{name}.css'))};",
        f"const TEXTS = {json.dumps(languages, ensure_ascii=False)};",
        _read("component.js"),
        _read(f"{name}.js"),
    ]
    return gr.HTML(
        value, html_template="", js_on_load="\n".join(script), apply_default_css=False, **html
    )


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
