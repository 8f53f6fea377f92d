"""What the page names before torch is there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import sentence
from hub_server import HONEST, Behaviour

from unet_demo.checkpoints import (
    HUB_VARIABLE,
    WEIGHTS,
    Checkpoint,
    CheckpointError,
    add_to_index,
    files,
    find_offered,
    offered_cards,
    offered_names,
    read_card,
    read_index,
    save_checkpoint,
)
from unet_demo.checkpoints.files import names_on_hub, read_titles


@pytest.fixture
def folder(shapes: Checkpoint, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "tiny.safetensors", shapes.network, shapes.card)
    add_to_index(tmp_path / "tiny.safetensors")
    return tmp_path


@pytest.fixture
def served(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two checkpoints, which is that of the program."""
    monkeypatch.setattr(files, "WEIGHTS", weights)
    return weights


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


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b"[]", b"{}", b'{"checkpoints": ["shapes"]}', b"[" * 100_000],
    ids=["empty", "cut short", "no text", "a list", "no checkpoints", "only names", "too deep"],
)
def test_a_damaged_index_is_one_sentence(tmp_path: Path, text: bytes):
    (tmp_path / "index.json").write_bytes(text)
    for read in (read_index, read_titles, offered_names):
        words = sentence(lambda read=read: read(tmp_path), CheckpointError)
        assert words == (
            "The list of the bundled checkpoints, index.json, is damaged;"
            " clone or install the program again."
        )


@pytest.mark.parametrize(
    "entry",
    [
        {},
        None,
        "shapes.safetensors",
        {"file": "shapes.safetensors"},
        {"sha256": "0" * 64},
        {"file": 3, "sha256": "0" * 64},
        {"file": "../shapes.safetensors", "sha256": "0" * 64},
        {"file": "shapes.safetensors", "sha256": "0" * 64},
    ],
)
def test_one_damaged_entry_is_told_of_where_it_is_asked_for_and_the_others_are_served(
    served: Path, caplog: pytest.LogCaptureFixture, entry: object
):
    index = json.loads((served / "index.json").read_text())
    index["checkpoints"]["shapes"] = entry
    (served / "index.json").write_text(json.dumps(index))
    assert offered_names(served) == ["membranes", "shapes"]
    words = sentence(lambda: find_offered("shapes"), CheckpointError)
    assert "shapes.safetensors is not the one that was published" in words
    assert find_offered("membranes").is_file()
    assert list(offered_cards()) == ["membranes"]
    assert "The checkpoint 'shapes' is not offered: The bundled file" in caplog.text


def test_a_missing_file_is_told_of_where_it_is_asked_for_and_the_others_are_served(served: Path):
    (served / "shapes.safetensors").unlink()
    words = sentence(lambda: find_offered("shapes"), CheckpointError)
    assert "shapes.safetensors is missing" in words
    assert list(offered_cards()) == ["membranes"]


@pytest.mark.parametrize("behaviour", [HONEST, Behaviour(status=503)], ids=["there", "down"])
def test_the_repository_is_asked_once_whether_it_answers_or_not(
    served: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour
):
    asked: list[str] = []
    index = (served / "index.json").read_bytes().replace(b'"shapes"', b'"far"')
    serve({"ann/unets": {"index.json": index}}, behaviour, asked=asked)
    monkeypatch.setenv(HUB_VARIABLE, "ann/unets")
    first, questions = offered_names(served), len(asked)
    assert questions > 0 and ("far" in first) is (behaviour is HONEST)
    assert offered_names(served) == first
    assert len(asked) == questions


def test_the_repository_is_asked_anew_after_a_while(
    served: Path, serve: Callable[..., str], hub_cache: Path
):
    assert names_on_hub("ann/unets", 7) == ()
    serve({"ann/unets": {"index.json": (served / "index.json").read_bytes()}})
    assert names_on_hub("ann/unets", 7) == ()
    assert names_on_hub("ann/unets", 8) == ("membranes", "shapes")
