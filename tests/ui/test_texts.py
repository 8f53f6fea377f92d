"""Every language says everything, and the right one is chosen."""

import re
from dataclasses import dataclass, field
from string import Formatter

import pytest

from unet_demo.checkpoints import find_offered, read_card, read_index
from unet_demo.examples import EXAMPLES
from unet_demo.tasks import ISBI, SHAPES, VOC
from unet_demo.ui.languages import LANGUAGES
from unet_demo.ui.languages.en import ENGLISH, NAMES
from unet_demo.ui.texts import component_texts, i18n, language_of, say, say_name, t, t_name

TRANSLATIONS = [language for language in LANGUAGES if language != "en"]

SCRIPTS = {"ko": "[\uac00-\ud7a3]", "zh-CN": "[\u4e00-\u9fff]", "zh-TW": "[\u4e00-\u9fff]"}

ENCODINGS = {"zh-CN": "gb2312", "zh-TW": "big5"}
"""Of each kind of Chinese characters; neither holds what only the other kind has."""

TERMS = {"BatchNorm", "Dice", "mIoU", "P", "x", "y"}
"""What the field writes the same in every language: a text of nothing else needs no translation."""


@dataclass(frozen=True)
class Visit:
    """As much of a request as names a language."""

    query_params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def places(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


def without_places(text: str) -> str:
    return re.sub(r"\{.*?\}", "", text)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_language_has_every_text_and_no_other(language: str) -> None:
    assert set(LANGUAGES[language]) == set(ENGLISH)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_language_fills_in_the_same_places(language: str) -> None:
    texts = LANGUAGES[language]
    assert [key for key in ENGLISH if places(texts[key]) != places(ENGLISH[key])] == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_no_text_is_left_in_english(language: str) -> None:
    left = {
        key: text
        for key, text in LANGUAGES[language].items()
        if not re.search(SCRIPTS[language], text)
        and not set(re.findall("[A-Za-z]+", without_places(text))) <= TERMS
    }
    assert left == {}


@pytest.mark.parametrize("language", ENCODINGS)
def test_chinese_does_not_mix_its_two_kinds_of_characters(language: str) -> None:
    characters = set(re.findall(SCRIPTS[language], "".join(LANGUAGES[language].values())))
    foreign = {c for c in characters if not c.encode(ENCODINGS[language], "ignore")}
    assert foreign == set()


def test_what_the_bundled_checkpoints_and_examples_are_called_is_translated() -> None:
    cards = [read_card(find_offered(name)) for name in read_index()]
    said = {
        "class": {name for task in (SHAPES, ISBI, VOC) for name in task.classes},
        "title": {card.title for card in cards},
        "summary": {card.summary for card in cards},
        "example": {example.caption for example in EXAMPLES},
    }
    assert {kind: names - set(NAMES[kind]) for kind, names in said.items()} == {
        kind: set() for kind in said
    }


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("en", "en"),
        ("ko", "ko"),
        ("KO-kr", "ko"),
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-Hans", "zh-CN"),
        ("zh-hans-hk", "zh-CN"),
        ("zh-sg", "zh-CN"),
        ("zh-TW", "zh-TW"),
        ("zh_tw", "zh-TW"),
        ("zh-Hant", "zh-TW"),
        ("zh-hant-mo", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("zh-MO", "zh-TW"),
    ],
)
def test_the_address_names_the_language(asked: str, language: str) -> None:
    header = "ko" if language == "en" else "en"
    assert language_of(Visit({"lang": asked}, {"accept-language": header})) == language


@pytest.mark.parametrize("asked", ["", "xx", "kor", "<script>", "-", "中文"])
def test_an_unknown_language_in_the_address_leaves_the_choice_to_the_browser(asked: str) -> None:
    assert language_of(Visit({"lang": asked}, {"accept-language": "ko-KR,ko;q=0.9"})) == "ko"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("zh-TW,zh;q=0.9", "zh-TW"),
        ("zh-HK", "zh-TW"),
        ("fr-FR, fr;q=0.9, zh-CN ; q=0.8", "zh-CN"),
        ("en;q=0.2,ko;q=0.7", "ko"),
        ("ko;q=0,en", "en"),
        ("ja,fr;q=0.9", "en"),
        ("*", "en"),
        ("ko;q=much", "ko"),
        (";;q=,,=", "en"),
        ("", "en"),
    ],
)
def test_the_browser_names_the_language(header: str, language: str) -> None:
    assert language_of(Visit({}, {"accept-language": header})) == language


def test_nothing_said_of_a_language_means_english() -> None:
    assert language_of(Visit()) == "en"


def test_a_sentence_is_put_together_in_the_visitors_language() -> None:
    assert say("chart_diverged", "ko", step=7) == "스텝 7에서 발산"


def test_a_name_that_is_not_known_stays_as_it_is() -> None:
    assert say_name("class", "circle", "zh-CN") == "圆"
    assert say_name("class", "mitochondrion", "zh-CN") == "mitochondrion"
    assert t_name("title", "My own checkpoint") == "My own checkpoint"


def test_a_mark_for_a_text_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError):
        t("segment_nonsense")


def test_every_mark_is_one_that_the_browser_can_translate() -> None:
    translations = i18n().translations_dict
    assert set(translations) == set(LANGUAGES)
    assert translations["ko"][t("page_train").key] == "학습"


def test_a_component_gets_its_own_texts_and_the_classes() -> None:
    texts = component_texts("viewer", empty="train_drawn_empty")["ko"]
    assert texts["hint"] == LANGUAGES["ko"]["viewer_hint"]
    assert texts["class:circle"] == "원"
    assert texts["empty"] == LANGUAGES["ko"]["train_drawn_empty"]
    assert not [key for key in texts if key.startswith(("viewer_", "chart_", "train_"))]
