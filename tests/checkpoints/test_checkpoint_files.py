"""Checkpoints: exact both ways, strict, never a pickle, and found by path, name or repository."""

import hashlib
import json
import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hub_server import Behaviour
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file
from tiny import binary_checkpoint, saved

from unet_demo.checkpoints import (
    HUB_VARIABLE,
    Card,
    CheckpointError,
    HubError,
    add_to_index,
    files,
    find_checkpoint,
    load_checkpoint,
    offered_cards,
    offered_names,
    open_checkpoint,
    read_card,
    read_index,
    save_checkpoint,
)
from unet_demo.checkpoints.card import FORMAT
from unet_demo.checkpoints.files import HEADER_KEY
from unet_demo.tasks import SHAPES, VOC, VOC_COLOUR, task_to_dict

Tensors = dict[str, torch.Tensor]
REPO = "ann/unets"


def sentence(call: Callable[[], object], error: type[Exception] = CheckpointError) -> str:
    """The words of the error: one line that ends in a full stop and names no folder of the server."""
    with pytest.raises(error) as caught:
        call()
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text
    assert "/tmp" not in text
    return text


def changed(path: Path, header: dict[str, object] | None = None, **tensors: torch.Tensor) -> Path:
    """A copy of a checkpoint with other values in its header, or other tensors."""
    with safe_open(path, framework="pt") as file:
        card = json.loads(file.metadata()[HEADER_KEY])
    copy = path.with_name("changed.safetensors")
    metadata = {HEADER_KEY: json.dumps(card | (header or {}))}
    save_file(load_file(path) | tensors, copy, metadata=metadata)
    return copy


@pytest.fixture
def file(binary, tmp_path) -> Path:
    return saved(binary, tmp_path / "tiny.safetensors")


# --- one file ---


def test_the_weights_come_back_as_their_float16_values_exactly(binary, file):
    loaded = load_checkpoint(file).network.state_dict()
    original = binary.network.state_dict()
    assert loaded.keys() == original.keys()
    for name, tensor in original.items():
        expected = tensor.half().float() if tensor.is_floating_point() else tensor
        assert torch.equal(loaded[name], expected) and loaded[name].dtype == tensor.dtype


def test_saving_what_was_loaded_gives_the_same_file_again(file, tmp_path):
    again = saved(load_checkpoint(file), tmp_path / "again.safetensors")
    assert load_file(again).keys() == load_file(file).keys()
    assert all(torch.equal(a, load_file(again)[n]) for n, a in load_file(file).items())
    assert read_card(again) == read_card(file)


def test_the_network_comes_back_in_evaluation_mode_and_computes_the_same(binary, file):
    picture = torch.randn(1, 1, 32, 32)
    loaded = load_checkpoint(file).network
    assert not loaded.training
    with torch.inference_mode():
        assert torch.allclose(loaded(picture), binary.network(picture), atol=0.05)


def test_a_loaded_network_can_be_trained_further(file):
    network = load_checkpoint(file).network.train()
    network(torch.randn(2, 1, 32, 32)).mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_card_comes_back_whole(binary, file):
    card = replace(
        binary.card,
        title="A title",
        article="An article",
        recipe={"steps": 5, "nested": {"rate": 1e-3}},
        scores={"V_rand": 0.97},
        scored_on="frames 21–29",
        licence="MIT",
        credit="Ann",
    )
    save_checkpoint(file, binary.network, card)
    assert read_card(file) == load_checkpoint(file).card == card


def test_a_save_replaces_the_old_file_and_leaves_nothing_else(binary, file):
    save_checkpoint(file, binary.network, replace(binary.card, title="new"))
    assert read_card(file).title == "new"
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_save_makes_the_folder(binary, tmp_path):
    assert saved(binary, tmp_path / "a" / "b" / "tiny.safetensors").is_file()


# --- strictly ---


