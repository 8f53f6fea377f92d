"""Any picture a person has, as arrays; and masks, exactly, in both directions.

A file goes one way: bytes → :class:`_Planes` (what the file holds, in its own numbers) →
:class:`Picture` (8 bits, nothing transparent). Whatever is wrong with the file becomes a
:class:`PictureError`: one plain sentence. Nothing here touches Pillow's global settings, and no
state is shared, so that any number of threads may read at once.
"""

import logging
import math
import os
import struct
import tokenize
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from tifffile import (
    COMPRESSION,
    EXTRASAMPLE,
    PHOTOMETRIC,
    TiffFile,
    TiffFrame,
    TiffPage,
    TiffPageSeries,
)

MAX_PIXELS = 40_000_000
"""Pixels of one page, at most: a 40-megapixel photograph."""

MAX_STACK_PIXELS = 200_000_000
"""Pixels of all pages (and channels) together, at most: 760 slices of 512 by 512."""

PERCENTILES = (0.1, 99.9)
"""Where black and white lie in 16-bit, 32-bit and float values: dead and hot pixels lie outside."""

VOID = 255
VOID_COLOUR = (224, 224, 192)
"""Label 255 is "not scored", painted as PASCAL VOC paints it."""

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"RIFF": "WEBP",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_NPY_SIGNATURE = b"\x93NUMPY"

_DAMAGED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    tokenize.TokenError,
    zlib.error,
)
"""What Pillow, tifffile and NumPy raise on a broken file (a Warning, where warnings are errors)."""

_GRAY_MODES = ("1", "L", "LA", "La")
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "F")

_TIFFFILE_COMPRESSIONS = (COMPRESSION.NONE, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE)
_TIFFFILE_PHOTOMETRICS = (
    PHOTOMETRIC.MINISWHITE,
    PHOTOMETRIC.MINISBLACK,
    PHOTOMETRIC.RGB,
    PHOTOMETRIC.PALETTE,
)

# Pillow keeps only the high byte of 16-bit colour. It can be told, though, to unpack the same bytes
# in the other order, which yields the low byte: two readings give all 16 bits, so that a dim
# picture can be scaled like any other. libtiff hands over native (little-endian) numbers.
_LOW_BYTES = {
    "RGB;16B": "RGB;16L",
    "RGBA;16B": "RGBA;16L",
    "RGB;16N": "RGB;16B",
    "RGBA;16N": "RGBA;16B",
}

# Orientation (EXIF and TIFF tag 274) → (swap rows and columns, then flip rows, flip columns).
_ORIENTATIONS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}

# tifffile logs what it finds odd in a file. Where the host set up no logging, Python would print
# that on stderr, over a progress bar.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class PictureError(ValueError):
    """One plain sentence for the person who brought the file."""


