"""TIFF in every layout: each file is read as its plain twin, or refused with what it is named."""

import io
import re
from itertools import product
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from tiny import noise

from unet_demo.data.images import PictureError, read_mask, read_picture

H, W = 32, 48
COMPRESSIONS = (None, "lzw", "zlib", "packbits", "zstd", "lzma")
WHOLE = ("u1", "i1", "u2", "i2", "u4", "i4")
FLOATS = ("f2", "f4", "f8")
LAYOUTS = (
    {"rowsperstrip": 5},
    {"tile": (16, 16)},
    {"planarconfig": "separate", "rowsperstrip": 5},
    {"planarconfig": "separate", "tile": (16, 16)},
)


def values(dtype: str, samples: int = 1) -> np.ndarray:
    """Uneven values (H, W, samples) over a good part of a type's range."""
    ramp = np.add.outer(np.arange(H) * 3, np.arange(W) * 2)[..., None] + 7 * np.arange(samples)
    uneven = (ramp + noise(H, W, 1) // 16) % 256
    if dtype in FLOATS:
        return (uneven / 16 - 4).astype(dtype)
    kind = np.iinfo(dtype)
    step = (int(kind.max) - int(kind.min) + 1) // 256
    return (uneven.astype(np.int64) * step + kind.min).astype(dtype)


def write(pixels: np.ndarray, **options) -> bytes:
    """Pixels (H, W, samples) as a TIFF file."""
    if options.get("planarconfig") == "separate":
        pixels = np.moveaxis(pixels, -1, 0)
    elif pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, metadata=None, **options)
    return file.getvalue()


class Reader:
    """Reads files of bytes under one name."""

    def __init__(self, folder: Path):
        self.path = folder / "a.tif"

    def __call__(self, data: bytes) -> tuple[np.ndarray, tuple[str, ...]]:
        self.path.write_bytes(data)
        picture = read_picture(self.path)
        return picture.slices, picture.notes

    def refusal(self, data: bytes) -> str:
        self.path.write_bytes(data)
        with pytest.raises(PictureError) as caught:
            read_picture(self.path)
        return str(caught.value)


@pytest.fixture
def read(tmp_path) -> Reader:
    return Reader(tmp_path)


def predictors(dtype: str, compression: str | None) -> tuple[int, ...]:
    if compression is None:
        return (1,)
    return (1, 3) if dtype in FLOATS else (1, 2)


KINDS = (
    *(("minisblack", 1, dtype) for dtype in WHOLE + FLOATS),
    *(("miniswhite", 1, dtype) for dtype in WHOLE + FLOATS),
    *(("rgb", 3, dtype) for dtype in ("u1", "u2", "f4")),
    *(("rgb", 5, dtype) for dtype in ("u1", "u2")),
    *(("minisblack", 2, dtype) for dtype in ("u1", "u2", "f4")),
    *(("minisblack", 4, dtype) for dtype in ("u1", "i1", "u2")),
)


@pytest.mark.parametrize(("photometric", "samples", "dtype"), KINDS)
def test_every_layout_is_read_as_its_plain_twin(read, photometric, samples, dtype):
    pixels = values(dtype, samples)
    kind = {"photometric": photometric}
    if samples in (2, 4, 5):
        kind["extrasamples"] = [0] * (samples - (3 if photometric == "rgb" else 1))
    if samples > 1:
        kind["planarconfig"] = "contig"
    expected, notes = read(write(pixels, **kind))
    assert np.ptp(expected) > 100
    for (number, layout), compression in product(enumerate(LAYOUTS), COMPRESSIONS):
        if "planarconfig" in layout and samples == 1:
            continue
        for predictor in predictors(dtype, compression):
            order = "<>"[(number + predictor) % 2]  # both, of every predictor and compression
            options = {**kind, **layout, "compression": compression, "byteorder": order}
            found, said = read(write(pixels, **options, predictor=predictor))
            assert np.array_equal(found, expected), options
            assert said == notes, options


def test_three_planes_whose_zero_is_white_are_no_colours(read):
    pixels = values("u1", 3)
    found, notes = read(write(~pixels, photometric="miniswhite", planarconfig="separate"))
    assert np.array_equal(found[..., 0], np.moveaxis(pixels, -1, 0))
    assert notes[0] == "The 3 channels became gray pages, one channel after the other."


