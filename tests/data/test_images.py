"""Any picture a person has: what comes out, and what is refused with one plain sentence."""

import io
import math
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from tiny import noise

from unet_demo.data import images, planes
from unet_demo.data.images import (
    PictureError,
    picture_from_array,
    picture_from_image,
    read_mask,
    read_picture,
    to_channels,
    write_mask_png,
    write_mask_tiff,
)
from unet_demo.data.planes import MAX_PAGES, MAX_PIXELS, MAX_STACK_PIXELS
from unet_demo.tasks import VOID_COLOUR

H, W = 20, 31
GRAY = {258: ("H", [8]), 259: ("H", [1]), 262: ("H", [1]), 277: ("H", [1])}
GRAY_DEFLATED = {**GRAY, 259: ("H", [8])}
PALETTE = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]


def smooth(*shape: int) -> np.ndarray:
    """A uint8 ramp that lossy formats keep."""
    return np.linspace(40, 200, int(np.prod(shape))).reshape(shape).astype(np.uint8)


def save(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG of any bit depth, filter 0: Pillow writes no 16-bit colours."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_16(path: Path, values: np.ndarray, *chunks: bytes) -> Path:
    """Uint16 (H, W, S) as a 16-bit PNG."""
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[values.shape[-1]]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    path.write_bytes(png(values.shape[1], values.shape[0], 16, colour, rows, *chunks))
    return path


def scaled(values: np.ndarray) -> np.ndarray:
    low, high = np.percentile(values, (0.1, 99.9))
    return np.rint((values.clip(low, high) - low) / (high - low) * 255).astype(np.uint8)


def refusal(path: Path) -> str:
    """The one sentence, checked for being one, and for keeping the server's paths to itself."""
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    assert str(path.parent) not in sentence
    return sentence


# Formats and modes.


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "gif", "webp"])
def test_every_lossless_format_keeps_gray_values(tmp_path, ending):
    gray = smooth(H, W)
    path = save(tmp_path / f"a.{ending}", Image.fromarray(gray), lossless=True)
    picture = read_picture(path)
    assert picture.name == "a" and picture.notes == ()
    assert np.array_equal(to_channels(picture.slices, 1)[0, ..., 0], gray)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "webp"])
def test_every_lossless_format_keeps_colours(tmp_path, ending):
    colours = noise(H, W, 3)
    path = save(tmp_path / f"a.{ending}", Image.fromarray(colours), lossless=True)
    assert np.array_equal(read_picture(path).slices, colours[None])


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("CMYK", 3), ("YCbCr", 3)])
def test_a_jpeg_of_every_mode_is_read(tmp_path, mode, channels):
    path = save(tmp_path / "a.jpg", Image.fromarray(smooth(H, W)).convert("RGB").convert(mode))
    pages = read_picture(path).slices
    assert pages.shape == (1, H, W, channels) and pages.dtype == np.uint8
    assert abs(pages[0, ..., 0].astype(int) - smooth(H, W)).max() < 16


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_tiff_of_every_mode_is_read(tmp_path, mode):
    image = Image.fromarray(smooth(H, W))
    image = image if mode == "L" else image.convert("RGB").convert("L").convert(mode)
    if mode == "PA":
        image = image.convert("RGBA")
    pages = read_picture(save(tmp_path / "a.tif", image)).slices
    assert pages.shape[:3] == (1, H, W) and pages.dtype == np.uint8


def test_a_1_bit_picture_becomes_black_and_white(tmp_path):
    bits = noise(H, W) > 127
    for ending in ("png", "tif", "bmp"):
        path = save(tmp_path / f"a.{ending}", Image.fromarray(bits))
        assert np.array_equal(read_picture(path).slices[0, ..., 0], bits * np.uint8(255))


def test_a_palette_becomes_colours(tmp_path):
    labels = noise(H, W) % 3
    write_mask_png(tmp_path / "a.png", labels, PALETTE)
    write_mask_tiff(tmp_path / "a.tif", labels[None], PALETTE)
    for ending in ("png", "tif"):
        expected = np.array(PALETTE, np.uint8)[labels]
        assert np.array_equal(read_picture(tmp_path / f"a.{ending}").slices[0], expected)


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_transparency_lies_on_white(tmp_path, ending):
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 0] = 200
    rgba[0, :, 3] = 0, 128, 255
    path = save(tmp_path / f"a.{ending}", Image.fromarray(rgba), lossless=True, exact=True)
    expected = [[255, 255, 255], [227, 127, 127], [200, 0, 0]]
    assert np.array_equal(read_picture(path).slices[0, 0], expected)