@dataclass(frozen=True)
class Picture:
    """A picture, or a stack of pictures, ready for a network.

    ``pages``: uint8 (N, H, W, C), C = 1 (gray) or 3 (RGB), 0 black to 255 white.
    ``name``: the file's name without its ending, for downloads.
    ``notes``: plain sentences on what was done to the file's own values and pages.
    """

    pages: np.ndarray
    name: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Planes:
    """One channel of a file in the file's own numbers, or its colours.

    ``values``: (N, H, W, 1 or 3), any real dtype. ``alpha``: uint8 (N, H, W), 255 opaque, or None.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None


@dataclass(frozen=True)
class _Decoded:
    """Every channel of a file, and notes. ``channels``: one, or more where they are no colours."""

    channels: tuple[_Planes, ...]
    notes: tuple[str, ...] = ()


def read_picture(path: str | os.PathLike) -> Picture:
    """Read a PNG, JPEG, WebP, GIF, BMP or TIFF file: all its pages, frames or slices.

    8-bit values stay. 16-bit, 32-bit and float values are scaled to 0 to 255 between two
    percentiles of the whole stack, channel by channel. What is transparent is put on white, EXIF
    orientation is applied. Channels of a microscope are no colours: each becomes pages of its own,
    one channel after the other. Pages of another size than the first are left out.

    Raises :class:`PictureError` where there is no picture to be had, or one over the limits
    :data:`MAX_PIXELS` and :data:`MAX_STACK_PIXELS`.
    """
    with _one_sentence(path):
        decoded = _decode(Path(path), indices=False)
        notes = list(decoded.notes)
        channels = []
        for number, planes in enumerate(decoded.channels, start=1):
            scaled, said = _to_8_bit(planes.values)
            channels.append(_over_white(scaled, planes.alpha))
            where = f"Channel {number}: " if len(decoded.channels) > 1 else ""
            notes += [where + sentence for sentence in said]
        pages = np.concatenate(channels) if len(channels) > 1 else channels[0]
    return Picture(np.ascontiguousarray(pages), Path(path).stem or "picture", tuple(notes))


def read_mask(path: str | os.PathLike) -> np.ndarray:
    """Read a ground truth: uint8 (N, H, W) of labels, or (N, H, W, 3) for a mask of colours.

    Values come as they are stored: palette indices rather than the palette's colours, gray values
    unscaled (1-bit: 0 and 255). Takes what :func:`read_picture` takes, and ``.npy`` files of whole
    numbers: (H, W), (N, H, W), (H, W, 3) or (N, H, W, 3). Transparency is ignored.

    Raises :class:`PictureError`, also for values that are not whole numbers from 0 to 255.
    """
    with _one_sentence(path):
        if _head(Path(path)).startswith(_NPY_SIGNATURE):
            values = _npy_mask(Path(path))
        else:
            channels = _decode(Path(path), indices=True).channels
            values = np.concatenate([planes.values for planes in channels])
        labels = _exact_labels(values)
    return labels[..., 0] if labels.shape[-1] == 1 else labels


def to_channels(pages: np.ndarray, channels: int) -> np.ndarray:
    """(N, H, W, 1 or 3) → (N, H, W, channels), uint8: gray repeated, or colours' luminance.

    Luminance is that of ITU-R 601-2, in Pillow's own fixed point, so that both agree exactly.
    """
    if channels not in (1, 3):
        raise ValueError(f"a picture has 1 or 3 channels, not {channels}")
    if pages.shape[-1] == channels:
        return pages
    if channels == 3:
        return np.repeat(pages, 3, axis=-1)
    # One page at a time: the sums need four times the room.
    weights = np.array([19595, 38470, 7471], np.uint32)
    gray = np.empty((*pages.shape[:-1], 1), np.uint8)
    for i, page in enumerate(pages):
        gray[i, ..., 0] = (page @ weights + 0x8000) >> 16
    return gray


def write_mask_png(
    path: str | os.PathLike, labels: np.ndarray, palette: Sequence[tuple[int, int, int]]
) -> None:
    """Write uint8 (H, W) label ids, exactly, as an 8-bit PNG that shows ``palette``'s colours."""
    _mask_image(labels, palette).save(path, "PNG")


def write_mask_tiff(
    path: str | os.PathLike, labels: np.ndarray, palette: Sequence[tuple[int, int, int]]
) -> None:
    """Write uint8 (N, H, W) label ids, exactly, as a TIFF of N pages, losslessly deflated."""
    if labels.ndim != 3 or len(labels) == 0:
        raise ValueError(f"a stack of labels is (N, H, W), not {labels.shape}")
    pages = (_mask_image(page, palette) for page in labels)
    first = next(pages)
    first.save(path, "TIFF", save_all=True, append_images=pages, compression="tiff_adobe_deflate")


