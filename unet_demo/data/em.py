"""Draws synthetic electron micrographs of nerve tissue, with ground truth for membranes.

The pictures imitate the slices of the ISBI 2012 challenge (serial-section TEM of the Drosophila
ventral nerve cord, about 4 nm a pixel and 50 nm a section). They hold nothing of a real picture. The
cells are an additively weighted Voronoi diagram, bent by noise, and drift from section to section.
Grey values and textures are set by hand to the statistics of the challenge's training slices.
All lengths are in pixels, all grey values on the scale 0 .. 255.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import gaussian_filter, zoom
from skimage.measure import label

SMALLEST_SIZE = 64

_MARGIN = 90
"""Cells extend so far beyond the picture, so that its border looks like its middle."""

_FAR = 1e3
"""A distance that means "no cell near"; larger than all others."""

_ROUNDING = 2.5
"""How round the corners of cells are; the gaps between them are dark, as in tissue."""

_CYTOPLASM = 158.0
"""Grey value of plain cytoplasm, before stain and noise."""

_MEMBRANE_DEPTH = 86.0
_MEMBRANE_WIDTH = 1.7
"""How much darker than cytoplasm a membrane is, and the standard deviation of its profile."""

_TRUTH_HALF_WIDTH = 2.5
_SMALLEST_CELL = 30
"""Half the width of a membrane in the ground truth; cells with fewer pixels are membrane."""


def synthetic_em(size: int = 512, seed: int = 0, slices: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Draw a stack of consecutive sections and its ground truth.

    Returns image and truth, both uint8 (slices, size, size); the truth is 255 in cell interiors and
    0 on membranes. The same arguments give the same stack; a longer stack begins with the shorter
    one. Raises ValueError for a size below SMALLEST_SIZE, less than one slice or a negative seed.
    """
    if size < SMALLEST_SIZE or slices < 1 or seed < 0:
        raise ValueError(
            f"No stack can be drawn of {slices} slices of {size} pixels from seed {seed}: "
            f"ask for at least 1 slice, at least {SMALLEST_SIZE} pixels and a seed of 0 or more."
        )
    tissue = _grow_tissue(np.random.default_rng(seed), size)
    sections = [
        _draw_section(tissue, depth, np.random.default_rng((seed, depth)))
        for depth in range(slices)
    ]
    images, truths = zip(*sections, strict=True)
    return np.stack(images), np.stack(truths)


# ---- geometry ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Drift:
    """Noise that changes smoothly with depth at constant variance: cos·start + sin·turn."""

    start: np.ndarray
    turn: np.ndarray
    rate: float | np.ndarray

    def at(self, depth: float) -> np.ndarray:
        return np.cos(self.rate * depth) * self.start + np.sin(self.rate * depth) * self.turn


@dataclass(frozen=True)
class _Tissue:
    """C cells of a block of tissue: ellipses that drift with depth.

    centres and drift: (C, 2), rows and columns; radii: (C,); axes: (C, 2, 2), map an offset from a
    centre so that the cell is round. `bend` (2, H, W) shifts the points of the picture.
    """

    size: int
    centres: np.ndarray
    radii: np.ndarray
    axes: np.ndarray
    drift: _Drift
    swelling: _Drift
    bend: _Drift
    tone: np.ndarray
    vesicles: np.ndarray
    mitochondria: "_Mitochondria"


@dataclass(frozen=True)
class _Mitochondria:
    """M ellipses in cells: offset from the cell's centre, half axes, angle, distance of cristae."""

    cells: np.ndarray
    offsets: np.ndarray
    half_axes: np.ndarray
    angles: np.ndarray
    pitches: np.ndarray


@dataclass(frozen=True)
class _Sheet:
    """A section of the tissue: each pixel's cell (H, W) and distance to the nearest border (H, W)."""

    owner: np.ndarray
    distance: np.ndarray


def _grow_tissue(rng: np.random.Generator, size: int) -> _Tissue:
    centres, radii = _pack(rng, _draw_radii(rng, (size + 2 * _MARGIN) ** 2), size)
    cells = len(radii)
    speed = rng.lognormal(np.log(5), 0.6, (cells, 1))
    return _Tissue(
        size=size,
        centres=centres,
        radii=radii,
        axes=_draw_axes(rng, centres, size),
        drift=_Drift(
            np.zeros((cells, 2)),
            speed * rng.standard_normal((cells, 2)),
            rng.uniform(0.3, 0.8, (cells, 1)),
        ),
        swelling=_Drift(np.zeros(cells), rng.normal(0, 0.25, cells), rng.uniform(0.3, 0.8, cells)),
        bend=_Drift(_draw_bend(rng, size), _draw_bend(rng, size), 0.25),
        tone=rng.normal(0, 7, cells) - rng.choice([0, 22], cells, p=[0.9, 0.1]),
        vesicles=rng.choice([0.3, 0.9, 2.0], cells, p=[0.35, 0.4, 0.25]),
        mitochondria=_draw_mitochondria(rng, radii),
    )


