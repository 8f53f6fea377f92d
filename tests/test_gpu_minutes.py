"""tools/gpu_minutes.py: data goes in parts, a run comes back in parts."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny import write_voc

from tools import gpu_minutes
from tools.gpu_minutes import MIB, join, pack, split, train_and_split, unpack
from unet_demo.checkpoints import read_card
from unet_demo.training.recipes import FOR_GPU, RECIPES


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def came_back(tmp_path: Path) -> Path:
    """What is to come back of a run whose checkpoint takes three parts."""
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("losses.csv", "scores.csv"):
        (folder / name).write_text("step\n")
    checkpoint = tmp_path / "voc.safetensors"
    checkpoint.write_bytes(b"".join(bytes([part]) * MIB for part in range(40)))
    split(checkpoint, folder)
    return folder


def test_data_arrives_whole_in_parts_that_can_be_sent(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(5):
        file = data / "photos" / f"{number}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([number]) * 15 * MIB)
    pack(data, tmp_path / "parts")
    parts = sorted((tmp_path / "parts").iterdir())
    assert len(parts) == 3 and all(part.stat().st_size < 41 * MIB for part in parts)
    unpack(tmp_path / "parts", tmp_path / "there")
    assert files(tmp_path / "there") == files(data)


def test_a_checkpoint_comes_back_whole_from_parts_that_can_be_fetched(
    came_back: Path, tmp_path: Path
) -> None:
    parts = sorted(came_back.glob("voc.safetensors.0*"))
    assert len(parts) == 3 and all(part.stat().st_size <= 16 * MIB for part in parts)
    join(came_back, tmp_path / "run")
    whole = (tmp_path / "run" / "voc.safetensors").read_bytes()
    assert whole == (tmp_path / "voc.safetensors").read_bytes()


def test_a_part_that_did_not_come_is_missed(came_back: Path, tmp_path: Path) -> None:
    (came_back / "voc.safetensors.01").unlink()
    with pytest.raises(SystemExit, match="fetch the files again"):
        join(came_back, tmp_path / "run")
    assert not (tmp_path / "run" / "voc.safetensors").exists()


def test_how_many_steps_fit_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_minutes, "WARM_UP", 1)
    monkeypatch.setattr(gpu_minutes, "MEASURED", 2)
    shapes = RECIPES["shapes"]
    card = replace(shapes.card, options={**shapes.card.options, "width": 4})
    steps = gpu_minutes.steps_within(600, replace(shapes, card=card), tmp_path, tmp_path / "run", 0)
    assert 1 < steps < 600_000


@pytest.mark.slow
def test_a_training_of_one_step_comes_back(tmp_path: Path) -> None:
    voc = write_voc(tmp_path / "data")
    train_and_split(voc, tmp_path / "out", minutes=8, workers=0, steps=1)
    join(tmp_path / "out", tmp_path / "run")
    card = read_card(tmp_path / "run" / "voc.safetensors")
    assert card.options["width"] == FOR_GPU["voc"].card.options["width"] and card.scores
