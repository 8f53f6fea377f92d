"""unet_demo in a script: any picture in memory or on disk, and the same prediction for each."""

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tiny import noise

import unet_demo
from unet_demo import library
from unet_demo.data.images import read_picture
from unet_demo.library import to_picture

H, W = 20, 31


def test_the_examples_of_the_documentation_are_true():
    failed, attempted = doctest.testmod(library)
    assert attempted >= 8 and failed == 0


# --- importing ---


def in_a_new_python(code: str) -> list[str]:
    root = Path(unet_demo.__file__).parents[1]
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=300, check=True
    )
    return done.stdout.split()


def test_importing_the_package_imports_nothing_heavy():
    modules = in_a_new_python("import unet_demo, sys; print(*sys.modules)")
    assert "unet_demo" in modules
    assert not {"torch", "numpy", "PIL", "gradio", "unet_demo.library"} & set(modules)


def test_segmenting_needs_no_gradio():
    modules = in_a_new_python("import unet_demo, sys; unet_demo.segment; print(*sys.modules)")
    assert "torch" in modules and "gradio" not in modules


def test_all_that_is_promised_is_there():
    assert all(hasattr(unet_demo, name) for name in unet_demo.__all__)


def test_a_shell_completes_the_librarys_names_before_their_first_use():
    names = in_a_new_python("import unet_demo; print(*dir(unet_demo))")
    assert set(names) >= {*unet_demo.__all__, "__doc__"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'segmnt'"):
        _ = unet_demo.segmnt


# --- pictures ---


def test_a_path_a_pillow_image_and_an_array_give_the_same(shapes_file, tmp_path):
    pixels = noise(H, W, 3)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    pictures = (path, str(path), Image.open(path), Image.fromarray(pixels), pixels)
    first, *others = (unet_demo.segment(image, shapes_file) for image in pictures)
    assert first.probabilities.shape == (1, 3, H, W)
    assert all(np.array_equal(other.probabilities, first.probabilities) for other in others)


@pytest.mark.parametrize(
    ("shape", "pages"),
    [
        ((H, W), (1, H, W, 1)),
        ((H, W, 1), (1, H, W, 1)),
        ((H, W, 3), (1, H, W, 3)),
        ((H, W, 4), (1, H, W, 3)),
        ((5, H, W), (5, H, W, 1)),
        ((5, H, W, 1), (5, H, W, 1)),
        ((5, H, W, 2), (5, H, W, 1)),
        ((5, H, W, 3), (5, H, W, 3)),
    ],
)
def test_arrays_of_every_shape_become_pages(shape, pages):
    assert to_picture(noise(*shape)).slices.shape == pages


def test_8_bit_values_stay():
    pixels = noise(3, H, W)
    assert np.array_equal(to_picture(pixels).slices[..., 0], pixels)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.uint32, np.float32, np.float64])
