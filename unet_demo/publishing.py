"""Prepares what is published on the Hugging Face Hub: the bundled checkpoints, and the demo as a Space.

The model repository (UNET_DEMO_HUB_REPO) never holds an index.json without the files that it lists:
all are read and checked before anything is sent, and go in one commit. weights/ is part of the Space,
too: so its checkpoints need no download and work while the Hub does not answer. Checkpoints published
later are offered, too.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import yaml
from huggingface_hub import ModelCardData, SpaceCard, SpaceHardware

from . import __version__
from .checkpoints import HUB_VARIABLE, Card, CheckpointError, read_card
from .checkpoints.hub import INDEX, HubError, parse_index, parse_repo
from .training.bundle import HEADLINES
from .uploading import README, Publication, PublishError

MESSAGE = f"Checkpoints of unet_demo {__version__}"

_NAME = r"\w[\w.+-]*"
_PICTURE = re.compile(rf"!\[[^\]]*\]\(({_NAME}(?:/{_NAME})*)\)")


def prepare(weights: Path, target: str, revision: str | None = None) -> Publication:
    """Collect what a folder's index.json names: checkpoints, their model cards, the pictures on those.

    ``target`` is owner/repo[@revision]. Asks no network. Raises HubError when that is no name, and
    CheckpointError when a file is missing or damaged, or not the one whose SHA-256 the index holds.
    """
    repo, revision = parse_repo(f"{target}@{revision}" if revision else target)
    index = _read(weights / INDEX)
    files, cards = {INDEX: index}, {}
    try:
        checkpoints = parse_index(index)
    except ValueError as error:
        raise CheckpointError(
            f"{INDEX} lists no checkpoints; enter one with `python -m unet_demo bundle`."
        ) from error
    for name, (file, sha256) in checkpoints.items():
        files[file] = _read(weights / file)
        if hashlib.sha256(files[file]).hexdigest() != sha256:
            raise CheckpointError(
                f"{file} is not the file whose SHA-256 {INDEX} holds; bundle it again."
            )
        cards[name] = read_card(weights / file)
        files |= _model_card(weights / file)
    publication = Publication(repo, revision, files, MESSAGE)
    page = hub_page(publication.address, cards, {n: file for n, (file, _) in checkpoints.items()})
    return replace(publication, files={README: page.encode(), **files})


def hub_page(address: str, cards: Mapping[str, Card], files: Mapping[str, str]) -> str:
    """Write the repository's page in Markdown: metadata, a table of the checkpoints, how to use them.

    ``files`` maps the names of the checkpoints to their files; ``address`` is owner/repo[@revision].
    """
    metadata = ModelCardData(
        license="other",  # each checkpoint has the terms of its data
        license_name="see-the-table",
        library_name="unet_demo",
        pipeline_tag="image-segmentation",
        tags=["image-segmentation", "unet", "pytorch", "safetensors"],
    )
    heads = ("checkpoint", "title", "network", "scores", "measured on", "terms")
    rows = [heads, ("---",) * len(heads)]
    rows += [_row(name, card, files[name]) for name, card in cards.items()]
    table = "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in rows)
    return f"""---
{metadata.to_yaml()}
---

# U-Nets of unet_demo

Each `.safetensors` file holds the float16 weights of a U-Net, and in its header all that describes
them. [{INDEX}]({INDEX}) lists them with their SHA-256. No file is a pickle.

{table}

To use them, set `{HUB_VARIABLE}={address}` where unet_demo runs, and ask for one by its name:

