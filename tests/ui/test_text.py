"""Every language says everything, and the right one is chosen."""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from PIL import Image

from unet_demo.checkpoints import Card, CheckpointError, find_offered, read_card, read_index
from unet_demo.checkpoints.hub import HubError, parse_repo
from unet_demo.data.images import PictureError, read_picture
from unet_demo.data.planes import MAX_PIXELS, MAX_STACK_PIXELS, check_size, in_words
from unet_demo.examples import EXAMPLES
from unet_demo.live.settings import LOCAL, LiveSettings, SettingsError
from unet_demo.messages import sentence
from unet_demo.segmentation import one_class_reason
from unet_demo.tasks import ISBI, SHAPES, VOC
from unet_demo.ui.html import alert
from unet_demo.ui.text import (
    CARDS,
    ENGLISH,
    LANGUAGES,
    SENTENCES,
    WORDS,
    component_texts,
    i18n,
    language_of,
    say,
    say_name,
    t,
    t_name,
    translated,
)
from unet_demo.ui.train.controls import settings_of, values_of

TRANSLATIONS = [language for language in LANGUAGES if language != "en"]

SCRIPTS = {"ko": "[\uac00-\ud7a3]", "zh-CN": "[\u4e00-\u9fff]", "zh-TW": "[\u4e00-\u9fff]"}

ENCODINGS = {"zh-CN": "gb2312", "zh-TW": "big5"}
"""Of each kind of Chinese characters; neither holds what only the other kind has."""

TERMS = {"BatchNorm", "Dice", "mIoU", "P", "V_info", "V_rand", "x", "y"}
"""What the field writes the same in every language: a text of nothing else needs no translation."""

MEASURES = ("IoU ", "Dice ")
"""Scores that are named with a class."""


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
def test_a_language_lacks_no_text_and_has_no_other(language: str) -> None:
    texts = WORDS[language]["texts"]
    assert (ENGLISH.keys() - texts, texts.keys() - ENGLISH) == (set(), set())


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_language_fills_in_the_same_places(language: str) -> None:
    texts = LANGUAGES[language]
    assert [key for key in ENGLISH if places(texts[key]) != places(ENGLISH[key])] == []


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_no_text_is_left_in_english(language: str) -> None:
    left = {
        key: text
        for key, text in {**LANGUAGES[language], **SENTENCES[language], **CARDS[language]}.items()
        if not re.search(SCRIPTS[language], text)
        and not set(re.findall("[A-Za-z]+", without_places(text))) <= TERMS
    }
    assert left == {}


@pytest.mark.parametrize("language", ENCODINGS)
def test_chinese_does_not_mix_its_two_kinds_of_characters(language: str) -> None:
    texts = {**LANGUAGES[language], **SENTENCES[language], **CARDS[language]}.values()
    characters = set(re.findall(SCRIPTS[language], "".join(texts)))
    foreign = {c for c in characters if not c.encode(ENCODINGS[language], "ignore")}
    assert foreign == set()


def test_what_the_bundled_checkpoints_and_examples_are_called_is_translated() -> None:
    cards = [read_card(find_offered(name)) for name in read_index()]
    said = {
        "class": {name for task in (SHAPES, ISBI, VOC) for name in task.classes},
        "title": {card.title for card in cards},
        "summary": {card.summary for card in cards},
        "example": {example.caption for example in EXAMPLES},
        "score": {name for card in cards for name in card.scores if not name.startswith(MEASURES)},
        "pixels": {in_words(MAX_PIXELS), in_words(MAX_STACK_PIXELS)},
    }
    assert {
        f"{kind}:{name}" for kind, names in said.items() for name in names - TERMS
    } - ENGLISH.keys() == set()


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


def refusal_of(path: Path) -> PictureError:
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    return caught.value


