"""What a picture file holds, in its own numbers: the limits, and how Pillow reads all but TIFF."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps

from ..sentences import Sentence, sentence
from .errors import PictureError

MAX_PIXELS = 40_000_000
"""Pixels of one page, at most: a 40-megapixel photograph."""

MAX_STACK_PIXELS = 200_000_000
"""Pixels of all pages (and channels) together, at most: 760 slices of 512 by 512."""

MAX_PAGES = 2_000
"""Pages of a stack, at most: each takes its time, however small it is."""

MAX_BYTES = 2**30
"""Memory that all pages together may take in the file's own numbers."""

_GRAY_MODES = ("1", "L", "LA", "La")
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "F")

# Pillow keeps only the high byte of 16-bit colour. It can be told, though, to unpack the same bytes
# in the other order, which yields the low byte: two readings give all 16 bits, so that a dim
# picture can be scaled like any other. libtiff hands over native (little-endian) numbers.
_LOW_BYTES = {
    "RGB;16B": "RGB;16L",
    "RGBA;16B": "RGBA;16L",
    "RGB;16N": "RGB;16B",
    "RGBA;16N": "RGBA;16B",
}


@dataclass(frozen=True)
class Planes:
    """One channel of a file in the file's own numbers, or its colours.

    ``values``: (N, H, W, 1 or 3), any real dtype. ``alpha``: uint8 (N, H, W), 255 opaque, or None.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None


@dataclass(frozen=True)
class Decoded:
    """Every channel of a file, and notes. ``channels``: one, or more where they are no colours."""

    channels: tuple[Planes, ...]
    notes: tuple[str, ...] = ()


def in_words(pixels: int) -> str:
    """Whole millions as a person says them, which the pages translate."""
    return f"{pixels // 1_000_000} million"


def too_large(limit: int) -> Sentence:
    """The end of a sentence about a page, or a stack, of too many pixels."""
    return sentence(
        "has more than {pixels} pixels, the limit: crop or shrink it.", pixels=in_words(limit)
    )


def check_size(width: int, height: int, pages: int) -> None:
    """Refuse what a header declares, before anything is decoded."""
    if min(width, height, pages) <= 0:
        raise PictureError(
            sentence(
                "has no pixels ({width} by {height}): save or export it once more.",
                width=width, height=height,
            )
        )  # fmt: skip
    if pages > MAX_PAGES:
        raise PictureError(
            sentence(
                "has {pages} pages, more than the limit of {most}: bring fewer pages.",
                pages=pages, most=MAX_PAGES,
            )
        )  # fmt: skip
    if width * height > MAX_PIXELS:
        raise PictureError(too_large(MAX_PIXELS))
    if width * height * pages > MAX_STACK_PIXELS:
        raise PictureError(
            sentence(
                "has {pages} pages of {width} by {height} pixels, more than the limit of"
                " {pixels} in all: bring fewer or smaller pages.",
                pages=pages, width=width, height=height, pixels=in_words(MAX_STACK_PIXELS),
            )
        )  # fmt: skip


def check_bytes(size: int) -> None:
    """Refuse decoded pages of so many bytes before all of them are there."""
    if size > MAX_BYTES:
        raise PictureError(
            sentence(
                "takes {size:.1f} GiB of memory once it is unpacked, more than the limit of {most}"
                " GiB: save it with fewer bits a pixel, or crop or shrink it.",
                size=size / 2**30, most=MAX_BYTES // 2**30,
            )
        )  # fmt: skip


def decode_plain(path: Path, name: str, indices: bool) -> Decoded:
    """Read a file of Pillow's format ``name``; with ``indices``, a palette's indices, not its colours."""
    with Image.open(path, formats=[name]) as image:
        # What follows in a telephone's photograph (MPO) is its depth or brightness, not a page.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        # Later frames of an animation come without a palette: then all come in colours.
        planes = pillow_pages(image, path, name, range(frames), indices and frames == 1)
    notes = []
    if len(planes.values) < frames:
        notes.append(left_out(frames - len(planes.values)))
    if name == "GIF" and not path.read_bytes().rstrip(b"\0").endswith(b";"):
        notes.append(sentence("The GIF lacks its end mark: frames may be missing at its end."))
    return Decoded((planes,), tuple(notes))


def left_out(pages: int) -> Sentence:
    """A note on pages that are not read."""
    if pages == 1:
        return sentence("1 page of another size or kind than the first: left out.")
    return sentence("{pages} pages of another size or kind than the first: left out.", pages=pages)


def pillow_pages(
    image: ImageFile.ImageFile, path: Path, name: str, frames: Sequence[int], indices: bool
) -> Planes:
    """The named frames of an opened file, as far as they are of the first one's size."""
    size = image.size
    check_size(*size, pages=len(frames))
    pages = []
    for frame in frames:
        image.seek(frame)
        if image.size != size:
            continue
        low_bytes = _low_bytes(image, name, len(frames))
        if low_bytes:
            pages.append(_sixteen_bits(path, name, frame, low_bytes))
        else:
            pages.append(pillow_page(image, indices))
        check_bytes(len(frames) * pages[0].nbytes)
    return _stack(pages)


def pillow_page(image: Image.Image, indices: bool) -> np.ndarray:
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


def _stack(pages: list[np.ndarray]) -> Planes:
    """Pages (H, W, 1 to 4) → one array; gray is repeated where another page has colours."""
    colours = max(3 if page.shape[-1] > 2 else 1 for page in pages)
    values = np.stack([_colours(page, colours) for page in pages])
    if all(page.shape[-1] % 2 for page in pages):
        return Planes(values)
    return Planes(values, np.stack([_alpha(page) for page in pages]))


def _colours(page: np.ndarray, count: int) -> np.ndarray:
    colours = page[..., : 3 if page.shape[-1] > 2 else 1]
    return colours if colours.shape[-1] == count else np.repeat(colours, count, axis=-1)


def _alpha(page: np.ndarray) -> np.ndarray:
    """The alpha of one page as uint8 (H, W), 255 opaque."""
    if page.shape[-1] % 2:
        return np.full(page.shape[:2], 255, np.uint8)
    return alpha_to_8_bit(page[..., -1])


def alpha_to_8_bit(alpha: np.ndarray) -> np.ndarray:
    """Unsigned alpha keeps its high byte; any other alpha runs from 0 to 1."""
    if np.issubdtype(alpha.dtype, np.unsignedinteger):
        return (alpha >> (8 * alpha.dtype.itemsize - 8)).astype(np.uint8)
    return np.rint(np.nan_to_num(alpha.clip(0, 1)) * 255).astype(np.uint8)
