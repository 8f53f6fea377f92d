"""Tiny checkpoints for whoever needs one, and none of this machine's settings."""

from pathlib import Path

import pytest
from tiny import binary_checkpoint, saved, shapes_checkpoint

from unet_demo.checkpoints import HUB_VARIABLE, Checkpoint
from unet_demo.devices import DEVICE_VARIABLE


@pytest.fixture(autouse=True)
def none_of_this_machines_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HUB_VARIABLE, raising=False)
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")


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