def test_a_picture_that_is_transparent_throughout_is_shown_all_the_same(tmp_path):
    pixels = noise(H, W, 4)
    pixels[..., 3] = 0
    picture = read_picture(save(tmp_path / "a.png", Image.fromarray(pixels)))
    assert np.array_equal(picture.slices[0], pixels[..., :3])
    assert picture.notes == ("Every pixel is fully transparent: the transparency was ignored.",)


def test_gray_with_alpha_stays_gray(tmp_path):
    la = np.full((H, W, 2), 10, np.uint8)
    la[..., 1] = np.arange(W) % 2 * 255
    pages = read_picture(save(tmp_path / "a.png", Image.fromarray(la))).slices
    assert pages.shape == (1, H, W, 1)
    assert (pages[:, :, ::2] == 255).all() and (pages[:, :, 1::2] == 10).all()


def test_a_palette_with_a_transparent_entry_lies_on_white(tmp_path):
    image = Image.fromarray(noise(H, W) % 2)
    image.putpalette([9, 9, 9, 50, 60, 70])
    labels = np.asarray(image)
    for name, transparency in (("a.png", 0), ("b.png", bytes([0, 255])), ("a.gif", 0)):
        pages = read_picture(save(tmp_path / name, image, transparency=transparency)).slices
        assert (pages[0][labels == 0] == 255).all()
        assert (pages[0][labels == 1] == (50, 60, 70)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "deflate.tif", "lzw.tif"])
def test_orientation_is_applied_once(tmp_path, orientation, name):
    image = Image.fromarray(smooth(H, W))
    if name.endswith("tif"):
        compression = {"deflate.tif": "tiff_adobe_deflate", "lzw.tif": "tiff_lzw"}[name]
        save(tmp_path / name, image, tiffinfo={274: orientation}, compression=compression)
    else:
        exif = Image.Exif()
        exif[274] = orientation
        save(tmp_path / name, image, exif=exif)
    a = smooth(H, W)
    turned = [a, a[:, ::-1], a[::-1, ::-1], a[::-1], a.T]
    turned += [np.rot90(a, -1), np.rot90(a, 2).T, np.rot90(a)]
    page = read_picture(tmp_path / name).slices[0, ..., 0].astype(int)
    assert page.shape == turned[orientation - 1].shape
    assert abs(page - turned[orientation - 1]).max() <= 8


# Deep values.


def test_a_16_bit_gray_png_is_scaled_by_percentiles(tmp_path):
    values = (noise(H, W, 1, dtype=np.uint16) >> 4) + 1000
    picture = read_picture(png_16(tmp_path / "a.png", values))
    assert np.array_equal(picture.slices[0], scaled(values))
    low, high = np.percentile(values, (0.1, 99.9))
    assert f"16-bit values {low:.6g} to {high:.6g}" in picture.notes[0]


def test_a_dim_16_bit_colour_png_keeps_its_low_bytes(tmp_path):
    values = noise(H, W, 3, dtype=np.uint16) % 200
    picture = read_picture(png_16(tmp_path / "a.png", values))
    assert np.array_equal(picture.slices[0], scaled(values))


@pytest.mark.parametrize("samples", [2, 4])
def test_a_16_bit_png_with_alpha_is_scaled_and_lies_on_white(tmp_path, samples):
    values = noise(H, W, samples, dtype=np.uint16) % 5000
    values[..., -1] = 0
    values[5:, :, -1] = 65535
    page = read_picture(png_16(tmp_path / "a.png", values)).slices[0]
    assert np.array_equal(page[5:], scaled(values[..., :-1])[5:])
    assert (page[:5] == 255).all()


