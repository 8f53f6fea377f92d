"""Prepares the demo as a Space on the Hugging Face Hub, beside its checkpoints' model repository.

weights/ is part of the Space, although the Space could read the model repository: so its checkpoints
need no download and work while the Hub does not answer. Checkpoints published later are offered, too.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml
from huggingface_hub import SpaceCard, SpaceHardware

from .checkpoints import HUB_VARIABLE
from .checkpoints.hub import HubError, parse_repo
from .publishing import pictures_in
from .uploading import README, Publication, PublishError

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
    files = {README: str(card).encode(), **{name: _read(root, name) for name in names}}
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
    """README.md with its front matter. Raises PublishError where it has none of a Space."""
    try:
        card = SpaceCard(_read(root, README).decode("utf-8"))
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


def _read(root: Path, name: str) -> bytes:
    path = root / name
    if not path.is_file():
        raise PublishError(
            f"{name} is not beside the program, and a Space needs it; clone unet_demo's repository"
            " and publish the Space from there."
        )
    return path.read_bytes()