def _mask_image(labels: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> Image.Image:
    """Uint8 (H, W) → a palette picture whose indices are the labels."""
    if labels.dtype != np.uint8 or labels.ndim != 2:
        raise ValueError(f"labels are uint8 (H, W), not {labels.dtype} {labels.shape}")
    if len(palette) > VOID + 1:
        raise ValueError(f"a palette holds at most {VOID + 1} colours, not {len(palette)}")
    colours = np.zeros((VOID + 1, 3), np.uint8)
    colours[: len(palette)] = palette
    colours[VOID] = VOID_COLOUR
    image = Image.fromarray(labels)
    image.putpalette(colours.tobytes())
    return image


@contextmanager
def _one_sentence(path: str | os.PathLike) -> Iterator[None]:
    """Turn whatever goes wrong with a file into one sentence that begins with its name."""
    name = "".join(filter(str.isprintable, Path(path).name))[-80:] or "the file"
    try:
        yield
    except PictureError as error:
        raise PictureError(f'"{name}" {error}') from error.__cause__
    except FileNotFoundError as error:
        raise PictureError(f'"{name}" was not found: choose the file again.') from error
    except IsADirectoryError as error:
        raise PictureError(f'"{name}" is a folder: choose a picture inside it.') from error
    except PermissionError as error:
        raise PictureError(f'"{name}" may not be opened: allow reading it first.') from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f'"{name}" {_too_large(MAX_PIXELS)}') from error
    except MemoryError as error:
        raise PictureError(f'"{name}" needs more memory than there is: make it smaller.') from error
    except _DAMAGED as error:
        raise PictureError(
            f'"{name}" is damaged, cut short or has no pixels: save or export it once more.'
        ) from error


def _too_large(limit: int) -> str:
    return f"has more than {limit // 1_000_000} million pixels, the limit: crop or shrink it."


def _check_size(width: int, height: int, pages: int) -> None:
    """Refuse what a header declares, before anything is decoded."""
    if min(width, height, pages) <= 0:
        raise PictureError(f"has no pixels ({width} by {height}): save or export it once more.")
    if width * height > MAX_PIXELS:
        raise PictureError(_too_large(MAX_PIXELS))
    if width * height * pages > MAX_STACK_PIXELS:
        raise PictureError(
            f"has {pages} pages of {width} by {height} pixels, more than the limit of "
            f"{MAX_STACK_PIXELS // 1_000_000} million in all: bring fewer or smaller pages."
        )


def _head(path: Path) -> bytes:
    """The bytes that tell a file's format. Raises OSError where there is no file."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise PictureError("is empty (0 bytes): save or export it once more.")
    return head


def _format(head: bytes) -> str:
    """Pillow's name of the format, by content: names and endings lie."""
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature) and (name != "WEBP" or head[8:12] == b"WEBP"):
            return name
    raise PictureError(
        "is not a picture that can be read here: bring a PNG, JPEG, WebP, GIF, BMP or TIFF file."
    )


def _decode(path: Path, *, indices: bool) -> _Decoded:
    """The file's own values; with ``indices``, a palette's indices in place of its colours."""
    name = _format(_head(path))
    return _decode_tiff(path, indices) if name == "TIFF" else _decode_plain(path, name, indices)


# Everything but TIFF: Pillow.


def _decode_plain(path: Path, name: str, indices: bool) -> _Decoded:
    with Image.open(path, formats=[name]) as image:
        # What follows in a telephone's photograph (MPO) is its depth or brightness, not a page.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        # Later frames of an animation come without a palette: then all come in colours.
        planes = _pillow_pages(image, path, name, range(frames), indices and frames == 1)
    notes = []
    if len(planes.values) < frames:
        notes.append(_left_out(frames - len(planes.values)))
    if name == "GIF" and not path.read_bytes().rstrip(b"\0").endswith(b";"):
        notes.append("The GIF lacks its end mark: frames may be missing at its end.")
    return _Decoded((planes,), tuple(notes))


def _left_out(pages: int) -> str:
    subject = "1 page" if pages == 1 else f"{pages} pages"
    return f"{subject} of another size or kind than the first: left out."


def _pillow_pages(
    image: ImageFile.ImageFile, path: Path, name: str, frames: Sequence[int], indices: bool
) -> _Planes:
    """The named frames of an opened file, as far as they are of the first one's size."""
    size = image.size
    _check_size(*size, pages=len(frames))
    pages = []
    for frame in frames:
        image.seek(frame)
        if image.size != size:
            continue
        low_bytes = _low_bytes(image, name, len(frames))
        if low_bytes:
            pages.append(_sixteen_bits(path, name, frame, low_bytes))
        else:
            pages.append(_pillow_page(image, indices))
    return _stack(pages)


