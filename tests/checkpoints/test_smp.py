"""Models of segmentation-models-pytorch: of a folder and of the Hub, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from asking import REPO, sentence
from hub_server import commit_of

from unet_demo.checkpoints import (
    CheckpointError,
    find_offered,
    load_checkpoint,
    read_card,
    save_checkpoint,
)
from unet_demo.checkpoints.card import smp_card
from unet_demo.checkpoints.hub import fetch_checkpoint
from unet_demo.inference import Predictor
from unet_demo.networks.smp import SmpNetwork

pytestmark = pytest.mark.usefixtures("hub_cache")

MODELS = {
    "Unet": {"encoder_name": "mobilenet_v2", "decoder_channels": (16, 8, 8, 4, 4)},
    "UnetPlusPlus": {"encoder_name": "mobilenet_v2", "decoder_channels": (16, 8, 8, 4, 4)},
    "FPN": {"encoder_name": "tu-mobilenetv3_small_100", "decoder_pyramid_channels": 16},
    "DeepLabV3Plus": {"encoder_name": "resnet18", "decoder_channels": 16},
    "MAnet": {"encoder_name": "mobilenet_v2", "decoder_channels": (16, 8, 8, 4, 4)},
    "Segformer": {"encoder_name": "mit_b0", "decoder_segmentation_channels": 16},
}
"""Kinds that people publish, made small."""


def made(kind: str = "Unet", **options: object) -> torch.nn.Module:
    torch.manual_seed(0)
    settings = {"encoder_weights": None, "classes": 3, **MODELS[kind], **options}
    return getattr(smp, kind)(**settings).eval()


def saved(model: torch.nn.Module, folder: Path, **config: object) -> dict[str, bytes]:
    """The files of a model as its maker saves it, with more in its config."""
    model.save_pretrained(folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_gives_the_logits_that_its_maker_sees(kind, tmp_path):
    model = made(kind)
    saved(model, tmp_path)
    network = load_checkpoint(tmp_path / "model.safetensors").network
    picture = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(network(picture), model(picture), atol=1e-4)


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_segments_a_picture_of_any_size(kind, tmp_path):
    saved(made(kind), tmp_path)
    predictor = Predictor(load_checkpoint(tmp_path / "model.safetensors"), "cpu", torch.float32)
    prediction = predictor.predict(np.zeros((1, 37, 50, 3), np.uint8))
    assert prediction.probabilities.shape == (1, 3, 37, 50)
    assert prediction.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)


def test_a_repository_that_holds_a_model_is_opened_by_its_name(serve, tmp_path):
    serve({REPO: saved(made(), tmp_path)})
    checkpoint = load_checkpoint(find_offered(REPO))
    assert checkpoint.card.title == "Unet · mobilenet_v2"
    assert checkpoint.card.task.classes == ("class 0", "class 1", "class 2")


def test_only_the_config_and_the_weights_are_asked_for(serve, tmp_path):
    asked: list[str] = []
    files = saved(made(), tmp_path) | {"pytorch_model.bin": b"a pickle"}
    serve({REPO: files}, asked=asked)
    find_offered(REPO)
    fetched = {line.rpartition("/")[2] for line in asked if "/resolve/" in line}
    assert fetched == {"config.json", "model.safetensors"}


def test_what_was_opened_once_opens_without_the_hub(serve, tmp_path, monkeypatch):
    files = saved(made(), tmp_path)
    serve({REPO: files})
    path = fetch_checkpoint(REPO)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert fetch_checkpoint(REPO) == fetch_checkpoint(REPO, revision=commit_of(files)) == path


@pytest.mark.parametrize(
    "files",
    [{"pytorch_model.bin": b"a pickle"}, {"model.safetensors": b"weights of another library"}],
    ids=["pickle", "another library"],
)
def test_a_model_that_is_something_else_is_refused_unread(serve, files):
    asked: list[str] = []
    serve({REPO: files | {"config.json": b'{"model_type": "bert"}'}}, asked=asked)
    assert "no model of segmentation-models-pytorch" in sentence(lambda: find_offered(REPO))
    assert not [line for line in asked if "resolve" in line and "config.json" not in line]


@pytest.mark.parametrize("names", ["id2label", "class_names"])
def test_classes_and_normalisation_are_taken_from_the_config(names, tmp_path):
    given = ["sky", "tree", "road"]
    value = given if names == "class_names" else {str(i): name for i, name in enumerate(given)}
    files = saved(made(), tmp_path, **{names: value}, mean=[0.1, 0.2, 0.3], std=[1, 2, 3])
    card = smp_card(files["config.json"])
    assert card.task.classes == tuple(given)
    assert (card.mean, card.std) == ((0.1, 0.2, 0.3), (1, 2, 3))


def test_one_logit_of_a_gray_picture_is_the_probability_of_an_object(tmp_path):
    files = saved(made(classes=1, in_channels=1), tmp_path)
    card = smp_card(files["config.json"])
    assert card.task.kind == "binary" and card.task.classes == ("background", "object")
    assert card.channels == 1
    load_checkpoint(tmp_path / "model.safetensors")


def test_a_model_that_gives_probabilities_is_read_before_it_makes_them(tmp_path):
    saved(made(activation="softmax2d"), tmp_path)
    network = load_checkpoint(tmp_path / "model.safetensors").network
    picture = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(network(picture), made()(picture), atol=1e-4)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"_model_class": "PAN"}, "of the kind PAN; this program opens Unet, "),
        ({"_model_class": None}, "of the kind None"),
        ({"encoder_name": None}, "do not fit the network"),
        ({"in_channels": 4}, "takes 4 channels"),
        ({"classes": 300}, "gives 300 classes"),
        ({"classes": "many"}, "describes no model"),
        ({"std": [0, 1, 1], "mean": [0, 0, 0]}, "a normalisation that cannot be"),
        ({"classes": 2}, "do not fit the network"),
        ({"decoder_channels": [16, 8, 8, 4, 4096]}, "do not fit the network"),
        ({"encoder_name": "tu-hf-hub:ann/unets"}, "do not fit the network"),
        ({"checkpoint_path": "/etc/passwd"}, "do not fit the network"),
        ({"aux_params": {"classes": 2}}, "do not fit the network"),
        ({"decoder_attention_type": "magic"}, "do not fit the network"),
        ({"decoder_interpolation": "magic"}, "cannot work with the settings in its config.json"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_config_of_something_else_is_refused_in_a_sentence(changed, words, tmp_path):
    saved(made(), tmp_path, **changed)
    path = tmp_path / "model.safetensors"
    assert words in sentence(lambda: load_checkpoint(path), CheckpointError)


def test_a_model_whose_logits_are_of_another_size_is_refused(tmp_path):
    saved(made("FPN"), tmp_path, upsampling=8)
    path = tmp_path / "model.safetensors"
    assert "cannot work" in sentence(lambda: load_checkpoint(path), CheckpointError)


def test_an_encoder_for_pictures_of_one_size_is_refused():
    settings = {"encoder_depth": 4, "decoder_channels": (8,) * 4}
    network = SmpNetwork(3, 2, encoder="tu-swinv2_cr_tiny_ns_224", settings=settings)
    with pytest.raises(ValueError, match="cannot work"):
        network.try_out()


@pytest.mark.parametrize("text", [b"[", b"[]", b"{}", b'"Unet"', b"[" * 100_000])
def test_a_config_that_is_none_is_refused_in_a_sentence(text):
    assert "describes no model" in sentence(lambda: smp_card(text), CheckpointError)


def test_what_was_opened_can_be_saved_as_a_checkpoint_of_this_program(tmp_path):
    saved(made(), tmp_path)
    opened = load_checkpoint(tmp_path / "model.safetensors")
    path = tmp_path / "mine" / "mine.safetensors"
    save_checkpoint(path, opened.network, opened.card)
    assert read_card(path).options["kind"] == "Unet"
    assert load_checkpoint(path).card.task == opened.card.task
