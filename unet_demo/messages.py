"""Messages of the modules below the pages, in English, that a page can translate.

As with gettext, the English template is the key of its translations ("sentences" in
ui/languages/*.json). So the modules below the pages know no other language.
"""

from decimal import Decimal
from typing import Self

LONGEST = 40
"""A message repeats at most so many characters of a wrong value."""


class Sentence(str):
    """An English text that keeps its template and the values in it, for translation.

    A value that is a Sentence is translated, too. Pickling and copying keep both.
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, values: dict[str, object]) -> Self:
        made = super().__new__(cls, template.format(**values))
        made.template = template
        made.values = values
        return made

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.template, self.values)


def sentence(template: str, /, **values: object) -> Sentence:
    """Fill in the ``{placeholders}`` of a template, which must be a literal so that tests find it.

    A text for a placeholder such as ``{summary}`` is translated where ui/languages has its translation.
    """
    return Sentence(template, values)


def words_of(error: BaseException) -> str:
    """Return an error's message: the Sentence that it was raised with, if any, else its text."""
    message = error.args[0] if error.args else None
    return message if isinstance(message, Sentence) else str(error)


def in_full(number: float) -> str:
    """Write a number without an exponent and without zeros at its end (0.00001, 1000)."""
    text = str(number) if isinstance(number, int) else f"{Decimal(repr(float(number))):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shortened(text: str) -> str:
    """Cut a text to LONGEST characters, so that it fits into a message."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