def _pillow_page(image: Image.Image, indices: bool) -> np.ndarray:
    """One frame as (H, W, S): S = 1 gray, 2 gray and alpha, 3 colours, 4 colours and alpha."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in _DEEP_MODES:
        return _with_key(np.asarray(upright)[..., None], upright.info.get("transparency"))
    if upright.mode == "P" and indices:
        return np.asarray(upright)[..., None]
    colours = "L" if upright.mode in _GRAY_MODES else "RGB"
    alpha = "A" if upright.has_transparency_data else ""
    page = np.asarray(upright.convert(colours + alpha))
    return page[..., None] if page.ndim == 2 else page


def _low_bytes(image: ImageFile.ImageFile, name: str, frames: int) -> str | None:
    """How to unpack the low bytes of 16-bit colours; None for every other picture.

    The frames of an animated PNG are painted onto each other by Pillow, in 8 bits: there the high
    bytes are all that there is.
    """
    if (name == "PNG" and frames > 1) or name not in ("PNG", "TIFF") or not image.tile:
        return None
    args = image.tile[0].args
    rawmode = str(args[0] if isinstance(args, tuple) else args)
    return "RGBA" if rawmode == "LA;16B" else _LOW_BYTES.get(rawmode)


def _sixteen_bits(path: Path, name: str, frame: int, low_bytes: str) -> np.ndarray:
    """One frame of 16-bit colours, uint16 (H, W, S), from two readings of its bytes."""
    low, key = _unpacked(path, name, frame, low_bytes)
    if low_bytes == "RGBA":
        # Gray and alpha, two bytes each, in one reading.
        return np.ascontiguousarray(low).view(">u2").astype(np.uint16)
    high, _ = _unpacked(path, name, frame, None)
    return _with_key((high.astype(np.uint16) << 8) | low, key)


def _unpacked(path: Path, name: str, frame: int, rawmode: str | None) -> tuple[np.ndarray, object]:
    """One frame unpacked in Pillow's way or as ``rawmode``: (H, W, S), and its transparent key."""
    with Image.open(path, formats=[name]) as image:
        image.seek(frame)
        if rawmode:
            image.tile = [_retiled(tile, rawmode) for tile in image.tile]
        return np.asarray(ImageOps.exif_transpose(image)), image.info.get("transparency")


def _retiled(tile, rawmode: str):
    args = rawmode if isinstance(tile.args, str) else (rawmode, *tile.args[1:])
    return tile._replace(args=args)


def _with_key(page: np.ndarray, key: object) -> np.ndarray:
    """A PNG may name one value that is transparent: give it an alpha channel."""
    if not isinstance(key, int | tuple):
        return page
    opaque = (page != np.asarray(key)).any(axis=-1, keepdims=True)
    return np.concatenate([page, opaque * np.array(65535, page.dtype)], axis=-1)


def _stack(pages: list[np.ndarray]) -> _Planes:
    """Pages (H, W, 1 to 4) → one array; gray is repeated where another page has colours."""
    colours = max(3 if page.shape[-1] > 2 else 1 for page in pages)
    values = np.stack([_colours(page, colours) for page in pages])
    if all(page.shape[-1] % 2 for page in pages):
        return _Planes(values)
    return _Planes(values, np.stack([_alpha(page) for page in pages]))


def _colours(page: np.ndarray, count: int) -> np.ndarray:
    colours = page[..., : 3 if page.shape[-1] > 2 else 1]
    return colours if colours.shape[-1] == count else np.repeat(colours, count, axis=-1)


def _alpha(page: np.ndarray) -> np.ndarray:
    """The alpha of one page as uint8 (H, W), 255 opaque."""
    if page.shape[-1] % 2:
        return np.full(page.shape[:2], 255, np.uint8)
    return _alpha_to_8_bit(page[..., -1])


def _alpha_to_8_bit(alpha: np.ndarray) -> np.ndarray:
    """Unsigned alpha keeps its high byte; any other alpha runs from 0 to 1."""
    if np.issubdtype(alpha.dtype, np.unsignedinteger):
        return (alpha >> (8 * alpha.dtype.itemsize - 8)).astype(np.uint8)
    return np.rint(np.nan_to_num(alpha.clip(0, 1)) * 255).astype(np.uint8)