@pytest.mark.parametrize("samples", [1, 3])
def test_the_transparent_value_of_a_16_bit_png_lies_on_white(tmp_path, samples):
    values = noise(H, W, samples, dtype=np.uint16)
    values[0, 0] = 7
    key = chunk(b"tRNS", struct.pack(">H", 7) * samples)
    page = read_picture(png_16(tmp_path / "a.png", values, key)).slices[0]
    assert (page[0, 0] == 255).all()
    assert np.array_equal(page[1:], scaled(values)[1:])


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_a_deep_gray_tiff_is_scaled_however_it_is_compressed(tmp_path, compression, dtype):
    values = noise(H, W, dtype=np.uint16).astype(dtype)
    path = save(tmp_path / "a.tif", Image.fromarray(values), compression=compression)
    assert np.array_equal(read_picture(path).slices[0, ..., 0], scaled(values))


@pytest.mark.parametrize("dtype", ["u2", "u4", "i2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "predictor": False}])
def test_a_tiff_of_every_depth_is_scaled(tmp_path, dtype, order, options):
    values = (noise(5, H, W, dtype=np.uint16) % 2000).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, byteorder=order, **options)
    expected = scaled(values.astype(np.float64))
    assert np.abs(read_picture(tmp_path / "a.tif").slices[..., 0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": 2},
        {"tile": (16, 16)},
        {"tile": (16, 16), "compression": "zlib"},
        {"bigtiff": True},
        {"rowsperstrip": 3},
    ],
)
def test_a_16_bit_colour_tiff_keeps_all_its_bits(tmp_path, options):
    values = noise(2, H, W, 3, dtype=np.uint16) % 300
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", **options)
    assert np.array_equal(read_picture(tmp_path / "a.tif").slices, scaled(values))


def lzw(data: bytes) -> bytes:
    """LZW of TIFF without any dictionary: a clear code before the codes would grow."""
    bits = ""
    for start in range(0, len(data), 200):
        bits += f"{256:09b}" + "".join(f"{byte:09b}" for byte in data[start : start + 200])
    bits += f"{257:09b}"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def tiff(width: int, height: int, tags: dict[int, tuple[str, list[int]]], data: bytes) -> bytes:
    """A little-endian TIFF of one strip, from tag → (struct code, values)."""
    codes = {"H": 3, "I": 4}
    tags = {256: ("I", [width]), 257: ("I", [height]), **tags}
    tags = {**tags, 278: ("I", [height]), 279: ("I", [len(data)]), 273: ("I", [0])}
    offset = 8 + 2 + 12 * len(tags) + 4
    extra, entries = b"", b""
    data_at = offset + 64
    tags[273] = ("I", [data_at])
    for tag, (code, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{code}", *values)
        if len(packed) > 4:
            packed, extra = struct.pack("<I", offset + len(extra)), extra + packed
        entries += struct.pack("<HHI", tag, codes[code], len(values)) + packed.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"
    return (head + extra).ljust(data_at, b"\0") + data


def test_a_16_bit_colour_tiff_in_lzw_keeps_all_its_bits(tmp_path):
    values = noise(H, W, 3, dtype=np.uint16) % 300
    tags = {258: ("H", [16, 16, 16]), 259: ("H", [5]), 262: ("H", [2]), 277: ("H", [3])}
    data = lzw(values.astype("<u2").tobytes())
    (tmp_path / "a.tif").write_bytes(tiff(W, H, tags, data))
    assert np.array_equal(read_picture(tmp_path / "a.tif").slices[0], scaled(values))


@pytest.mark.parametrize("value", [0, 812, 65535])
def test_an_even_16_bit_picture_is_black_and_says_so(tmp_path, value):
    picture = read_picture(png_16(tmp_path / "a.png", np.full((H, W, 1), value, np.uint16)))
    assert not picture.slices.any()
    assert picture.notes == (f"All 16-bit values are {value}: the picture is black.",)


def test_a_single_bright_pixel_on_black_stays_visible(tmp_path):
    values = np.zeros((100, 100, 1), np.uint16)
    values[50, 50] = 3000
    assert read_picture(png_16(tmp_path / "a.png", values)).slices.max() == 255


def test_a_large_picture_is_scaled_by_a_part_of_its_pixels(tmp_path, monkeypatch):
    values = noise(300, 401, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values)
    exact = read_picture(tmp_path / "a.tif")
    monkeypatch.setattr(images, "MAX_SAMPLED", values.size // 4)
    sampled = read_picture(tmp_path / "a.tif")
    assert "of one pixel in 4)" in sampled.notes[0] and "of all pixels)" in exact.notes[0]
    assert abs(sampled.slices.astype(int) - exact.slices).max() <= 1


def test_a_bright_pixel_that_no_sample_holds_stays_visible(tmp_path, monkeypatch):
    values = np.zeros((100, 100), np.uint16)
    values[51, 51] = 3000
    tifffile.imwrite(tmp_path / "a.tif", values)
    monkeypatch.setattr(images, "MAX_SAMPLED", values.size // 4)
    assert read_picture(tmp_path / "a.tif").slices.max() == 255


def test_a_picture_of_which_the_sample_knows_no_value_is_scaled(tmp_path, monkeypatch):
    values = noise(100, 100).astype(np.float32)
    values[::2], values[:, ::2] = np.nan, np.nan
    tifffile.imwrite(tmp_path / "a.tif", values)
    monkeypatch.setattr(images, "MAX_SAMPLED", values.size // 4)
    assert read_picture(tmp_path / "a.tif").slices.max() == 255


def test_a_page_of_many_bands_is_scaled_as_a_whole(tmp_path):
    values = noise(2 * images.BAND + 3, 5, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert np.array_equal(read_picture(tmp_path / "a.tif").slices[0, ..., 0], scaled(values))


def test_nan_and_infinite_pixels_are_painted_black_and_void_with_a_note(tmp_path):
    values = noise(H, W).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / "a.tif", values)
    picture = read_picture(tmp_path / "a.tif")
    assert (picture.slices[0, 0, :3] == 0).all() and picture.slices.max() == 255
    assert picture.void is not None and np.flatnonzero(picture.void).tolist() == [0, 1, 2]
    assert "3 pixels hold no value" in picture.notes[1]


def test_the_widest_floats_are_scaled(tmp_path):
    values = (np.arange(H * W).reshape(H, W) - 310) * 5.4e305
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert np.ptp(read_picture(tmp_path / "a.tif").slices) == 255


# Pages.


def test_all_pages_of_a_tiff_are_read(tmp_path):
    stack = noise(5, H, W)
    path = tmp_path / "a.tif"
    for imagej, ome in ((False, False), (True, False), (False, True)):
        tifffile.imwrite(path, stack, photometric="minisblack", imagej=imagej, ome=ome)
        assert np.array_equal(read_picture(path).slices[..., 0], stack)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "raw"])
def test_all_pages_of_a_compressed_tiff_are_read(tmp_path, compression):
    stack = noise(5, H, W, 3)
    first, *rest = map(Image.fromarray, stack)
    save(tmp_path / "a.tif", first, save_all=True, append_images=rest, compression=compression)
    assert np.array_equal(read_picture(tmp_path / "a.tif").slices, stack)


def test_a_jpeg_compressed_tiff_is_read(tmp_path):
    image = Image.fromarray(smooth(H, W)).convert("RGB")
    path = save(tmp_path / "a.tif", image, compression="jpeg", quality=95)
    pages = read_picture(path).slices
    assert np.abs(pages[0, ..., 0].astype(int) - smooth(H, W)).max() < 16


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_all_frames_of_an_animation_are_read(tmp_path, ending):
    levels = (20, 120, 220)
    first, *rest = (Image.new("RGB", (W, H), (level, 0, 0)) for level in levels)
    path = tmp_path / f"a.{ending}"
    save(path, first, save_all=True, append_images=rest, lossless=True)
    pages = read_picture(path).slices
    assert pages.shape == (3, H, W, 3)
    assert pages[:, 0, 0, 0].tolist() == list(levels)


def test_pages_of_another_size_are_left_out_with_a_note(tmp_path):
    first, thumbnail = Image.fromarray(noise(H, W)), Image.fromarray(noise(5, 5))
    rest = [thumbnail, Image.fromarray(noise(H, W))]
    for compression in ("raw", "tiff_lzw"):
        path = tmp_path / f"{compression}.tif"
        save(path, first, save_all=True, append_images=rest, compression=compression)
        picture = read_picture(path)
        assert picture.slices.shape == (2, H, W, 1)
        assert picture.notes == ("1 page of another size or kind than what was read: left out.",)


def test_a_hyperstack_becomes_pages_channel_by_channel(tmp_path):
    stack = noise(2, 3, 4, H, W)
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TZCYX"})
    picture = read_picture(tmp_path / "a.tif")
    expected = stack.transpose(2, 0, 1, 3, 4).reshape(24, H, W)
    assert np.array_equal(picture.slices[..., 0], expected)
    assert picture.notes == (
        "The 4 channels became gray pages, one channel after the other.",
        "The stack's 2 by 3 planes were laid one after the other.",
    )


def test_each_16_bit_channel_is_scaled_by_itself(tmp_path):
    stack = noise(2, H, W, dtype=np.uint16)
    stack[1] //= 100
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "CYX"})
    picture = read_picture(tmp_path / "a.tif")
    assert np.array_equal(picture.slices[..., 0], np.stack([scaled(c) for c in stack]))
    assert picture.notes[2].startswith("Channel 2: 16-bit values")


@pytest.mark.parametrize("samples", [2, 4, 5])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_samples_that_are_no_colours_become_pages(tmp_path, samples, planar):
    planes = noise(samples, H, W)
    values = planes if planar == "separate" else np.moveaxis(planes, 0, -1)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, photometric="minisblack", planarconfig=planar)
    assert np.array_equal(read_picture(path).slices[..., 0], planes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_planar_colours_are_colours(tmp_path, dtype):
    values = noise(3, H, W, dtype=dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, values, photometric="rgb", planarconfig="separate")
    expected = np.moveaxis(values if dtype == np.uint8 else scaled(values), 0, -1)
    assert np.array_equal(read_picture(path).slices[0], expected)


def test_colours_with_unknown_samples_keep_the_colours(tmp_path):
    values = noise(H, W, 5)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=[0, 0])
    picture = read_picture(tmp_path / "a.tif")
    assert np.array_equal(picture.slices[0], values[..., :3])
    assert picture.notes == ("The samples beside red, green and blue were left out.",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white_is_inverted(tmp_path, dtype):
    values = noise(H, W, dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    inverted = np.iinfo(dtype).max - values
    expected = inverted if dtype == np.uint8 else scaled(inverted)
    assert np.array_equal(read_picture(tmp_path / "a.tif").slices[0, ..., 0], expected)


def test_many_threads_read_at_once(tmp_path):
    paths = [png_16(tmp_path / "a.png", noise(H, W, 3, dtype=np.uint16))]
    for ending in ("jpg", "gif", "webp", "tif"):
        paths.append(save(tmp_path / f"a.{ending}", Image.fromarray(smooth(H, W))))
    alone = [read_picture(path).slices for path in paths]
    with ThreadPoolExecutor(8) as pool:
        together = [picture.slices for picture in pool.map(read_picture, paths * 20)]
    for i, pages in enumerate(together):
        assert np.array_equal(pages, alone[i % len(paths)])


# Refusals.


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    assert refusal(tmp_path / "gone.png") == '"gone.png" was not found: choose the file again.'
    folder = tmp_path / "folder"
    folder.mkdir()
    assert refusal(folder) == '"folder" is a folder: choose a picture inside it.'


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.png").touch()
    assert "is empty" in refusal(tmp_path / "a.png")


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "hello")
    return file.getvalue()


@pytest.mark.parametrize(
    "data", [b"hello", zipped(), b"%PDF-1.7\n", b"RIFF\0\0\0\0WAVEfmt ", b"\0" * 100]
)
def test_what_is_not_a_picture_is_refused_whatever_its_ending(tmp_path, data):
    (tmp_path / "a.png").write_bytes(data)
    assert "is not a picture that can be read here" in refusal(tmp_path / "a.png")


def test_a_picture_is_known_by_content_whatever_its_ending(tmp_path):
    save(tmp_path / "a.png", Image.fromarray(smooth(H, W))).rename(tmp_path / "a.tif")
    assert read_picture(tmp_path / "a.tif").slices.shape == (1, H, W, 1)


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "gif", "bmp", "tif"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path, ending, share):
    path = save(tmp_path / f"a.{ending}", Image.fromarray(noise(100, 100, 3)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"ome": True}, {"compression": "zlib"}])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_a_truncated_stack_is_refused_rather_than_shortened(tmp_path, options, share):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise(10, H, W), photometric="minisblack", **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("compression", ["tiff_lzw", "raw"])
