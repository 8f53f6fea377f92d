"""What a picture file holds, in its own numbers: the limits, and how Pillow reads all but TIFF."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import ExifTags, Image, ImageFile

from ..messages import Sentence, sentence
from . import PictureError
from .bounds import Patience, check_scans

MAX_PIXELS = 40_000_000
"""Pixels of one page, at most: a 40-megapixel photograph."""

MAX_STACK_PIXELS = 200_000_000
"""Pixels of all pages (and channels) together, at most: 760 slices of 512 by 512."""

MAX_PAGES = 2_000
"""Pages of a stack, at most: each takes its time, however small it is."""

MAX_BYTES = 2**30
"""Memory that all pages together may take in the file's own numbers."""

RAMP = 16
"""Levels of brightness from which on a palette of one colour is a ramp, and no set of labels."""

_LEVEL = 257
"""One level of 8 bits in a palette of 16 bits."""

_PNG_BITS = 24
"""Where a PNG says how many bits a sample has."""

# Orientation (EXIF and TIFF tag 274) → (swap rows and columns, then flip rows, flip columns).
_TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}

_GRAY_MODES = ("1", "L", "LA", "La")
_DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "F")


@dataclass(frozen=True)
class Plane:
    """One page, frame or slice in the file's own numbers, upright.

    ``values``: (H, W, 1 or 3), any real dtype. ``alpha``: uint8 (H, W), 255 opaque, or None.
    ``void``: bool (H, W), where the file says that there is no value, or None.
    ``orientation``: EXIF's number for how the stored pixels were turned.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    void: np.ndarray | None = None
    orientation: int = 1

    @classmethod
    def turned(
        cls,
        values: np.ndarray,
        alpha: np.ndarray | None = None,
        void: np.ndarray | None = None,
        orientation: int = 1,
    ) -> "Plane":
        """Make a plane of stored pixels, turned as EXIF's ``orientation`` asks."""
        return cls(
            turned(values, orientation),
            None if alpha is None else turned(alpha, orientation),
            None if void is None else turned(void, orientation),
            orientation,
        )


@dataclass(frozen=True)
class Planes:
    """One channel of a file in the file's own numbers, or its colours: N planes.

    As in :class:`Plane`, with an axis N before H. ``left_out``: planes of another size.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    void: np.ndarray | None = None
    orientations: tuple[int, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Decoded:
    """Every channel of a file, and notes. ``channels``: one, or more where they are no colours.

    ``palette``: the colours of the indices, uint8 (K, 3), where they were kept; else None.
    ``lossy``: the name of a compression that changes values, or None.
    """

    channels: tuple[Planes, ...]
    notes: tuple[str, ...] = ()
    palette: np.ndarray | None = None
    lossy: str | None = None


def in_words(pixels: int) -> str:
    """Write whole millions as a person says them, which the pages translate."""
    return f"{pixels // 1_000_000} million"


def too_large(limit: int) -> Sentence:
    """Return the end of a sentence about a page, or a stack, of too many pixels."""
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


def decode_plain(path: Path, name: str, stored: bool, patience: Patience) -> Decoded:
    """Read a file of Pillow's format ``name``; ``stored``: a palette's indices, not its colours."""
    with Image.open(path, formats=[name]) as image:
        # What follows in a telephone's photograph (MPO) is its depth or brightness, not a page.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        check_size(*image.size, pages=frames)
        # Later frames of an animation come without a palette: then all come in colours.
        stored = stored and frames == 1
        data = path.read_bytes()
        if name == "JPEG":
            check_scans(data, image.width * image.height)
        palette = _palette(image) if stored and image.mode == "P" else None
        if name == "PNG" and frames == 1 and data[_PNG_BITS] == 16:
            # Pillow would keep but the high byte of each colour.
            pages = [_plane(imagecodecs.png_decode(data), orientation_of(image))]
        else:
            pages = list(_frames(image, frames, stored, patience))
        if stored and name == "PNG" and data[_PNG_BITS] in (2, 4) and image.mode == "L":
            # Pillow stretches gray levels of few bits over 0 to 255.
            pages = [
                replace(page, values=page.values // (255 // (2 ** data[_PNG_BITS] - 1)))
                for page in pages
            ]
    planes = stack(pages)
    notes = []
    if frames > len(pages):
        notes.append(left_out(frames - len(pages)))
    if planes.orientations[0] != 1:
        notes.append(turned_note(planes.orientations[0]))
    if name == "GIF" and not data.rstrip(b"\0").endswith(b";"):
        notes.append(sentence("The GIF lacks its end mark: frames may be missing at its end."))
    lossy = name == "JPEG" or (name == "WEBP" and b"VP8 " in data)
    return Decoded((planes,), tuple(notes), palette, name if lossy else None)


def left_out(pages: int) -> Sentence:
    """Return a note on pages that are not read."""
    if pages == 1:
        return sentence("1 page of another size or kind than what was read: left out.")
    return sentence(
        "{pages} pages of another size or kind than what was read: left out.", pages=pages
    )


def turned_note(orientation: int) -> Sentence:
    """Return a note on pixels that are shown otherwise than they are stored."""
    return sentence(
        "The picture was turned or mirrored as its orientation tag (EXIF {orientation}) says.",
        orientation=orientation,
    )


def _frames(
    image: ImageFile.ImageFile, frames: int, stored: bool, patience: Patience
) -> Iterator[Plane]:
    """Yield the frames of an opened file, as far as they are of the first one's size."""
    size = image.size
    for frame in range(frames):
        patience.check()
        image.seek(frame)
        if image.size == size:
            plane = pillow_page(image, stored)
            check_bytes(frames * plane.values.nbytes)
            yield plane


