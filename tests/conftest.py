"""Tiny checkpoints for whoever needs one, and none of this machine's settings."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from hub_server import closed_port, hub_server
from huggingface_hub import constants
from tiny import binary_checkpoint, saved, shapes_checkpoint

from unet_demo.checkpoints import HUB_VARIABLE, Checkpoint, add_to_index
from unet_demo.checkpoints.files import names_on_hub
from unet_demo.devices import DEVICE_VARIABLE


@pytest.fixture(autouse=True)
def none_of_this_machines_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HUB_VARIABLE, raising=False)
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    names_on_hub.cache_clear()


@pytest.fixture(scope="session")
def binary() -> Checkpoint:
    """Gray pictures, two classes; untrained."""
    return binary_checkpoint()


@pytest.fixture(scope="session")
def shapes() -> Checkpoint:
    """RGB pictures, three classes; untrained."""
    return shapes_checkpoint()


@pytest.fixture(scope="session")
def binary_file(binary: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(binary, tmp_path_factory.mktemp("checkpoints") / "tiny.safetensors")


@pytest.fixture(scope="session")
def shapes_file(shapes: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(shapes, tmp_path_factory.mktemp("checkpoints") / "tiny-shapes.safetensors")


def set_hub(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """What HF_ENDPOINT does when the library is imported."""
    template = f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hub's, and a Hub where nobody listens."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    for name, value in {
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "HF_TOKEN_PATH": str(tmp_path / "token"),
        "AGENT_HARNESSES_PATH": str(tmp_path / "harnesses"),
        "HF_HUB_OFFLINE": False,
    }.items():
        monkeypatch.setattr(constants, name, value)
    set_hub(monkeypatch, closed_port())
    return tmp_path / "hub"


@pytest.fixture
def token(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment's token. Files go over git LFS, since hub_server speaks no Xet."""
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return "hf_right"


@pytest.fixture
def weights(binary_file: Path, shapes_file: Path, tmp_path: Path) -> Path:
    """A folder of two bundled checkpoints, with what `bundle` writes beside them, and a stray file."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    for name, file in {"membranes": binary_file, "shapes": shapes_file}.items():
        target = folder / f"{name}.safetensors"
        target.write_bytes(file.read_bytes())
        add_to_index(target)
    (folder / "membranes.md").write_text("# A card\n\n![Its curve](membranes.svg)\n")
    (folder / "membranes.svg").write_text("<svg/>")
    (folder / "shapes.md").write_text("# Another, with ![a badge](https://example.org/x.svg)\n")
    (folder / "stray.safetensors").write_bytes(b"of nobody")
    return folder


@pytest.fixture
def serve(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """serve(repos, behaviour, …): from now on that hub_server is the Hub; gives its address."""
    with ExitStack() as servers:

        def start(*args, **options) -> str:
            endpoint = servers.enter_context(hub_server(*args, **options))
            set_hub(monkeypatch, endpoint)
            return endpoint

        yield start


@pytest.fixture
def smp_repository(tmp_path: Path) -> dict[str, bytes]:
    """A small model of segmentation-models-pytorch, as its maker would push it to the Hub."""
    import segmentation_models_pytorch as smp

    torch.manual_seed(0)
    model = smp.Unet(
        "mobilenet_v2", encoder_weights=None, decoder_channels=(16, 8, 8, 4, 4), classes=3
    )
    folder = tmp_path / "smp"
    model.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["class_names"] = ["sky", "tree", "road"]
    (folder / "config.json").write_text(json.dumps(config))
    return {file.name: file.read_bytes() for file in folder.iterdir()}
