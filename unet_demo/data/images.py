"""Any picture a person has, as arrays; and masks, exactly, in both directions.

A file goes one way: bytes → :class:`Planes` (what the file holds, in its own numbers) →
:class:`Picture` (8 bits, nothing transparent). Whatever is wrong with the file becomes a
:class:`PictureError`: one plain sentence. Nothing here touches Pillow's global settings, and no
state is shared, so that any number of threads may read at once.
"""

import math
import os
import struct
import threading
import tokenize
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ..messages import Sentence, sentence, words_of
from ..tasks import VOID, VOID_COLOUR
from . import PictureError
from .bounds import Patience
from .planes import (
    MAX_PIXELS,
    Decoded,
    Planes,
    alpha_to_8_bit,
    check_size,
    decode_plain,
    pillow_page,
    stack,
    too_large,
    turned_note,
)
from .tiff import decode_tiff

PERCENTILES = (0.1, 99.9)
"""Where black and white lie in 16-bit, 32-bit and float values: dead and hot pixels lie outside."""

MAX_SAMPLES = 4
"""Values of a pixel, at most: red, green, blue and alpha."""

MAX_SAMPLED = 16_000_000
"""Values from which percentiles are taken, at most: of more, a part in regular steps."""

BAND = 1024
"""Rows that are scaled at a time: in floats they take eight times the memory."""

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


@dataclass(frozen=True)
class Picture:
    """A picture, or a stack of pictures, ready for a network.

    ``slices``: uint8 (N, H, W, C), C = 1 (gray) or 3 (RGB), 0 black to 255 white.
    ``name``: the file's name without its ending, for downloads.
    ``notes``: plain sentences on what was done to the file's own values and pages.
    ``void``: bool (N, H, W), the pixels of which the file gives no value, or None if there are none.
    ``orientations``: how the file's pixels were turned for each page (EXIF's numbers), if any were.
    """

    slices: np.ndarray
    name: str
    notes: tuple[str, ...]
    void: np.ndarray | None = None
    orientations: tuple[int, ...] = ()


@dataclass(frozen=True)
class StoredMask:
    """A mask as its file stores it.

    ``values``: (N, H, W, 1) of gray levels, or of indices if there is a palette; or (N, H, W, 3) of
    colours; any real dtype. ``palette``: the indices' colours, uint8 (K, 3), or None. ``lossy``: the
    name of a compression that changes values, or None.
    """

    values: np.ndarray
    palette: np.ndarray | None = None
    lossy: str | None = None


def read_picture(path: str | os.PathLike, cancelled: threading.Event | None = None) -> Picture:
    """Read a PNG, JPEG, WebP, GIF, BMP or TIFF file: all its pages, frames or slices.

    8-bit values stay. 16-bit, 32-bit and float values are scaled to 0 to 255 between two
    percentiles of the whole stack, channel by channel; those that are NaN or marked as no data
    count nowhere. What is transparent is put on white, EXIF orientation is applied. Channels of a
    microscope are no colours: each becomes pages of its own, one channel after the other. Pages of
    another size than the first are left out, or the first ones if they are thumbnails.

    Raises :class:`PictureError` where there is no picture to be had, or one over the limits
    :data:`MAX_PIXELS` and :data:`MAX_STACK_PIXELS` or those of :mod:`.bounds`, and Cancelled soon
    after ``cancelled`` is set.
    """
    name = Path(path).stem or "picture"
    with _one_sentence(path):
        decoded = _decode(Path(path), stored=False, patience=Patience(cancelled))
        channels = [_picture(planes, name) for planes in decoded.channels]
    if len(channels) == 1:
        return replace(channels[0], notes=(*decoded.notes, *channels[0].notes))
    notes = list(decoded.notes)
    for number, channel in enumerate(channels, start=1):
        notes += [
            sentence("Channel {number}: {note}", number=number, note=note) for note in channel.notes
        ]
    parts = [
        np.zeros(one.slices.shape[:3], bool) if one.void is None else one.void for one in channels
    ]
    return Picture(
        np.concatenate([to_channels(one.slices, channels[0].slices.shape[-1]) for one in channels]),
        name,
        tuple(notes),
        np.concatenate(parts) if any(one.void is not None for one in channels) else None,
        sum((one.orientations for one in channels), ()),
    )


