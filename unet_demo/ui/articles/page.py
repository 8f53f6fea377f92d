"""The Articles page: a card for each of the five published articles.

A title and an author stand as they were published, in every language; what a person wrote about an
article comes from `unet_demo.articles` and from its recipes.
"""

from collections.abc import Mapping
from html import escape

import gradio as gr

from ...articles import ARTICLES, Article
from ...live.settings import PRESETS
from ...networks.anatomy import anatomy
from ...networks.drawing import u_svg
from ...tasks import ColourTask
from ...training.published_losses import ENVELOPE
from ...training.recipes import AS_PUBLISHED, RECIPES
from ..html import folded, scrolled, table
from ..link import page_link
from ..text import language_of, say, say_card, say_name, translated
from ..text_page import TextPage
from ..triples import figure
from .settings import settings

PAPER = (
    "Ronneberger, Fischer, Brox 2015",
    "U-Net: Convolutional Networks for Biomedical Image Segmentation",
    "https://arxiv.org/abs/1505.04597",
)
"""What all five articles build on: authors, title, address."""

SIDE = 256
"""Of the picture for which a network is drawn, in px."""


def articles(language: str, query: Mapping[str, str] | None = None) -> str:
    """Return the whole page as HTML; links keep what ``query``, the page's own, asks for."""
    cards = "".join(article_card(article, language, query or {}) for article in ARTICLES)
    return f"{intro(language)}{contents(language)}{cards}"


def said(key: str, language: str, **values: object) -> str:
    """Return a text of this page, ready for HTML."""
    return escape(say(f"articles_{key}", language, **values))


def words(text: str, language: str) -> str:
    """Return a person's words about an article, ready for HTML."""
    return escape(say_card(text, language))


def intro(language: str) -> str:
    """Tell what the page is, and name the paper."""
    authors, title, address = PAPER
    paper = f'<a lang="en" href="{address}" rel="noreferrer">{escape(f"{authors}: {title}")}</a>'
    return f"<p>{said('intro', language)} {paper}</p>"


def contents(language: str) -> str:
    """Return a link to each article's card."""
    links = "".join(
        f'<li><a href="#article-{article.name}">{original(article.title, article)}</a></li>'
        for article in ARTICLES
    )
    return f'<nav aria-label="{said("contents", language)}"><ol class="contents">{links}</ol></nav>'


def original(text: str, article: Article) -> str:
    """Mark words that stand as they were published."""
    return f'<span lang="{article.language}">{escape(text)}</span>'


def article_card(article: Article, language: str, query: Mapping[str, str]) -> str:
    """Return all that there is to say of an article: the most telling in sight, the rest folded."""
    folds = {
        "prints": prints(article, language),
        "settings": settings_tables(article, language),
        "faults": faults(article, language),
    }
    rows = (checkpoint(article, name, language, query) for name in article.checkpoints)
    parts = (
        f"<h2>{original(article.title, article)}</h2>",
        source(article, language),
        f"<p>{words(article.says, language)}</p>",
        *rows,
        f'<div class="folds">{"".join(folded(said(key, language), fold) for key, fold in folds.items())}</div>',
    )
    return f'<article class="checkpoint" id="article-{article.name}">{"".join(parts)}</article>'


def source(article: Article, language: str) -> str:
    """Tell who published an article, when, where and in which language."""
    told = [said(f"language_{article.language}", language)]
    told.append(original(article.author, article) if article.author else said("nobody", language))
    if article.date:
        told.append(f'<time datetime="{article.date}">{article.date}</time>')
    if article.subtitle:
        told.append(original(article.subtitle, article))
    if article.link:
        told.append(f'<a href="{article.link}" rel="noreferrer">{article.link}</a>')
    else:
        told.append(said("nowhere", language))
    return f'<p class="plain">{" · ".join(told)}</p>'


