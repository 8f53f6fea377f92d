"""TIFF by tifffile and imagecodecs: every bit of every layout, or a sentence that names what is not read."""

import io
import logging
import math
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import IntEnum
from functools import reduce
from pathlib import Path

import numpy as np
from PIL import Image
from tifffile import (
    COMPRESSION,
    EXTRASAMPLE,
    PHOTOMETRIC,
    PREDICTOR,
    SAMPLEFORMAT,
    TiffFile,
    TiffFrame,
    TiffPage,
    TiffPageSeries,
)

from ..messages import Sentence, sentence
from . import PictureError
from .bounds import Patience, check_scans, check_tags
from .planes import (
    MAX_PAGES,
    Decoded,
    Plane,
    Planes,
    alpha_to_8_bit,
    check_bytes,
    check_size,
    left_out,
    looked_up,
    stack,
    turned,
    turned_note,
)

_ORIENTATION, _NO_DATA = 274, 42113

_BYTES = (
    COMPRESSION.NONE,
    COMPRESSION.CCITTRLE,
    COMPRESSION.CCITT_T4,
    COMPRESSION.CCITT_T6,
    COMPRESSION.LZW,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.DEFLATE,
    COMPRESSION.PACKBITS,
    COMPRESSION.LZMA,
    COMPRESSION.ZSTD,
    COMPRESSION.ZSTD_DEPRECATED,
)
"""Compressions that tifffile unpacks into no more memory than a strip declares."""

_PICTURES: dict[int, str] = {
    COMPRESSION.JPEG: "JPEG",
    COMPRESSION.APERIO_JP2000_YCBC: "JPEG2000",
    COMPRESSION.APERIO_JP2000_RGB: "JPEG2000",
    COMPRESSION.JPEG2000: "JPEG2000",
    COMPRESSION.JPEG_2000_LOSSY: "JPEG2000",
    COMPRESSION.WEBP: "WEBP",
    COMPRESSION.WEBP_DEPRECATED: "WEBP",
}
"""Compressions whose strips are pictures with a size of their own → Pillow's name of their format."""

_LOSSY = (COMPRESSION.OJPEG, COMPRESSION.JPEG, COMPRESSION.JPEG_LOSSY)

_RGB_MADE = (COMPRESSION.JPEG, COMPRESSION.WEBP, COMPRESSION.WEBP_DEPRECATED)
"""Compressions of which tifffile gives RGB, whatever their colours are stored as."""

_GRAY = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MASK)
_COLOURS = (PHOTOMETRIC.RGB, PHOTOMETRIC.SEPARATED, PHOTOMETRIC.YCBCR)
_RAW = (PHOTOMETRIC.CFA, PHOTOMETRIC.LINEAR_RAW)
_ALPHA = (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA)

# tifffile logs what it finds odd in a file. Where the host set up no logging, Python would print
# that on stderr, over a progress bar.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def decode_tiff(path: Path, stored: bool, patience: Patience) -> Decoded:
    """Read all pictures that are of the first full one's size; ``stored``: masks' own values.

    Raises PictureError, or what tifffile and imagecodecs raise on a broken file.
    """
    check_tags(path, MAX_PAGES)
    # A file may name others beside it to be read too: never follow that.
    with TiffFile(path, _multifile=False, is_mmstack=False, is_ndtiff=False) as tiff:
        check_size(1, 1, max(1, len(tiff.pages)))
        tiff.is_uniform = False  # it would look at four pages and take all others for alike
        chosen, masks, others = _full_pictures(tiff)
        _check_series(chosen)
        _check_complete(tiff, chosen)
        notes: list[Sentence] = []
        channels: dict[int, list[Plane]] = {}
        for series in chosen:
            for number, planes in enumerate(_channels(series, stored, notes, patience)):
                channels.setdefault(number, []).extend(planes)
        decoded = [_masked(stack(planes), masks) for planes in channels.values()]
        notes += _header_notes(tiff, chosen)
        palette = _palette(chosen[0].keyframe)
        headers = {page.keyframe for series in chosen for page in series.pages if page}
        lossy = any(header and header.compression in _LOSSY for header in headers)
    others += sum(planes.left_out for planes in decoded)
    if len(decoded) > 1:
        note = sentence(
            "The {channels} channels became gray pages, one channel after the other.",
            channels=len(decoded),
        )
        notes.insert(0, note)
    if others:
        notes.append(left_out(others))
    table = None if palette is None else (palette >> 8).astype(np.uint8)
    return Decoded(tuple(decoded), tuple(dict.fromkeys(notes)), table, "JPEG" if lossy else None)