# TIFF: tifffile knows what the axes mean and keeps every bit; Pillow's libtiff knows the
# compressions (without imagecodecs, tifffile knows deflate alone) and the colour spaces of print.


def _decode_tiff(path: Path, indices: bool) -> _Decoded:
    # A file may name others beside it to be read too: never follow that.
    with TiffFile(path, _multifile=False, is_mmstack=False, is_ndtiff=False) as tiff:
        series = tiff.series[0]
        left_out = sum(len(other.pages) for other in tiff.series[1:])
        _check_series(series)
        _check_complete(tiff, series)
        if _tifffile_can(series.keyframe):
            _check_data(tiff, series)
            decoded = _by_tifffile(series, indices)
        else:
            decoded = _by_libtiff(series, path, indices)
    if left_out:
        return _Decoded(decoded.channels, (*decoded.notes, _left_out(left_out)))
    return decoded


def _check_series(series: TiffPageSeries) -> None:
    """Refuse the sizes that the headers declare, before anything is decoded."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    if "Y" not in sizes or "X" not in sizes:
        raise PictureError("holds no flat picture: save it as an ordinary TIFF stack.")
    width, height = sizes["X"], sizes["Y"]
    planes = math.prod(series.shape) // max(1, width * height)
    samples = sizes.get("S", 1)
    _check_size(width, height, planes // samples if samples <= 4 else planes)
    page = series.keyframe
    if page.is_tiled:
        _check_size(page.tilewidth, page.tilelength, pages=1)


def _check_complete(tiff: TiffFile, series: TiffPageSeries) -> None:
    """Refuse a file that was cut short, where tifffile would give fewer pages."""
    size = tiff.filehandle.size
    ends = [offset + count for page in _held(series) for offset, count in _segments(page)]
    if series.dataoffset is not None:
        ends.append(series.dataoffset + series.nbytes)
    if max(ends, default=0) > size or _next_page_offset(tiff) >= size:
        raise EOFError("the file ends before its pages do")


def _next_page_offset(tiff: TiffFile) -> int:
    """Where the last page that was found says that the next one is: 0, unless it was cut off."""
    file, layout = tiff.filehandle, tiff.tiff
    file.seek(tiff.pages[-1].offset)
    (tags,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
    file.seek(tags * layout.tagsize, os.SEEK_CUR)
    (offset,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
    return offset


def _held(series: TiffPageSeries) -> Iterator[TiffPage | TiffFrame]:
    """The pages that the file holds: an OME-TIFF's others may lie in other files."""
    return (page for page in series.pages if page is not None)


def _segments(page: TiffPage | TiffFrame) -> Iterator[tuple[int, int]]:
    """Offset and length, in bytes, of every strip or tile of a page."""
    return zip(page.dataoffsets, page.databytecounts, strict=False)


def _tifffile_can(page: TiffPage) -> bool:
    """Whether tifffile decodes these pages, without imagecodecs, and all bits of them."""
    return (
        page.compression in _TIFFFILE_COMPRESSIONS
        and page.photometric in _TIFFFILE_PHOTOMETRICS
        and page.predictor in (1, 2)
        and page.bitspersample in (8, 16, 32, 64)
        and page.dtype is not None
        and page.dtype.kind in "uif"
        and EXTRASAMPLE.ASSOCALPHA not in page.extrasamples
    )


def _check_data(tiff: TiffFile, series: TiffPageSeries) -> None:
    """Refuse pages whose data are not what they declare.

    tifffile would fill the memory with a strip that inflates without end, and would make up zeros
    where there is too little.
    """
    for page in _held(series):
        strip = math.prod(page.chunks) * series.dtype.itemsize
        if series.keyframe.compression == COMPRESSION.NONE:
            held = sum(page.databytecounts)
        else:
            held = sum(_inflated(tiff, *segment, strip) for segment in _segments(page))
        if held < page.nbytes:
            raise EOFError("a page has fewer pixels than it declares")


