"""Draws a network as SVG: a U of stations, wide or upright, for light and dark pages.

A bar's width shows channels, its height the side of the map. A page may set the drawing's ``color``
and lay pictures over the stations' faces (``data-station``).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

from ..messages import Sentence, sentence
from .anatomy import DOWN, Anatomy, Layer, Skip, Station

FACE = 64
"""Side in px of a station's face."""

ACROSS, DROP = 82, 20
"""Px from a station to the next, and from a level to the one below it, in the wide U."""

COLUMNS, ROW = (32, 236), 98
"""Where the upright U's two columns begin, and px from a row to the next."""

WIDTH_UPRIGHT = 328

INK = "#777777"
DOWNWARD, UPWARD, ALONG, BODY = "#d55e00", "#009e73", "#0072b2", "#56b4e9"

MOST_BARS = 4

KINDS: dict[str, Sentence] = {
    "convolution": sentence("convolution"),
    "sum": sentence("residual block"),
    "max-pool": sentence("max-pool"),
    "strided convolution": sentence("strided convolution"),
    "transposed convolution": sentence("transposed convolution"),
    "bilinear": sentence("bilinear"),
    "nearest": sentence("nearest neighbour"),
    "skip": sentence("skip connection"),
}

NAMES: dict[str, Sentence] = {
    "bottleneck": sentence("bottleneck"),
    "logits": sentence("logits"),
    "stem": sentence("stem"),
    "pooled stem": sentence("pooled stem"),
    "bridge": sentence("bridge"),
    "half size": sentence("half size"),
    "full size": sentence("full size"),
}

Say = Callable[[Sentence], str]
"""Translates a message into the reader's language."""


@dataclass(frozen=True)
class Place:
    """The upper left corner of a station's face, in px."""

    x: int
    y: int

    @property
    def middle(self) -> tuple[int, int]:
        """The middle of the face."""
        return self.x + FACE // 2, self.y + FACE // 2


