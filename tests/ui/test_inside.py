"""What the page Look inside shows: each topic, of each checkpoint, of a network trained live, and of smp's."""

from pathlib import Path

import gradio as gr
import pytest
from tiny import binary_checkpoint, saved

from unet_demo.checkpoints import find_offered, read_index
from unet_demo.data.shapes import SceneOptions
from unet_demo.examples import load_example
from unet_demo.inside.subject import Subject, look_inside
from unet_demo.live.run import LiveRun
from unet_demo.live.settings import LiveSettings
from unet_demo.ui.inside.link import InsideLink, known_example
from unet_demo.ui.inside.topic import Look, Shown
from unet_demo.ui.inside.topics import TOPICS
from unet_demo.ui.text import LANGUAGES

with gr.Blocks():
    CONTROLS = {name: topic.controls() for name, topic in TOPICS.items()}

OTHERS = {"skips": {"dropped": "0", "deepest": "1"}, "tiles": {"tile": 128, "halo": 112}}
"""Values of controls beside those that a topic begins with."""


def show(subject: Subject, topic: str, language: str = "en", **others: object) -> Shown:
    values = {name: one.value for name, one in CONTROLS[topic].items()}
    return TOPICS[topic].show(Look(subject, {**values, **others}, language))


def live(folder: Path) -> Path:
    run = LiveRun(LiveSettings(SceneOptions(size=64), width=8, batch=1, steps=2))
    for _ in run.play():
        pass
    return saved(run.checkpoint(), folder / "live.safetensors")


def smp(folder: Path) -> Path:
    settings = {"decoder_channels": [32, 16, 8, 8, 8]}
    tiny = binary_checkpoint("SmpNetwork", encoder="resnet18", settings=settings)
    return saved(tiny, folder / "smp.safetensors")


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("name", [*read_index(), "live", "smp"])
def test_every_topic_works_for_every_network(name: str, topic: str, tmp_path: Path) -> None:
    made = {"live": live, "smp": smp}
    file = made[name](tmp_path) if name in made else find_offered(name)
    example = {"live": "shapes", "smp": "membranes"}.get(name) or known_example(name)
    shown = show(look_inside(load_example(example), file), topic, **OTHERS.get(topic, {}))
    assert "<img" in shown.figures or "<p" in shown.figures


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_topic_speaks_every_language(language: str) -> None:
    subject = look_inside(load_example("shapes"), find_offered("shapes"))
    for topic in TOPICS:
        assert "{" not in show(subject, topic, language).told


def test_an_address_says_the_topics_own_controls_alone() -> None:
    link = InsideLink(CONTROLS)
    values = link.all_values({"topic": "tiles", "halo": "24", "example": "coins"})
    assert (values["topic"], values["halo"], values["dropped"]) == ("tiles", 24, "")
    told = link.told(values)
    said = {
        name: value
        for name, value in told["values"].items()
        if told["defaults"].get(name, "") not in (None, value)
    }
    assert {"topic": "tiles", "halo": 24, "example": "coins"}.items() <= said.items()
    assert "deepest" not in said and not told["incomplete"]


def test_a_checkpoint_without_an_example_gets_one_that_shows_what_it_knows() -> None:
    assert known_example("voc-resnet50") == "person"
    assert known_example("isbi-elastic") == "membranes"
    assert known_example("somebody/else") == "segment"
