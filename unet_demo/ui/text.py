"""Says what a person reads, in the language of the page; the words are in ``languages/``, a JSON file each.

A file has "texts" under keys that begin with their page or component; "sentences", under the English
template that `messages.sentence` is called with below the pages; and "cards", under what the bundled
checkpoints' cards and drawings say in English. ``{places}`` are filled in, and stay as they are in every
language. What a language lacks is English.

Two ways lead to the reader: `t` marks a text that Gradio's own script translates in the browser, and
`say` fills in a sentence on the server, as `translated` does with those of the modules below.
`language_of` decides the language for all.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import gradio as gr
from gradio.i18n import I18nData

from ..messages import Sentence, words_of

DEFAULT_LANGUAGE = "en"
"""Of whoever speaks none of ours, and of what is laid out before a visitor comes."""

WORDS: dict[str, dict[str, dict[str, str]]] = {
    file.stem: json.loads(file.read_text(encoding="utf-8"))
    for file in sorted(Path(__file__).with_name("languages").glob("*.json"))
}
"""Language tag, as Gradio spells it → "texts", "sentences" and "cards", as they stand in its file."""

ENGLISH = WORDS[DEFAULT_LANGUAGE]["texts"]
"""Key → text: what there is to translate."""

LANGUAGES = {language: {**ENGLISH, **words["texts"]} for language, words in WORDS.items()}
"""Language tag → key → text."""

SENTENCES = {language: words["sentences"] for language, words in WORDS.items()}
"""Language tag → template of a sentence of the modules below → its translation."""

CARDS = {language: words["cards"] for language, words in WORDS.items()}
"""Language tag → what cards and drawings say → its translation."""


PREFIX = "unet_demo_"
"""Gradio's own keys (``image``, ``label`` …) would be shadowed without a prefix."""

GRADIOS = {"common.complete": "job_done"}
"""What Gradio has no words for and says by its key, to screen readers, when a job ends → the key of ours."""

TRADITIONAL = frozenset({"hant", "tw", "hk", "mo"})
"""Parts of a Chinese language tag that ask for traditional characters."""

ACCEPTED = re.compile(r"([A-Za-z]+(?:-[A-Za-z0-9]+)*)\s*(?:;\s*q=(\d(?:\.\d*)?))?")
"""A language tag of an Accept-Language header, and its weight."""

CLASSES = "class:"
"""How the keys of the classes' names begin, which our own components say, too."""


class FromBrowser(Protocol):
    """A request, Gradio's or Starlette's."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def query_params(self) -> Mapping[str, str]: ...


def language_of(request: FromBrowser) -> str:
    """Return the visitor's language, a key of `LANGUAGES`.

    It is ``?lang=`` of the page's address, else the first that the browser asks for and we speak,
    else English.
    """
    asked = request.query_params.get("lang", "")
    for tag in (asked, *accepted_tags(request.headers.get("accept-language", ""))):
        language = spoken(tag)
        if language:
            return language
    return DEFAULT_LANGUAGE


def accepted_tags(header: str) -> Iterator[str]:
    """Return the language tags of an Accept-Language header, the best liked first."""
    weighed = [(float(weight or 1), tag) for tag, weight in ACCEPTED.findall(header)]
    ordered = sorted(weighed, key=lambda pair: pair[0], reverse=True)
    return (tag for weight, tag in ordered if weight > 0)


def spoken(tag: str) -> str | None:
    """Return the language of ours that a tag such as ``ko-KR`` or ``zh-hk`` asks for, or None."""
    language, *parts = tag.strip().lower().replace("_", "-").split("-")
    if language == "zh":
        traditional = "hans" not in parts and not TRADITIONAL.isdisjoint(parts)
        return "zh-TW" if traditional else "zh-CN"
    return language if language in LANGUAGES else None


def i18n() -> gr.I18n:
    """Return the translations, as ``launch()`` takes them; the browser chooses."""
    return gr.I18n(
        **{
            language: {PREFIX + key: text for key, text in texts.items()}
            | {gradios: texts[key] for gradios, key in GRADIOS.items()}
            for language, texts in LANGUAGES.items()
        }
    )


def t(key: str) -> I18nData:
    """Mark a text for a component's label, info or value, which the browser translates.

    In HTML one may stand among other characters: Gradio finds the first of a string, and no second.
    Raises KeyError for a key that there is not.
    """
    if key not in ENGLISH:
        raise KeyError(key)
    return I18nData(PREFIX + key)


def t_name(kind: str, name: str) -> I18nData | str:
    """Mark a name from the modules below, for a label; one without a translation stays as it is."""
    key = f"{kind}:{name}"
    return t(key) if key in ENGLISH else name


def say(key: str, language: str, **values: object) -> str:
    """Fill in a sentence on the server. Raises KeyError for a key that does not exist."""
    return LANGUAGES[language][key].format(**values)


def say_name(kind: str, name: str, language: str) -> str:
    """Translate a name from the modules below; one without a translation stays as it is."""
    return LANGUAGES[language].get(f"{kind}:{name}", name)


def say_card(text: str, language: str) -> str:
    """Translate what a checkpoint's card says; a stranger's card stays in its own words."""
    return CARDS[language].get(text, text)


def translated(text: object, language: str) -> str:
    """Translate an error, or a text of the modules below the pages.

    A `Sentence` is filled in anew from its translation. Whatever is none, or has none, stays as it is.
    """
    said = words_of(text) if isinstance(text, BaseException) else text
    if not isinstance(said, Sentence) or said.template not in SENTENCES[language]:
        return str(said)
    values = {place: _value(place, value, language) for place, value in said.values.items()}
    return SENTENCES[language][said.template].format(**values)


def _value(place: str, value: object, language: str) -> object:
    """Return a value of a sentence; numbers stay as they are, for the template to format."""
    if isinstance(value, Sentence):
        return translated(value, language)
    return say_name(place, value, language) if isinstance(value, str) else value


def component_texts(component: str, **others: str) -> dict[str, dict[str, str]]:
    """Collect language → key → text for the script of a component of our own.

    Its texts are those whose keys begin with its name, which falls away, and the classes' names;
    ``others`` gives a key the text of another key instead.
    """
    return {
        language: {
            **_beginning(f"{component}_", texts),
            **{f"{CLASSES}{name}": text for name, text in _beginning(CLASSES, texts).items()},
            **{key: texts[other] for key, other in others.items()},
        }
        for language, texts in LANGUAGES.items()
    }


def _beginning(start: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(start): text for key, text in texts.items() if key.startswith(start)}