def u_svg(
    anatomy: Anatomy, *, upright: bool = False, maps: str | None = None, say: Say = str
) -> str:
    """Draw a network as SVG, wide or ``upright`` (for narrow screens), in the language of ``say``.

    ``maps``: address of a picture of the stations' square maps side by side, laid over the faces; ""
    leaves room for one.
    """
    places = _upright_places(anatomy) if upright else _wide_places(anatomy)
    bottom = max(place.y for place in places.values()) + FACE + 18
    width = WIDTH_UPRIGHT if upright else max(place.x for place in places.values()) + FACE + 12
    if upright:
        legend, height = _legend(anatomy, width, bottom + 14, say)
    else:
        legend, height = _corner_legend(anatomy, places, width, bottom, say)
    first, entry = anatomy.stations[0], places[anatomy.stations[0].name]
    lines = [_skip(skip, places, upright, say) for skip in anatomy.skips]
    lines.append(_mark(first.step, entry.x - 12, entry.middle[1]) if first.step else "")
    for before, station in zip(anatomy.stations, anatomy.stations[1:], strict=False):
        lines.append(_step(station, places[before.name], places[station.name]))
    stations = [_station(anatomy, one, places[one.name], say) for one in anatomy.stations]
    if maps is not None:
        stations.append(_maps(maps, list(places.values())))
    title, told = escape(anatomy.network), escape(say(summary(anatomy)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" color="{INK}"'
        f' fill="currentColor" font-family="system-ui, sans-serif" font-size="12">'
        f"<title>{title}</title><desc>{told}</desc>{''.join(lines + stations)}{legend}</svg>\n"
    )


def summary(anatomy: Anatomy) -> Sentence:
    """Describe a network in one sentence."""
    return sentence(
        "{network} on {side} × {side}: {stations} feature maps, {skips} skip connections,"
        " {parameters:,} parameters, {gflop:.3g} GFLOP.",
        network=anatomy.network, side=anatomy.side, stations=len(anatomy.stations),
        skips=len(anatomy.skips), parameters=anatomy.parameters, gflop=anatomy.gflop,
    )  # fmt: skip


def described(anatomy: Anatomy, station: Station, say: Say = str) -> str:
    """Describe a station: its shape, its layers and skips, its parameters and GFLOP."""
    channels, height, width = station.shape
    layers = [_in_words(layer, say) for layer in station.layers if layer.kind == station.step][:1]
    if station.blocks and station.blocks[0].kind == "sum":
        layers.append(say(sentence("residual blocks: {count}", count=len(station.blocks))))
    else:
        layers += [f"{_in_words(layer, say)} → {layer.channels}" for layer in station.blocks]
    layers += [
        say(sentence("skip connection from {source}", source=station_name(skip.source)))
        for skip in anatomy.skips
        if skip.target == station.name
    ]
    return say(
        sentence(
            "{name}: {channels} × {height} × {width} ({layers}); {parameters:,} parameters,"
            " {gflop:.3g} GFLOP",
            name=station_name(station.name), channels=channels, height=height, width=width,
            layers=", ".join(layers), parameters=station.parameters, gflop=station.gflop,
        )
    )  # fmt: skip


def _in_words(layer: Layer, say: Say) -> str:
    size = f"{layer.kernel}×{layer.kernel}" if layer.kernel else "×2"
    return f"{say(KINDS[layer.kind])} {size}"


def station_name(name: str) -> Sentence:
    """Return a station's name in words."""
    kind, _, number = name.rpartition(" ")
    if kind == "encoder":
        return sentence("encoder {number}", number=number)
    if kind == "decoder":
        return sentence("decoder {number}", number=number)
    return NAMES.get(name) or sentence("layer {number}", number=number)


def _wide_places(anatomy: Anatomy) -> dict[str, Place]:
    """Place each station to the right of the one before, the deeper the smaller its map."""
    return {
        station.name: Place(24 + ACROSS * index, 22 + DROP * _level(anatomy, station))
        for index, station in enumerate(anatomy.stations)
    }


def _level(anatomy: Anatomy, station: Station) -> int:
    return round(math.log2(anatomy.side / station.shape[1]))


def _upright_places(anatomy: Anatomy) -> dict[str, Place]:
    """Place what comes before the first skip's target in the left column, the rest in the right one."""
    sources = {skip.target: skip.source for skip in anatomy.skips}
    rows: dict[str, int] = {}
    columns: dict[str, int] = {}
    for before, station in zip((None, *anatomy.stations), anatomy.stations, strict=False):
        name = station.name
        back = bool(before and columns[before.name]) or name in sources
        columns[name] = int(back)
        above = rows[before.name] if before else -1
        rows[name] = rows[sources[name]] if name in sources else above + (-1 if back else 1)
    top = min(rows.values())
    return {name: Place(COLUMNS[columns[name]], 6 + ROW * (rows[name] - top)) for name in rows}


def _maps(address: str, places: list[Place]) -> str:
    """Lay the picture of all maps, cut up, over the stations, not in them: a part counts as large as the whole."""
    parts = "".join(
        f'<svg x="{place.x}" y="{place.y}" width="{FACE}" height="{FACE}"'
        f' viewBox="{FACE * index} 0 {FACE} {FACE}"><use href="#u-maps"/></svg>'
        for index, place in enumerate(places)
    )
    return (
        f'<defs><image id="u-maps" href="{escape(address)}" width="{FACE * len(places)}"'
        f' height="{FACE}" preserveAspectRatio="none" image-rendering="pixelated"/></defs>'
        f'<g pointer-events="none">{parts}</g>'
    )


def _station(anatomy: Anatomy, station: Station, place: Place, say: Say) -> str:
    channels, side, _ = station.shape
    told = escape(described(anatomy, station, say))
    x, _ = place.middle
    return (
        f'<g data-station="{escape(station.name)}"><title>{told}</title>'
        f'<rect x="{place.x}" y="{place.y}" width="{FACE}" height="{FACE}" rx="3"'
        f' fill="{BODY}" fill-opacity="0.12" stroke="currentColor" stroke-opacity="0.5"/>'
        f"{_bars(anatomy, station, place)}"
        f'<text x="{x}" y="{place.y + FACE + 13}" text-anchor="middle">{channels} × {side}²</text>'
        "</g>"
    )


def _bars(anatomy: Anatomy, station: Station, place: Place) -> str:
    blocks = station.blocks[-MOST_BARS:] or (Layer("none", station.shape[0]),)
    widths = [max(3.0, 1.5 * math.log2(layer.channels)) for layer in blocks]
    shrink = min(1.0, (FACE - 10 - 3 * (len(blocks) - 1)) / sum(widths))
    height = (FACE - 14) * 0.8 ** _level(anatomy, station)
    middle, baseline = place.middle
    x = middle - (shrink * sum(widths) + 3 * (len(blocks) - 1)) / 2
    drawn = []
    for layer, width in zip(blocks, widths, strict=True):
        drawn.append(_bar(layer.kind, x, baseline - height / 2, shrink * width, height))
        x += shrink * width + 3
    return "".join(drawn)


def _bar(kind: str, x: float, y: float, width: float, height: float) -> str:
    """Draw a block's bar: a residual block with its bypass above, a hollow bar for no block."""
    fill = "none" if kind == "none" else BODY
    bar = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        f' fill="{fill}" stroke="{ALONG}"/>'
    )
    if kind != "sum":
        return bar
    return bar + (
        f'<path d="M{x:.1f} {y:.1f}q{width / 2:.1f} -10 {width:.1f} 0" fill="none" stroke="{ALONG}"/>'
    )


