"""Valid and same: the paper's sizes beside those of the network, station by station."""

from html import escape
from itertools import zip_longest

from gradio.components import Component

from ...inference import padded_length
from ...inside.sizes import GREATEST, LEAST, PAPER, STEP, Size, same, valid
from ...networks.drawing import station_name
from ...render import to_rgb
from ..html import scrolled, table
from ..text import say, translated
from .topic import Look, Shown, Topic, figure, slider


def controls() -> dict[str, Component]:
    """Make the slider of the picture's side."""
    return {"input_side": slider("input_side", LEAST, GREATEST, PAPER, STEP)}


def show(look: Look) -> Shown:
    """Show both networks' sizes in a table, and what becomes of the picture's border."""
    side = int(look.values["input_side"])
    papers, ours = list(valid(side)), list(same(look.subject.card, side))
    out, padded = papers[-1].side, padded_length(side, 0)
    card = look.subject.card
    own = look.title(card)
    told = (
        look.say("sizes_valid", side=side, out=out, border=(side - out) // 2),
        look.say("sizes_same", side=side, padded=padded),
    )
    names = [one.station for one in ours] != [one.station for one in papers]
    skip = say("inside_sizes_skip", look.language)
    heads = ["", say("inside_sizes_paper", look.language), skip, *[""] * names, own, skip]
    first = Size("", side), Size("", padded)
    rows = (
        f"<tr>{_cells(one, look, padded)}{_cells(other, look, padded, named=names)}</tr>"
        for one, other in (first, *zip_longest(papers, ours))
    )
    share = 100 * out / side
    frame = (
        f'<svg viewBox="0 0 100 100"><rect class="reach" x="{50 - share / 2:.2f}" y="{50 - share / 2:.2f}"'
        f' width="{share:.2f}" height="{share:.2f}"/></svg>'
    )
    picture = figure(to_rgb(look.subject.image), look.say("sizes_framed"), over=frame)
    words = "".join(f"<p>{one}</p>" for one in told)
    numbers = scrolled(table(heads, rows), look.say("topic_sizes"), "sizes")
    return Shown(f'{words}<div class="sized">{picture}{numbers}</div>')


def _cells(size: Size | None, look: Look, widest: int, named: bool = True) -> str:
    """Return a station's name, its side, drawn as a bar, too, and what the skip connection brings."""
    if size is None:
        return "<td></td>" * (2 + named)
    name = (
        translated(station_name(size.station), look.language)
        if size.station
        else say("inside_sizes_input", look.language)
    )
    skip = f"{size.skip} → {size.joined}" if size.skip != size.joined else str(size.skip or "")
    bar = f'style="--share: {size.side / widest:.4f}"'
    head = f'<th scope="row">{escape(name)}</th>' if named else ""
    return f'{head}<td class="bar" {bar}>{size.side}</td><td>{skip}</td>'


TOPIC = Topic("sizes", controls, show)
