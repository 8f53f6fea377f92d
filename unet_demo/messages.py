"""What the modules below the pages say: English that a page can say in another language.

As with gettext, the template is the key of its translations (ui/languages/sentences_….py), and the
module that says something knows no language but English.
"""

from decimal import Decimal
from typing import Self

LONGEST = 40
"""Characters of a value that is out of bounds which its sentence repeats."""


class Sentence(str):
    """An English text that remembers its template and the values that fill it.

    A value that is a Sentence is translated with the whole. Survives pickling and copying.
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
    """The template, a literal, with its ``{places}`` filled in.

    A text under the name of a kind of names that the pages translate, such as ``{summary}``, is one
    of these names (ui/languages/en.json).
    """
    return Sentence(template, values)


def words_of(error: BaseException) -> str:
    """What an error says: the Sentence that it was raised with, if it was, else its text."""
    said = error.args[0] if error.args else None
    return said if isinstance(said, Sentence) else str(error)


def in_full(number: float) -> str:
    """A number as a person writes it: no exponent and no end of zeros (0.00001, 1000)."""
    text = str(number) if isinstance(number, int) else f"{Decimal(repr(float(number))):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shortened(text: str) -> str:
    """A text that fits into a sentence."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