def _header_notes(tiff: TiffFile, chosen: Sequence[TiffPageSeries]) -> Iterator[Sentence]:
    """Say what the headers of OME and ImageJ tell of the planes, where it is not what was read."""
    kind, held = chosen[0].kind, len(tiff.pages)
    if kind == "ome" and len(chosen) > 1:
        yield sentence(
            "The file's {positions} positions were laid one after the other.", positions=len(chosen)
        )
    if kind in ("ome", "imagej"):
        uncounted = held - sum(_numbers(series).size for series in tiff.series)
        if uncounted > 0:
            yield sentence(
                "The file's header does not count {pages} of its pages: they were left out.",
                pages=uncounted,
            )
    elif tiff.is_ome:
        yield sentence(
            "The OME header names planes in other files: only those of this file were read."
        )
    elif tiff.is_imagej:  # tifffile follows no header that declares more than the file's bytes
        declared = (tiff.imagej_metadata or {}).get("images", held)
        if declared > held:
            yield _missing_note(declared, held)


def _full_pictures(
    tiff: TiffFile,
) -> tuple[list[TiffPageSeries], list[TiffPage | TiffFrame], int]:
    """Return the series of the first full picture's size and type, their masks, and how many pages are left.

    Thumbnails and masks of valid pixels are no pictures, wherever the file holds them. Raises
    PictureError for what a camera left undeveloped.
    """
    found = [max(series.levels, key=lambda level: level.size) for series in tiff.series]
    found = [one for one in found if not one.keyframe.is_reduced] or found
    full = [one for one in found if not one.keyframe.is_mask] or found
    masks = [page for one in found if one not in full for page in one.pages if page]
    if any(series.keyframe.photometric in _RAW for series in full):
        raise PictureError(
            sentence(
                "holds a camera's raw picture, which is not developed here: develop it with the"
                " camera's own program, and bring the TIFF or JPEG file that this makes."
            )
        )
    main = _main(full)
    chosen = [series for series in full if _size(series) == _size(main)]
    others = sum(len(series.pages) for series in full if series not in chosen)
    if len(chosen) > 1 and all(series.kind == "generic" for series in chosen):
        chosen = [_in_order(chosen)]  # pages alike but for their compression, say
    return chosen, masks, others


def _main(full: Sequence[TiffPageSeries]) -> TiffPageSeries:
    """Return the first picture; or the largest of at least twice its height and width: then it's a thumbnail."""
    low, narrow, *_ = _size(full[0])
    larger = [one for one in full if _size(one)[0] >= 2 * low and _size(one)[1] >= 2 * narrow]
    return max(larger, key=lambda one: _size(one)[:2], default=full[0])


def _size(series: TiffPageSeries) -> tuple[int, int, int, np.dtype]:
    page = series.keyframe
    return page.imagelength, page.imagewidth, page.samplesperpixel, series.dtype


def _in_order(parts: Sequence[TiffPageSeries]) -> TiffPageSeries:
    """Return all pages of the parts, as they follow each other in the file."""
    pages = [page for series in parts for page in series.pages if page]
    pages.sort(key=lambda page: np.atleast_1d(page.index).tolist())
    page = parts[0].keyframe
    shape = (len(pages), *page.shape)
    return TiffPageSeries(pages, shape, page.dtype, f"I{page.axes}", kind="generic")


