"""The ISBI 2012 challenge's frames."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from unet_demo.data import DataError
from unet_demo.data.isbi import load_frames, load_unlabelled, split_numbers


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """30 frames of 16×20 px, each as gray as its number, interior on the left."""
    frames = np.broadcast_to(np.arange(30, dtype=np.uint8)[:, None, None], (30, 16, 20))
    labels = np.zeros((30, 16, 20), np.uint8)
    labels[..., :10] = 255
    tifffile.imwrite(tmp_path / "train-volume.tif", frames, photometric="minisblack")
    tifffile.imwrite(tmp_path / "train-labels.tif", labels, photometric="minisblack")
    return tmp_path


@pytest.mark.parametrize(
    ("split", "numbers"), [("train", range(21)), ("val", range(21, 30)), ("all", range(30))]
)
def test_a_split_holds_its_frames_in_order(volume, split, numbers):
    frames = load_frames(volume, split)
    assert frames.numbers == tuple(numbers)
    assert frames.images[:, 0, 0, 0].tolist() == list(numbers)


def test_training_and_validation_share_no_frame():
    assert not set(split_numbers(30, "train")) & set(split_numbers(30, "val"))


def test_pictures_have_a_channel_and_labels_are_1_inside_cells(volume):
    frames = load_frames(volume)
    assert frames.images.shape == (30, 16, 20, 1) and frames.labels.shape == (30, 16, 20)
    assert frames.labels.dtype == np.uint8
    assert (frames.labels[..., :10] == 1).all() and not frames.labels[..., 10:].any()


@pytest.mark.parametrize(
    ("dtype", "black", "white"),
    [(np.uint8, 0, 1), (np.uint8, 1, 2), (np.uint16, 0, 255), (np.uint16, 0, 65535), (bool, 0, 1)],
    ids=str,
)
def test_labels_are_any_two_values(volume, dtype, black, white):
    labels = np.full((30, 16, 20), black, dtype)
    labels[..., :10] = white
    tifffile.imwrite(volume / "train-labels.tif", labels, photometric="minisblack")
    frames = load_frames(volume)
    assert (frames.labels[..., :10] == 1).all() and not frames.labels[..., 10:].any()


def test_void_stays_void_beside_two_ids(volume):
    labels = np.zeros((30, 16, 20), np.uint8)
    labels[..., :10], labels[..., 10] = 1, 255
    tifffile.imwrite(volume / "train-labels.tif", labels, photometric="minisblack")
    assert np.unique(load_frames(volume).labels).tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full((30, 16, 20), 7, np.uint8), '^"train-labels.tif" holds the label 7, but'),
        (np.zeros((30, 16, 20), np.uint8), "^Frame 21 of train-labels.tif holds no cell interior"),
        (np.ones((30, 16, 20), np.uint8), "^train-labels.tif holds no membrane"),
        (np.full((30, 16, 20), 0.5, np.float32), '^"train-labels.tif" holds the label 0.5, but'),
    ],
    ids=["unknown", "empty", "full", "fractions"],
)
def test_labels_that_cannot_be_scored_are_refused_by_name(volume, labels, words):
    tifffile.imwrite(volume / "train-labels.tif", labels, photometric="minisblack")
    with pytest.raises(DataError, match=words):
        load_frames(volume, "val")


@pytest.mark.parametrize("name", ["train-volume.tif", "train-labels.tif"])
def test_a_truncated_file_is_named(volume, name):
    whole = (volume / name).read_bytes()
    (volume / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=f'^"{name}" is damaged'):
        load_frames(volume)


def test_the_files_may_be_links(volume, tmp_path):
    elsewhere = tmp_path / "links"
    elsewhere.mkdir()
    for name in ("train-volume.tif", "train-labels.tif"):
        (elsewhere / name).symlink_to(volume / name)
    assert load_frames(elsewhere, "val").numbers == tuple(range(21, 30))


def test_a_folder_given_as_text_will_do(volume):
    assert len(load_frames(str(volume), "all").images) == 30


@pytest.mark.parametrize("missing", ["train-volume.tif", "train-labels.tif"])
def test_a_missing_file_is_named_with_what_to_do(volume, missing):
    (volume / missing).unlink()
    with pytest.raises(DataError, match=f"^{missing} not found in .*--data the folder"):
        load_frames(volume)


def test_labels_of_another_size_are_refused(volume):
    tifffile.imwrite(
        volume / "train-labels.tif", np.zeros((30, 8, 8), np.uint8), photometric="minisblack"
    )
    with pytest.raises(DataError, match=r"same size; fetch both again\.$"):
        load_frames(volume)


def test_a_volume_too_short_for_the_split_is_refused(volume):
    for name in ("train-volume.tif", "train-labels.tif"):
        tifffile.imwrite(volume / name, np.zeros((5, 16, 20), np.uint8), photometric="minisblack")
    with pytest.raises(DataError, match="5 frames"):
        load_frames(volume, "val")


def test_an_unknown_split_is_refused_and_the_known_ones_named(volume):
    with pytest.raises(DataError, match=r"'test'.*train, val, all"):
        load_frames(volume, "test")


def test_the_unlabelled_slices_are_read(volume):
    frames = np.full((3, 16, 20), 9, np.uint8)
    tifffile.imwrite(volume / "test-volume.tif", frames, photometric="minisblack")
    assert load_unlabelled(volume).shape == (3, 16, 20, 1)


def test_missing_unlabelled_slices_are_named_with_what_to_do(volume):
    with pytest.raises(DataError, match=r"^test-volume\.tif not found in .*put the file there\.$"):
        load_unlabelled(volume)