def test_a_stack_cut_between_its_pages_is_refused(tmp_path, compression):
    first, *rest = map(Image.fromarray, noise(4, H, W))
    path = tmp_path / "a.tif"
    save(path, first, save_all=True, append_images=rest, compression=compression)
    with tifffile.TiffFile(path) as file:
        third = file.pages[2].offset
    path.write_bytes(path.read_bytes()[:third])
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("size", [(30_000, 30_000), (10_000, 10_000), (MAX_PIXELS + 1, 1)])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, size):
    (tmp_path / "a.png").write_bytes(png(size[0], size[1], 8, 0, b""))
    assert "has more than 40 million pixels, the limit" in refusal(tmp_path / "a.png")


def test_a_tiff_bomb_is_refused_before_it_is_decoded(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff(30_000, 30_000, GRAY_DEFLATED, b"\0"))
    assert "has more than 40 million pixels, the limit" in refusal(tmp_path / "a.tif")


def test_a_tiff_that_inflates_beyond_its_size_is_refused(tmp_path):
    data = zlib.compress(bytes(50_000_000))
    (tmp_path / "a.tif").write_bytes(tiff(W, H, GRAY_DEFLATED, data))
    assert "is damaged" in refusal(tmp_path / "a.tif")


def test_a_tiff_with_fewer_pixels_than_it_declares_is_refused(tmp_path):
    for tags, data in ((GRAY_DEFLATED, zlib.compress(bytes(W))), (GRAY, bytes(W))):
        (tmp_path / "a.tif").write_bytes(tiff(W, H, tags, data))
        assert "is damaged" in refusal(tmp_path / "a.tif")


