"""From a checkpoint's file to what segments pictures with it."""

from pathlib import Path

import pytest

from unet_demo.checkpoints import CheckpointError
from unet_demo.segmentation import open_predictor


def test_a_checkpoint_that_was_removed_since_it_was_used_says_so(binary_file: Path, tmp_path):
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes(binary_file.read_bytes())
    assert open_predictor(copy).card.name == "tiny"
    copy.unlink()
    with pytest.raises(CheckpointError, match=r"no checkpoint file 'mine\.safetensors'"):
        open_predictor(copy)
