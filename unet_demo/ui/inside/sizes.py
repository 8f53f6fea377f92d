"""Valid and same: the paper's sizes beside those of the network, station by station."""

from html import escape
from itertools import zip_longest

from gradio.components import Component

from ...inference import padded_length
from ...inside.sizes import GREATEST, LEAST, PAPER, STEP, Size, same, valid
from ...networks.drawing import station_name
from ..html import scrolled, table
from ..text import say, say_name, translated
from .topic import Look, Shown, Topic, slider


def controls() -> dict[str, Component]:
    """Make the slider of the picture's side."""
    return {"input_side": slider("input_side", LEAST, GREATEST, PAPER, STEP)}


def show(look: Look) -> Shown:
    """Show both networks' sizes in a table, and what becomes of the picture's border."""
    side = int(look.values["input_side"])
    papers, ours = list(valid(side)), list(same(look.subject.card, side))
    out, padded = papers[-1].side, padded_length(side, 0)
    card = look.subject.card
    own = say_name("title", card.title or card.name, look.language)
    told = (
        look.say("sizes_valid", side=side, out=out, border=(side - out) // 2),
        look.say("sizes_same", side=side, padded=padded),
    )
    heads = [
        say("inside_sizes_paper", look.language),
        "px",
        say("inside_sizes_skip", look.language),
    ]
    heads += [own, *heads[1:]]
    first = Size("", side), Size("", padded)
    rows = (
        f"<tr>{_cells(paper, look, padded)}{_cells(own, look, padded)}</tr>"
        for paper, own in (first, *zip_longest(papers, ours))
    )
    words = "".join(f"<p>{one}</p>" for one in told)
    return Shown(words + scrolled(table(heads, rows), look.say("topic_sizes"), "sizes"))


def _cells(size: Size | None, look: Look, widest: int) -> str:
    """Return a station's name, its side, drawn as a bar, too, and what the skip connection brings."""
    if size is None:
        return "<td></td>" * 3
    name = (
        translated(station_name(size.station), look.language)
        if size.station
        else say("inside_sizes_input", look.language)
    )
    skip = f"{size.skip} → {size.joined}" if size.skip != size.joined else str(size.skip or "")
    bar = f'style="--share: {size.side / widest:.4f}"'
    return (
        f'<th scope="row">{escape(name)}</th><td class="bar" {bar}>{size.side}</td><td>{skip}</td>'
    )


TOPIC = Topic("sizes", controls, show)