def test_an_animated_bomb_is_refused_before_it_is_decoded(tmp_path):
    frames = MAX_STACK_PIXELS // (6000 * 6000) + 1
    control = chunk(b"acTL", struct.pack(">II", frames, 0))
    (tmp_path / "a.png").write_bytes(png(6000, 6000, 8, 0, b"", control))
    assert "more than the limit of 200 million in all" in refusal(tmp_path / "a.png")


def test_a_stack_over_the_limit_is_refused(tmp_path):
    shape = (9, 5000, 5000)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, shape=shape, dtype=np.uint8, photometric="minisblack")
    assert "has 9 pages of 5000 by 5000 pixels" in refusal(path)


def test_a_stack_of_too_many_pages_is_refused_however_small_they_are(tmp_path):
    frames = [Image.new("L", (1, 1), i % 2) for i in range(MAX_PAGES + 1)]
    save(tmp_path / "a.gif", frames[0], save_all=True, append_images=frames[1:])
    shape = (len(frames), 2, 2)
    tifffile.imwrite(tmp_path / "a.tif", shape=shape, dtype=np.uint8, photometric="minisblack")
    for name in ("a.gif", "a.tif"):
        assert "has 2001 pages, more than the limit of 2000" in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((10, 4000, 5000), np.float64), ((5000, 8000, 4), np.uint64)]
)
def test_a_tiff_that_unpacks_to_more_memory_than_allowed_is_refused(tmp_path, shape, dtype):
    path, kind = tmp_path / "a.tif", "rgb" if shape[-1] == 4 else "minisblack"
    tifffile.imwrite(path, shape=shape, dtype=dtype, photometric=kind)
    size = math.prod(shape) * np.dtype(dtype).itemsize / 2**30
    assert f"takes {size:.1f} GiB of memory once it is unpacked" in refusal(path)


