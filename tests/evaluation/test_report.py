"""What `evaluate --save` writes."""

import csv

import numpy as np
import pytest
from PIL import Image

from unet_demo.data.images import read_mask
from unet_demo.evaluation.evaluate import Case
from unet_demo.evaluation.report import SHEET_SIDE, CaseFolder, contact_sheet
from unet_demo.tasks import SHAPES


def case(name: str = "one") -> Case:
    """Half circle, half rectangle, of which the network sees the circle only."""
    truth = np.ones((16, 24), np.uint8)
    truth[:, 12:] = 2
    truth[0] = 255
    labels = np.ones((16, 24), np.uint8)
    probabilities = np.zeros((3, 16, 24), np.float32)
    probabilities[1] = 1
    return Case(name, np.full((16, 24, 3), 9, np.uint8), truth, probabilities, labels)


@pytest.fixture
def folder(tmp_path):
    saving = CaseFolder(tmp_path / "cases", SHAPES)
    saving(case())
    saving.finish()
    return tmp_path / "cases"


def test_input_label_and_output_are_written_as_pictures(folder):
    assert np.array_equal(np.asarray(Image.open(folder / "one-input.png")), case().picture)
    assert np.array_equal(read_mask(folder / "one-label.png").values[0, ..., 0], case().truth)
    assert np.array_equal(read_mask(folder / "one-output.png").values[0, ..., 0], case().labels)


def test_input_label_and_output_are_written_as_arrays(folder):
    assert np.array_equal(np.load(folder / "one-input.npy"), case().picture)
    assert np.array_equal(np.load(folder / "one-label.npy"), case().truth)
    assert np.array_equal(np.load(folder / "one-output.npy"), case().probabilities)


def test_the_confusion_matrix_counts_what_is_not_void(folder):
    with (folder / "confusion.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["truth", "background", "circle", "rectangle"]
    assert rows[2] == ["circle", "0", str(15 * 12), "0"]
    assert rows[3] == ["rectangle", "0", str(15 * 12), "0"]
    assert "<svg" in (folder / "confusion.svg").read_text(encoding="utf-8")


def test_the_contact_sheet_shows_picture_truth_and_output_below_each_other(folder):
    sheet = np.asarray(Image.open(folder / "contact-sheet.png"))
    middle = SHEET_SIDE // 2
    column = [tuple(sheet[row * SHEET_SIDE + middle, 8].tolist()) for row in range(3)]
    assert column == [(9, 9, 9), SHAPES.palette[1], SHAPES.palette[1]]


def test_a_contact_sheet_of_many_takes_twenty_spread_evenly():
    rows = [np.full((3, 2, 3), number, np.uint8) for number in range(200)]
    sheet = contact_sheet(rows)
    assert sheet.shape == (4 * 3, 5 * 2, 3)
    assert sheet[0, 0, 0] == 0 and sheet[-1, -1, 0] == 199