def checkpoint(article: Article, name: str, language: str, query: Mapping[str, str]) -> str:
    """Return one of an article's networks, and beside it what its checkpoint does and where that leads."""
    task = RECIPES[name].card.task
    painted = isinstance(task, ColourTask)
    shown = figure(name, task, language, example=article.example, painted=painted)
    links = actions(name, language, query)
    network = drawn(AS_PUBLISHED[name].card.network, language)
    return f'<div class="columns network-first"><div>{network}</div><div>{shown}{links}</div></div>'


def drawn(network: str, language: str) -> str:
    """Draw a network, with its parameters."""
    described = anatomy(network, {}, SIDE)
    svg = u_svg(described, say=lambda one: translated(one, language))
    label = said("drawn", language, network=network)
    parameters = said("parameters", language, network=network, count=f"{described.parameters:,}")
    figure = scrolled(f'<div role="img" aria-label="{label}">{svg}</div>', label, "u")
    return f'<figure class="network">{figure}<figcaption>{parameters}</figcaption></figure>'


def actions(name: str, language: str, query: Mapping[str, str]) -> str:
    """Return the links that lead from an article to its checkpoint at work, and to its training."""
    title = say_name("title", RECIPES[name].card.title, language)
    links = {said("segment", language, title=title): page_link("segment", query, checkpoint=name)}
    links[said("inside", language)] = page_link("inside", query, checkpoint=name)
    preset = "article" if name == "shapes" else f"article-{name}"
    if preset in PRESETS:
        links[said("train", language)] = page_link("train", query, preset=preset)
    told = (f'<a class="action" href="{escape(link)}">{text}</a>' for text, link in links.items())
    return f'<p class="actions">{" ".join(told)}</p>'


def prints(article: Article, language: str) -> str:
    """Tell what figures an article printed."""
    told = f"<p>{words(article.prints, language)}</p>"
    if article.name == "shapes":
        return told + losses(language)
    return told + log(article, language) if article.log else told


def losses(language: str) -> str:
    """Return the ten losses beside those of our own runs, a column a step."""
    rows = (
        numbers(said(f"losses_{kind}", language), [f"{getattr(row, kind):.4f}" for row in ENVELOPE])
        for kind in ("published", "least", "greatest")
    )
    heads = [say("articles_step", language), *(str(row.step) for row in ENVELOPE)]
    return scrolled(table(heads, rows), said("prints", language))


def log(article: Article, language: str) -> str:
    """Return a published log, a row an epoch."""
    columns = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    heads = [
        say("articles_epoch", language),
        *(say(f"articles_{one}", language) for one in columns),
    ]
    rows = (
        numbers(str(number), [f"{getattr(epoch, column):.3f}" for column in columns])
        for number, epoch in enumerate(article.log, 1)
    )
    return scrolled(table(heads, rows), said("prints", language))


def numbers(head: str, cells: list[str]) -> str:
    """Return a row of a table; ``head`` is HTML."""
    return f'<tr><th scope="row">{head}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def settings_tables(article: Article, language: str) -> str:
    """Return the settings of each training, as published and ours."""
    return "".join(settings_table(name, language) for name in article.checkpoints)


def settings_table(name: str, language: str) -> str:
    """Return the settings of one training, as published and ours, from its two recipes."""
    published, ours = (settings(recipes[name], language) for recipes in (AS_PUBLISHED, RECIPES))
    rows = (
        numbers(said(f"set_{key}", language), [escape(published[key]), escape(ours[key])])
        for key in published
    )
    network = AS_PUBLISHED[name].card.network
    heads = [network, say("articles_as_published", language), say("articles_ours", language)]
    return scrolled(table(heads, rows), said("drawn", language, network=network), "settings")


def faults(article: Article, language: str) -> str:
    """List an article's faults, each with what is done here instead."""
    found = dict.fromkeys(f for name in article.checkpoints for f in AS_PUBLISHED[name].faults)
    return f"<ul>{''.join(f'<li>{words(fault, language)}</li>' for fault in found)}</ul>"


class ArticlesPage(TextPage):
    """The page, which the program's own recipes and networks write."""

    def __init__(self, tab: gr.Tab) -> None:
        super().__init__(
            tab, "articles", lambda request: articles(language_of(request), request.query_params)
        )