def test_a_stack_that_pillow_unpacks_is_refused_after_its_first_page(tmp_path, monkeypatch):
    frames = [Image.new("RGB", (W, H), (90 * i, 0, 0)) for i in range(3)]
    path = save(tmp_path / "a.webp", frames[0], save_all=True, append_images=frames[1:])
    monkeypatch.setattr(planes, "MAX_BYTES", 2 * H * W * 3)
    assert "once it is unpacked" in refusal(path)


def test_a_picture_without_pixels_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png(0, 5, 8, 0, b""))
    assert "has no pixels" in refusal(tmp_path / "a.png")
    (tmp_path / "a.gif").write_bytes(b"GIF89a\0\0\0\0\0\0\0;")
    assert "has no pixels" in refusal(tmp_path / "a.gif")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_picture_without_values_is_refused(tmp_path, value):
    tifffile.imwrite(tmp_path / "a.tif", np.full((H, W), value, np.float32))
    assert "holds no value at all" in refusal(tmp_path / "a.tif")


def test_a_refusal_harms_nothing_else(tmp_path):
    good = save(tmp_path / "good.png", Image.fromarray(smooth(H, W)))
    limit = Image.MAX_IMAGE_PIXELS
    (tmp_path / "a.png").write_bytes(png(30_000, 30_000, 8, 0, b""))
    refusal(tmp_path / "a.png")
    assert limit == Image.MAX_IMAGE_PIXELS
    assert read_picture(good).slices.shape == (1, H, W, 1)


