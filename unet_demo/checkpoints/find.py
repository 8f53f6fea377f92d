"""Finds checkpoints by name, path or repository: the bundled ones, and those on the Hub."""

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
"""Seconds for which the list of UNET_DEMO_HUB_REPO, or a failure to get it, is cached."""

LOGGER = logging.getLogger(__name__)


def offered_names(directory: Path = WEIGHTS) -> list[str]:
    """List the names of all checkpoints: the bundled ones, then those of UNET_DEMO_HUB_REPO.

    Asks that repository once in HUB_SECONDS. If that fails, logs why and lists the bundled ones alone.
    """
    names = list(read_index(directory))
    hub = os.environ.get(HUB_VARIABLE)
    if hub:
        listed = names_on_hub(hub, int(time.monotonic() / HUB_SECONDS))
        names += [name for name in listed if name not in names]
    return names


@lru_cache(maxsize=1)
def names_on_hub(hub: str, period: int) -> tuple[str, ...]:
    """Ask owner/repo[@revision] for its names, once in each ``period``; none if that fails."""
    try:
        return tuple(list_checkpoints(*parse_repo(hub)))
    except HubError as error:
        LOGGER.warning("%s is set, but gives no checkpoints: %s", HUB_VARIABLE, error)
        return ()


def find_checkpoint(text: str) -> Path:
    """Find the file for a path or for a name of :func:`find_offered`; for people at this machine.

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
    """Find the file for a bundled name, a name in UNET_DEMO_HUB_REPO, or owner/repo[@revision].

    For visitors, who may not name a path on the server. Raises CheckpointError or HubError, each
    with one plain sentence.
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
    """Read name → card of all :func:`offered_names`; downloads the files of those on the Hub.

    Leaves out what cannot be read, and logs why. Raises CheckpointError where the bundled
    checkpoints' index is damaged.
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