def test_a_missing_weight_is_refused(binary, tmp_path):
    path = tmp_path / "tiny.safetensors"
    tensors = {name: tensor.half() for name, tensor in binary.network.state_dict().items()}
    del tensors["head.weight"]
    save_file(tensors, path, metadata={HEADER_KEY: binary.card.to_json()})
    assert "do not fit the network" in sentence(lambda: load_checkpoint(path))


@pytest.mark.parametrize(
    "tensors",
    [
        {"extra": torch.zeros(1)},
        {"head.weight": torch.zeros(2, 4, 1, 1)},
        {"head.weight": torch.zeros(1, 4, 1, 1, dtype=torch.int64)},
    ],
    ids=["extra", "wrong shape", "whole numbers"],
)
def test_a_weight_too_many_or_of_the_wrong_form_is_refused(file, tensors):
    path = changed(file, **tensors)
    assert "do not fit the network" in sentence(lambda: load_checkpoint(path))


@pytest.mark.parametrize(
    "header",
    [
        {"network": "UNet9"},
        {"network": "ShapesUNet"},
        {"options": {"depth": 3}},
        {"options": {"width": 8}},
        {"options": {"width": -1}},
        {"options": {"width": "wide"}},
        {"options": {"width": 10**7}},  # would not fit into any memory
        {"options": {"width": 10**15}},
    ],
    ids=str,
)
def test_a_header_that_names_another_network_is_refused(file, header):
    path = changed(file, header)
    assert "do not fit the network" in sentence(lambda: load_checkpoint(path))


@pytest.mark.parametrize(
    "header",
    [
        {"task": None},
        {"task": {"kind": "ternary"}},
        {"mean": "gray"},
        {"mean": []},
        {"mean": [0.5, 0.5]},
        {"std": [0.5, 0.5, 0.5]},
        {"options": [1, 2]},
        {"format": "one"},
    ],
    ids=str,
)
def test_a_header_that_cannot_be_read_is_refused(file, header):
    path = changed(file, header)
    assert "description cannot be read" in sentence(lambda: load_checkpoint(path))


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"name": None}, "its name cannot be None"),
        ({"title": 3}, "its title cannot be 3"),
        ({"summary": ["a"]}, "its summary cannot be ['a']"),
        ({"network": {}}, "its network cannot be {}"),
        ({"recipe": None}, "its recipe cannot be None"),
        ({"recipe": "isbi"}, "its recipe cannot be 'isbi'"),
        ({"scores": [0.5]}, "its scores cannot be [0.5]"),
        ({"scores": {"mIoU": "high"}}, "its scores cannot be 'high'"),
        ({"mean": ["0.5"]}, "its mean cannot be '0.5'"),
        ({"mean": [math.nan]}, "its mean cannot be nan"),
        ({"mean": [10**400]}, "its mean cannot be 1000"),
        ({"std": [math.inf]}, "its std cannot be inf"),
        ({"std": [0]}, "its std cannot be 0"),
        ({"std": [-0.5]}, "its std cannot be -0.5"),
        ({"margin": -16}, "its margin cannot be -16"),
        ({"margin": 513}, "its margin cannot be 513"),
        ({"margin": 1.5}, "its margin cannot be 1.5"),
        ({"margin": True}, "its margin cannot be True"),
        ({"symmetry": "none"}, "its symmetry cannot be 'none'"),
        ({"side": 2049}, "its side cannot be 2049"),
        ({"scale": 0}, "its scale cannot be 0"),
        ({"scales": [0.5] * 9}, "its scales cannot be (0.5, 0.5"),
        ({"side": 1024, "scales": [1.0, 2.1]}, "side times a scale is more than 2048"),
        ({"threshold": 1.5}, "its threshold cannot be 1.5"),
        ({"threshold": math.nan}, "its threshold cannot be nan"),
        ({"threshold": None}, "its threshold cannot be None"),
        ({"format": math.inf}, "infinity"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_header_with_a_value_of_another_type_or_out_of_its_range_is_refused(file, header, why):
    path = changed(file, header)
    found = sentence(lambda: read_card(path))
    assert "description cannot be read" in found and why in found


def test_a_header_of_lists_in_lists_is_refused():
    assert "cannot be read" in sentence(lambda: Card.from_json("[" * 200_000))


def test_a_score_of_a_class_that_never_occurred_may_be_nan(file):
    assert math.isnan(read_card(changed(file, {"scores": {"IoU": math.nan}})).scores["IoU"])


def test_a_network_with_too_few_outputs_for_its_task_is_refused(file):
    for task, outputs in ((SHAPES, 3), (VOC, 21), (VOC_COLOUR, 3)):
        path = changed(file, {"task": task_to_dict(task)})
        assert f"needs {outputs} outputs for its classes, but its network has 1" in sentence(
            lambda path=path: load_checkpoint(path)
        )


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_weight_that_is_not_a_number_is_refused(file, value):
    path = changed(file, **{"head.bias": torch.full((1,), value, dtype=torch.float16)})
    assert "holds weights that are not numbers; train it again" in sentence(
        lambda: load_checkpoint(path)
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float8_e4m3fn, torch.int8])
def test_weights_of_another_kind_are_refused(file, dtype):
    path = changed(file, **{"head.bias": torch.zeros(1).to(dtype)})
    assert "no float16, bfloat16 or float32 numbers" in sentence(lambda: load_checkpoint(path))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_weights_of_each_common_kind_are_read(file, dtype):
    path = changed(file, **{"head.bias": torch.ones(1, dtype=dtype)})
    assert load_checkpoint(path).network.state_dict()["head.bias"] == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", "not JSON", '{"format": 1}'])
