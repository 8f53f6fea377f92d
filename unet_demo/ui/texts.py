"""Everything that a person reads on the page, in one place a language."""

import gradio as gr
from gradio.i18n import I18nData

from .segment_texts import ENGLISH as SEGMENT
from .train_texts import ENGLISH as TRAIN

PREFIX = "unet_demo_"
"""Gradio's own keys (``image``, ``label`` …) would be shadowed without a prefix."""

ENGLISH: dict[str, str] = {
    "title": "A U-Net that you can watch",
    "tagline": "Segment your own picture with a trained network, or train one live and see how it learns.",
    "page_segment": "Segment",
    "page_train": "Train",
    "page_about": "About",
    **SEGMENT,
    **TRAIN,
}

LANGUAGES: dict[str, dict[str, str]] = {"en": ENGLISH}


def i18n() -> gr.I18n:
    """The translations, as ``launch()`` takes them; the browser chooses."""
    return gr.I18n(
        **{
            language: {PREFIX + key: text for key, text in texts.items()}
            for language, texts in LANGUAGES.items()
        }
    )


def t(key: str) -> I18nData:
    """A text for a component's label, info or value, in the visitor's own language.

    Raises KeyError for a key that English lacks.
    """
    if key not in ENGLISH:
        raise KeyError(key)
    return I18nData(PREFIX + key)


def say(key: str, language: str = "en", **values: object) -> str:
    """A sentence that is put together on the server; a language that lacks it says it in English."""
    return LANGUAGES.get(language, ENGLISH).get(key, ENGLISH[key]).format(**values)
