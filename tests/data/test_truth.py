"""A person's ground truth, in whatever form they have it."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from unet_demo.data.images import PictureError, read_picture, write_mask_png, write_mask_tiff
from unet_demo.data.truth import fit_truth, read_truth, read_truth_of
from unet_demo.render import colour_mask
from unet_demo.tasks import ISBI, SHAPES, VOC, VOID

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


HALVES = np.repeat(np.uint8([0, 1]), 8).reshape(4, 4)

TWO_VALUES = [
    (np.uint8, 0, 1),
    (np.uint8, 0, 255),
    (np.uint8, 1, 2),
    (np.uint16, 0, 1),
    (np.uint16, 0, 255),
    (np.uint16, 0, 65535),
    (np.int32, 0, 1),
    (np.uint32, 0, 2**32 - 1),
    (np.float32, 0, 1),
    (np.float32, 0, 255),
    (bool, False, True),
]


@pytest.mark.parametrize(("dtype", "black", "white"), TWO_VALUES, ids=str)
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_two_values_are_two_classes_as_they_are_stored(tmp_path, dtype, black, white, photometric):
    mask = np.where(HALVES, white, black).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", mask, photometric=photometric)
    assert np.array_equal(read_truth(tmp_path / "a.tif", ISBI), HALVES[None])


@pytest.mark.parametrize(("dtype", "black", "white"), TWO_VALUES[:6], ids=str)
@pytest.mark.parametrize("samples", [3, 4])
def test_gray_may_be_saved_as_colours(tmp_path, dtype, black, white, samples):
    mask = np.where(HALVES, white, black).astype(dtype)
    colours = np.repeat(mask[..., None], samples, axis=-1)
    colours[..., 3:] = np.iinfo(dtype).max
    extra = {"extrasamples": ["unassalpha"]} if samples == 4 else {}
    tifffile.imwrite(tmp_path / "a.tif", colours, photometric="rgb", **extra)
    assert np.array_equal(read_truth(tmp_path / "a.tif", ISBI), HALVES[None])


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("kind", ["png", "bmp", "gif", "tif"])
def test_black_and_white_is_read_in_every_mode(tmp_path, mode, kind):
    Image.fromarray(HALVES * np.uint8(255)).convert(mode).save(tmp_path / f"a.{kind}")
    assert np.array_equal(read_truth(tmp_path / f"a.{kind}", ISBI), HALVES[None])


def test_indices_count_where_the_palette_inverts(tmp_path):
    image = Image.fromarray(HALVES * np.uint8(255), "P")
    image.putpalette(np.arange(255, -1, -1, np.uint8).repeat(3).tobytes())
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_truth(tmp_path / "a.png", ISBI), HALVES[None])


def test_colours_count_where_a_palette_was_renumbered(tmp_path):
    """As programs that shrink a PNG do: the colours that occur, numbered from 0."""
    image = Image.fromarray(HALVES, "P")
    image.putpalette([*VOC.palette[0], *VOC.palette[15]])
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_truth(tmp_path / "a.png", VOC), HALVES[None] * 15)


def test_ids_may_be_shown_in_any_colours(tmp_path):
    image = Image.fromarray(LABELS, "P")
    image.putpalette([0, 0, 0, 127, 127, 127, 255, 255, 255])
    image.save(tmp_path / "gray.png")
    image.putpalette([9, 9, 0, 200, 0, 0, 0, 200, 0])
    image.save(tmp_path / "colours.png")
    for name in ("gray", "colours"):
        assert np.array_equal(read_truth(tmp_path / f"{name}.png", SHAPES), LABELS[None])


def test_a_mask_of_two_values_may_hold_void_too(tmp_path):
    mask = picture(tmp_path, np.array([[0, 1, 255]]))
    assert read_truth(mask, ISBI)[0, 0].tolist() == [0, 1, VOID]


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P"])
def test_black_and_white_is_refused_where_more_than_two_classes_could_be_meant(tmp_path, mode):
    Image.fromarray(HALVES * np.uint8(255)).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(
        PictureError, match=r'^"a.png" holds nothing but 0 and 255, and which of the 3'
    ):
        read_truth(tmp_path / "a.png", SHAPES)


def test_255_is_void_where_the_palette_says_so(tmp_path):
    labels = np.where(HALVES, VOID, 0).astype(np.uint8)
    write_mask_png(tmp_path / "a.png", labels, SHAPES.palette)
    assert np.array_equal(read_truth(tmp_path / "a.png", SHAPES), labels[None])


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_mask_saved_as_jpeg_is_refused_by_that_name(tmp_path, name, mode):
    image = Image.fromarray(HALVES.repeat(8, 0).repeat(8, 1) * np.uint8(255)).convert(mode)
    image.save(tmp_path / name, **({"compression": "jpeg"} if name == "a.tif" else {}))
    with pytest.raises(PictureError, match=f'^"{name}" is compressed as JPEG'):
        read_truth(tmp_path / name, ISBI)


def test_one_lossy_page_or_a_lossy_file_with_alpha_is_refused_too(tmp_path):
    mask = HALVES.repeat(8, 0).repeat(8, 1) * np.uint8(255)
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(mask, metadata=None)
        writer.write(mask, compression="jpeg", metadata=None)
    with pytest.raises(PictureError, match="is compressed as JPEG"):
        read_truth(tmp_path / "a.tif", ISBI)
    image = Image.fromarray(mask).convert("RGB")
    image.putalpha(Image.fromarray(mask))
    image.save(tmp_path / "a.webp")
    with pytest.raises(PictureError, match="is compressed as WEBP"):
        read_truth(tmp_path / "a.webp", ISBI)
    image.save(tmp_path / "a.webp", lossless=True)
    assert np.array_equal(read_truth(tmp_path / "a.webp", ISBI), mask[None] // 255)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 1], r"Apart from void \(0.0%\) the ground truth is all 'circle'"),
        ([1, 255], r"Apart from void \(50.0%\) the ground truth is all 'circle'"),
        ([255, 255], "void throughout"),
    ],
    ids=str,
)
def test_a_truth_of_fewer_than_two_classes_is_not_scored(tmp_path, values, words):
    with pytest.raises(PictureError, match=words):
        read_truth_of(picture(tmp_path, np.array([values])), SHAPES, (1, 1, 2))


def test_an_unknown_label_is_named(tmp_path):
    with pytest.raises(
        PictureError,
        match=r'^"truth.png" holds the label 7, but the ids of the classes are 0–2, and 255 is void',
    ):
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


def photo(tmp_path: Path, orientation: int, shape: tuple[int, int] = (3, 4)):
    """A photograph whose pixels are to be turned, as it is read."""
    exif = Image.Exif()
    exif[274] = orientation
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    Image.fromarray(pixels).save(tmp_path / "photo.png", exif=exif)
    return read_picture(tmp_path / "photo.png")


def test_a_truth_of_the_stored_pixels_is_turned_like_its_photograph(tmp_path):
    shown = photo(tmp_path, 6)
    truth = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    fitting = fit_truth(truth, shown.slices.shape[:3], shown.orientations)
    assert np.array_equal(fitting, shown.slices[..., 0])
    assert shown.notes == (
        "The picture was turned or mirrored as its orientation tag (EXIF 6) says.",
    )
    upright = shown.slices[..., 0]
    assert fit_truth(upright, shown.slices.shape[:3], shown.orientations) is upright


@pytest.mark.parametrize(("orientation", "shape"), [(2, (3, 4)), (3, (3, 4)), (6, (4, 4))])
def test_a_truth_that_fits_a_turned_photograph_either_way_is_refused(tmp_path, orientation, shape):
    shown = photo(tmp_path, orientation, shape)
    with pytest.raises(PictureError, match="would fit it either way"):
        fit_truth(np.zeros((1, *shape), np.uint8), shown.slices.shape[:3], shown.orientations)