def test_a_card_that_is_none_is_refused(text):
    assert "cannot be read" in sentence(lambda: Card.from_json(text))


def test_a_card_of_a_later_version_asks_for_an_update(file):
    path = changed(file, {"format": FORMAT + 1})
    assert "later version of unet_demo; update" in sentence(lambda: load_checkpoint(path))


def test_a_field_that_this_version_does_not_know_is_passed_over(file, binary):
    assert read_card(changed(file, {"favourite colour": "blue"})) == binary.card


def test_a_network_whose_channels_are_not_those_of_its_pictures_is_refused(file):
    path = changed(file, {"mean": [0.5] * 3, "std": [0.5] * 3})
    assert "normalises 3 channels, but its network takes 1" in sentence(
        lambda: load_checkpoint(path)
    )


def test_somebody_elses_safetensors_file_is_refused(tmp_path):
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata={"format": "pt"})
    assert "not a checkpoint of unet_demo" in sentence(lambda: load_checkpoint(path))


class Bomb:
    """What a malicious pickle does: it runs when it is read."""

    def __reduce__(self):
        return (Path("exploded").touch, ())


@pytest.mark.parametrize("write", [pickle.dumps, None], ids=["pickle", "torch.save"])
def test_a_pickle_is_refused_and_not_run(tmp_path, monkeypatch, write):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.safetensors"
    if write:
        path.write_bytes(write(Bomb()))
    else:
        torch.save({"weights": Bomb()}, path)
    assert "not a complete safetensors file" in sentence(lambda: load_checkpoint(path))
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("there", [True, False], ids=["there", "not there"])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".PTH"])
def test_what_is_called_like_a_pickle_is_told_to_be_one(tmp_path, suffix, there):
    path = tmp_path / f"model{suffix}"
    if there:
        path.write_bytes(b"weights")
    words = sentence(lambda: find_checkpoint(str(path)))
    assert words.startswith(f"model{suffix} is a PyTorch pickle")
    assert "save_checkpoint" in words


def test_a_file_that_was_brought_as_a_path_is_told_to_be_a_pickle(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps({}))
    assert "is a PyTorch pickle" in sentence(lambda: load_checkpoint(path))


@pytest.mark.parametrize(
    "kept", [0, 4, 100, -1], ids=["nothing", "4 bytes", "100 bytes", "all but one"]
)
def test_a_truncated_file_is_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    assert "not a complete safetensors file" in sentence(lambda: load_checkpoint(file))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "no checkpoint file 'x'" in sentence(lambda: load_checkpoint(tmp_path / "x"))