def pillow_page(image: Image.Image, stored: bool) -> Plane:
    """Read the frame at which a Pillow image stands; ``stored``: a palette's indices, not its colours."""
    image.load()  # of a TIFF, Pillow then turns the pixels by itself, and takes the tag away
    orientation = orientation_of(image)
    if image.mode in _DEEP_MODES:
        values, key = np.asarray(image), image.info.get("transparency")
        alpha = (values != key) * np.uint8(255) if isinstance(key, int) else None
        return Plane.turned(values[..., None], alpha, orientation=orientation)
    if image.mode == "P" and (stored or not image.has_transparency_data):
        indices = np.asarray(image)
        table = _palette(image) * np.uint16(257)
        values = indices[..., None] if stored else looked_up(indices, table)
        return Plane.turned(values, orientation=orientation)
    colours = "L" if image.mode in _GRAY_MODES else "RGB"
    alpha = "A" if image.has_transparency_data else ""
    return _plane(np.asarray(image.convert(colours + alpha)), orientation)


def _palette(image: Image.Image) -> np.ndarray:
    """Return the colours of an image's indices, uint8 (K, 3)."""
    return np.array(image.getpalette(), np.uint8).reshape(-1, 3)


def orientation_of(image: Image.Image) -> int:
    """Return EXIF's number for how the stored pixels are to be turned, 1 to 8; 1 is not at all."""
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    return orientation if orientation in _TURNS else 1


def _plane(samples: np.ndarray, orientation: int) -> Plane:
    """Make a plane of (H, W) or (H, W, 1 to 4): gray, gray and alpha, colours, colours and alpha."""
    samples = samples[..., None] if samples.ndim == 2 else samples
    if samples.shape[-1] % 2:
        return Plane.turned(samples, orientation=orientation)
    return Plane.turned(
        samples[..., :-1], alpha_to_8_bit(samples[..., -1]), orientation=orientation
    )


def looked_up(indices: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Look indices (…) up in a palette uint16 (n, 3): uint8 (…, 3), or gray (…, 1) of the indices' bits.

    A ramp from black to one colour, or back, says no more than how bright the values are painted.
    """
    indices = indices.astype(np.uint8) if indices.dtype == bool else indices
    levels = _levels(table)
    if levels is None:
        return (table >> 8).astype(np.uint8)[indices]
    if indices.dtype == np.uint8:
        levels = (levels >> 8).astype(np.uint8)
    return levels[indices][..., None]


def _levels(table: np.ndarray) -> np.ndarray | None:
    """Return the brightness uint16 (n,) of a palette (n, 3) of nothing but grays, or a ramp of one colour."""
    levels = table[:, 0]
    if (table != table[:, :1]).any():
        peaks = table.max(axis=0)
        level = table[:, peaks.argmax()] / peaks.max()
        steps = np.diff(level)
        one_colour = np.abs(table - level[:, None] * peaks).max() <= _LEVEL
        one_way = (steps >= 0).all() or (steps <= 0).all()
        if not (one_colour and one_way and len(np.unique(level)) >= RAMP):
            return None
        levels = level * 65535
    # A straight ramp may be written in fewer bits than the indices have.
    straight = np.linspace(0, 65535, len(table))
    close = np.abs(levels - straight).max() <= _LEVEL
    return np.rint(straight if close else levels).astype(np.uint16)


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror stored pixels (H, W, …) as EXIF's ``orientation`` asks."""
    swap, *flips = _TURNS.get(orientation, _TURNS[1])
    axes = tuple(axis for axis, wanted in enumerate(flips) if wanted)
    return np.flip(pixels.swapaxes(0, 1) if swap else pixels, axes)


def stack(pages: Sequence[Plane]) -> Planes:
    """Stack the planes of the first one's size; gray is repeated where another has colours."""
    size = pages[0].values.shape[:2]
    fitting = [page for page in pages if page.values.shape[:2] == size]
    colours = max(page.values.shape[-1] for page in fitting)
    values = [
        page.values if page.values.shape[-1] == colours else np.repeat(page.values, colours, -1)
        for page in fitting
    ]
    return Planes(
        values[0][None] if len(values) == 1 else np.stack(values),
        _filled([page.alpha for page in fitting], np.full(size, 255, np.uint8)),
        _filled([page.void for page in fitting], np.zeros(size, bool)),
        tuple(page.orientation for page in fitting),
        len(pages) - len(fitting),
    )


def _filled(parts: Sequence[np.ndarray | None], usual: np.ndarray) -> np.ndarray | None:
    """Stack the parts, with the usual one where there is none; None where there is none at all."""
    if all(part is None for part in parts):
        return None
    return np.stack([usual if part is None else part for part in parts])


def alpha_to_8_bit(alpha: np.ndarray, bits: int = 8) -> np.ndarray:
    """Bring alpha to 8 bits: unsigned alpha keeps its high byte, of fewer ``bits`` it runs to the most of them.

    Any other runs from 0 to 1. Raises PictureError for more.
    """
    if alpha.dtype == bool or (alpha.dtype == np.uint8 and bits < 8):
        return np.rint(alpha * (255 / (2**bits - 1))).astype(np.uint8)
    if np.issubdtype(alpha.dtype, np.unsignedinteger):
        return (alpha >> (8 * alpha.dtype.itemsize - 8)).astype(np.uint8)
    most = float(alpha.max(where=np.isfinite(alpha), initial=0))
    if most > 1:
        raise PictureError(
            sentence(
                "has alpha up to {most:g}, and in floats or signed numbers it runs from 0 to 1: scale"
                " it, or save 8 bits.",
                most=most,
            )
        )
    return np.rint(np.nan_to_num(alpha.clip(0, 1)) * 255).astype(np.uint8)