def picture_from_array(values: np.ndarray, name: str = "array") -> Picture:
    """Read pixels in memory, by the rules of :func:`read_picture`.

    ``values``: (H, W), (H, W, C), (N, H, W) or (N, H, W, C) of booleans, whole numbers or floats;
    C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. Of three axes the last one is C if it has
    no more than 4 entries. What a masked array hides counts nowhere. Raises :class:`PictureError`.
    """
    try:
        planes = _array_planes(values)
        # Pages of their own memory: the caller's may be read-only, or change.
        return _picture(replace(planes, values=np.array(planes.values, order="C")), name)
    except PictureError as error:
        raise PictureError(
            sentence("The array {problem}", problem=words_of(error))
        ) from error.__cause__


def picture_from_image(image: Image.Image) -> Picture:
    """Read a Pillow image, by the rules of :func:`read_picture`: the frame at which it stands, alone.

    Pillow keeps 8 bits of a 16-bit colour; reading the file itself keeps them all. Raises
    :class:`PictureError`.
    """
    path = getattr(image, "filename", "") or "image"
    with _one_sentence(path):
        check_size(*image.size, pages=1)
        planes = stack([pillow_page(image, stored=False)])
        picture = _picture(planes, Path(path).stem or "image")
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    if planes.orientations[0] != 1:
        picture = replace(picture, notes=(turned_note(planes.orientations[0]), *picture.notes))
    if frames == 1:
        return picture
    note = sentence(
        "Only frame {number} of {frames} was read; give the file's path to read all.",
        number=image.tell() + 1, frames=frames,
    )  # fmt: skip
    return replace(picture, notes=(*picture.notes, note))


def read_mask(path: str | os.PathLike) -> StoredMask:
    """Read a mask as it is stored: what :func:`read_picture` takes, and ``.npy`` files.

    A ``.npy`` file is (H, W), (N, H, W), (H, W, 1 or 3) or (N, H, W, 1 or 3) of numbers. 1-bit values
    come as 0 and 255; transparency is ignored. Raises :class:`PictureError`.
    """
    with _one_sentence(path):
        if _head(Path(path)).startswith(_NPY_SIGNATURE):
            return StoredMask(_npy_mask(Path(path)))
        decoded = _decode(Path(path), stored=True)
        values = np.concatenate([planes.values for planes in decoded.channels])
    return StoredMask(values, decoded.palette, decoded.lossy)


def to_channels(pages: np.ndarray, channels: int) -> np.ndarray:
    """Turn uint8 (N, H, W, 1 or 3) into (N, H, W, channels): gray repeated, or colours' luminance.

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
    """Make a palette picture whose indices are the labels uint8 (H, W)."""
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
    last = Path(path).name or str(Path(path))  # that of the folders . and / is empty
    name = "".join(filter(str.isprintable, last))[-80:] or sentence("the file")
    try:
        yield
    except PictureError as error:
        raise _refused(name, words_of(error)) from error.__cause__
    except FileNotFoundError as error:
        raise _refused(name, sentence("was not found: choose the file again.")) from error
    except IsADirectoryError as error:
        raise _refused(name, sentence("is a folder: choose a picture inside it.")) from error
    except PermissionError as error:
        raise _refused(name, sentence("may not be opened: allow reading it first.")) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused(name, too_large(MAX_PIXELS)) from error
    except MemoryError as error:
        raise _refused(
            name, sentence("needs more memory than there is: make it smaller.")
        ) from error
    except _DAMAGED as error:
        raise _refused(
            name, sentence("is damaged, cut short or has no pixels: save or export it once more.")
        ) from error


def _refused(name: str, problem: str) -> PictureError:
    return PictureError(sentence('"{name}" {problem}', name=name, problem=problem))


def _head(path: Path) -> bytes:
    """Read the bytes that tell a file's format. Raises OSError where there is no file."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise PictureError(sentence("is empty (0 bytes): save or export it once more."))
    return head