@pytest.mark.parametrize("dtype", WHOLE + FLOATS)
def test_white_as_zero_is_inverted_with_a_note_at_any_depth(read, dtype):
    pixels = values(dtype)
    upside_down = -pixels if dtype in FLOATS else ~pixels
    found, notes = read(write(pixels, photometric="miniswhite"))
    expected, _ = read(write(upside_down, photometric="minisblack"))
    assert np.array_equal(found, expected)
    assert notes[0] == "The file stores white as 0: its values were inverted."


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [1, 10, 12, 14])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_packed_bits_are_read_however_they_are_compressed(read, bits, photometric, order):
    pixels = values("u2") >> (16 - bits)
    white = photometric == "miniswhite"
    expected, _ = read(write((2**bits - 1 - pixels) if white else pixels))
    if bits == 1:
        expected = (pixels ^ white).astype(np.uint8)[None] * 255
    rows = [packed_row(row.ravel(), bits) for row in pixels]
    for compression, strip in product(COMPRESSIONS, (H, 5)):
        data = packed(rows, bits, compression, strip, photometric, order)
        found, notes = read(data)
        assert np.array_equal(found, expected), (compression, strip)
        assert ("The file stores white as 0: its values were inverted." in notes) == white


ENCODERS = {
    None: bytes,
    "lzw": imagecodecs.lzw_encode,
    "zlib": imagecodecs.zlib_encode,
    "packbits": imagecodecs.packbits_encode,
    "zstd": imagecodecs.zstd_encode,
    "lzma": imagecodecs.lzma_encode,
}


def packed_row(row: np.ndarray, bits: int) -> bytes:
    if bits == 1:
        return np.packbits(row.astype(bool)).tobytes()
    return imagecodecs.packints_encode(row, bits)


def packed(rows, bits: int, compression, strip: int, photometric: str, order: str) -> bytes:
    """A TIFF of rows of packed bits, which tifffile itself writes uncompressed only."""
    parts = [b"".join(rows[top : top + strip]) for top in range(0, H, strip)]
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        iter([ENCODERS[compression](part) for part in parts]),
        shape=(H, W),
        dtype="u1" if bits == 1 else "u2",
        photometric=photometric,
        compression=compression or "packbits",
        rowsperstrip=strip,
        byteorder=order,
        metadata=None,
    )
    file.seek(0)
    with tifffile.TiffFile(file, mode="r+") as tiff:
        tiff.pages.first.tags["BitsPerSample"].overwrite(bits)
        if compression is None:
            tiff.pages.first.tags["Compression"].overwrite(1)
    return file.getvalue()


def palette(bits: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 65535, (3, 2**bits), dtype=np.uint16)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_a_palette_of_any_depth_gives_colours(read, dtype):
    table, indices = palette(8 * np.dtype(dtype).itemsize), values(dtype)
    expected = (table.T >> 8).astype(np.uint8)[indices[..., 0]][None]
    for layout, compression, order in product(LAYOUTS[:2], COMPRESSIONS, "<>"):
        options = {**layout, "compression": compression, "byteorder": order}
        found, _ = read(write(indices, photometric="palette", colormap=table, **options))
        assert np.array_equal(found, expected), options


@pytest.mark.parametrize("compression", [None, "lzw"])
def test_each_page_has_its_own_palette_and_orientation(read, compression):
    file = io.BytesIO()
    indices, expected = values("u1")[..., 0], []
    with tifffile.TiffWriter(file) as writer:
        for page, orientation in enumerate([1, 3, 2, 4]):
            table = palette(8, page)
            tag = (274, "H", 1, orientation, True)
            writer.write(
                indices, photometric="palette", colormap=table, metadata=None,
                compression=compression, extratags=[tag],
            )  # fmt: skip
            colours = (table.T >> 8).astype(np.uint8)[indices]
            flips = {1: (), 3: (0, 1), 2: (1,), 4: (0,)}[orientation]
            expected.append(np.flip(colours, flips))
    found, notes = read(file.getvalue())
    assert np.array_equal(found, expected)
    assert len(notes) == 3 and "EXIF 3" in notes[0]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("samples", [1, 3])