# --- found by path ---


def test_a_path_is_taken_as_it_is(file):
    assert find_checkpoint(str(file)) == file
    assert find_checkpoint(f"  {file}\n") == file


def test_a_path_may_begin_at_home(file, monkeypatch):
    monkeypatch.setenv("HOME", str(file.parent))
    assert find_checkpoint("~/tiny.safetensors") == file


@pytest.mark.parametrize(
    "text", ["x.safetensors", "ann/x.safetensors", "~nobody-here/x.safetensors"]
)
def test_a_path_that_does_not_exist_is_said_to_be_missing(text):
    assert f"There is no file {text!r}" in sentence(lambda: find_checkpoint(text))


def test_a_path_without_its_suffix_is_told_what_it_may_have_meant(file, monkeypatch):
    monkeypatch.chdir(file.parent.parent)
    text = f"{file.parent.name}/tiny"
    assert f"There is no checkpoint {text!r} (did you mean '{text}.safetensors'?)." in sentence(
        lambda: find_checkpoint(text)
    )


def test_a_folder_is_said_to_be_one(file, monkeypatch):
    monkeypatch.chdir(file.parent.parent)
    assert "is a folder; give the .safetensors file inside it" in sentence(
        lambda: find_checkpoint(f"./{file.parent.name}")
    )


@pytest.mark.parametrize("text", ["", "nonsense", "x" * 5000, "a\0b", "~nobody-here", "a b/c d"])
def test_a_name_that_is_nothing_is_refused_with_the_ways_to_name_one(text):
    found = sentence(lambda: find_checkpoint(text))
    assert "a .safetensors file, or owner/repo on the Hugging Face Hub" in found


# --- bundled ---


@pytest.fixture
def weights(binary, tmp_path, monkeypatch) -> Path:
    """A folder of bundled checkpoints that holds one, called tiny."""
    folder = tmp_path / "weights"
    add_to_index(saved(binary, folder / "tiny.safetensors"))
    monkeypatch.setattr(files, "WEIGHTS", folder)
    return folder


def test_a_bundled_checkpoint_is_found_by_its_name(weights, binary):
    assert find_checkpoint("tiny") == weights / "tiny.safetensors"
    assert open_checkpoint("tiny").card == binary.card