```
{HUB_VARIABLE}={address} python -m unet_demo predict {next(iter(cards))} PICTURE --out DIR
```
"""


def pictures_in(markdown: str) -> list[str]:
    """List the pictures that a page shows by their relative paths, without those elsewhere on the web."""
    return _PICTURE.findall(markdown)


def _row(name: str, card: Card, file: str) -> tuple[str, ...]:
    headlines = [f"{score} {card.scores[score]:.3f}" for score in HEADLINES if score in card.scores]
    link = f"[{name}]({Path(file).with_suffix('.md').name})"
    return link, card.title, card.network, ", ".join(headlines), card.scored_on, card.licence


def _cell(text: str) -> str:
    """Escape a text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _model_card(checkpoint: Path) -> dict[str, bytes]:
    """Read a checkpoint's model card, and the pictures that it shows."""
    path = checkpoint.with_suffix(".md")
    card = _read(path)
    try:
        shown = pictures_in(card.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CheckpointError(
            f"The model card {path.name} is not UTF-8 text; bundle the checkpoint again."
        ) from error
    return {path.name: card, **{name: _read(path.parent / name) for name in shown}}


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise CheckpointError(
            f"{path.name} is missing, so that nothing can be published; bundle its checkpoint again."
        )
    return path.read_bytes()


SDK = "gradio"

THUMBNAIL = "docs/segment.png"
"""What the Hub shows where the Space is linked."""

FILES = (
    "app.py", "requirements.txt", "LICENSE", "CHANGELOG.md", "CITATION.cff", "docs/embed.html",
    THUMBNAIL,
)  # fmt: skip
"""What the app needs, and what README.md leads to."""

PACKAGE = Path(__file__).resolve().parent

FOLDERS = (f"{PACKAGE.name}/", "weights/")
"""What in a Space is the program's alone: a file of an earlier release does not stay there."""


def prepare_space(
    checkpoints: Publication,
    target: str,
    *,
    private: bool = False,
    hardware: SpaceHardware | None = None,
    root: Path = PACKAGE.parent,
) -> Publication:
    """Collect what a Space needs to run the demo and offer the checkpoints of a model repository.

    ``target`` is owner/space, ``hardware`` None leaves the choice to `Publication`, and ``root`` is
    the checkout. Asks no network. Raises PublishError when that is no name, or no checkout.
    """
    space = Publication(
        _parse(target),
        None,
        {},
        sdk=SDK,
        variables={HUB_VARIABLE: checkpoints.address},
        hardware=hardware,
        folders=FOLDERS,
    )
    card = _card(root)
    card.data["thumbnail"] = f"{space.page}/resolve/main/{THUMBNAIL}"
    card.data["models"] = [checkpoints.repo]
    # The Space is built without a token, and would look for these files on the main branch.
    preloaded = not (private or checkpoints.revision)
    card.data["preload_from_hub"] = [checkpoints.repo] if preloaded else None
    names = dict.fromkeys((*FILES, *pictures_in(card.text), *_sources(root)))
    files = {README: str(card).encode(), **{name: _read_source(root, name) for name in names}}
    weights = {f"weights/{n}": data for n, data in checkpoints.files.items() if n != README}
    return replace(space, files=files | weights)


def _parse(target: str) -> str:
    """Read owner/space from a name or a web address. Raises PublishError."""
    try:
        space, revision = parse_repo(target.rpartition("/spaces/")[2])
    except HubError as error:
        raise _no_space(target) from error
    if revision:
        raise _no_space(target)
    return space


def _no_space(target: str) -> PublishError:
    return PublishError(
        f"{target.strip()[:80]!r} is not the name of a Space: write it as owner/space."
    )


def _card(root: Path) -> SpaceCard:
    """Read README.md with its front matter. Raises PublishError where it has none of a Space."""
    try:
        card = SpaceCard(_read_source(root, README).decode("utf-8"))
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise _no_front_matter() from error
    if card.data.get("sdk") != SDK:
        raise _no_front_matter()
    return card


def _no_front_matter() -> PublishError:
    return PublishError(
        f"{README} does not begin with the front matter of a Space; restore it from the repository."
    )


def _sources(root: Path) -> Iterator[str]:
    """List the package's files, without those that Python and Gradio write beside them."""
    for path in sorted((root / PACKAGE.name).rglob("*")):
        made = path.suffix == ".pyi" or path.parent.name == "__pycache__"
        if path.is_file() and not made:
            yield path.relative_to(root).as_posix()


def _read_source(root: Path, name: str) -> bytes:
    path = root / name
    if not path.is_file():
        raise PublishError(
            f"{name} is not beside the program, and a Space needs it; clone unet_demo's repository"
            " and publish the Space from there."
        )
    return path.read_bytes()