# Masks.


@pytest.mark.parametrize("write", ["png", "tif"])
def test_a_written_mask_reads_back_exactly(tmp_path, write):
    labels = noise(3, H, W)
    path = tmp_path / f"a.{write}"
    if write == "png":
        labels = labels[:1]
        write_mask_png(path, labels[0], PALETTE)
    else:
        write_mask_tiff(path, labels, PALETTE)
    assert np.array_equal(read_mask(path).values[..., 0], labels)
    with Image.open(path) as image:
        assert image.mode == "P" and getattr(image, "n_frames", 1) == len(labels)
        assert np.array_equal(np.asarray(image), labels[0])


def test_a_written_palette_is_padded_and_ends_in_void(tmp_path):
    write_mask_png(tmp_path / "a.png", np.zeros((H, W), np.uint8), PALETTE)
    with Image.open(tmp_path / "a.png") as image:
        colours = np.array(image.getpalette()).reshape(-1, 3)
    assert colours.shape == (256, 3)
    assert np.array_equal(colours[:3], PALETTE) and not colours[3:255].any()
    assert tuple(colours[255]) == VOID_COLOUR


def test_labels_that_are_not_uint8_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="uint8"):
        write_mask_png(tmp_path / "a.png", np.zeros((H, W), np.int64), PALETTE)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_palette_tiff_gives_its_indices(tmp_path, compression):
    image = Image.fromarray(noise(H, W) % 3)
    image.putpalette(np.array(PALETTE, np.uint8).tobytes())
    path = save(tmp_path / "a.tif", image, compression=compression)
    mask = read_mask(path)
    assert np.array_equal(mask.values[0, ..., 0], np.asarray(image))
    assert np.array_equal(mask.palette[:3], PALETTE)


def test_gray_1_bit_and_colour_masks_keep_their_values(tmp_path):
    gray, bits, colours = noise(H, W, 1), noise(H, W, 1) > 9, noise(H, W, 3)
    for name, array in (("gray", gray), ("colours", colours)):
        path = save(tmp_path / f"{name}.png", Image.fromarray(array.squeeze()))
        assert np.array_equal(read_mask(path).values[0], array)
    path = save(tmp_path / "bits.png", Image.fromarray(bits[..., 0]))
    assert np.array_equal(read_mask(path).values[0], bits * np.uint8(255))


def test_transparency_does_not_change_a_mask(tmp_path):
    rgba = noise(H, W, 4)
    path = save(tmp_path / "a.png", Image.fromarray(rgba))
    assert np.array_equal(read_mask(path).values[0], rgba[..., :3])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((H, W), (1, H, W, 1)),
        ((4, H, W), (4, H, W, 1)),
        ((H, W, 1), (1, H, W, 1)),
        ((H, W, 3), (1, H, W, 3)),
        ((2, H, W, 3), (2, H, W, 3)),
    ],
)
def test_an_npy_mask_of_every_shape_is_read(tmp_path, shape, expected):
    labels = noise(*shape)
    for dtype in (np.int64, np.float32):
        np.save(tmp_path / "a.npy", labels.astype(dtype))
        mask = read_mask(tmp_path / "a.npy").values
        assert mask.shape == expected and np.array_equal(mask, labels.reshape(expected))


