"""An address says what a page shows, and a page's address brings it back."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr
import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from unet_demo.data.images import Picture
from unet_demo.examples import load_example
from unet_demo.live.settings import LOCAL, PRESETS, SPACE, SettingsError
from unet_demo.ui.link import (
    GENERAL,
    AddressSettings,
    Choice,
    InvalidValue,
    Number,
    Parameter,
    Power,
    Switch,
    misspelt,
    parameter_of,
    read,
)
from unet_demo.ui.segment.link import SegmentLink, example_of
from unet_demo.ui.segment.page import SegmentPage
from unet_demo.ui.serve import PageAddress
from unet_demo.ui.text import LANGUAGES
from unet_demo.ui.train.controls import SCENE_SETTINGS, preset_values, settings_of
from unet_demo.ui.train.link import TrainLink
from unet_demo.ui.train.page import TrainPage


@pytest.fixture(scope="module")
def pages() -> Iterator[tuple[SegmentPage, TrainPage]]:
    with gr.Blocks() as demo:
        yield SegmentPage(demo), TrainPage(demo)


@pytest.fixture
def segment_link(pages) -> SegmentLink:
    return pages[0].link


@pytest.fixture
def train_link(pages) -> TrainLink:
    return pages[1].link


def query(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def written(parameters: Mapping[str, Parameter], settings: dict[str, Any]) -> dict[str, str]:
    return {name: parameters[name].write(value) for name, value in settings.items()}


def said(wish: AddressSettings, language: str = "en") -> list[str]:
    return [warning.said(language) for warning in wish.warnings]


def anything(rng: random.Random, control: Any) -> Any:
    """A value that a person can give to a control."""
    match control:
        case gr.Checkbox():
            return rng.random() < 0.5
        case gr.Slider(minimum=least, maximum=most, step=step):
            return round(least + step * rng.randint(0, round((most - least) / step)), 6)
        case gr.Number():
            return rng.randrange(1000)
    return rng.choice([value for _, value in control.choices])


def settings_at_random(link: TrainLink, controls: dict[str, Any], seed: int) -> dict[str, Any]:
    """Controls' values that a run would take."""
    rng = random.Random(seed)
    while True:
        values = {name: anything(rng, control) for name, control in controls.items()}
        try:
            link.limits.check(settings_of(values))
        except SettingsError:
            continue
        counts = values["count_least"] <= values["count_most"]
        if counts and values["radius_least"] <= values["radius_most"]:
            return values


@pytest.mark.parametrize("seed", range(40))
def test_a_link_brings_back_the_same_training(pages, train_link: TrainLink, seed: int) -> None:
    values = settings_at_random(train_link, pages[1].controls, seed)
    preset = random.Random(seed).choice(list(PRESETS))
    idle = SCENE_SETTINGS if values["source"] == "article" else ()
    asked = {name: value for name, value in values.items() if name not in idle}
    wish = train_link.read(written(train_link.settings, {"preset": preset, **asked}))
    assert wish.warnings == ()
    defaults = {name: preset_values(preset, LOCAL)[name] for name in idle}
    assert wish.values == pytest.approx({"preset": preset, **values, **defaults})
    assert settings_of(wish.values) == settings_of(values)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_as_it_is_needs_no_more_than_its_name(train_link: TrainLink, preset: str) -> None:
    assert settings_of(train_link.read({"preset": preset}).values) == PRESETS[preset]


def test_what_is_not_named_stays_as_the_preset_has_it(train_link: TrainLink) -> None:
    wish = train_link.read({"preset": "noisy", "skips": "0", "rate": "0.01"})
    changed = replace(PRESETS["noisy"], skips=False, rate=0.01)
    assert settings_of(wish.values) == changed


def test_an_address_that_names_no_setting_asks_for_none(train_link: TrainLink) -> None:
    assert train_link.read({"page": "train", "lang": "ko", "utm_source": "x"}) == AddressSettings()


