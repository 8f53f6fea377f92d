"""What the page names before torch is there."""

from pathlib import Path

import pytest

from unet_demo.bundled import WEIGHTS, read_index, read_titles
from unet_demo.checkpoints import Checkpoint, add_to_index, read_card, save_checkpoint


@pytest.fixture
def folder(shapes: Checkpoint, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "tiny.safetensors", shapes.network, shapes.card)
    add_to_index(tmp_path / "tiny.safetensors")
    return tmp_path


def test_the_titles_are_those_of_the_cards():
    for name, title in read_titles().items():
        assert title == read_card(WEIGHTS / str(read_index()[name]["file"])).title


def test_a_damaged_file_goes_by_its_name(folder: Path):
    (folder / "tiny.safetensors").write_bytes(b"damaged")
    assert read_titles(folder) == {"tiny": "tiny"}


def test_a_missing_file_goes_by_its_name(folder: Path):
    (folder / "tiny.safetensors").unlink()
    assert read_titles(folder) == {"tiny": "tiny"}


def test_a_folder_without_an_index_bundles_nothing(tmp_path: Path):
    assert read_titles(tmp_path) == {}