def test_an_npy_mask_of_true_and_false_is_read_as_1_bit(tmp_path):
    np.save(tmp_path / "a.npy", np.eye(H, dtype=bool))
    assert np.array_equal(read_mask(tmp_path / "a.npy").values[0, ..., 0], np.eye(H) * 255)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((H, W), complex),
        np.zeros(5, np.uint8),
        np.zeros((0, 5), np.uint8),
        np.zeros((2, H, W, 7), np.uint8),
        np.array([[{}]], object),
    ],
)
def test_an_npy_file_that_is_no_mask_is_refused(tmp_path, array):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(PictureError) as caught:
        read_mask(tmp_path / "a.npy")
    assert str(tmp_path) not in str(caught.value)


def test_an_npy_header_that_promises_too_much_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((H, W), np.uint8))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data.replace(b"(20, 31), }   ", b"(20000, 310),}"))
    with pytest.raises(PictureError, match="is damaged"):
        read_mask(tmp_path / "a.npy")


def test_an_npy_header_that_is_broken_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((H, W), np.uint8))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data.replace(b"}", b" "))
    with pytest.raises(PictureError, match="is damaged"):
        read_mask(tmp_path / "a.npy")


# Channels.


def test_luminance_is_pillows():
    colours = noise(2, H, W, 3)
    gray = to_channels(colours, 1)
    for page, expected in zip(gray[..., 0], colours, strict=True):
        assert np.array_equal(page, np.asarray(Image.fromarray(expected).convert("L")))


def test_gray_is_repeated_for_three_channels_and_back():
    gray = noise(2, H, W, 1)
    assert np.array_equal(to_channels(gray, 3), np.repeat(gray, 3, -1))
    assert np.array_equal(to_channels(to_channels(gray, 3), 1), gray)
    assert to_channels(gray, 1) is gray


def test_only_one_or_three_channels_exist():
    with pytest.raises(ValueError, match="1 or 3"):
        to_channels(noise(1, H, W, 1), 2)


@pytest.mark.parametrize("compression", ["tiff_deflate", "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_an_opened_tiff_is_turned_once(tmp_path, orientation, compression):
    stored = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    path = tmp_path / "turned.tif"
    Image.fromarray(stored).save(path, compression=compression, tiffinfo={274: orientation})
    with Image.open(path) as image:
        found = picture_from_image(image).slices
    assert np.array_equal(found, read_picture(path).slices)


def test_an_opened_photograph_says_that_it_was_turned(tmp_path):
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(noise(4, 6)).save(path, exif=exif)
    with Image.open(path) as image:
        notes = picture_from_image(image).notes
    assert notes == read_picture(path).notes and "EXIF 6" in notes[0]


@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_what_a_masked_array_hides_is_void_and_counts_nowhere(dtype):
    values = noise(8, 8).astype(dtype)
    hidden = np.zeros((8, 8), bool)
    hidden[2, 3] = True
    masked = np.ma.MaskedArray(np.where(hidden, 250, values).astype(dtype), hidden)
    picture = picture_from_array(masked)
    assert np.array_equal(picture.void[0], hidden)
    assert any("hold no value" in note for note in picture.notes)


def test_alpha_of_floats_beyond_one_is_refused():
    with pytest.raises(PictureError, match="alpha up to 64"):
        picture_from_array(np.dstack([np.zeros((8, 8))] * 3 + [np.full((8, 8), 64.0)]))


@pytest.mark.parametrize("bits", [2, 4])
def test_a_mask_of_few_gray_bits_keeps_the_ids_that_are_stored(tmp_path, bits):
    ids = noise(9, 11) % (2**bits)
    rows = b""
    for row in ids.tolist():
        packed = "".join(f"{level:0{bits}b}" for level in row)
        packed = packed.ljust(-(-len(packed) // 8) * 8, "0")
        rows += b"\0" + int(packed, 2).to_bytes(len(packed) // 8, "big")
    (tmp_path / "ids.png").write_bytes(png(11, 9, bits, 0, rows))
    assert np.array_equal(read_mask(tmp_path / "ids.png").values[0, ..., 0], ids)
