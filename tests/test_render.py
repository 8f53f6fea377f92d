"""Arrays in, pictures out."""

from itertools import combinations

import numpy as np
import pytest
from scipy import ndimage

from unet_demo.render import (
    STYLES,
    WRONG_COLOUR,
    colour_mask,
    error_map,
    legend,
    lifted,
    outlines,
    overlay,
    thickened,
    to_rgb,
)
from unet_demo.tasks import ISBI, SHAPES, VOC, VOID, VOID_COLOUR

PAGE = np.full((8, 8, 1), 100, np.uint8)
LABELS = np.zeros((8, 8), np.uint8)
LABELS[2:6, 2:6] = 1


def test_gray_is_repeated_and_colour_is_left_alone():
    assert np.array_equal(to_rgb(PAGE), np.full((8, 8, 3), 100))
    colour = np.zeros((2, 2, 3), np.uint8)
    assert to_rgb(colour) is colour


@pytest.mark.parametrize("shape", [(3,), (4, 5), (2, 4, 5)], ids=str)
def test_a_colour_mask_shows_the_palette_whatever_its_shape(shape):
    mask = colour_mask(np.full(shape, 2, np.uint8), SHAPES.palette)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, np.broadcast_to(SHAPES.palette[2], (*shape, 3)))


def test_void_is_shown_in_vocs_cream():
    assert tuple(colour_mask(np.array([VOID]), SHAPES.palette)[0]) == VOID_COLOUR


def test_outlines_are_both_sides_of_a_border_between_labels():
    middle = outlines(LABELS)[3]
    assert np.flatnonzero(middle).tolist() == [1, 2, 5, 6]


def test_one_label_has_no_outlines():
    assert not outlines(np.ones((4, 4), np.uint8)).any()


def test_the_background_stays_unpainted():
    painted = overlay(PAGE, LABELS, SHAPES, opacity=1)
    assert np.array_equal(painted[LABELS == 0], to_rgb(PAGE)[LABELS == 0])
    assert {tuple(colour) for colour in painted[LABELS == 1]} == {SHAPES.palette[1]}


def test_of_the_isbi_task_the_membranes_are_painted():
    painted = overlay(PAGE, LABELS, ISBI, opacity=1)
    assert tuple(painted[0, 0]) == ISBI.palette[0]
    assert tuple(painted[3, 3]) == (100, 100, 100)


def test_opacity_mixes_picture_and_paint():
    painted = overlay(PAGE, LABELS, SHAPES, opacity=0.25)
    expected = 0.75 * 100 + 0.25 * np.array(SHAPES.palette[1])
    assert np.abs(painted[3, 3] - expected).max() <= 0.5


@pytest.mark.parametrize("style", STYLES)
def test_an_overlay_leaves_the_page_as_it_was(style):
    page = PAGE.copy()
    overlay(page, LABELS, SHAPES, style=style)
    assert np.array_equal(page, PAGE)


def test_an_outline_is_white_within_black_and_fills_nothing():
    page, labels = np.full((16, 16, 1), 100, np.uint8), np.zeros((16, 16), np.uint8)
    labels[4:12, 4:12] = 1
    row = overlay(page, labels, SHAPES, style="outline")[8, :, 0]
    assert row[:9].tolist() == [100, 100, 0, 255, 255, 0, 100, 100, 100]


def test_both_fills_and_outlines():
    page, labels = np.full((16, 16, 1), 100, np.uint8), np.zeros((16, 16), np.uint8)
    labels[4:12, 4:12] = 1
    painted = overlay(page, labels, SHAPES, opacity=1, style="both")
    assert tuple(painted[8, 8]) == SHAPES.palette[1]
    assert tuple(painted[8, 4]) == (255, 255, 255)


def test_dark_colours_are_lifted_for_an_overlay_and_stay_apart():
    palette = VOC.palette[1:]
    shown = [lifted(colour) for colour in palette]
    for colour, light in zip(palette, shown, strict=True):
        assert light == colour if max(colour) >= 192 else relative_luminance(light) >= 0.1
    gaps = [np.abs(np.subtract(a, b)).max() for a, b in combinations(shown, 2)]
    assert min(gaps) >= 50
    assert lifted((0, 0, 0)) == (0, 0, 0)


def relative_luminance(colour: tuple[int, int, int]) -> float:
    """From 0 to 1, as WCAG has it; 0.1 has a contrast of 3 : 1 with black."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_an_unknown_style_is_refused_and_the_known_ones_named():
    with pytest.raises(ValueError, match=r"there is no style 'glow'.*outline"):
        overlay(PAGE, LABELS, SHAPES, style="glow")


def test_a_legend_names_the_classes_that_occur_largest_first():
    confidence = np.where(LABELS == 1, 0.9, 0.6)
    entries = legend(LABELS, confidence, SHAPES)
    assert [(entry.label, entry.name, entry.colour) for entry in entries] == [
        (0, "background", SHAPES.palette[0]),
        (1, "circle", SHAPES.palette[1]),
    ]
    assert [entry.share for entry in entries] == [48 / 64, 16 / 64]
    assert [entry.confidence for entry in entries] == pytest.approx([0.6, 0.9])


def test_the_legend_of_a_stack_counts_all_its_slices():
    stack = np.stack([LABELS, np.full_like(LABELS, 2)])
    entries = legend(stack, np.ones(stack.shape), SHAPES)
    assert [(entry.label, entry.share) for entry in entries] == [(2, 0.5), (0, 0.375), (1, 0.125)]


def test_an_error_map_marks_what_is_wrong_and_lets_void_be():
    truth = LABELS.copy()
    truth[0, 0] = 2
    truth[7, 7] = VOID
    wrong = (error_map(PAGE, LABELS, truth) == WRONG_COLOUR).all(-1)
    assert np.argwhere(wrong).tolist() == [[0, 0]]


def test_outlines_are_thickened_by_a_pixel_to_each_side():
    marks = np.random.default_rng(0).random((20, 30)) < 0.1
    assert np.array_equal(thickened(marks), ndimage.binary_dilation(marks))