def _check_series(chosen: Sequence[TiffPageSeries]) -> None:
    """Refuse the sizes that the headers declare, before anything is decoded."""
    page = chosen[0].keyframe
    flat = all({"Y", "X"} <= set(one.axes) and _has_whole_pages(one) for one in chosen)
    if not flat:
        raise PictureError(sentence("holds no flat picture: save it as an ordinary TIFF stack."))
    pixels = size = 0
    for series in chosen:
        # A header may declare more pages than the file holds.
        pages = [page for page in series.pages if page is not None]
        held = len(pages) * math.prod(series.keyframe.shaped)
        held = math.prod(series.shape) if series.is_truncated else held
        samples = series.keyframe.samplesperpixel
        pixels += held // samples if samples <= 4 else held
        size += held * series.dtype.itemsize
    width, height = page.imagewidth, page.imagelength
    if _rows_as_pages(chosen[0]):
        width, height = page.imagelength, len(chosen[0].pages)
    check_size(width, height, pixels // max(1, width * height))
    check_bytes(size)
    if page.is_tiled:
        check_size(page.tilewidth, page.tilelength, pages=1)


def _check_complete(tiff: TiffFile, chosen: Sequence[TiffPageSeries]) -> None:
    """Refuse a file that was cut short, where tifffile would give fewer pages."""
    file, layout = tiff.filehandle, tiff.tiff
    ends = [series.dataoffset + series.nbytes for series in chosen if series.dataoffset is not None]
    # Where the last page that was found says that the next one is: 0, unless it was cut off.
    file.seek(tiff.pages[-1].offset)
    (tags,) = struct.unpack(layout.tagnoformat, file.read(layout.tagnosize))
    file.seek(tags * layout.tagsize, os.SEEK_CUR)
    (following,) = struct.unpack(layout.offsetformat, file.read(layout.offsetsize))
    if max(ends, default=0) > file.size or following >= file.size:
        raise EOFError("the file ends before its pages do")


def _channels(
    series: TiffPageSeries, stored: bool, notes: list[Sentence], patience: Patience
) -> Iterator[list[Plane]]:
    """Yield the planes of each channel of a series, in the order of time, depth and whatever else.

    Adds to ``notes``. What a header declares and the file does not hold is left out.
    """
    held: list[list[Plane] | None] = []
    for header, values in _pages(series):
        patience.check()
        held += [None] if values is None else _planes(header, values, stored, notes)
    numbers = _numbers(series)
    held += [None] * (numbers.size - len(held))
    missing = sum(planes is None for planes in held)
    if missing:
        notes.append(_missing_note(len(held), len(held) - missing))
    elif numbers.ndim > 2:
        planes = reduce(_by, map(str, numbers.shape[1:]))
        notes.append(
            sentence("The stack's {planes} planes were laid one after the other.", planes=planes)
        )
    for channel in numbers:
        known = [planes for number in channel.flat if (planes := held[number])]
        # Bands of one channel are channels of their own.
        yield from map(list, zip(*known, strict=True))


def _numbers(series: TiffPageSeries) -> np.ndarray:
    """Number the planes that a series declares, (channels, …), by its axes other than Y, X, samples.

    Channels within a page are its samples, whatever their axis is called.
    """
    if _rows_as_pages(series):
        return np.zeros((1, 1), int)
    inside = _page_begins(series)
    lead = [
        at
        for at, axis in enumerate(series.axes)
        if axis not in "YXS" and not (axis == "C" and at >= inside)
    ]
    axes = [series.axes[at] for at in lead]
    shape = [series.shape[at] for at in lead]
    numbers = np.arange(math.prod(shape)).reshape(shape)
    return np.moveaxis(numbers, axes.index("C"), 0) if "C" in axes else numbers[None]


def _page_begins(series: TiffPageSeries) -> int:
    """Return the number of a series' axes along which its pages follow each other."""
    return series.ndim - series.keyframe.ndim


def _has_whole_pages(series: TiffPageSeries) -> bool:
    """Tell whether each page is a picture, rather than a row of one, as tifffile writes (…, 5 channels)."""
    return _rows_as_pages(series) or not {"Y", "X"} & set(series.axes[: _page_begins(series)])


def _rows_as_pages(series: TiffPageSeries) -> bool:
    """Tell whether (rows, columns, 2) was written as so many pages of two columns, as tifffile does."""
    page = series.keyframe
    return (
        page.shape[1:] == (2,)
        and page.photometric == PHOTOMETRIC.MINISBLACK
        and series.ndim == 3
        and min(page.imagelength, len(series.pages)) > 2
    )


def _pages(series: TiffPageSeries) -> Iterator[tuple[TiffPage, np.ndarray | None]]:
    """Yield each page's header and values (D, H, W, samples); None for a page that the file does not hold."""
    keyframe = series.keyframe
    if series.is_truncated:  # one header stands for many planes
        _check_page(keyframe)
        for values in series.asarray().reshape(-1, *keyframe.shaped):
            yield keyframe, _samples_last(values)
        return
    if _rows_as_pages(series):
        rows = [_values(page)[0, ..., 0] for page in series.pages if page]
        yield keyframe, np.stack(rows)[None]
        return
    for page in series.pages:
        if page is None:
            yield keyframe, None
            continue
        # A frame passes over tags in which it may differ; but those of LSM were mended.
        if isinstance(page, TiffFrame) and not page.is_virtual and series.kind != "lsm":
            page = page.aspage()
        yield page.keyframe or keyframe, _values(page)


def _values(page: TiffPage | TiffFrame) -> np.ndarray:
    """Read a page: (depth, height, width, all samples)."""
    _check_page(page)
    values = page.asarray(squeeze=False, maxworkers=1)
    return _samples_last(values)


def _samples_last(values: np.ndarray) -> np.ndarray:
    """Move (separate samples, depth, height, width, samples) to (depth, height, width, all samples)."""
    return np.moveaxis(values, 0, -2).reshape(*values.shape[1:4], -1)


def _check_page(page: TiffPage | TiffFrame) -> None:
    """Refuse what tifffile cannot read, or would make up, or would need any amount of memory for."""
    header = page.keyframe
    assert header is not None
    check_size(header.imagewidth, header.imagelength, pages=1)
    if header.compression not in _BYTES and header.compression not in _PICTURES:
        raise PictureError(
            sentence(
                "is compressed in a way that is not read here ({name}): save it uncompressed, or"
                " with LZW or deflate.",
                name=_name(COMPRESSION, header.compression),
            )
        )
    subsampled = header.is_subsampled and header.compression not in _RGB_MADE
    if header.photometric not in (*_GRAY, PHOTOMETRIC.PALETTE, *_COLOURS) or subsampled:
        raise _unread_colours(header)
    packed = header.bitspersample not in (8, 16, 32, 64)
    if header.dtype is None or header.dtype.kind == "c" or (packed and header.predictor != 1):
        raise _unread_values(header)
    file = header.parent.filehandle
    segments = zip(page.dataoffsets, page.databytecounts, strict=False)
    there = [segment for segment in segments if all(segment)]
    wanted = (
        1 if _NO_DATA in header.tags else math.prod(header.chunked)
    )  # GDAL leaves out empty ones
    contiguous = header.nbytes if header.is_contiguous else 0
    if len(there) < wanted or sum(count for _, count in there) < contiguous:
        raise EOFError("a page has fewer pixels than it declares")
    if max(map(sum, there)) > file.size:
        raise EOFError("the file ends before its pages do")
    kind = _PICTURES.get(header.compression)
    for offset, count in there:
        if kind is None:
            break
        file.seek(offset)
        data = file.read(count)
        if kind == "JPEG":
            check_scans(data, math.prod(header.chunks))
        with Image.open(io.BytesIO(data), formats=[kind]) as picture:
            if math.prod(picture.size) > math.prod(header.chunks):
                raise ValueError("a strip holds more pixels than it declares")


def _planes(
    page: TiffPage, values: np.ndarray, stored: bool, notes: list[Sentence]
) -> list[list[Plane]]:
    """Split a page's values (D, H, W, samples): for each of D its bands, colours or each sample alone."""
    orientation = page.tags.valueof(_ORIENTATION, 1)
    if orientation in range(2, 9):
        notes.append(turned_note(orientation))
    unknown = _no_data(page, values)
    own = page.samplesperpixel - len(page.extrasamples)
    alpha = None
    if page.extrasamples and page.extrasamples[0] in _ALPHA and values.shape[-1] > own > 0:
        alpha = alpha_to_8_bit(values[..., own], page.bitspersample)
        values = values[..., :own]
    shown = _colours(page, values, stored, notes)
    if alpha is not None and page.extrasamples[0] == EXTRASAMPLE.ASSOCALPHA:
        shown = _without_alpha(shown, alpha)
    count = shown.shape[-1]
    width = count if count == 3 and page.photometric not in _GRAY else 1
    bands = [np.s_[start : start + width] for start in range(0, count, width)]
    return [
        [
            Plane.turned(
                shown[depth, ..., band],
                None if alpha is None else alpha[depth],
                None if unknown is None else np.all(unknown[depth, ..., band], axis=-1),
                orientation,
            )
            for band in bands
        ]
        for depth in range(len(values))
    ]


def _masked(planes: Planes, masks: Sequence[TiffPage | TiffFrame]) -> Planes:
    """Make void what the file's own masks, if there is one for each plane, hold as 0 (as GDAL's)."""
    if len(masks) != len(planes.values):
        return planes
    pages = [_values(mask)[0, ..., 0] == 0 for mask in masks]
    pages = [turned(page, how) for page, how in zip(pages, planes.orientations, strict=True)]
    if any(page.shape != planes.values.shape[1:3] for page in pages):
        return planes
    hidden = np.stack(pages)
    return replace(planes, void=hidden if planes.void is None else planes.void | hidden)


def _no_data(page: TiffPage, values: np.ndarray) -> np.ndarray | None:
    """Mark the values that GDAL's tag gives to pixels without data; None without such a tag."""
    text = page.tags.valueof(_NO_DATA)
    try:
        mark = float(str(text).strip("\0 ").replace(",", "."))
        with np.errstate(invalid="ignore", over="ignore"):
            own = np.array(mark).astype(values.dtype)
    except (ValueError, OverflowError):
        return None
    return values == own if values.dtype.kind == "f" or own == mark else None


def _colours(page: TiffPage, values: np.ndarray, stored: bool, notes: list[Sentence]) -> np.ndarray:
    """Turn the file's (D, H, W, samples) into gray, RGB, or bands; ``stored`` keeps gray and indices."""
    kind, bits = page.photometric, page.bitspersample
    palette = None if stored else _palette(page)
    if palette is not None:
        shown = looked_up(values[..., 0], palette)
        if shown.shape[-1] == 1:
            notes.append(sentence("A look-up table of one colour was read as gray."))
        return shown
    if kind == PHOTOMETRIC.MINISWHITE and not stored:
        notes.append(sentence("The file stores white as 0: its values were inverted."))
        values = _inverted(values, bits)
    if values.dtype == bool:
        values = values * np.uint8(1 if kind == PHOTOMETRIC.PALETTE else 255)
    elif values.dtype == np.uint8 and bits in range(2, 8) and not stored:
        values = np.rint(values * (255 / (2**bits - 1))).astype(np.uint8)
    if kind == PHOTOMETRIC.SEPARATED:
        return _from_inks(page, values)
    if kind == PHOTOMETRIC.YCBCR and page.compression not in _RGB_MADE:
        return _from_luminance(page, values)
    if kind in _COLOURS and values.shape[-1] > 3:
        notes.append(sentence("The samples beside red, green and blue were left out."))
        return values[..., :3]
    return values


def _palette(page: TiffPage) -> np.ndarray | None:
    """Return a page's own colours, uint16 (K, 3); None if its values are no indices."""
    if page.photometric != PHOTOMETRIC.PALETTE:
        return None
    table = np.asarray(page.colormap).T
    return table if table.max() > 255 else table * 257  # some programs write 8 bits of the 16


def _inverted(values: np.ndarray, bits: int) -> np.ndarray:
    """Invert values of so many bits: the lowest one becomes the highest."""
    if values.dtype.kind == "f":
        return -values
    return values.dtype.type(2**bits - 1) - values if values.dtype.kind == "u" else ~values


def _from_inks(page: TiffPage, values: np.ndarray) -> np.ndarray:
    """Turn cyan, magenta, yellow and black into RGB of the same dtype, without any colour profile."""
    if values.shape[-1] != 4 or values.dtype not in (np.uint8, np.uint16):
        raise _unread_colours(page)
    top = np.uint32(np.iinfo(values.dtype).max)
    colours = (top - values[..., :3]) * (top - values[..., 3:]) + top // 2
    return (colours // top).astype(values.dtype)


def _from_luminance(page: TiffPage, values: np.ndarray) -> np.ndarray:
    """Turn YCbCr into RGB, both uint8."""
    if values.shape[-1] != 3 or values.dtype != np.uint8:
        raise _unread_colours(page)
    pages = [Image.fromarray(np.ascontiguousarray(one), "YCbCr").convert("RGB") for one in values]
    return np.stack([np.asarray(page) for page in pages])


def _without_alpha(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Divide colours by the alpha, uint8 (…, H, W), that they were multiplied by."""
    opacity = np.where(alpha, alpha, 255)[..., None] / np.float32(255)
    if colours.dtype.kind == "f":
        return colours / opacity
    return np.rint(colours / opacity).clip(0, np.iinfo(colours.dtype).max).astype(colours.dtype)


def _unread_colours(page: TiffPage) -> PictureError:
    return PictureError(
        sentence(
            "stores its colours in a way that is not read here ({name}): save it as gray or RGB.",
            name=_name(PHOTOMETRIC, page.photometric),
        )
    )


def _unread_values(page: TiffPage) -> PictureError:
    name = f"{page.bitspersample}-bit {_name(SAMPLEFORMAT, page.sampleformat)}"
    if page.predictor != 1:
        name += f", {_name(PREDICTOR, page.predictor)}"
    return PictureError(
        sentence(
            "stores its values in a way that is not read here ({name}): save it with 8, 16 or 32"
            " bits.",
            name=name,
        )
    )


def _name(kinds: type[IntEnum], value: int) -> str:
    return kinds(value).name if value in list(kinds) else str(value)


def _missing_note(declared: int, held: int) -> Sentence:
    return sentence(
        "The file declares {declared} planes and holds {held}: only these were read.",
        declared=declared, held=held,
    )  # fmt: skip


def _by(first: str, second: str) -> str:
    return sentence("{first} by {second}", first=first, second=second)