def test_an_error_is_said_in_the_visitors_language(tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_bytes(b"")
    error = refusal_of(tmp_path / "notes.png")
    assert str(error) == '"notes.png" is empty (0 bytes): save or export it once more.'
    assert translated(error, "en") == str(error)
    assert translated(error, "ko") == (
        '"notes.png": 빈 파일입니다(0바이트). 다시 저장하거나 내보내세요.'
    )
    assert translated(error, "zh-TW") == (
        "「notes.png」：檔案是空的（0 位元組），請重新儲存或匯出。"
    )


def test_what_is_put_into_a_sentence_is_translated_with_it(tmp_path: Path) -> None:
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 100).save(tmp_path / "deep.png")
    (note,) = read_picture(tmp_path / "deep.png").notes
    assert note.startswith("16-bit values 6.3 to 6293.7 were scaled")
    assert translated(note, "zh-CN") == (
        "16 位数值 6.3 到 6293.7 已缩放为 0 到 255（全部像素的第 0.1 和第 99.9 百分位数）。"
    )


def test_a_large_number_of_pixels_is_counted_as_the_language_counts() -> None:
    with pytest.raises(PictureError) as page:
        check_size(9000, 9000, 1)
    with pytest.raises(PictureError) as stack:
        check_size(6000, 6000, 6)
    assert "한도인 4000만 개를" in translated(page.value, "ko")
    assert "总数上限 2 亿像素" in translated(stack.value, "zh-CN")


def test_the_names_of_settings_are_translated_in_what_is_said_of_them() -> None:
    with pytest.raises(SettingsError) as caught:
        LOCAL.check(replace(LiveSettings(), batch=1000))
    assert "batch is 1000" in str(caught.value)
    assert translated(caught.value, "ko").startswith("배치 크기: 쓸 수 없는 값입니다(1000).")


def test_an_empty_field_is_named_in_the_visitors_language() -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of(values_of(LiveSettings()) | {"seed": None})
    assert str(caught.value) == "The field 'seed' is empty; fill it in."
    assert translated(caught.value, "zh-CN") == "“随机种子”一栏是空的，请填写。"


def test_classes_and_summaries_are_called_what_the_page_calls_them() -> None:
    card = read_card(find_offered("shapes"))
    said = translated(one_class_reason(np.zeros((1, 8, 8), np.uint8), card), "ko")
    assert "‘배경’" in said and LANGUAGES["ko"][f"summary:{card.summary}"] in said
    assert not re.search("[A-Za-z]", said)


def test_what_a_damaged_description_lacks_is_said_in_the_visitors_language() -> None:
    values = json.loads(read_card(find_offered("shapes")).to_json())
    values["task"]["background"] = 7
    with pytest.raises(CheckpointError) as caught:
        Card.from_json(json.dumps(values))
    assert "(the background is not the id of one of the classes)" in str(caught.value)
    assert "（背景不是任何类别的 ID）" in translated(caught.value, "zh-CN")


def test_braces_in_a_name_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "{problem}.png").write_bytes(b"")
    assert translated(refusal_of(tmp_path / "{problem}.png"), "ko").startswith('"{problem}.png": ')


@pytest.mark.parametrize("foreign", [ValueError("a library's words"), "said", MemoryError()])
def test_what_is_no_sentence_stays_as_it_is(foreign: object) -> None:
    assert translated(foreign, "ko") == str(foreign)


def test_a_sentence_without_a_translation_stays_english() -> None:
    assert translated(sentence("Nobody translated {this}.", this=1), "ko") == (
        "Nobody translated 1."
    )


def test_a_mistake_on_the_page_is_translated_and_harmless() -> None:
    with pytest.raises(HubError) as caught:
        parse_repo("<b>")
    mistake = alert(caught.value, "zh-TW")
    assert "不是模型儲存庫的名稱" in mistake and "&lt;b&gt;" in mistake


def test_a_mark_for_a_text_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError):
        t("segment_nonsense")


def test_every_mark_is_one_that_the_browser_can_translate() -> None:
    translations = i18n().translations_dict
    assert set(translations) == set(LANGUAGES)
    assert translations["ko"][t("page_train").key] == "학습"


def test_a_component_gets_its_own_texts_and_the_classes() -> None:
    texts = component_texts("viewer", empty="train_runs_none")["ko"]
    assert texts["hint"] == LANGUAGES["ko"]["viewer_hint"]
    assert texts["class:circle"] == "원"
    assert texts["empty"] == LANGUAGES["ko"]["train_runs_none"]
    assert not [key for key in texts if key.startswith(("viewer_", "chart_", "train_"))]
