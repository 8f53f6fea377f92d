"""TIFF, by two libraries.

tifffile knows what the axes mean and keeps every bit; Pillow's libtiff knows the compressions
(without imagecodecs, tifffile knows deflate alone) and the colour spaces of print.
"""

import logging
import math
import os
import struct
import zlib
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError
from tifffile import (
    COMPRESSION,
    EXTRASAMPLE,
    PHOTOMETRIC,
    TiffFile,
    TiffFrame,
    TiffPage,
    TiffPageSeries,
)

from ..sentences import Sentence, sentence
from .errors import PictureError
from .planes import (
    Decoded,
    Planes,
    alpha_to_8_bit,
    check_bytes,
    check_size,
    left_out,
    pillow_pages,
)

_TIFFFILE_COMPRESSIONS = (COMPRESSION.NONE, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE)
_TIFFFILE_PHOTOMETRICS = (
    PHOTOMETRIC.MINISWHITE,
    PHOTOMETRIC.MINISBLACK,
    PHOTOMETRIC.RGB,
    PHOTOMETRIC.PALETTE,
)

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


def decode_tiff(path: Path, indices: bool) -> Decoded:
    """Read the first series of a file; with ``indices``, a palette's indices, not its colours.

    Raises PictureError, or what tifffile and Pillow raise on a broken file.
    """
    # A file may name others beside it to be read too: never follow that.
    with TiffFile(path, _multifile=False, is_mmstack=False, is_ndtiff=False) as tiff:
        series = tiff.series[0]
        others = sum(len(other.pages) for other in tiff.series[1:])
        _check_series(series)
        _check_complete(tiff, series)
        if _tifffile_can(series.keyframe):
            _check_data(tiff, series)
            decoded = _by_tifffile(series, indices)
        else:
            decoded = _by_libtiff(series, path, indices)
    if others:
        return Decoded(decoded.channels, (*decoded.notes, left_out(others)))
    return decoded


def _check_series(series: TiffPageSeries) -> None:
    """Refuse the sizes that the headers declare, before anything is decoded."""
    sizes = dict(zip(series.axes, series.shape, strict=True))
    if "Y" not in sizes or "X" not in sizes:
        raise PictureError(sentence("holds no flat picture: save it as an ordinary TIFF stack."))
    width, height = sizes["X"], sizes["Y"]
    planes = math.prod(series.shape) // max(1, width * height)
    samples = sizes.get("S", 1)
    check_size(width, height, planes // samples if samples <= 4 else planes)
    if series.dtype is not None:
        check_bytes(math.prod(series.shape) * series.dtype.itemsize)
    page = series.keyframe
    if page.is_tiled:
        check_size(page.tilewidth, page.tilelength, pages=1)


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
        raise PictureError(
            sentence("inflates to more pixels than it declares: export it once more.")
        )
    return held


def _by_tifffile(series: TiffPageSeries, indices: bool) -> Decoded:
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
        alpha = alpha_to_8_bit(values[..., colours])
        return Decoded(tuple(map(Planes, values[..., :colours], alpha)), notes)
    if samples > colours == 3:
        notes = (*notes, sentence("The samples beside red, green and blue were left out."))
        values = values[..., :3]
    if samples > colours == 1:
        notes = (*notes, _channels_note(samples))
        values = np.moveaxis(values, -1, 1).reshape((-1, *values.shape[1:4], 1))
    return Decoded(tuple(map(Planes, values)), notes)


def _by_libtiff(series: TiffPageSeries, path: Path, indices: bool) -> Decoded:
    """The same series with its pages decoded by Pillow, each of which is one plane."""
    frames = [page.index for page in _held(series)]
    try:
        with Image.open(path, formats=["TIFF"]) as image:
            planes = pillow_pages(image, path, "TIFF", frames, indices)
    except UnidentifiedImageError as error:
        raise PictureError(
            sentence("is a kind of TIFF that cannot be read here: save it as an uncompressed TIFF.")
        ) from error
    axes = "".join(axis for axis in series.axes if axis not in "YXS")
    shape = tuple(series.shape[i] for i, axis in enumerate(series.axes) if axis in axes)
    values, notes = _laid_out(planes.values.reshape(shape + planes.values.shape[1:]), axes + "YXS")
    if planes.alpha is None:
        return Decoded(tuple(map(Planes, values)), notes)
    alpha, _ = _laid_out(planes.alpha.reshape(shape + planes.alpha.shape[1:]), axes + "YX")
    return Decoded(tuple(map(Planes, values, alpha[..., 0])), notes)


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
        planes = reduce(_by, lead)
        notes.append(
            sentence("The stack's {planes} planes were laid one after the other.", planes=planes)
        )
    return values.transpose(order).reshape(shape), tuple(notes)


def _by(first: str, second: str) -> str:
    return sentence("{first} by {second}", first=first, second=second)


def _channels_note(channels: int) -> Sentence:
    return sentence(
        "The {channels} channels became gray pages, one channel after the other.",
        channels=channels,
    )


def _oriented(values: np.ndarray, page: TiffPage) -> np.ndarray:
    """(channels, N, H, W, samples), turned as the TIFF's Orientation tag asks."""
    tag = page.tags.get("Orientation")
    swap, *flips = _ORIENTATIONS.get(tag.value if tag else 1, (False, False, False))
    if swap:
        values = values.swapaxes(2, 3)
    axes = tuple(axis for axis, wanted in zip((2, 3), flips, strict=True) if wanted)
    return np.flip(values, axes)