def _inflated(tiff: TiffFile, offset: int, count: int, limit: int) -> int:
    """The bytes that a deflated strip holds, refused above ``limit``."""
    tiff.filehandle.seek(offset)
    inflater = zlib.decompressobj()
    held = len(inflater.decompress(tiff.filehandle.read(count), limit))
    if inflater.unconsumed_tail and inflater.decompress(inflater.unconsumed_tail, 1):
        raise PictureError("inflates to more pixels than it declares: export it once more.")
    return held


def _by_tifffile(series: TiffPageSeries, indices: bool) -> _Decoded:
    page = series.keyframe
    values, notes = _laid_out(series.asarray(maxworkers=1), series.axes)
    values = _oriented(values, page)
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        values = -values if values.dtype.kind == "f" else ~values
    if page.photometric == PHOTOMETRIC.PALETTE and not indices:
        values = (np.asarray(page.colormap).T >> 8).astype(np.uint8)[values[..., 0]]
    samples = values.shape[-1]
    coloured = page.photometric in (PHOTOMETRIC.RGB, PHOTOMETRIC.PALETTE) and samples >= 3
    colours = 3 if coloured else 1
    if samples == colours + 1 and EXTRASAMPLE.UNASSALPHA in page.extrasamples:
        alpha = _alpha_to_8_bit(values[..., colours])
        return _Decoded(tuple(map(_Planes, values[..., :colours], alpha)), notes)
    if samples > colours == 3:
        notes = (*notes, "The samples beside red, green and blue were left out.")
        values = values[..., :3]
    if samples > colours == 1:
        notes = (*notes, _channels_note(samples))
        values = np.moveaxis(values, -1, 1).reshape((-1, *values.shape[1:4], 1))
    return _Decoded(tuple(map(_Planes, values)), notes)


def _by_libtiff(series: TiffPageSeries, path: Path, indices: bool) -> _Decoded:
    """The same series with its pages decoded by Pillow, each of which is one plane."""
    frames = [page.index for page in _held(series)]
    try:
        with Image.open(path, formats=["TIFF"]) as image:
            planes = _pillow_pages(image, path, "TIFF", frames, indices)
    except UnidentifiedImageError as error:
        raise PictureError(
            "is a kind of TIFF that cannot be read here: save it as an uncompressed TIFF."
        ) from error
    axes = "".join(axis for axis in series.axes if axis not in "YXS")
    shape = tuple(series.shape[i] for i, axis in enumerate(series.axes) if axis in axes)
    values, notes = _laid_out(planes.values.reshape(shape + planes.values.shape[1:]), axes + "YXS")
    if planes.alpha is None:
        return _Decoded(tuple(map(_Planes, values)), notes)
    alpha, _ = _laid_out(planes.alpha.reshape(shape + planes.alpha.shape[1:]), axes + "YX")
    return _Decoded(tuple(map(_Planes, values, alpha[..., 0])), notes)


