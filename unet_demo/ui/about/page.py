"""The About page's text: what the demo is, and a card for each bundled checkpoint.

What a checkpoint's header says is read from its file; what a person wrote about it comes from its
recipe, as in the model card beside the file.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

import gradio as gr

from ...checkpoints import WEIGHTS, Card, CheckpointError, read_card, read_index
from ...networks import NETWORKS, PUBLISHED_WIDTH, Network, count_parameters
from ...training.bundle import HEADLINES, confusion_path
from ...training.recipe import Recipe
from ...training.recipes import RECIPES
from ..html import alert, score_table, table
from ..text import language_of, say, say_card, say_name

NONE = "–"
"""Stands where there is nothing to say."""

DRAWN = re.compile(r">(?:step (\d+)|([^<>:]*[A-Za-z][^<>:]*))(?=[:<])")
"""A text of a drawing, up to its values: the last step, or what is drawn."""

SOURCES = (
    (
        "Cardona et al. 2010",
        "An integrated micro- and macroarchitectural analysis of the Drosophila brain by"
        " computer-assisted serial section electron microscopy",
        "10.1371/journal.pbio.1000502",
    ),
    (
        "Arganda-Carreras et al. 2015",
        "Crowdsourcing the creation of image segmentation algorithms for connectomics",
        "10.3389/fnana.2015.00142",
    ),
    (
        "Everingham et al. 2010",
        "The Pascal Visual Object Classes (VOC) challenge",
        "10.1007/s11263-009-0275-4",
    ),
    (
        "Hariharan et al. 2011",
        "Semantic contours from inverse detectors",
        "10.1109/ICCV.2011.6126343",
    ),
)
"""Who made the data that checkpoints learnt from: authors, title, DOI."""


@dataclass(frozen=True)
class Bundled:
    """A bundled checkpoint's file, its size, and the card in its header."""

    file: Path
    bytes: int
    card: Card


def read_bundled(weights: Path) -> list[Bundled]:
    """Return the checkpoints in a folder, in the order of its index. Raises CheckpointError."""
    files = [weights / str(entry["file"]) for entry in read_index(weights).values()]
    cards = {file: read_card(file) for file in files}
    return [Bundled(file, file.stat().st_size, card) for file, card in cards.items()]


def about(bundled: Sequence[Bundled], language: str) -> str:
    """Return the whole page as HTML."""
    return "".join(
        (
            section("what", language, prose("intro", language) + prose("alone", language)),
            section("networks", language, networks(bundled, language)),
            section("checkpoints", language, contents(bundled, language)),
            *(checkpoint_card(checkpoint, language) for checkpoint in bundled),
            section("sources", language, sources(language)),
            section("code", language, prose("licence", language)),
        )
    )


def section(key: str, language: str, inside: str) -> str:
    """Return a heading of the page, and what stands below it."""
    return f"<h2>{said(key, language)}</h2>{inside}"


def said(key: str, language: str, **values: object) -> str:
    """Return a text of this page, ready for HTML."""
    return escape(say(f"about_{key}", language, **values))


def prose(key: str, language: str, **values: object) -> str:
    """Return a paragraph of this page."""
    return f"<p>{said(key, language, **values)}</p>"


def words(text: str, language: str) -> str:
    """Return a person's words about a checkpoint, ready for HTML."""
    return escape(say_card(text, language))


def scrolled(inside: str, label: str, kind: str = "") -> str:
    """Let what may be wider than a phone scroll by itself, with the keyboard too."""
    return f'<div class="scrolled {kind}" role="region" aria-label="{label}" tabindex="0">{inside}</div>'


def folded(summary: str, inside: str) -> str:
    """Fold away what only some want to read."""
    return f"<details><summary>{summary}</summary>{inside}</details>"


def networks(bundled: Sequence[Bundled], language: str) -> str:
    """Return the articles' networks, at their own width and as they are bundled."""
    columns = ("article", "network", "channels", "published", "bundled")
    heads = [say(f"about_{column}", language, width=PUBLISHED_WIDTH) for column in columns]
    rows = [network_row(network, bundled, language) for network in NETWORKS.values()]
    return scrolled(table(heads, rows), said("networks", language), "networks")


