"""What the rooms below the pages say remembers how to be said in another language, and is translated."""

import ast
import copy
import pickle
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from torch import Tensor

import unet_demo
from unet_demo.checkpoints import Checkpoint
from unet_demo.data.images import PictureError
from unet_demo.data.planes import check_size
from unet_demo.inference import Predictor
from unet_demo.messages import Sentence, sentence, words_of
from unet_demo.networks.articles import IsbiUNet
from unet_demo.ui.text import LANGUAGES, SENTENCES

PACKAGE = Path(unet_demo.__file__).parent

ROOM = "messages"

TRANSLATIONS = [language for language in LANGUAGES if language != "en"]

ERRORS = {
    "PictureError",
    "SettingsError",
    "CheckpointError",
    "HubError",
    "_Unreachable",
    "DeviceError",
    "LiveError",
    "MemoryError",
}
"""What a visitor of the page may be told."""

COMMAND_LINE = {"cli", "publishing", "bundling", "library", "training", "isbi", "voc"}
"""Rooms whose words reach no page."""


@dataclass(frozen=True)
class Said:
    """A call of sentence(): where, its template, and the names of the values given."""

    place: str
    template: object
    given: set[str]


@cache
def trees() -> dict[Path, ast.Module]:
    """The package's sources, by their path in it."""
    return {
        path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


def names_imported_from(tree: ast.Module, room: str) -> set[str]:
    return {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1] == room
        for alias in node.names
    }


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a plain name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node


def all_said() -> list[Said]:
    return [
        Said(
            f"{path}:{call.lineno}",
            call.args[0].value if isinstance(call.args[0], ast.Constant) else None,
            set(names_given(call)),
        )
        for path, tree in trees().items()
        if "sentence" in names_imported_from(tree, ROOM)
        for name, call in calls(tree)
        if name == "sentence"
    ]


def names_given(call: ast.Call) -> Iterator[str]:
    """Names of keyword arguments, those in a literal ``**{"class": …}`` too."""
    for keyword in call.keywords:
        if keyword.arg:
            yield keyword.arg
        elif isinstance(keyword.value, ast.Dict):
            yield from (key.value for key in keyword.value.keys if isinstance(key, ast.Constant))


def declared_sentences() -> set[str]:
    """Functions and fields that are annotated as a Sentence, which mypy holds them to."""
    names = {"sentence"}
    for tree in trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and is_sentence(node.returns):
                names.add(node.name)
            if isinstance(node, ast.AnnAssign) and is_sentence(node.annotation):
                names.add(last_name(node.target))
    return names


def is_sentence(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation) in ("Sentence", "Sentence | None")


def last_name(node: ast.expr) -> str:
    """The last part of a name such as ``self._progress.failure``, or of what is called."""
    return ast.unparse(node.func if isinstance(node, ast.Call) else node).split(".")[-1]


def places(template: str) -> set[tuple[str, str | None, str | None]]:
    """Name, format and conversion of each place that is filled in."""
    return {(name, form, how) for _, name, form, how in Formatter().parse(template) if name}


def filled(template: str) -> set[tuple[str, str | None]]:
    """The same without the conversion: a language has quotes of its own instead of ``!r``."""
    return {(name, form) for name, form, _ in places(template)}


def a_sentence() -> Sentence:
    return sentence("{what} is {size:.1f} px", what=sentence("the {name}", name="cat"), size=1 / 3)


def test_a_sentence_is_its_english_text():
    assert a_sentence() == "the cat is 0.3 px"
    assert f"{a_sentence()}!" == "the cat is 0.3 px!"
    assert repr(a_sentence()) == "'the cat is 0.3 px'"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_sentence_survives_pickling(protocol: int):
    again = pickle.loads(pickle.dumps(a_sentence(), protocol))
    assert again == a_sentence()
    assert (again.template, again.values) == (a_sentence().template, a_sentence().values)
    assert again.values["what"].template == "the {name}"


def test_a_sentence_survives_copying():
    again = copy.deepcopy(a_sentence())
    assert again == a_sentence() and again.values["what"].template == "the {name}"


def test_an_error_of_a_forked_process_brings_its_sentence_along():
    with pytest.raises(PictureError) as caught:
        check_size(0, 5, 1)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == "has no pixels (0 by 5): save or export it once more."
    assert words_of(again).values == {"width": 0, "height": 5}


def test_an_error_without_a_sentence_says_its_text():
    assert words_of(KeyError("mean")) == "'mean'"
    assert words_of(MemoryError()) == ""


def test_every_template_is_a_literal_whose_places_are_given():
    assert [said.place for said in all_said() if not isinstance(said.template, str)] == []
    assert [
        said.place
        for said in all_said()
        if {name for name, _, _ in places(str(said.template))} != said.given
    ] == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_language_has_every_sentence_and_no_other(language: str):
    templates = {said.template for said in all_said()}
    assert templates - set(SENTENCES[language]) == set()
    assert set(SENTENCES[language]) - templates == set()


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_language_fills_in_the_same_places_in_each_sentence(language: str):
    sentences = SENTENCES[language]
    assert [key for key in sentences if filled(sentences[key]) != filled(key)] == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_no_sentence_is_left_as_it_is(language: str):
    assert [key for key, text in SENTENCES[language].items() if text == key] == []


def test_every_error_that_a_visitor_may_be_told_is_a_sentence():
    declared = declared_sentences()
    told = [
        (f"{path}:{call.lineno}", call.args)
        for path, tree in trees().items()
        if COMMAND_LINE.isdisjoint(path.with_suffix("").parts)
        for name, call in calls(tree)
        if name in ERRORS
    ]
    assert len(told) > 60
    assert [place for place, args in told if not args or last_name(args[0]) not in declared] == []


class HungryUNet(IsbiUNet):
    """Asks for more memory than there is."""

    def forward(self, x: Tensor, dropped_skips: Collection[int] = ()) -> Tensor:
        raise MemoryError("Unable to allocate 7.0 GiB for an array")


def test_what_the_memory_cannot_hold_is_refused_in_a_sentence(binary):
    hungry = Checkpoint(binary.card, HungryUNet(1, 1, 4))
    with pytest.raises(MemoryError) as caught:
        Predictor(hungry, "cpu").predict(np.zeros((1, 32, 32, 1), np.uint8))
    assert isinstance(words_of(caught.value), Sentence)
