"""What a page's address says; components/history.js writes the address of what a page shows.

``/?page=train&preset=noisy&noise=40``: a name and a value for each setting. A value that cannot be is
refused with a sentence and changes nothing; the others hold.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Protocol
from urllib.parse import urlencode

import gradio as gr
from gradio.components import Component

from ..messages import in_full, shortened
from .text import LANGUAGES, say, spoken

PAGES = ("segment", "train", "teach", "inside", "articles", "models")

FORMER_PAGES = {"about": "models"}
"""A page's name in addresses of earlier versions → its name today."""

THEMES = ("light", "dark", "system")


class InvalidValue(ValueError):
    """A value that a parameter cannot have; ``wish`` says what it can have.

    ``wish`` is the end of a key of the texts, ``link_wish_…``, and ``places`` fill that text.
    """

    def __init__(self, wish: str, **places: object) -> None:
        super().__init__(wish)
        self.wish = wish
        self.places = places


class Parameter(Protocol):
    """How a setting is written in an address."""

    def read(self, text: str) -> Any:
        """Return the setting's value. Raises InvalidValue."""

    def write(self, value: Any) -> str:
        """Return the text that `read` takes for this value."""


@dataclass(frozen=True)
class Number:
    """A number from ``least`` to ``most``; a whole ``step`` leaves only whole numbers, that far apart."""

    least: float
    most: float
    step: float = 0.0

    def read(self, text: str) -> float:
        """Return an int where the step is whole."""
        bounds = {"least": number_text(self.least), "most": number_text(self.most)}
        whole = self._whole
        wish = "number" if not whole else "whole" if self.step == 1 else "multiple"
        invalid = InvalidValue(wish, **bounds, step=number_text(self.step))
        try:
            value = float(text)
        except ValueError:
            raise invalid from None
        if not self.least <= value <= self.most or (whole and (value - self.least) % self.step):
            raise invalid
        return int(value) if whole else value

    def write(self, value: float) -> str:
        return number_text(int(value) if self._whole else value)

    @property
    def _whole(self) -> bool:
        return self.step >= 1 and self.step == int(self.step)


@dataclass(frozen=True)
class Power:
    """A number in an address, which stands on the page as its power of ten, from ``least`` to ``most``.

    ``step`` is between the marks of the page's slider.
    """

    least: float
    most: float
    step: float

    def read(self, text: str) -> float:
        """Return the power; a mark where the number is one of a mark's, as far as `write` tells."""
        number = Number(10**self.least, 10**self.most).read(text)
        power = math.log10(number)
        mark = round(power / self.step) * self.step
        return mark if self.write(mark) == self.write(power) else power

    def write(self, value: float) -> str:
        """Write three digits, as many as a run takes of it."""
        return number_text(float(f"{10**value:.3g}"))


@dataclass(frozen=True)
class Switch:
    """On, written 1, or off, written 0."""

    def read(self, text: str) -> bool:
        if text not in ("0", "1"):
            raise InvalidValue("switch")
        return text == "1"

    def write(self, value: bool) -> str:
        return "1" if value else "0"


@dataclass(frozen=True)
class Choice:
    """One of several values, written as they are."""

    choices: tuple[Any, ...]

    def read(self, text: str) -> Any:
        for choice in self.choices:
            if str(choice) == text:
                return choice
        raise InvalidValue("choice", choices=", ".join(str(choice) for choice in self.choices))

    def write(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True)
class Text:
    """A name of which a page sees by itself whether it has such a thing."""

    def read(self, text: str) -> str:
        return text

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class Language:
    """A language tag that is spoken here."""

    def read(self, text: str) -> str:
        language = spoken(text)
        if language is None:
            raise InvalidValue("choice", choices=", ".join(LANGUAGES))
        return language

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class PageName:
    """A page's name, today's or a former one."""

    def read(self, text: str) -> str:
        return Choice(PAGES).read(FORMER_PAGES.get(text, text))

    def write(self, value: str) -> str:
        return value


GENERAL: dict[str, Parameter] = {
    "page": PageName(),
    "autostart": Switch(),
    "controls": Switch(),
    "lang": Language(),
    "__theme": Choice(THEMES),
}
"""What holds for the demo as a whole."""


@dataclass(frozen=True)
class UrlWarning:
    """Something in the address that was left out: a text of its own, and what fills it."""

    key: str
    places: Mapping[str, object]

    def said(self, language: str) -> str:
        """Say it in one plain sentence."""
        wish = self.places.get("wish")
        if isinstance(wish, InvalidValue):
            return say(
                self.key, language,
                **{**self.places, "wish": say(f"link_wish_{wish.wish}", language, **wish.places)},
            )  # fmt: skip
        return say(self.key, language, **self.places)


@dataclass(frozen=True)
class AddressSettings:
    """What an address asks for: the settings that it names and can have, and what was refused."""

    values: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[UrlWarning, ...] = ()


def parameter_of(control: Component) -> Parameter:
    """Tell how a control's value is written. Raises TypeError for a kind of control that has none."""
    match control:
        case gr.Slider(minimum=least, maximum=most, step=step):
            return Number(least, most, step or 0.0)
        case gr.Checkbox():
            return Switch()
        case gr.Dropdown(choices=choices) | gr.Radio(choices=choices):
            return Choice(tuple(value for _, value in choices))
        case gr.Textbox():
            return Text()
    raise TypeError(f"The value of a {type(control).__name__} has no place in an address.")


def read(query: Mapping[str, str], parameters: Mapping[str, Parameter]) -> AddressSettings:
    """Read what the query asks of these parameters; those that it does not name are left out."""
    values: dict[str, Any] = {}
    warnings = []
    for name in parameters:
        if name not in query:
            continue
        try:
            values[name] = parameters[name].read(query[name].strip())
        except InvalidValue as invalid:
            warnings.append(refused(invalid, given(query, [name])))
    return AddressSettings(values, tuple(warnings))


def misspelt(query: Mapping[str, str], known: Iterable[str]) -> tuple[UrlWarning, ...]:
    """Warn of the names that nearly are a parameter's; others come from elsewhere and mean nothing here."""
    names = list(known)
    strange = [name for name in query if name not in names and not name.startswith("_")]
    near = {name: get_close_matches(name.lower(), names, n=1, cutoff=0.8) for name in strange}
    return tuple(
        UrlWarning("link_misspelt", {"given": given(query, [name]), "name": matches[0]})
        for name, matches in near.items()
        if matches
    )


def refused(wish: InvalidValue, given: str) -> UrlWarning:
    """Warn of a value that cannot be had."""
    return UrlWarning("link_refused", {"given": given, "wish": wish})


def given(query: Mapping[str, str], names: Iterable[str]) -> str:
    """Write names and values as they stand in the address, cut short."""
    return ", ".join(f"{shortened(name)}={shortened(query[name])}" for name in names)


def number_text(number: float) -> str:
    """Write a number of ten digits at most, without exponent."""
    return in_full(float(f"{number:.10g}"))


def page_link(page: str, query: Mapping[str, str], **settings: object) -> str:
    """Return the address of a page with these settings, in the language and the look that ``query`` asks for."""
    kept = {name: query[name] for name in ("controls", "lang", "__theme") if name in query}
    return f"?{urlencode({'page': page, **settings, **kept})}"