def test_jpeg_is_read_in_every_layout(read, layout, order, samples):
    if "planarconfig" in layout and samples == 1:
        pytest.skip("one sample has no planes")
    pixels = np.add.outer(np.arange(H) * 3, np.arange(W) * 2)[..., None] + 7 * np.arange(samples)
    pixels = pixels.astype(np.uint8)
    kind = "rgb" if samples == 3 else "minisblack"
    options = {"photometric": kind, **layout, "byteorder": order}
    options.setdefault("planarconfig", "contig") if samples == 3 else None
    if "rowsperstrip" in layout:
        options["rowsperstrip"] = 16
    found, _ = read(write(pixels, compression="jpeg", compressionargs={"level": 95}, **options))
    assert np.abs(found[0].astype(int) - pixels).max() <= 8


@pytest.mark.parametrize("colour", [(0, 1, 0), (0, 0, 1), (0.3, 1, 0.1), (1, 1, 1)])
@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("step", [1, 257], ids=["16-bit", "8-bit"])
def test_a_ramp_of_one_colour_is_intensity(read, colour, dtype, step):
    pixels = values(dtype)
    ramp = np.linspace(0, 65535, 2 ** (8 * pixels.itemsize))
    table = (np.outer(colour, ramp) // step * step).astype(np.uint16)
    found, notes = read(write(pixels, photometric="palette", colormap=table))
    expected, _ = read(write(pixels))
    assert np.array_equal(found, expected)
    assert notes[0] == "A look-up table of one colour was read as gray."


def test_a_ramp_in_a_png_is_intensity_and_a_palette_of_labels_stays_colour(tmp_path):
    pixels = values("u1")[..., 0]
    image = Image.fromarray(pixels)
    image.putpalette(np.outer(np.arange(256), (0, 1, 0)).astype(np.uint8).tobytes())
    image.save(tmp_path / "ramp.png")
    assert np.array_equal(read_picture(tmp_path / "ramp.png").slices[0, ..., 0], pixels)
    labels = Image.fromarray(pixels % 3)
    labels.putpalette([0, 0, 0, 128, 0, 0, 255, 0, 0])
    labels.save(tmp_path / "labels.png")
    assert read_picture(tmp_path / "labels.png").slices.shape[-1] == 3


@pytest.mark.parametrize("dtype", ["f4", "i2", "u1"])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_no_data_counts_nowhere_and_is_void(tmp_path, dtype, compression):
    mark = {"f4": -9999.0, "i2": -9999, "u1": 0}[dtype]
    pixels = values(dtype)[..., 0]
    pixels[pixels == mark] += 1
    holed = pixels.copy()
    holed[4:9, 5:11] = mark
    tag = (42113, "s", 0, str(mark), True)
    path = tmp_path / "a.tif"
    path.write_bytes(write(holed[..., None], compression=compression, extratags=[tag]))
    picture = read_picture(path)
    void = np.zeros((H, W), bool)
    void[4:9, 5:11] = True
    assert np.array_equal(picture.void, void[None])
    known = pixels[~void].astype(float)
    low, high = (0, 255) if dtype == "u1" else np.percentile(known, (0.1, 99.9))
    expected = np.rint((known.clip(low, high) - low) / (high - low) * 255)
    assert np.abs(picture.slices[0, ..., 0][~void] - expected).max() <= 1
    assert "30 pixels hold no value" in picture.notes[-1]


def test_a_picture_of_nothing_but_no_data_is_refused(read):
    tag = (42113, "s", 0, "7", True)
    assert "holds no value at all" in read.refusal(write(values("u1") * 0 + 7, extratags=[tag]))


def dng(read: Reader, photometric: str) -> bytes:
    """A thumbnail in colours, and the full picture below it."""
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        small, full = noise(8, 8, 3), values("u2")[..., 0]
        writer.write(small, photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        writer.write(full, photometric=photometric, subfiletype=0, metadata=None)
    return file.getvalue()


def test_a_cameras_raw_picture_is_named(read):
    assert "holds a camera's raw picture" in read.refusal(dng(read, "cfa"))


def test_the_full_picture_is_read_and_not_its_thumbnail(read):
    expected, _ = read(write(values("u2")))
    found, _ = read(dng(read, "minisblack"))
    assert np.array_equal(found, expected)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(noise(8, 8), subfiletype=1, metadata=None)
        writer.write(values("u2")[..., 0], subfiletype=0, metadata=None)
    found, notes = read(file.getvalue())
    assert np.array_equal(found, expected) and len(notes) == 1


def test_a_small_first_picture_is_a_thumbnail_though_no_tag_says_so(read):
    file = io.BytesIO()
    full = noise(H, W)
    with tifffile.TiffWriter(file) as writer:
        writer.write(noise(H // 4, W // 4, 3), metadata=None)
        writer.write(full, metadata=None)
    found, notes = read(file.getvalue())
    assert np.array_equal(found[0, ..., 0], full)
    assert notes == ("1 page of another size or kind than what was read: left out.",)


def test_a_mask_of_valid_pixels_makes_the_others_void(tmp_path):
    valid = noise(H, W) > 9
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(noise(H, W, 3), photometric="rgb", metadata=None)
        writer.write(valid, photometric="mask", subfiletype=4, metadata=None)
    picture = read_picture(tmp_path / "a.tif")
    assert picture.slices.shape == (1, H, W, 3)
    assert np.array_equal(picture.void, ~valid[None])


@pytest.mark.parametrize("compression", [None, "lzw"])
def test_planes_that_an_ome_file_lacks_are_not_invented(read, compression):
    file = io.BytesIO()
    stack = noise(2, H, W)
    options = {"photometric": "minisblack", "metadata": None, "compression": compression}
    xml = tifffile.OmeXml()
    xml.addimage("uint8", (5, H, W), (5, 1, 1, H, W, 1), axes="TYX")
    with tifffile.TiffWriter(file) as writer:
        writer.write(stack[0], description=xml.tostring(), **options)
        writer.write(stack[1], **options)
    found, notes = read(file.getvalue())
    assert np.array_equal(found[..., 0], stack)
    assert notes == ("The file declares 5 planes and holds 2: only these were read.",)


def test_an_ome_file_of_a_set_says_that_it_is_one(read):
    xml = tifffile.OmeXml()
    xml.addimage("uint8", (2, H, W), (2, 1, 1, H, W, 1), axes="CYX")
    other = '<TiffData IFD="0"><UUID FileName="b.ome.tif">urn:uuid:1</UUID></TiffData>'
    text = re.sub("<TiffData.*?/>", other, xml.tostring())
    pixels = values("u1")
    found, notes = read(write(pixels, description=text))
    assert np.array_equal(found[0], pixels)
    assert notes == (
        "The OME header names planes in other files: only those of this file were read.",
    )


@pytest.mark.parametrize(
    ("slices", "note"),
    [
        (9, "The file declares 9 planes and holds 6: only these were read."),
        (4, "The file's header does not count 2 of its pages: they were left out."),
    ],
)
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_planes_that_an_imagej_header_miscounts_are_told(read, slices, note, compression):
    stack, file = noise(6, H, W), io.BytesIO()
    text = f"ImageJ=1.54f\nimages={slices}\nslices={slices}\n"
    options = {"photometric": "minisblack", "compression": compression, "metadata": None}
    tifffile.imwrite(file, stack, description=text, **options)
    found, notes = read(file.getvalue())
    assert np.array_equal(found[..., 0], stack[:slices])
    assert notes == (note,)


def test_all_positions_of_one_size_are_read(read):
    file = io.BytesIO()
    stack = noise(3, 2, H, W)
    with tifffile.TiffWriter(file, ome=True) as writer:
        for position in stack:
            writer.write(position, photometric="minisblack", metadata={"axes": "TYX"})
        writer.write(noise(5, 5), photometric="minisblack")
    found, notes = read(file.getvalue())
    assert np.array_equal(found[..., 0], stack.reshape(6, H, W))
    assert notes == (
        "The file's 3 positions were laid one after the other.",
        "1 page of another size or kind than what was read: left out.",
    )


def test_pages_of_many_compressions_are_read_in_the_files_order(read):
    file, stack = io.BytesIO(), noise(12, H, W)
    with tifffile.TiffWriter(file) as writer:
        for number, page in enumerate(stack):
            writer.write(page, compression=COMPRESSIONS[number % 5], metadata=None)
    found, _ = read(file.getvalue())
    assert np.array_equal(found[..., 0], stack)


@pytest.mark.parametrize("dtype", ["u1", "u2"])
@pytest.mark.parametrize("options", [{}, {"imagej": True}, {"compression": "zlib"}])
def test_two_channels_last_are_two_channels(tmp_path, dtype, options):
    pixels = values(dtype, 2)
    tifffile.imwrite(tmp_path / "last.tif", pixels, **options)
    tifffile.imwrite(
        tmp_path / "first.tif", np.moveaxis(pixels, -1, 0),
        photometric="minisblack", planarconfig="separate",
    )  # fmt: skip
    last, first = (read_picture(tmp_path / f"{name}.tif").slices for name in ("last", "first"))
    assert last.shape == (2, H, W, 1) and np.array_equal(last, first)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"compression": "jpegxr"}, "JPEGXR"),
        ({"compression": "lerc"}, "LERC"),
        ({"photometric": "cielab"}, "CIELAB"),
        ({"dtype": "c8"}, "64-bit"),
    ],
)
def test_what_is_not_read_is_named(read, options, name):
    dtype = options.pop("dtype", "u1")
    samples = 3 if "photometric" in options else 1
    pixels = noise(H, W, samples).astype(dtype)
    if "compression" in options:
        options = {"photometric": "minisblack", **options}
    sentence = read.refusal(write(pixels, **options))
    assert f"in a way that is not read here ({name}" in sentence