def _format(head: bytes) -> str:
    """Return Pillow's name of the format, by content: names and endings lie."""
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature) and (name != "WEBP" or head[8:12] == b"WEBP"):
            return name
    raise PictureError(
        sentence(
            "is not a picture that can be read here: bring a PNG, JPEG, WebP, GIF, BMP or TIFF file."
        )
    )


def _decode(path: Path, *, stored: bool, patience: Patience | None = None) -> Decoded:
    """Read the file's own values; ``stored``: a palette's indices, and whatever zero stands for."""
    name, patience = _format(_head(path)), patience or Patience()
    if name == "TIFF":
        return decode_tiff(path, stored, patience)
    return decode_plain(path, name, stored, patience)


def _array_planes(values: np.ndarray) -> Planes:
    """Split what :func:`picture_from_array` takes into colours and alpha, in its own numbers."""
    if values.dtype.kind not in "buif" or values.ndim not in (2, 3, 4):
        raise PictureError(
            sentence(
                "is no picture: it must hold numbers shaped (H, W), (H, W, C), (N, H, W) or"
                " (N, H, W, C)."
            )
        )
    if values.ndim == 2 or (values.ndim == 3 and values.shape[-1] > MAX_SAMPLES):
        values = values[..., None]
    pages, height, width, samples = values.shape if values.ndim == 4 else (1, *values.shape)
    if not 1 <= samples <= MAX_SAMPLES:
        raise PictureError(
            sentence(
                "has {samples} channels: give 1 (gray), 3 (RGB), or either of them with alpha.",
                samples=samples,
            )
        )
    check_size(width, height, pages)
    values = values.reshape(pages, height, width, samples)
    void: np.ndarray | None = None
    if isinstance(values, np.ma.MaskedArray):
        void = np.logical_or.reduce(np.ma.getmaskarray(values), axis=-1)
        values = np.ma.getdata(values)
    if values.dtype.kind == "b":
        values = values * np.uint8(255)
    if samples % 2:
        return Planes(values, void=void)
    return Planes(values[..., :-1], alpha_to_8_bit(values[..., -1]), void)


def _picture(planes: Planes, name: str) -> Picture:
    """Turn one channel, or colours, into 8 bits: what was done to its values stands in the notes."""
    unknown = _unknown(planes)
    if unknown is not None and unknown.all():
        raise PictureError(
            sentence(
                "holds no value at all (all NaN, infinite or marked as no data): export it once more."
            )
        )
    notes: tuple[str, ...] = ()
    pages, alpha = planes.values, planes.alpha
    if pages.dtype != np.uint8:
        low, high, how = _range(pages, unknown)
        bits = None if pages.dtype.kind == "f" else 8 * pages.dtype.itemsize
        notes = (_scaling(bits, low, high, how),)
        pages = _scaled(pages, low, high)
    if alpha is not None and not alpha.any():
        # What means nothing to the program that wrote the file would leave nothing to see.
        alpha = None
        notes = (
            *notes,
            sentence("Every pixel is fully transparent: the transparency was ignored."),
        )
    pages = np.ascontiguousarray(_over_white(pages, alpha))
    if unknown is not None:
        pages = pages if pages.flags.writeable else pages.copy()
        pages[unknown] = 0
        note = sentence(
            "{count} pixels hold no value (NaN, infinite, or marked as no data): they count for nothing"
            " and are void in the mask.",
            count=int(np.count_nonzero(unknown)),
        )
        notes = (*notes, note)
    turned = planes.orientations if set(planes.orientations) - {1} else ()
    return Picture(pages, name, notes, unknown, turned)


def _unknown(planes: Planes) -> np.ndarray | None:
    """Mark, bool (N, H, W), where there is no value: not finite, or marked so; None where all are known."""
    unknown = planes.void
    if planes.values.dtype.kind == "f":
        broken = ~np.isfinite(planes.values).all(axis=-1)
        unknown = broken if unknown is None else unknown | broken
    return unknown if unknown is not None and unknown.any() else None


