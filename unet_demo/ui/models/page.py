"""The Models page: a card for each bundled checkpoint, with what it does, its score, size and speed.

What a checkpoint's header says is read from its file; what a person wrote about it comes from its
recipe, as in the model card beside the file.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

import gradio as gr

from ...articles import ARTICLES
from ...checkpoints import WEIGHTS, Card, CheckpointError, read_card, read_index
from ...evaluation.benchmark import MILLISECONDS
from ...networks import NETWORKS, PUBLISHED_WIDTH, Network, count_parameters
from ...training.bundle import HEADLINES, confusion_path
from ...training.recipe import Recipe
from ...training.recipes import RECIPES
from ..html import alert, folded, score_table, scrolled, table
from ..link import page_link
from ..text import language_of, say, say_card, say_name
from ..text_page import TextPage
from ..triples import figure

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


def models(
    bundled: Sequence[Bundled], language: str, query: Mapping[str, str] | None = None
) -> str:
    """Return the whole page as HTML; links keep what ``query``, the page's own, asks for."""
    cards = "".join(checkpoint_card(checkpoint, language, query or {}) for checkpoint in bundled)
    return "".join(
        (
            prose("intro", language),
            f'<div class="cards">{cards}'
            f"<div>{section('sources', language, sources(language))}</div>"
            f"<div>{section('code', language, code_and_licence(language))}</div></div>",
            folded(said("networks", language), networks(bundled, language)),
        )
    )


def section(key: str, language: str, inside: str) -> str:
    """Return a heading of the page, and what stands below it."""
    return f"<h2>{said(key, language)}</h2>{inside}"


def said(key: str, language: str, **values: object) -> str:
    """Return a text of this page, ready for HTML."""
    return escape(say(f"models_{key}", language, **values))


def prose(key: str, language: str, **values: object) -> str:
    """Return a paragraph of this page."""
    return f"<p>{said(key, language, **values)}</p>"


def words(text: str, language: str) -> str:
    """Return a person's words about a checkpoint, ready for HTML."""
    return escape(say_card(text, language))


def networks(bundled: Sequence[Bundled], language: str) -> str:
    """Return the articles' networks, at their own width and as they are bundled."""
    columns = ("article", "network", "channels", "published", "bundled")
    heads = [say(f"models_{column}", language, width=PUBLISHED_WIDTH) for column in columns]
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


def title(card: Card, language: str) -> str:
    """Return the name of a checkpoint in words."""
    return escape(say_name("title", card.title, language))


def checkpoint_card(
    checkpoint: Bundled, language: str, query: Mapping[str, str] | None = None
) -> str:
    """Return all that there is to say of a checkpoint: the most telling in sight, the rest folded."""
    card, recipe = checkpoint.card, RECIPES.get(checkpoint.card.name)
    more = (
        facts(checkpoint, recipe, language),
        limits(recipe, language) if recipe else "",
        drawing("curve", checkpoint.file.with_suffix(".svg"), language),
        scores(card, recipe, language),
        confusion(checkpoint.file, language),
        training(card, recipe, language),
    )
    parts = (
        f"<h2>{title(card, language)} <code>{escape(card.name)}</code></h2>",
        f"<p>{escape(say_name('summary', card.summary, language))}</p>",
        f'<div class="shown">{figure(card.name, card.task, language)}'
        f"{numbers(checkpoint, language)}</div>",
        notes(card, language),
        actions(card, language, query or {}),
        folded(said("more", language), "".join(more)),
    )
    return f'<article class="checkpoint" id="models-{escape(card.name)}">{"".join(parts)}</article>'


def actions(card: Card, language: str, query: Mapping[str, str]) -> str:
    """Return the links that lead from a checkpoint to where it works, and to its article."""
    link = page_link("segment", query, checkpoint=card.name)
    written = [article for article in ARTICLES if card.name in article.checkpoints]
    links = [
        f'<a class="action" href="{escape(link)}">{said("segment", language)}</a>',
        *(
            f'<a href="{escape(page_link("articles", query))}#article-{article.name}"'
            f' lang="{article.language}">{escape(article.title)}</a>'
            for article in written
        ),
    ]
    return f'<p class="actions">{" ".join(links)}</p>'


def headlines(checkpoint: Bundled) -> dict[str, str]:
    """Return the end of a key ``models_…``, or a score's name, → score, size and speed in words."""
    card = checkpoint.card
    told = {name: f"{card.scores[name]:.3f}" for name in HEADLINES if name in card.scores}
    told["size"] = f"{checkpoint.bytes / 1e6:.1f} MB"
    if card.name in MILLISECONDS:
        told["speed"] = f"{MILLISECONDS[card.name]} ms"
    return told


def numbers(checkpoint: Bundled, language: str) -> str:
    """Return what a checkpoint is judged by, large."""
    tiles = "".join(
        f"<div><dt>{name if name in HEADLINES else said(name, language)}</dt><dd>{value}</dd></div>"
        for name, value in headlines(checkpoint).items()
    )
    return f'<dl class="headlines">{tiles}</dl>'


def notes(card: Card, language: str) -> str:
    """Tell what a checkpoint was measured on, and its terms."""
    data = say_card(card.scored_on, language)
    measured = said("measured", language, data=data) if data else ""
    told = (measured, words(card.licence, language))
    return f'<p class="plain">{" · ".join(text for text in told if text)}</p>'


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
    return f"<h3>{said('limits', language)}</h3>{told}" if told else ""


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


def code_and_licence(language: str) -> str:
    """Tell where the code is, where pictures go, how fast was measured, and the terms."""
    return "".join(prose(key, language) for key in ("alone", "timed", "licence"))


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


class ModelsPage(TextPage):
    """The page, about what is bundled at the moment when it is opened."""

    def __init__(self, tab: gr.Tab) -> None:
        super().__init__(tab, "models", _made)


def _made(request: gr.Request) -> str:
    language = language_of(request)
    try:
        return models(read_bundled(WEIGHTS), language, request.query_params)
    except CheckpointError as error:
        return alert(error, language)