def test_a_strip_that_holds_more_than_it_declares_is_refused(read):
    file = io.BytesIO()
    large = imagecodecs.jpeg8_encode(np.zeros((512, 512), np.uint8))
    options = {"shape": (H, W), "dtype": "u1", "photometric": "minisblack", "metadata": None}
    tifffile.imwrite(file, iter([large]), compression="jpeg", rowsperstrip=H, **options)
    assert "is damaged" in read.refusal(file.getvalue())


def test_a_mask_keeps_its_stored_values_whatever_zero_stands_for(tmp_path):
    labels = noise(H, W) % 3
    for photometric in ("minisblack", "miniswhite"):
        (tmp_path / "a.tif").write_bytes(write(labels[..., None], photometric=photometric))
        assert np.array_equal(read_mask(tmp_path / "a.tif").values[0, ..., 0], labels)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_colours_within_a_page_are_not_taken_for_pages(read, compression):
    pages = np.arange(6, dtype=np.uint8)[:, None, None, None] * 10 + values("u1", 3)
    file = io.BytesIO()
    options = {"photometric": "rgb", "compression": compression}
    tifffile.imwrite(file, pages, metadata={"axes": "ZYXC"}, **options)
    found, notes = read(file.getvalue())
    assert np.array_equal(found, pages)
    assert not any("declares" in note or "channels" in note for note in notes)