@pytest.mark.parametrize(
    ("name", "value", "wish"),
    [
        ("preset", "nonsense", "one of random, no-clue, noisy, why-skips"),
        ("network", "shapesunet", "one of IsbiUNet, ShapesUNet"),
        ("width", "12", "one of 8, 16, 32, 64"),
        ("skips", "yes", "1 (on) or 0 (off)"),
        ("skips", "", "1 (on) or 0 (off)"),
        ("noise", "81", "a number from 0 to 80"),
        ("noise", "-1", "a number from 0 to 80"),
        ("noise", "nan", "a number from 0 to 80"),
        ("noise", "loud", "a number from 0 to 80"),
        ("rate", "0", "a number from 0.00001 to 1000"),
        ("rate", "inf", "a number from 0.00001 to 1000"),
        ("steps", "5001", "a whole number from 1 to 5000"),
        ("steps", "2.5", "a whole number from 1 to 5000"),
        ("size", "100", "a multiple of 16 from 64 to 256"),
        ("seed", "1000003", "a whole number from 0 to 1000002"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name_and_the_rest_holds(
    train_link: TrainLink, name: str, value: str, wish: str
) -> None:
    read_ = train_link.read({name: value, "blur": "1.5"})
    (sentence,) = said(read_)
    assert sentence.startswith(
        f"The address says {name}={value}, which was left out: choose {wish}"
    )
    assert read_.values == {"preset": "random", **preset_values("random", LOCAL), "blur": 1.5}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("count_least=6&count_most=3", "count_least=6, count_most=3"),
        ("count_least=8", "count_least=8"),
        ("radius_most=0.05", "radius_most=0.05"),
        ("preset=article&count_least=8&count_most=2", "count_least=8, count_most=2"),
        ("width=64&size=256&batch=32", "width=64, size=256, batch=32"),
    ],
)
def test_values_that_cannot_be_together_are_refused_together(
    train_link: TrainLink, asked: str, named: str
) -> None:
    wish = train_link.read(query(asked + "&loss=both"))
    (sentence,) = said(wish)
    assert sentence.startswith(f"The address says {named}, which was left out")
    defaults = preset_values(wish.values["preset"], LOCAL)
    assert wish.values == {"preset": wish.values["preset"], **defaults, "loss": "both"}


def test_a_shared_machine_refuses_what_is_too_much_for_it(pages) -> None:
    link = TrainLink(SPACE)
    (sentence,) = said(link.read({"preset": "article", "batch": "2"}))
    assert "more work a step than this machine allows" in sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_names_what_was_refused(train_link: TrainLink, language: str) -> None:
    asked = "preset=x&noise=x&steps=x&size=65&skips=x&seed=x&count_least=8&width=64&batch=32"
    sentences = said(train_link.read(query(asked)), language)
    assert len(sentences) == 8
    for name in query(asked):
        assert any(f"{name}=" in sentence for sentence in sentences)


def test_a_long_value_is_cut_short_in_its_sentence() -> None:
    (sentence,) = said(read({"page": "x" * 5000}, GENERAL))
    assert len(sentence) < 200


def test_the_address_names_the_page_and_what_is_shown_of_it() -> None:
    asked = {"page": "train", "autostart": "1", "controls": "0", "lang": "zh-HK", "__theme": "dark"}
    wish = read(asked, GENERAL)
    assert wish.warnings == ()
    assert (wish.values["page"], wish.values["autostart"]) == ("train", True)


def test_the_theme_may_be_the_systems_as_where_a_space_is_embedded() -> None:
    assert read({"__theme": "system"}, GENERAL) == AddressSettings({"__theme": "system"})


def test_of_a_name_that_is_repeated_the_last_value_holds_without_its_blanks() -> None:
    asked = QueryParams("page=train&page=%20about+&controls=1&controls=%200")
    assert read(asked, GENERAL) == AddressSettings({"page": "models", "controls": False})


@pytest.mark.parametrize(
    "asked", ["page=home", "autostart=yes", "controls=none", "lang=xx", "__theme=pink"]
)
def test_what_the_demo_does_not_know_of_itself_is_refused(asked: str) -> None:
    (sentence,) = said(read(query(asked), GENERAL))
    assert sentence.startswith(f"The address says {asked}")


def test_a_slip_of_the_pen_is_pointed_out_and_a_stranger_is_not() -> None:
    known = ["noise", "batch_norm", "source"]
    asked = {"nois": "3", "batchnorm": "0", "utm_source": "x", "fbclid": "y", "__sign": "z"}
    sentences = [warning.said("en") for warning in misspelt(asked, known)]
    assert [sentence.split("did you mean ")[1] for sentence in sentences] == [
        "noise?",
        "batch_norm?",
    ]


@pytest.mark.parametrize("seed", range(10))
def test_a_link_brings_back_the_same_segmentation(
    pages, segment_link: SegmentLink, seed: int
) -> None:
    rng = random.Random(seed)
    controls = pages[0].controls
    settings = {
        "checkpoint": rng.choice(["isbi-elastic", "isbi", "owner/repo@v1"]),
        "example": "stack",
        "slice": rng.randint(1, 6),
        "flips": anything(rng, controls.tta),
        "threshold": anything(rng, controls.threshold),
        "opacity": anything(rng, controls.opacity),
        "style": anything(rng, controls.style),
        "layer": rng.choice(["mask", "errors"]),
        "zoom": rng.choice([1, 1.5, 32]),
        "x": rng.randint(0, 511),
        "y": rng.randint(0, 511),
    }
    wish = segment_link.read(written(segment_link.parameters, settings))
    assert wish.warnings == ()
    assert wish.values == settings


def test_an_example_brings_its_checkpoint_and_a_checkpoint_an_example(
    segment_link: SegmentLink,
) -> None:
    assert segment_link.read({"example": "coins"}).values == {
        "example": "coins",
        "checkpoint": "shapes",
    }
    assert segment_link.read({"checkpoint": "isbi"}).values["example"] == "membranes"


@pytest.mark.parametrize(
    "asked",
    [
        "checkpoint=../etc", "example=dog", "opacity=2", "style=dots", "slice=7", "slice=0",
        "layer=truth", "zoom=33", "x=512", "y=-1",
    ],
)  # fmt: skip
def test_the_segment_page_refuses_by_name_and_shows_the_rest(
    segment_link: SegmentLink, asked: str
) -> None:
    wish = segment_link.read({"example": "stack", "flips": "1", **query(asked)})
    (sentence,) = said(wish)
    assert sentence.startswith(f"The address says {asked}")
    assert wish.values["flips"] is True


@pytest.mark.parametrize(
    ("asked", "left_out", "wish"),
    [
        ("threshold=0.5&checkpoint=voc", "threshold=0.5", "a checkpoint of two classes"),
        ("threshold=0.5&example=coins", "threshold=0.5", "a checkpoint of two classes"),
        ("layer=painted", "layer=painted", "a checkpoint that paints colours"),
        ("layer=errors&example=cat", "layer=errors", "an example that has a ground truth"),
        (
            "layer=errors&checkpoint=voc&example=coins",
            "layer=errors",
            "an example that has a ground",
        ),
        ("slice=2", "slice=2", "an example that has slices, such as stack"),
        ("slice=2&checkpoint=isbi", "slice=2", "an example that has slices, such as stack"),
    ],
)
def test_what_a_checkpoint_or_an_example_does_not_have_is_said_plainly(
    segment_link: SegmentLink, asked: str, left_out: str, wish: str
) -> None:
    wished = segment_link.read(query(asked))
    (sentence,) = said(wished)
    assert sentence.startswith(f"The address says {left_out}, which was left out: choose {wish}")
    assert left_out.partition("=")[0] not in wished.values


@pytest.mark.parametrize(
    "asked",
    [
        "threshold=0.5&checkpoint=isbi", "slice=1", "example=stack&slice=2", "layer=errors",
        "layer=painted&checkpoint=voc-color",
    ],
)  # fmt: skip
def test_what_a_checkpoint_or_an_example_has_is_taken(
    segment_link: SegmentLink, asked: str
) -> None:
    assert segment_link.read(query(asked)).warnings == ()


def test_an_example_is_known_again_and_a_picture_of_its_name_is_not() -> None:
    assert example_of(load_example("coins").picture) == "coins"
    assert example_of(Picture(np.zeros((1, 8, 8, 3), np.uint8), "coins", ())) is None


@pytest.mark.parametrize(
    ("parameter", "value", "text"),
    [
        (Number(0, 10), 0.125, "0.125"),
        (Number(1, 9, 1), 3.0, "3"),
        (Power(-5, 3, 0.25), -2.75, "0.00178"),
        (Power(-5, 3, 0.25), 3.0, "1000"),
        (Switch(), True, "1"),
        (Choice((8, 16)), 16, "16"),
    ],
)
def test_a_value_is_written_as_a_person_would(parameter: Parameter, value, text: str) -> None:
    assert parameter.write(value) == text
    assert parameter.read(text) == value


def test_a_number_beside_the_marks_of_a_slider_stays_itself() -> None:
    power = Power(-5, 3, 0.25).read("0.002")
    assert float(f"{10**power:.3g}") == 0.002


def test_a_control_without_a_way_to_write_it_is_said() -> None:
    with pytest.raises(TypeError, match="File"):
        parameter_of(gr.File())


def test_unfit_says_what_would_fit() -> None:
    with pytest.raises(InvalidValue) as caught:
        Number(2, 4).read("5")
    assert (caught.value.wish, caught.value.places["most"]) == ("number", "4")


@pytest.fixture
def client() -> TestClient:
    async def told(request: Request) -> JSONResponse:
        return JSONResponse(dict(request.query_params))

    routes = [Route(path, told) for path in ("/", "/gradio_api/queue")]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(PageAddress)]))


def test_gradio_does_not_see_the_page_that_an_address_names(client: TestClient) -> None:
    assert client.get("/?page=train&note=a%26b&lang=ko").json() == {"note": "a&b", "lang": "ko"}


def test_the_events_of_a_page_see_its_whole_address(client: TestClient) -> None:
    assert client.get("/gradio_api/queue?page=train").json() == {"page": "train"}