def test_a_bundled_name_counts_more_than_a_file_of_that_name_beside(weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.safetensors").touch()
    assert find_checkpoint("tiny") == weights / "tiny.safetensors"


def test_a_wrong_name_names_the_bundled_ones(weights):
    assert "There is no checkpoint 'isbu'; use one of tiny," in sentence(
        lambda: find_checkpoint("isbu")
    )


def test_the_index_keeps_its_order_and_renews_an_entry(weights, shapes):
    add_to_index(saved(shapes, weights / "other.safetensors"))
    before = read_index(weights)
    add_to_index(saved(binary_checkpoint(width=2), weights / "tiny.safetensors"))
    after = read_index(weights)
    assert list(before) == list(after) == ["tiny", "other"]
    assert before["tiny"] != after["tiny"] and before["other"] == after["other"]
    assert after["tiny"]["bytes"] == (weights / "tiny.safetensors").stat().st_size


# --- on the Hub ---


@pytest.fixture
def published(weights, hub_cache) -> dict[str, bytes]:
    """What a repository holds whose one checkpoint is called far."""
    return {
        "index.json": (weights / "index.json").read_bytes().replace(b'"tiny"', b'"far"'),
        "tiny.safetensors": (weights / "tiny.safetensors").read_bytes(),
    }


def test_a_repository_gives_its_first_checkpoint(published, serve, binary):
    serve({REPO: published})
    assert open_checkpoint(REPO).card == binary.card


def test_a_repository_may_be_named_with_its_revision(published, serve):
    serve({f"{REPO}@v1": published})
    assert find_checkpoint(f"{REPO}@v1").name == "tiny.safetensors"


def test_the_repository_of_the_environment_holds_what_is_not_bundled(published, serve, monkeypatch):
    monkeypatch.setenv(HUB_VARIABLE, REPO)
    serve({REPO: published})
    assert find_checkpoint("far").read_bytes() == published["tiny.safetensors"]


def test_a_bundled_name_asks_no_hub(published, weights, serve, monkeypatch):
    asked: list[str] = []
    monkeypatch.setenv(HUB_VARIABLE, REPO)
    serve({REPO: published}, Behaviour(dead=True), asked=asked)
    assert find_checkpoint("tiny") == weights / "tiny.safetensors"
    assert asked == []


def test_a_name_that_the_environments_repository_has_not_names_those_that_it_has(
    published, serve, monkeypatch
):
    monkeypatch.setenv(HUB_VARIABLE, REPO)
    serve({REPO: published})
    assert "choose one of far." in sentence(lambda: find_checkpoint("near"), HubError)


def test_offered_are_the_bundled_names_and_those_of_the_environments_repository(
    published, weights, serve, monkeypatch
):
    assert offered_names(weights) == ["tiny"]
    monkeypatch.setenv(HUB_VARIABLE, f"{REPO}@v1")
    serve({f"{REPO}@v1": published})
    assert offered_names(weights) == list(offered_cards()) == ["tiny", "far"]


def test_a_bundled_name_is_offered_once(published, weights, serve, monkeypatch):
    monkeypatch.setenv(HUB_VARIABLE, REPO)
    serve({REPO: {**published, "index.json": (weights / "index.json").read_bytes()}})
    assert offered_names(weights) == ["tiny"]


@pytest.mark.parametrize("hub", [REPO, "nonsense"])
def test_without_the_hub_the_bundled_are_offered_and_the_log_says_why(
    weights, hub_cache, monkeypatch, caplog, hub
):
    monkeypatch.setenv(HUB_VARIABLE, hub)
    assert offered_names(weights) == list(offered_cards()) == ["tiny"]
    assert "UNET_DEMO_HUB_REPO is set, but gives no checkpoints: " in caplog.text


def test_what_the_hub_lists_but_does_not_give_is_left_out(
    published, weights, serve, monkeypatch, caplog
):
    monkeypatch.setenv(HUB_VARIABLE, REPO)
    serve({REPO: {**published, "tiny.safetensors": b"other bytes"}})
    assert offered_names(weights) == ["tiny", "far"]
    assert list(offered_cards()) == ["tiny"]
    assert "'far' is not offered: tiny.safetensors from ann/unets is not the file" in caplog.text


def test_a_hub_that_cannot_be_reached_is_said_so(published):
    assert "cannot be reached" in sentence(lambda: find_checkpoint(REPO), HubError)


def test_somebody_elses_file_from_the_hub_is_refused(published, serve):
    data = save({"weight": torch.zeros(3)}, {"format": "pt"})
    entry = {"file": "a.safetensors", "sha256": hashlib.sha256(data).hexdigest()}
    index = json.dumps({"checkpoints": {"a": entry}}).encode()
    serve({REPO: {"index.json": index, "a.safetensors": data}})
    assert "not a checkpoint of unet_demo" in sentence(lambda: open_checkpoint(REPO))


def test_a_list_of_too_many_tensors_is_refused_before_it_is_read(file, tmp_path):
    tensors = {
        f"t{number}": {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]}
        for number in range(60_000)
    }
    header = json.dumps({"__metadata__": {HEADER_KEY: "{}"}, **tensors}).encode()
    path = tmp_path / "many.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CheckpointError, match="more tensors than any network"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("title", "words"),
    [("\ud800", "halves of characters"), ("x" * 5000, "more than 4000 characters")],
)
def test_a_text_that_no_page_can_show_is_refused(file, title, words):
    with pytest.raises(CheckpointError, match=words):
        read_card(changed(file, {"title": title}))
