"""What may be asked for by name, path or repository: the bundled checkpoints, and those of the Hub."""

import logging
import os
import time
from functools import lru_cache
from pathlib import Path

from ..messages import sentence
from .card import Card, CheckpointError
from .files import WEIGHTS, Checkpoint, load_checkpoint, read_card, read_index, refuse_pickle
from .hub import (
    HUB_VARIABLE,
    HubError,
    fetch_checkpoint,
    list_checkpoints,
    looks_like_repo,
    parse_repo,
    sha256_of,
)

HUB_SECONDS = 60
"""What that repository lists, or that it cannot be asked, holds so long at most."""

LOGGER = logging.getLogger(__name__)


def offered_names(directory: Path = WEIGHTS) -> list[str]:
    """The names that may be asked for: the bundled ones, then those of UNET_DEMO_HUB_REPO.

    That repository is asked once in HUB_SECONDS. Where it gives no list (the log says why), the
    bundled ones alone.
    """
    names = list(read_index(directory))
    hub = os.environ.get(HUB_VARIABLE)
    if hub:
        listed = names_on_hub(hub, int(time.monotonic() / HUB_SECONDS))
        names += [name for name in listed if name not in names]
    return names


@lru_cache(maxsize=1)
def names_on_hub(hub: str, period: int) -> tuple[str, ...]:
    """The names that owner/repo[@revision] lists, none where it cannot be asked; asked once a ``period``."""
    try:
        return tuple(list_checkpoints(*parse_repo(hub)))
    except HubError as error:
        LOGGER.warning("%s is set, but gives no checkpoints: %s", HUB_VARIABLE, error)
        return ()


def find_checkpoint(text: str) -> Path:
    """The file that a person at the keyboard means: a path, or what :func:`find_offered` finds.

    Raises CheckpointError or HubError, each with one plain sentence.
    """
    path = os.path.expanduser(text.strip())
    refuse_pickle(os.path.basename(path))
    if os.path.isfile(path):
        return Path(path)
    if path.endswith(".safetensors"):
        raise CheckpointError(
            sentence("There is no file {file!r}; check the path of the checkpoint.", file=text)
        )
    if os.path.isfile(f"{path}.safetensors") and path not in read_index(WEIGHTS):
        raise CheckpointError(
            sentence(
                "There is no checkpoint {asked!r} (did you mean '{name}.safetensors'?).",
                asked=text, name=text.strip(),
            )
        )  # fmt: skip
    if os.sep in path and os.path.isdir(path):
        raise CheckpointError(
            sentence("{folder!r} is a folder; give the .safetensors file inside it.", folder=text)
        )
    return find_offered(text)


def find_offered(text: str) -> Path:
    """What a visitor may ask for: a bundled name, a name in UNET_DEMO_HUB_REPO, owner/repo[@revision].

    Never a path of the server's. Raises CheckpointError or HubError, each with one plain sentence.
    """
    text = text.strip()
    index = read_index(WEIGHTS)
    if text in index:
        return _verified(WEIGHTS / str(index[text]["file"]), str(index[text]["sha256"]))
    if looks_like_repo(text):
        repo, revision = parse_repo(text)
        return fetch_checkpoint(repo, revision=revision)
    refuse_pickle(text)
    hub = os.environ.get(HUB_VARIABLE)
    if hub:
        repo, revision = parse_repo(hub)
        return fetch_checkpoint(repo, text, revision)
    raise CheckpointError(
        sentence(
            "There is no checkpoint {asked!r}; use one of {known}, a .safetensors file,"
            " or owner/repo on the Hugging Face Hub.",
            asked=text, known=", ".join(index),
        )
    )  # fmt: skip


def offered_cards() -> dict[str, Card]:
    """name → card of what may be asked for by name; the files of the Hub's are downloaded for that.

    One that can't be had is left out, and the log says why. Raises CheckpointError where the list
    of the bundled ones is damaged.
    """
    cards = {}
    for name in offered_names(WEIGHTS):
        try:
            cards[name] = read_card(find_offered(name))
        except (HubError, CheckpointError) as error:
            LOGGER.warning("The checkpoint %r is not offered: %s", name, error)
    return cards


def _verified(path: Path, sha256: str) -> Path:
    if not path.is_file():
        raise CheckpointError(
            sentence(
                "The bundled file {file} is missing; clone or install the program again.",
                file=path.name,
            )
        )
    if sha256_of(path) != sha256:
        raise CheckpointError(
            sentence(
                "The bundled file {file} is not the one that was published (its SHA-256 differs);"
                " clone or install the program again.",
                file=path.name,
            )
        )
    return path


def open_checkpoint(text: str) -> Checkpoint:
    """Find and load a checkpoint; see :func:`find_checkpoint`."""
    return load_checkpoint(find_checkpoint(text))