def _laid_out(values: np.ndarray, axes: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """An array with tifffile's axes (such as TZCYX) → (channels, N, H, W, samples), and a note."""
    # Time, depth and whatever else (any letter, some twice) stay in the file's order.
    ranks = {"C": 0, "Y": 2, "X": 3, "S": 4}
    order = sorted(range(len(axes)), key=lambda i: ranks.get(axes[i], 1))
    sizes = dict(zip(axes, values.shape, strict=True))
    channels = sizes.get("C", 1)
    shape = (channels, -1, sizes["Y"], sizes["X"], sizes.get("S", 1))
    notes = [_channels_note(channels)] if channels > 1 else []
    lead = [str(values.shape[i]) for i in order if axes[i] not in ranks]
    if len(lead) > 1:
        notes.append(f"The stack's {' by '.join(lead)} planes were laid one after the other.")
    return values.transpose(order).reshape(shape), tuple(notes)


def _channels_note(channels: int) -> str:
    return f"The {channels} channels became gray pages, one channel after the other."


def _oriented(values: np.ndarray, page: TiffPage) -> np.ndarray:
    """(channels, N, H, W, samples), turned as the TIFF's Orientation tag asks."""
    tag = page.tags.get("Orientation")
    swap, *flips = _ORIENTATIONS.get(tag.value if tag else 1, (False, False, False))
    if swap:
        values = values.swapaxes(2, 3)
    axes = tuple(axis for axis, wanted in zip((2, 3), flips, strict=True) if wanted)
    return np.flip(values, axes)


# Values.


def _to_8_bit(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """(N, H, W, C) of any real dtype → uint8, and what was done, in plain sentences."""
    if values.dtype == np.uint8:
        return values, ()
    finite = np.isfinite(values) if values.dtype.kind == "f" else None
    known = values.ravel() if finite is None else values[finite]
    if known.size == 0:
        raise PictureError("holds no value at all (all NaN or infinite): export it once more.")
    low, high, how = _range(known)
    kind = "float" if values.dtype.kind == "f" else f"{8 * values.dtype.itemsize}-bit"
    if low < high:
        notes = [f"{kind} values {low:.6g} to {high:.6g} were scaled to 0 to 255 ({how})."]
    else:
        notes = [f"All {kind} values are {low:.6g}: the picture is black."]
    if finite is not None and known.size < values.size:
        notes.append(f"{values.size - known.size} NaN or infinite values were painted black.")
    return _scaled(values, low, high), tuple(note[0].upper() + note[1:] for note in notes)


def _range(known: np.ndarray) -> tuple[float, float, str]:
    """Where black and white lie, and how they were found."""
    if known.dtype == np.float16:
        known = known.astype(np.float32)
    low, high = np.percentile(known, PERCENTILES)
    if low < high:
        below, above = PERCENTILES
        return float(low), float(high), f"percentiles {below:g} and {above:g} of all pixels"
    # A few bright spots on an even ground lie beyond the percentiles, yet are the picture.
    return float(known.min()), float(known.max()), "the lowest and the highest value"


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Low to high → 0 to 255, clipped; what is not finite → 0. Page by page, to save memory."""
    # Halved, so that even the widest floats have a finite difference.
    span = (high / 2 - low / 2) or 1.0
    precision = np.float32 if values.dtype.itemsize == 2 else np.float64
    scaled = np.empty(values.shape, np.uint8)
    for i, page in enumerate(values):
        exact = page.astype(precision)
        exact[~np.isfinite(exact)] = low
        exact.clip(low, high, out=exact)
        exact /= 2
        exact -= low / 2
        exact /= span
        exact *= 255
        scaled[i] = np.rint(exact, out=exact)
    return scaled


def _over_white(pages: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Uint8 (N, H, W, C) over a white ground, page by page."""
    if alpha is None:
        return pages
    composed = np.empty_like(pages)
    for i, page in enumerate(pages):
        opacity = alpha[i, ..., None].astype(np.uint16)
        composed[i] = (page * opacity + 255 * (255 - opacity) + 127) // 255
    return composed


def _npy_mask(path: Path) -> np.ndarray:
    """A mask saved by NumPy → (N, H, W, 1 or 3)."""
    # Mapped, so that a header cannot declare more than the file holds.
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if values.dtype.kind not in "uib" or values.ndim not in (2, 3, 4):
        raise PictureError("is not a mask: it must hold whole numbers shaped (H, W) or (N, H, W).")
    if values.ndim == 3 and values.shape[-1] == 3:
        values = values[None]
    elif values.ndim < 4:
        values = values.reshape((-1, *values.shape[-2:], 1))
    if values.shape[-1] not in (1, 3):
        raise PictureError("is not a mask: its last axis must hold 1 label or 3 colours.")
    pages, height, width, _ = values.shape
    _check_size(width, height, pages)
    return values * np.uint8(255) if values.dtype.kind == "b" else values


def _exact_labels(values: np.ndarray) -> np.ndarray:
    """Any dtype → uint8, unless a value would change."""
    with np.errstate(invalid="ignore"):
        labels = values.astype(np.uint8)
    if not np.array_equal(labels, values):
        raise PictureError(
            "is not a mask of labels: its values must be whole numbers from 0 to 255, "
            f"and they run from {values.min():.6g} to {values.max():.6g}."
        )
    return labels