def _step(station: Station, before: Place, place: Place) -> str:
    """Draw the line from one station to the next, with the mark of the layer that changes the size."""
    (x0, y0), (x1, y1) = before.middle, place.middle
    if before.x == place.x:
        line, mark = f"M{x0} {max(y0, y1) - FACE // 2 - 14}v14", (x0, max(y0, y1) - FACE // 2 - 8)
    elif place.x - before.x == ACROSS:
        x, y = before.x + FACE, (y0 + y1) // 2
        line, mark = f"M{x} {y}h{place.x - x}", ((x + place.x) // 2, y)
    else:
        below = place.y + FACE + 18
        line, mark = f"M{before.x + FACE} {y0}H{x1}V{below}", (x1, below + 8)
    return f'<path d="{line}" fill="none" stroke="currentColor"/>{_mark(station.step, *mark)}'


def _mark(step: str | None, x: float, y: float) -> str:
    """Draw a layer's mark: a triangle down or up, filled for max-pool and transposed convolution."""
    if step is None:
        return f'<circle cx="{x}" cy="{y}" r="2.5"/>'
    colour, way = (DOWNWARD, 1) if step in DOWN else (UPWARD, -1)
    solid = step in ("max-pool", "transposed convolution")
    dash = ' stroke-dasharray="2 1.5"' if step == "nearest" else ""
    bar = (
        f"M{x - 6} {y + 7 * way}h12"
        if step in ("strided convolution", "transposed convolution")
        else ""
    )
    return (
        f'<path d="M{x - 6} {y - 5 * way}h12l-6 {10 * way}z{bar}" data-step="{step}" stroke="{colour}"'
        f' stroke-width="1.5" stroke-linejoin="round" fill="{colour}"'
        f' fill-opacity="{1 if solid else 0.1}"{dash}/>'
    )


def _skip(skip: Skip, places: dict[str, Place], upright: bool, say: Say) -> str:
    source, target = places[skip.source], places[skip.target]
    if upright:
        x, y = source.x + FACE, source.y + FACE // 2
        line, tip = f"M{x} {y}H{target.x - 7}", f"M{target.x} {y}l-9 -4v8z"
    else:
        x0, x1, y = source.middle[0], target.middle[0], source.y - 10
        line = f"M{x0} {source.y}V{y + 5}q0 -5 5 -5H{x1 - 5}q5 0 5 5V{target.y - 6}"
        tip = f"M{x1} {target.y}l-4 -8h8z"
    told = sentence("skip connection from {source}", source=station_name(skip.source))
    return (
        f'<g data-skip="{skip.level}" stroke="{ALONG}"><title>{escape(say(told))}</title>'
        f'<path d="{line}" fill="none" stroke-width="2"/>'
        f'<path d="{tip}" fill="{ALONG}" stroke="none"/></g>'
    )


def _legend(anatomy: Anatomy, width: int, y: int, say: Say) -> tuple[str, int]:
    """Draw the legend of the marks in use in lines; return it with its lower end in px."""
    x, entries = 20, []
    for kind, text in _named_marks(anatomy, say):
        advance = _advance(text)
        if x + advance > width + 14:
            x, y = 20, y + 20
        entries.append(_entry(kind, text, x, y))
        x += advance
    return "".join(entries), y + 14


def _corner_legend(
    anatomy: Anatomy, places: dict[str, Place], width: int, bottom: int, say: Say
) -> tuple[str, int]:
    """Draw the legend in the two corners below a wide U; return it with the drawing's height in px."""
    marks = list(_named_marks(anatomy, say))
    half = (len(marks) + 1) // 2
    entries, height = [], bottom
    for column, left in ((marks[:half], True), (marks[half:], False)):
        across = max((_advance(text) for _, text in column), default=0)
        x = 20 if left else width - across
        free = max(
            (
                place.y + FACE + 18
                for place in places.values()
                if x - FACE - 12 < place.x < x + across
            ),
            default=0,
        )
        top = max(free + 12, bottom - 18 * len(column) + 6)
        entries += [
            _entry(kind, text, x, top + 18 * row) for row, (kind, text) in enumerate(column)
        ]
        height = max(height, top + 18 * len(column) - 6)
    return "".join(entries), height


def _named_marks(anatomy: Anatomy, say: Say) -> Iterator[tuple[str, str]]:
    steps = {station.step for station in anatomy.stations}
    blocks = {layer.kind for station in anatomy.stations for layer in station.blocks}
    for kind in KINDS:
        if kind in (*blocks, *steps, "skip"):
            yield kind, say(KINDS[kind])


def _advance(text: str) -> int:
    """Return about how many px a legend's entry takes across."""
    return 40 + sum(6 if letter < "\u1100" else 12 for letter in text)


def _entry(kind: str, text: str, x: int, y: int) -> str:
    return f'{_sample(kind, x, y)}<text x="{x + 14}" y="{y + 4}">{escape(text)}</text>'


def _sample(kind: str, x: int, y: int) -> str:
    if kind == "skip":
        return f'<path d="M{x - 6} {y}h14m0 0l-4 -4m4 4l-4 4" fill="none" stroke="{ALONG}" stroke-width="2"/>'
    return _bar(kind, x - 4, y - 6, 9, 13) if kind in ("convolution", "sum") else _mark(kind, x, y)
