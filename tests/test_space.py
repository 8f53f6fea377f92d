"""README.md's front matter: what a Hugging Face Space is set up by."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import SpaceHardware, metadata_load

ROOT = Path(__file__).parents[1]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
KEYS = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file",
    "short_description", "suggested_hardware", "fullWidth", "tags", "pinned", "license",
}  # fmt: skip
OWNERS_KEYS = {"thumbnail", "models", "preload_from_hub"}
"""What names the owner's repositories: added where the Space is set up, as README.md says."""


@pytest.fixture
def space() -> dict:
    return metadata_load(ROOT / "README.md")


def test_the_front_matter_is_complete_and_holds_no_unknown_key(space):
    assert space.keys() >= KEYS
    assert space.keys() <= KEYS | OWNERS_KEYS


def test_the_space_installs_the_gradio_that_is_pinned(space):
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert space["sdk"] == "gradio"
    assert f"gradio=={space['sdk_version']}" in pins


def test_the_space_runs_an_app_that_is_there(space):
    assert (ROOT / space["app_file"]).is_file()


def test_the_space_runs_python_3_12(space):
    assert space["python_version"] == "3.12"  # a text: as a number, 3.10 would be 3.1


def test_the_short_description_fits(space):
    assert 0 < len(space["short_description"]) <= 60


def test_colours_and_hardware_are_such_as_the_hub_knows(space):
    assert {space["colorFrom"], space["colorTo"]} <= COLOURS
    assert space["suggested_hardware"] in {hardware.value for hardware in SpaceHardware}


def test_the_tags_say_what_it_is_about(space):
    assert {"image-segmentation", "unet", "education"} <= set(space["tags"])


def test_what_names_repositories_names_real_ones(space):
    thumbnail = urlsplit(space.get("thumbnail", ""))
    if thumbnail.scheme:
        assert thumbnail.scheme == "https"
        assert (ROOT / thumbnail.path.partition("/resolve/main/")[2]).is_file()
    else:
        assert "thumbnail" not in space  # the Hub takes an address, not a path
    named = str([space.get(key) for key in OWNERS_KEYS])
    assert not re.search(r"owner|username|example", named, re.IGNORECASE)
