"""A prediction as files, each read back."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from unet_demo.data.images import Picture, read_mask
from unet_demo.exports import EXPORTS, write_prediction
from unet_demo.inference import Prediction
from unet_demo.render import View, colour_mask, overlay
from unet_demo.tasks import ISBI, SHAPES

VIEW = View(threshold=0.7, opacity=0.5, style="fill")


def prediction(pages: int, task=SHAPES) -> Prediction:
    """Random probabilities (pages, K, 6, 7)."""
    outputs = 1 if task is ISBI else 3
    logits = np.random.default_rng(0).normal(size=(pages, outputs, 6, 7)).astype(np.float32)
    if task is ISBI:
        return Prediction(1 / (1 + np.exp(-logits)), ISBI, 0.3, 0.0, "cpu")
    shares = np.exp(logits)
    return Prediction(shares / shares.sum(axis=1, keepdims=True), SHAPES, 0.5, 0.0, "cpu")


def picture(pages: int) -> Picture:
    values = np.random.default_rng(1).integers(0, 256, (pages, 6, 7, 3), np.uint8)
    return Picture(values, "cells", ())


def pages_of(path: Path) -> np.ndarray:
    """All pages of a file, as Pillow reads them: (N, H, W) or (N, H, W, 3)."""
    with Image.open(path) as image:
        return np.stack([np.asarray(page) for page in ImageSequence.Iterator(image)])


def test_a_page_becomes_a_png_of_mode_p_with_the_exact_ids_and_the_palette(tmp_path):
    one = prediction(1)
    (path,) = write_prediction(tmp_path / "new" / "folder", "cells", one)
    assert path == tmp_path / "new" / "folder" / "cells.png"
    with Image.open(path) as image:
        assert (image.format, image.mode) == ("PNG", "P")
        assert np.array_equal(np.asarray(image), one.labels()[0])
        assert tuple(image.getpalette()[:9]) == sum(SHAPES.palette, ())


def test_a_stack_becomes_a_tiff_of_mode_p_with_as_many_pages(tmp_path):
    three = prediction(3)
    (path,) = write_prediction(tmp_path, "cells", three)
    assert path.name == "cells.tif"
    with Image.open(path) as image:
        assert (image.mode, image.n_frames) == ("P", 3)
    assert np.array_equal(pages_of(path), three.labels())


@pytest.mark.parametrize(("task", "outputs"), [(ISBI, 1), (SHAPES, 3)], ids=["binary", "classes"])
def test_probabilities_are_written_as_float32_of_slices_outputs_height_width(
    tmp_path, task, outputs
):
    two = prediction(2, task)
    _, path = write_prediction(tmp_path, "cells", two, probabilities=True)
    values = np.load(path, allow_pickle=False)
    assert path.name == "cells.npy"
    assert values.dtype == np.float32 and values.shape == (2, outputs, 6, 7)
    assert np.array_equal(values, two.probabilities)


def test_a_mask_is_decided_by_the_checkpoints_own_threshold(tmp_path):
    one = prediction(1, ISBI)
    (path,) = write_prediction(tmp_path, "cells", one)
    assert np.array_equal(read_mask(path).values[..., 0], one.probabilities[:, 0] >= 0.3)


def test_painted_colours_are_written_as_they_are(tmp_path):
    painted = picture(2).slices
    path = EXPORTS["painted"](tmp_path, picture(2), replace(prediction(2), painted=painted), VIEW)
    assert path.name == "cells-painted.tif"
    assert np.array_equal(pages_of(path), painted)


@pytest.mark.parametrize(("pages", "ending"), [(1, ".png"), (3, ".tif")])
@pytest.mark.parametrize("kind", ["colours", "labels", "overlay"])
def test_a_download_is_a_png_for_a_page_and_a_tiff_for_a_stack(tmp_path, kind, pages, ending):
    path = EXPORTS[kind](tmp_path, picture(pages), prediction(pages), VIEW)
    assert path.name == f"cells-{kind}{ending}"
    assert len(pages_of(path)) == pages


@pytest.mark.parametrize("pages", [1, 3])
def test_the_label_mask_holds_the_ids_at_the_persons_threshold(tmp_path, pages):
    binary = prediction(pages, ISBI)
    path = EXPORTS["labels"](tmp_path, picture(pages), binary, VIEW)
    with Image.open(path) as image:
        assert image.mode == "L"
    assert np.array_equal(pages_of(path), binary.labels(0.7))


@pytest.mark.parametrize("pages", [1, 3])
def test_the_colour_mask_is_lossless(tmp_path, pages):
    found = pages_of(EXPORTS["colours"](tmp_path, picture(pages), prediction(pages), VIEW))
    assert np.array_equal(found, colour_mask(prediction(pages).labels(), SHAPES.palette))


@pytest.mark.parametrize("pages", [1, 3])
def test_the_overlay_is_what_the_page_shows(tmp_path, pages):
    found = pages_of(EXPORTS["overlay"](tmp_path, picture(pages), prediction(pages), VIEW))
    labels = prediction(pages).labels()
    for page, ids, shown in zip(picture(pages).slices, labels, found, strict=True):
        assert np.array_equal(shown, overlay(page, ids, SHAPES, 0.5, "fill"))


@pytest.mark.parametrize("kind", ["colours", "overlay"])
def test_a_stack_is_written_without_holding_all_its_pages_in_colour(tmp_path, kind):
    count, side = 64, 256
    values = np.broadcast_to(np.uint8(9), (count, side, side, 3))
    one = Prediction(np.zeros((count, 1, side, side), np.float32), ISBI, 0.3, 0.0, "cpu")
    tracemalloc.start()
    path = EXPORTS[kind](tmp_path, Picture(values, "cells", ()), one, VIEW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < values.size * 0.75  # its labels alone are a third, and so is finding them
    assert len(pages_of(path)) == count


def test_the_probabilities_do_not_depend_on_the_look(tmp_path):
    one = prediction(2, ISBI)
    path = EXPORTS["probabilities"](tmp_path, picture(2), one, VIEW)
    assert path.name == "cells-probabilities.npy"
    assert np.array_equal(np.load(path, allow_pickle=False), one.probabilities)