def _scaling(bits: int | None, low: float, high: float, how: Sentence) -> Sentence:
    """Say what became of values of so many bits, or of floats (None), that run from low to high."""
    if low < high:
        kind = sentence("{bits}-bit", bits=bits) if bits else sentence("Float")
        return sentence(
            "{kind} values {low:.6g} to {high:.6g} were scaled to 0 to 255 ({how}).",
            kind=kind, low=low, high=high, how=how,
        )  # fmt: skip
    kind = sentence("{bits}-bit", bits=bits) if bits else sentence("float")
    return sentence("All {kind} values are {low:.6g}: the picture is black.", kind=kind, low=low)


def _range(values: np.ndarray, unknown: np.ndarray | None) -> tuple[float, float, Sentence]:
    """Find where black and white lie in (N, H, W, C), and say how."""
    step = math.ceil(math.sqrt(values.size / MAX_SAMPLED))
    part = np.s_[:, ::step, ::step]
    known = values[part] if unknown is None else values[part][~unknown[part]]
    if known.dtype == np.float16:
        known = known.astype(np.float32)
    low, high = np.percentile(known, PERCENTILES) if known.size else (0, 0)
    if low < high:
        return float(low), float(high), _by_percentiles(step)
    # A few bright spots on an even ground lie beyond the percentiles, yet are the picture.
    known = values if unknown is None else values[~unknown]
    return float(known.min()), float(known.max()), sentence("the lowest and the highest value")


def _by_percentiles(step: int) -> Sentence:
    """Say how the range was found where one pixel in so many rows and columns was looked at."""
    below, above = PERCENTILES
    if step == 1:
        return sentence(
            "percentiles {below:g} and {above:g} of all pixels", below=below, above=above
        )
    return sentence(
        "percentiles {below:g} and {above:g} of one pixel in {share}",
        below=below, above=above, share=step**2,
    )  # fmt: skip


def _scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale low to high to 0 to 255, clipped; what is not finite to 0. Band by band, to save memory."""
    # Halved, so that even the widest floats have a finite difference.
    span = (high / 2 - low / 2) or 1.0
    precision = np.float32 if values.dtype.itemsize == 2 else np.float64
    scaled = np.empty(values.shape, np.uint8)
    for page, target in zip(values, scaled, strict=True):
        for top in range(0, len(page), BAND):
            exact = page[top : top + BAND].astype(precision)
            exact[~np.isfinite(exact)] = low
            exact.clip(low, high, out=exact)
            exact /= 2
            exact -= low / 2
            exact /= span
            exact *= 255
            target[top : top + BAND] = np.rint(exact, out=exact)
    return scaled


def _over_white(pages: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Put uint8 (N, H, W, C) on a white ground, page by page."""
    if alpha is None:
        return pages
    composed = np.empty_like(pages)
    for i, page in enumerate(pages):
        opacity = alpha[i, ..., None].astype(np.uint16)
        composed[i] = (page * opacity + 255 * (255 - opacity) + 127) // 255
    return composed


def _npy_mask(path: Path) -> np.ndarray:
    """Read a mask saved by NumPy: (N, H, W, 1 or 3)."""
    # Mapped, so that a header cannot declare more than the file holds.
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if values.dtype.kind not in "uibf" or values.ndim not in (2, 3, 4):
        raise PictureError(
            sentence("is not a mask: it must hold whole numbers shaped (H, W) or (N, H, W).")
        )
    if values.ndim == 3 and values.shape[-1] in (1, 3):
        values = values[None]
    elif values.ndim < 4:
        values = values.reshape((-1, *values.shape[-2:], 1))
    if values.shape[-1] not in (1, 3):
        raise PictureError(sentence("is not a mask: its last axis must hold 1 label or 3 colours."))
    pages, height, width, _ = values.shape
    check_size(width, height, pages)
    return values * np.uint8(255) if values.dtype.kind == "b" else values