def network_row(network: type[Network], bundled: Sequence[Bundled], language: str) -> str:
    """Return a row of that table."""
    name = network.__name__
    ours = [
        said("as_bundled", language, parameters=f"{parameters(b.card):,}", name=b.card.name)
        for b in bundled
        if b.card.network == name
    ]
    taken, given = network.published_channels
    cells = (
        f'<span lang="en">{escape(network.article)}</span>',
        name,
        f"{taken} → {given}",
        f"{count_parameters(name, {}):,}",
        "<br>".join(ours) or NONE,
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def parameters(card: Card) -> int:
    """Trainable parameters of a checkpoint's network."""
    return count_parameters(card.network, card.options)


def contents(bundled: Sequence[Bundled], language: str) -> str:
    """Return a link to each checkpoint's card."""
    links = "".join(
        f'<li><a href="#about-{escape(b.card.name)}">{title(b.card, language)}</a></li>'
        for b in bundled
    )
    return f'<ul class="contents">{links}</ul>'


def title(card: Card, language: str) -> str:
    """Return the name of a checkpoint in words."""
    return escape(say_name("title", card.title, language))


def checkpoint_card(checkpoint: Bundled, language: str) -> str:
    """Return all that there is to say of a checkpoint."""
    card, recipe = checkpoint.card, RECIPES.get(checkpoint.card.name)
    parts = (
        f"<h3>{title(card, language)} <code>{escape(card.name)}</code></h3>",
        f"<p>{escape(say_name('summary', card.summary, language))}</p>",
        headlines(card, language),
        facts(checkpoint, recipe, language),
        limits(recipe, language) if recipe else "",
        drawing("curve", checkpoint.file.with_suffix(".svg"), language),
        scores(card, recipe, language),
        confusion(checkpoint.file, language),
        training(card, recipe, language),
    )
    return f'<article class="checkpoint" id="about-{escape(card.name)}">{"".join(parts)}</article>'


def headlines(card: Card, language: str) -> str:
    """Return the scores that a checkpoint is judged by, large, and what they were measured on."""
    tiles = "".join(
        f"<div><dt>{name}</dt><dd>{card.scores[name]:.3f}</dd>{without_averaging(card, name, language)}</div>"
        for name in HEADLINES
        if name in card.scores
    )
    data = say_card(card.scored_on, language)
    return f'<dl class="headlines">{tiles}</dl>{prose("measured", language, data=data) if data else ""}'


def without_averaging(card: Card, name: str, language: str) -> str:
    """Return the same score without test-time averaging, where it was measured."""
    value = card.scores.get(f"{name} without averaging")
    if value is None:
        return ""
    return f'<dd class="plain">{said("without", language, value=f"{value:.3f}")}</dd>'


def facts(checkpoint: Bundled, recipe: Recipe | None, language: str) -> str:
    """List where a checkpoint comes from, what it is and its terms; what is unknown is left out."""
    card = checkpoint.card
    options = ", ".join(f"{key} {value}" for key, value in card.options.items())
    told = {
        "article": words(card.article, language),
        "network": escape(f"{card.network} ({options})"),
        "parameters": f"{parameters(card):,}",
        "data": words(recipe.data_note, language) if recipe else "",
        "credit": words(card.credit, language),
        "terms": words(card.licence, language),
        "file": f"{escape(checkpoint.file.name)}, {checkpoint.bytes / 1e6:.1f} MB, float16",
    }
    rows = "".join(
        f"<div><dt>{said(key, language)}</dt><dd>{fact}</dd></div>"
        for key, fact in told.items()
        if fact
    )
    return f'<dl class="facts">{rows}</dl>'


def paragraph(text: str, language: str) -> str:
    """Return what a recipe says; in a model card it ends a sentence, and begins with a small letter."""
    told = words(text, language)
    return f"<p>{told[:1].upper()}{told[1:]}</p>"


def limits(recipe: Recipe, language: str) -> str:
    """Return what a checkpoint is bad at, and what was seen on its pictures."""
    texts = [text for text in (recipe.limits, recipe.seen) if text]
    told = "".join(paragraph(text, language) for text in texts)
    return f"<h4>{said('limits', language)}</h4>{told}" if told else ""


def scores(card: Card, recipe: Recipe | None, language: str) -> str:
    """Return every score, folded."""
    if not card.scores:
        return ""
    note = paragraph(recipe.scores_note, language) if recipe else ""
    return folded(said("scores", language), score_table(card.scores, language) + note)


def confusion(file: Path, language: str) -> str:
    """Return which class is taken for which, folded, where there is a drawing of it."""
    drawn = drawing("confusion", confusion_path(file), language)
    return folded(said("confusion", language), drawn) if drawn else ""


def drawing(kind: str, file: Path, language: str) -> str:
    """Return an SVG of a model card, inside the page so that its ink follows light and dark; "" without."""
    if not file.is_file():
        return ""
    label = said(f"{kind}_drawn", language)
    svg = in_language(file.read_text(encoding="utf-8"), language)
    return scrolled(f'<div role="img" aria-label="{label}">{svg}</div>', label, kind)


def in_language(svg: str, language: str) -> str:
    """Return a drawing whose texts are in a language: the last step, classes, and what a card says."""

    def translate(text: re.Match[str]) -> str:
        step, drawn = text.groups()
        if step:
            return f">{escape(say('chart_read step', language, step=step))}"
        return f">{escape(say_name('class', say_card(unescape(drawn), language), language))}"

    return DRAWN.sub(translate, svg)


def training(card: Card, recipe: Recipe | None, language: str) -> str:
    """Tell how a checkpoint was trained, folded: the command, what was tried, and every setting."""
    inside = ""
    if recipe:
        inside += code(recipe.commands[0], said("command", language))
        inside += paragraph(recipe.tried, language) if recipe.tried else ""
    if card.recipe:
        label = said("settings", language)
        settings = json.dumps(dict(card.recipe), indent=2, ensure_ascii=False)
        inside += folded(label, code(settings, label))
    return folded(said("training", language), inside) if inside else ""


def code(text: str, label: str) -> str:
    """Mark something to type or to copy."""
    return scrolled(f"<pre><code>{escape(text)}</code></pre>", label)


def sources(language: str) -> str:
    """Credit who made the data, and the examples."""
    works = "".join(
        f'<li lang="en">{authors}: {name}. <a href="https://doi.org/{doi}" rel="noreferrer">'
        f"doi:{doi}</a></li>"
        for authors, name, doi in SOURCES
    )
    return f"{prose('made', language)}<ul>{works}</ul>{prose('examples', language)}"


class AboutPage:
    """One piece of HTML, made when a visitor opens the tab: neither start nor other pages wait for it."""

    def __init__(self, tab: gr.Tab) -> None:
        self.text = gr.HTML(elem_id="about", min_height=120)
        tab.select(
            self.on_select,
            None,
            self.text,
            queue=False,
            show_progress="minimal",
            api_visibility="private",
        )

    def on_select(self, request: gr.Request) -> str:
        """Return the page in the visitor's language, about what is bundled at this moment."""
        language = language_of(request)
        try:
            return about(read_bundled(WEIGHTS), language)
        except CheckpointError as error:
            return alert(error, language)
