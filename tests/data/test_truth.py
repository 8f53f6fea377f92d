"""A person's ground truth, in whatever form they have it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unet_demo.data.images import PictureError, write_mask_png, write_mask_tiff
from unet_demo.data.truth import fit_truth, read_truth
from unet_demo.render import colour_mask
from unet_demo.tasks import ISBI, SHAPES, VOC
from unet_demo.void import VOID

LABELS = (np.arange(12, dtype=np.uint8) % 3).reshape(3, 4)


def picture(tmp_path: Path, pixels: np.ndarray) -> Path:
    path = tmp_path / "truth.png"
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def test_gray_values_are_label_ids(tmp_path):
    truth = read_truth(picture(tmp_path, LABELS), SHAPES)
    assert truth.dtype == np.uint8
    assert np.array_equal(truth, LABELS[None])


def test_the_demos_own_mask_is_read_back(tmp_path):
    write_mask_png(tmp_path / "mask.png", LABELS, SHAPES.palette)
    assert np.array_equal(read_truth(tmp_path / "mask.png", SHAPES), LABELS[None])


def test_a_stack_of_masks_is_read_back(tmp_path):
    stack = np.stack([LABELS, LABELS[::-1]])
    write_mask_tiff(tmp_path / "mask.tif", stack, SHAPES.palette)
    assert np.array_equal(read_truth(tmp_path / "mask.tif", SHAPES), stack)


def test_colours_of_the_palette_are_turned_into_ids_and_cream_into_void(tmp_path):
    labels = LABELS.copy()
    labels[0, 0] = VOID
    path = picture(tmp_path, colour_mask(labels, VOC.palette))
    assert np.array_equal(read_truth(path, VOC), labels[None])


def test_255_is_void_for_more_than_two_classes(tmp_path):
    assert read_truth(picture(tmp_path, np.array([[0, 1, 255]])), SHAPES).tolist() == [
        [[0, 1, 255]]
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 255], [0, 1]), ([0, 1], [0, 1]), ([255, 255], [1, 1]), ([0, 1, 255], [0, 1, VOID])],
    ids=str,
)
def test_a_binary_truth_may_be_black_and_white(tmp_path, values, expected):
    assert read_truth(picture(tmp_path, np.array([values])), ISBI)[0, 0].tolist() == expected


def test_an_unknown_label_is_named(tmp_path):
    with pytest.raises(PictureError, match=r"the label 7, but this checkpoint knows 0–2 and 255"):
        read_truth(picture(tmp_path, np.array([[0, 7]])), SHAPES)


def test_an_unknown_colour_is_named(tmp_path):
    with pytest.raises(PictureError, match=r"the colour \(1, 2, 3\)"):
        read_truth(picture(tmp_path, np.array([[[0, 0, 0], [1, 2, 3]]])), SHAPES)


def test_a_truth_of_the_pictures_size_is_taken_as_it_is():
    truth = np.zeros((2, 3, 4), np.uint8)
    assert fit_truth(truth, (2, 3, 4)) is truth


@pytest.mark.parametrize(
    ("shape", "words"), [((1, 4, 3), "3×4 and the picture 4×3"), ((2, 3, 4), "4×3 with 2 pages")]
)
def test_a_truth_of_another_size_is_refused_with_both_sizes(shape, words):
    with pytest.raises(PictureError, match=words):
        fit_truth(np.zeros(shape, np.uint8), (1, 3, 4))