def test_bands_within_a_page_are_the_channels_of_each_slice(read):
    pages = np.arange(4, dtype=np.uint8)[:, None, None, None] * 10 + np.moveaxis(
        values("u1", 3), -1, 0
    )
    file = io.BytesIO()
    options = {"photometric": "minisblack", "planarconfig": "separate"}
    tifffile.imwrite(file, pages, metadata={"axes": "ZCYX"}, **options)
    found, _ = read(file.getvalue())
    assert np.array_equal(found[..., 0], np.concatenate(np.moveaxis(pages, 1, 0)))


@pytest.mark.parametrize(("shape", "axes"), [((H, W, 5), "YXC"), ((6, H, W, 2), "ZYXC")], ids=str)
def test_a_file_whose_pages_are_rows_of_a_picture_is_refused(read, shape, axes):
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros(shape, np.float32), metadata={"axes": axes})
    assert "holds no flat picture" in read.refusal(file.getvalue())


def test_a_mask_of_one_bit_keeps_its_indices(tmp_path):
    labels = noise(H, W) > 127
    white_and_black = (65535, 0) * 3
    colours = [(320, "H", 6, white_and_black, True)]
    tifffile.imwrite(tmp_path / "a.tif", labels, metadata=None, extratags=colours)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages[0].tags["PhotometricInterpretation"].overwrite(3)
    mask = read_mask(tmp_path / "a.tif")
    assert np.array_equal(mask.values[0, ..., 0], labels)


def test_alpha_of_four_bits_is_opaque_at_its_most(read):
    pixels = np.full((H, W, 2), 15, np.uint8)
    pixels[..., 0] = 5
    options = {"photometric": "minisblack", "extrasamples": ["unassalpha"], "bitspersample": 4}
    found, _ = read(write(pixels, **options))
    assert (found == 85).all()