def _draw_radii(rng: np.random.Generator, area: float) -> np.ndarray:
    """Draw radii, largest first, of cells that together fill the area: many small ones, few large."""
    radii = np.clip(rng.lognormal(np.log(15), 0.72, int(area / 300)), 6.5, 80)
    count = np.searchsorted(np.cumsum(np.pi * radii**2), 0.9 * area)
    return np.sort(radii[: max(count, 4)])[::-1]


def _pack(rng: np.random.Generator, radii: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Place each cell at that of 60 random places where it overlaps the earlier cells least.

    Returns centres (C, 2) and radii (C,) of the cells that overlap little enough.
    """
    centres, kept = np.empty((0, 2)), np.empty(0)
    for radius in radii:
        places = rng.uniform(-_MARGIN, size + _MARGIN, (60, 2))
        gaps = np.linalg.norm(places[:, None] - centres, axis=2) - kept - radius
        space = gaps.min(axis=1, initial=0)
        if space.max() > -0.4 * radius:
            centres = np.vstack([centres, places[space.argmax()]])
            kept = np.append(kept, radius)
    return centres, kept


def _draw_axes(rng: np.random.Generator, centres: np.ndarray, size: int) -> np.ndarray:
    """Stretch the cells: strongly and in one direction where fibres run, elsewhere a little."""
    fibres = np.clip(_noise_at(rng, centres, size, 130), 0, 1.5)
    stretch = np.exp(0.5 * np.abs(rng.normal(0.2, 0.3, len(centres))) + 0.35 * fibres)
    together = rng.uniform(0, np.pi) + 0.4 * _noise_at(rng, centres, size, 100)
    angles = np.where(fibres > 0.2, together, rng.uniform(0, np.pi, len(centres)))
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack(
        [
            np.stack([cos / stretch, sin / stretch], axis=-1),
            np.stack([-sin * stretch, cos * stretch], axis=-1),
        ],
        axis=-2,
    )


def _draw_bend(rng: np.random.Generator, size: int) -> np.ndarray:
    shape = (size, size)
    return np.stack([8 * _noise(rng, shape, 26) + 2 * _noise(rng, shape, 8) for _ in range(2)])


def _draw_mitochondria(rng: np.random.Generator, radii: np.ndarray) -> _Mitochondria:
    """Give some of the large cells a mitochondrion each."""
    cells = np.flatnonzero((radii > 20) & (rng.random(len(radii)) < 0.35))
    length = np.clip(radii[cells] * rng.uniform(0.45, 0.9, len(cells)), 12, 45)
    angles = rng.uniform(0, np.pi, len(cells))
    away = 0.7 * radii[cells] * rng.uniform(0, 1, len(cells))
    return _Mitochondria(
        cells=cells,
        offsets=away[:, None] * np.stack([np.sin(angles), np.cos(angles)], axis=1),
        half_axes=np.stack([length, length * rng.uniform(0.5, 0.95, len(cells))], axis=1),
        angles=angles,
        pitches=rng.uniform(5.5, 8, len(cells)),
    )


def _cut(tissue: _Tissue, depth: float) -> _Sheet:
    """Find each pixel's cell, the one with the least excess, and its distance to the nearest border."""
    shape = (tissue.size, tissue.size)
    nearest = np.full((3, *shape), _FAR, np.float32)
    owner = np.zeros(shape, np.int32)
    points = np.indices(shape, np.float32) + tissue.bend.at(depth).astype(np.float32)
    centres = tissue.centres + tissue.drift.at(depth)
    radii = tissue.radii * np.exp(tissue.swelling.at(depth))
    for cell, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        near = _window(centre, 2 * radius + 60, tissue.size)
        excess = _excess(points[(slice(None), *near)], centre, radius, tissue.axes[cell])
        owner[near] = np.where(excess < nearest[0][near], cell, owner[near])
        for rank in range(3):
            best = nearest[rank][near]
            nearest[rank][near], excess = np.minimum(best, excess), np.maximum(best, excess)
    to_second, to_third = (_in_pixels(other - nearest[0]) for other in nearest[1:])
    return _Sheet(owner, _soft_minimum(to_second, to_third))


def _in_pixels(gap: np.ndarray) -> np.ndarray:
    """Turn the difference of two cells' excesses into a distance: divide it by its slope."""
    return gap / np.maximum(np.hypot(*np.gradient(gap)), 0.8)


def _soft_minimum(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return a smooth minimum, lower than both where they are similar: it rounds the cells' corners."""
    return -_ROUNDING * np.logaddexp(-one / _ROUNDING, -other / _ROUNDING)


def _excess(points: np.ndarray, centre: np.ndarray, radius: float, axes: np.ndarray) -> np.ndarray:
    """Return how far points (2, h, w) are outside the rim of an ellipse; negative inside."""
    row, column = points[0] - np.float32(centre[0]), points[1] - np.float32(centre[1])
    (a, b), (c, d) = axes.astype(np.float32)
    return np.hypot(a * row + b * column, c * row + d * column) - np.float32(radius)


def _window(centre: np.ndarray, reach: float, size: int) -> tuple[slice, slice]:
    low = np.clip(centre - reach, 0, size).astype(int)
    high = np.clip(centre + reach, 0, size).astype(int)
    return slice(low[0], high[0]), slice(low[1], high[1])


# ---- appearance ----------------------------------------------------------------------------------


def _draw_section(
    tissue: _Tissue, depth: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw image and ground truth, uint8 (size, size), of the section at a depth."""
    sheet = _cut(tissue, depth)
    synapses = _synapses(sheet, rng)
    mitochondria = _mitochondria(tissue, sheet, depth, rng)
    organelles = _organelles(tissue, sheet, rng) * np.clip(1 - mitochondria / 30, 0, 1)
    grey = (
        _CYTOPLASM
        + gaussian_filter(tissue.tone[sheet.owner], 1.5)
        - organelles
        - mitochondria
        - np.maximum(_MEMBRANE_DEPTH * _membranes(sheet, rng), 95 * synapses)
    )
    interior = sheet.distance > _TRUTH_HALF_WIDTH + 6 * np.clip(synapses - 0.3, 0, 1)
    return _expose(grey, rng), np.where(_without_specks(interior), 255, 0).astype(np.uint8)


def _without_specks(interior: np.ndarray) -> np.ndarray:
    """Turn interiors of fewer than _SMALLEST_CELL pixels into membrane."""
    parts = np.asarray(label(interior, connectivity=1))
    large = np.bincount(parts.ravel()) >= _SMALLEST_CELL
    return interior & large[parts]


def _membranes(sheet: _Sheet, rng: np.random.Generator) -> np.ndarray:
    """Draw the membranes' darkness, 0 .. about 1.2; slanted membranes are wide and faint."""
    shape = sheet.distance.shape
    slant = 1 + 1.3 * np.clip(_noise(rng, shape, 16) - 0.7, 0, 2)
    away = np.maximum(sheet.distance, 0) / (_MEMBRANE_WIDTH * slant)
    contrast = 1 + 0.12 * _noise(rng, shape, 3)
    return contrast * np.exp(-0.5 * np.square(away)) / np.sqrt(slant)


def _synapses(sheet: _Sheet, rng: np.random.Generator) -> np.ndarray:
    """Draw the darkness, 0 .. 1, of a few blotches on membranes: synaptic densities, smeared glia."""
    shape = sheet.distance.shape
    chance = np.where(sheet.distance < 1, 1 / 6000, 0)
    blots = sum(
        gaussian_filter((rng.random(shape) < chance).astype(float), width) * 2 * np.pi * width**2
        for width in (5, 10)
    )
    ragged = blots * (0.8 + 0.35 * _noise(rng, shape, 4))
    return np.clip(ragged, 0, 1)


def _mitochondria(
    tissue: _Tissue, sheet: _Sheet, depth: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw the mitochondria's darkness in grey values: dark rim, grey matrix, pale cristae."""
    darkness = np.zeros(sheet.distance.shape)
    wobble = 2.2 * _noise(rng, sheet.distance.shape, 10)
    centres = tissue.centres + tissue.drift.at(depth)
    grown = tissue.mitochondria
    for index, cell in enumerate(grown.cells):
        half_axes = grown.half_axes[index] * (1 + 0.2 * np.sin(0.5 * depth + index))
        centre = centres[cell] + grown.offsets[index]
        near = _window(centre, half_axes.max() + 8, tissue.size)
        along, across = _along_and_across(near, centre, grown.angles[index])
        reach = 1 - np.hypot(along / half_axes[0], across / half_axes[1])
        within = np.minimum(reach * half_axes.min() + 0.5 * wobble[near], sheet.distance[near] - 5)
        within[sheet.owner[near] != cell] = -_FAR
        phase = (across + 2.5 * wobble[near]) / grown.pitches[index]
        darkness[near] += _mitochondrion(within, phase)
    return darkness


def _along_and_across(
    window: tuple[slice, slice], centre: np.ndarray, angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the offsets of a window's pixels from a centre, along an axis at this angle and across it."""
    rows, columns = np.ogrid[window]
    row, column = rows - centre[0], columns - centre[1]
    cos, sin = np.cos(angle), np.sin(angle)
    return cos * column + sin * row, cos * row - sin * column


def _mitochondrion(within: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Draw a mitochondrion's darkness from the depth inside it (pixels) and its cristae's phase (turns)."""
    cristae = 26 * np.cos(2 * np.pi * phase) * np.clip(within / 4, 0, 1)
    rim = 26 * np.exp(-0.5 * np.square((within - 1) / 1.3))
    return np.clip(within + 0.5, 0, 1) * (54 + cristae) + rim


def _organelles(tissue: _Tissue, sheet: _Sheet, rng: np.random.Generator) -> np.ndarray:
    """Draw the darkness in grey values of microtubules (dots) and vesicles (rings) in the cytoplasm."""
    inside = np.clip((sheet.distance - 4) / 3, 0, 1)
    crowd = inside * tissue.vesicles[sheet.owner] * np.exp(0.4 * _noise(rng, inside.shape, 10))
    stain = sum(
        _convolved(_scatter(rng, share * crowd), depth * _ring(radius, width))
        for share, depth, radius, width in (
            (0.0070, 80, 0.0, 1.1),
            (0.0034, 75, 2.7, 0.85),
            (0.0002, 75, 4.5, 1.0),
        )
    )
    # Where organelles overlap, the stain saturates.
    return 80 * np.tanh(stain / 80)


def _scatter(rng: np.random.Generator, chance: np.ndarray) -> np.ndarray:
    """Draw strengths of 0.3 .. 1.1 at random pixels; 0 elsewhere."""
    return (rng.random(chance.shape) < chance) * rng.uniform(0.3, 1.1, chance.shape)


def _convolved(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve with a small kernel; outside the image there is nothing.

    As scipy.signal.fftconvolve does, which would add a sixth to the time that the program takes to start.
    """
    height, width = image.shape
    sizes = zip(image.shape, kernel.shape, strict=True)
    padded = [next_fast_len(long + short - 1, real=True) for long, short in sizes]
    whole = irfft2(rfft2(image, padded) * rfft2(kernel, padded), padded)
    top, left = ((side - 1) // 2 for side in kernel.shape)
    return whole[top : top + height, left : left + width]


def _ring(radius: float, width: float) -> np.ndarray:
    """Draw a small picture of a ring with a soft line; a radius of 0 gives a dot."""
    reach = int(np.ceil(radius + 3 * width))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.exp(-0.5 * np.square((np.hypot(rows, columns) - radius) / width))


def _expose(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add the grain of the tissue, uneven staining and the noise of the camera; uint8."""
    grain = sum(
        strength * _noise(rng, grey.shape, scale)
        for strength, scale in ((12, 1.0), (9, 2.0), (8, 4.0), (8, 30), (9, 120))
    )
    camera = rng.uniform(21, 45) * rng.standard_normal(grey.shape)
    exposed = gaussian_filter(grey + grain + camera, 0.62)
    exposed = 130 + rng.normal(1.05, 0.05) * (exposed - 130) + rng.normal(0, 9)
    return np.clip(np.rint(exposed), 0, 255).astype(np.uint8)


# ---- noise ---------------------------------------------------------------------------------------


def _noise(rng: np.random.Generator, shape: tuple[int, int], scale: float) -> np.ndarray:
    """Draw smooth Gaussian noise (H, W) of variance 1, with spots about `scale` pixels wide."""
    # Wide noise is smooth, so it is drawn small and enlarged, which is many times faster.
    step = max(1, int(scale / 4))
    coarse = tuple(-(-side // step) + 4 for side in shape)
    sigma = scale / step
    smooth = gaussian_filter(rng.standard_normal(coarse), sigma, mode="wrap")
    smooth *= 2 * np.sqrt(np.pi) * sigma
    if step > 1:
        smooth = np.asarray(zoom(smooth, step, order=1 if step < 3 else 3))
    return smooth[: shape[0], : shape[1]]


def _noise_at(rng: np.random.Generator, points: np.ndarray, size: int, scale: float) -> np.ndarray:
    """Draw smooth noise and read it at points (P, 2) of the picture and its margin."""
    side = size + 2 * _MARGIN
    rows, columns = np.clip(points + _MARGIN, 0, side - 1).astype(int).T
    return _noise(rng, (side, side), scale)[rows, columns]