def test_deeper_values_are_scaled_as_those_of_a_file(tmp_path, dtype):
    pixels = (noise(3, H, W, dtype=np.uint16) // 4).astype(dtype)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack")
    of_file, of_array = read_picture(path), to_picture(pixels)
    assert np.array_equal(of_array.slices, of_file.slices)
    assert of_array.notes == of_file.notes != ()


def test_booleans_are_black_and_white():
    pixels = noise(H, W) > 99
    assert np.array_equal(to_picture(pixels).slices[0, ..., 0], pixels * 255)


@pytest.mark.parametrize("channels", [2, 4])
def test_what_is_transparent_lies_on_white_as_in_a_file(tmp_path, channels):
    pixels = noise(H, W, channels)
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    expected = read_picture(path).slices
    assert np.array_equal(to_picture(pixels).slices, expected)
    assert np.array_equal(to_picture(Image.open(path)).slices, expected)


def test_a_16_bit_pillow_image_keeps_its_bits(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(noise(H, W, dtype=np.uint16)).save(path)
    assert np.array_equal(to_picture(Image.open(path)).slices, read_picture(path).slices)


def test_a_pillow_image_is_turned_upright():
    image = Image.fromarray(noise(H, W))
    image.getexif()[274] = 6
    assert to_picture(image).slices.shape == (1, W, H, 1)


def test_of_a_pillow_image_with_frames_the_current_one_is_read_and_told(binary_file, tmp_path):
    pages = noise(3, H, W)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, pages, photometric="minisblack")
    with Image.open(path) as image:
        image.seek(1)
        assert np.array_equal(to_picture(image).slices[0, ..., 0], pages[1])
        prediction = unet_demo.segment(image, binary_file)
    assert "Only frame 2 of 3 was read; give the file's path to read all." in prediction.notes


def test_pixels_without_a_value_are_void_in_the_labels(binary_file):
    pixels = noise(H, W).astype(np.float32)
    pixels[3:6, 4] = np.nan
    prediction = unet_demo.segment(pixels, binary_file)
    assert np.array_equal(prediction.labels()[0] == 255, np.isnan(pixels))
    assert np.array_equal(prediction.slice(0).labels(), prediction.labels())
    assert any("3 pixels hold no value" in note for note in prediction.notes)


def test_the_callers_array_may_be_read_only_and_stays(binary_file):
    pixels = noise(H, W)
    before = pixels.copy()
    pixels.flags.writeable = False
    picture = to_picture(pixels)
    unet_demo.segment(pixels, binary_file)
    assert np.array_equal(pixels, before)
    assert picture.slices.flags.writeable and not np.shares_memory(picture.slices, pixels)


# --- options ---


def test_averaging_changes_the_prediction(binary_file):
    pixels = noise(H, W)
    one, eight = (
        unet_demo.segment(pixels, binary_file, average=average) for average in (False, True)
    )
    assert not np.array_equal(one.probabilities, eight.probabilities)


def test_the_default_checkpoint_finds_membranes():
    prediction = unet_demo.segment(noise(32, 32))
    assert prediction.task.classes == ("membrane", "cell interior")


# --- mistakes ---


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros(5), "The array is no picture: it must hold numbers shaped"),
        (np.zeros((2, 2, 9, 9, 3)), "The array is no picture: it must hold numbers shaped"),
        (np.zeros((9, 9), complex), "The array is no picture: it must hold numbers shaped"),
        (np.array([["a"]]), "The array is no picture: it must hold numbers shaped"),
        (np.zeros((2, 9, 9, 5)), "The array has 5 channels: give 1"),
        (np.zeros((9, 9, 0)), "The array has 0 channels: give 1"),
        (np.zeros((0, 9)), "The array has no pixels"),
        (np.full((9, 9), np.nan), "The array holds no value at all"),
        (np.broadcast_to(np.uint8(0), (9000, 9000)), "The array has more than 40 million pixels"),
        (Image.new("RGB", (0, 9)), '"image" has no pixels'),
        ([[1, 2], [3, 4]], "No picture can be made of a list: give a path"),
        (None, "No picture can be made of a NoneType: give a path"),
        ("gone.png", '"gone.png" was not found'),
        ("", "The picture's path is empty"),
        (Path(), '"." is a folder'),
        ("https://a.org/b.png", "'https://a.org/b.png' is a web address: download the picture"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(binary_file, image, sentence):
    with pytest.raises(unet_demo.PictureError) as caught:
        unet_demo.segment(image, binary_file)
    assert str(caught.value).startswith(sentence) and str(caught.value).endswith(".")


def test_a_pillow_image_whose_file_is_cut_short_is_refused_by_its_name(binary_file, tmp_path):
    path = tmp_path / "cut.png"
    Image.fromarray(noise(H, W)).save(path)
    path.write_bytes(path.read_bytes()[:200])
    with (
        Image.open(path) as image,
        pytest.raises(unet_demo.PictureError, match=r'^"cut\.png" is damaged'),
    ):
        unet_demo.segment(image, binary_file)


@pytest.mark.parametrize(
    ("checkpoint", "sentence"),
    [
        ("isbj", "There is no checkpoint 'isbj'"),
        (Path("gone.safetensors"), "There is no file 'gone.safetensors'; check the path"),
        (Path("isbi"), "There is no file 'isbi'; check the path"),
        (Path("x" * 5000), "There is no file 'xxx"),
        (None, "A value of type NoneType names no checkpoint: give a name"),
        (3, "A value of type int names no checkpoint: give a name"),
    ],
)
def test_what_is_no_checkpoint_is_refused_in_one_sentence(checkpoint, sentence):
    with pytest.raises(unet_demo.CheckpointError) as caught:
        unet_demo.segment(noise(H, W), checkpoint)
    assert str(caught.value).startswith(sentence) and str(caught.value).endswith(".")


def test_a_device_that_is_not_there_is_refused(binary_file):
    with pytest.raises(unet_demo.DeviceError, match="cuda:99"):
        unet_demo.segment(noise(H, W), binary_file, device="cuda:99")


def test_a_model_of_somebody_elses_on_the_hub_segments_by_its_name(serve, smp_repository):
    serve({"ann/unets": smp_repository})
    prediction = unet_demo.segment(noise(H, W), checkpoint="ann/unets")
    assert prediction.probabilities.shape == (1, 3, H, W)
    assert prediction.task.classes == ("sky", "tree", "road")
