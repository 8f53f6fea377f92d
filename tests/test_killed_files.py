"""Whoever is killed while bundling, downloading or publishing leaves the old or the new, and never a half."""

import hashlib
import itertools
import json
import multiprocessing
import random
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import set_hub
from huggingface_hub import constants
from tiny import binary_checkpoint

from unet_demo import saving
from unet_demo.checkpoints import Checkpoint, HubError, files, find_offered, load_checkpoint
from unet_demo.checkpoints.files import bundle_checkpoint
from unet_demo.checkpoints.hub import fetch_checkpoint
from unet_demo.uploading import Publication, publish

REPO = "ann/unets"

LONGEST = 0.15
"""Seconds that a process goes on after it has begun, at most, before it is killed."""

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "unet_demo.uploading", "unet_demo.training.recipes"])

kill_often = pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.slow)])


def kill(chance: random.Random, work: Callable[..., None], *arguments: Any) -> None:
    """Have a process of its own begin to work, and kill it at a random moment."""
    reading, writing = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=work, args=(writing, *arguments))
    process.start()
    writing.close()
    reading.recv()
    time.sleep(chance.uniform(0, LONGEST))
    process.kill()
    process.join()


# --- bundle ---


def two_checkpoints() -> tuple[Checkpoint, ...]:
    """Of one name."""
    return tuple(binary_checkpoint(width=width) for width in (2, 4))


def bundles_on(begun: Connection, path: Path) -> None:
    torch.set_num_threads(1)
    two = two_checkpoints()
    begun.send(True)
    for checkpoint in itertools.cycle(two):
        bundle_checkpoint(path, checkpoint.network, checkpoint.card)


@kill_often
def test_a_bundle_killed_leaves_a_checkpoint_that_its_index_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    monkeypatch.setattr(files, "WEIGHTS", tmp_path)
    path, chance = tmp_path / "tiny.safetensors", random.Random(0)
    two = two_checkpoints()
    bundle_checkpoint(path, two[0].network, two[0].card)
    for _ in range(kills):
        kill(chance, bundles_on, path)
        assert load_checkpoint(find_offered("tiny")).card in [one.card for one in two]
    monkeypatch.setattr(saving, "STALE_SECONDS", -1.0)  # as if it had been left long ago
    bundle_checkpoint(path, two[1].network, two[1].card)
    assert {file.name for file in tmp_path.iterdir()} == {"index.json", path.name}


# --- download ---


def downloads(begun: Connection, endpoint: str, cache: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", cache)
        set_hub(patch, endpoint)
        begun.send(True)
        fetch_checkpoint(REPO)


def cached() -> bytes | None:
    """What the cache alone gives."""
    with suppress(HubError):
        return fetch_checkpoint(REPO).read_bytes()
    return None


@kill_often
def test_a_download_killed_leaves_the_whole_file_or_none(
    hub_cache: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, kills: int
) -> None:
    data, chance = random.Random(0).randbytes(4_000_000), random.Random(0)
    entry = {"file": "far.safetensors", "sha256": hashlib.sha256(data).hexdigest()}
    index = json.dumps({"checkpoints": {"far": entry}}).encode()
    endpoint = serve({REPO: {"index.json": index, "far.safetensors": data}})
    for number in range(kills):
        cache = str(hub_cache / str(number // 2))  # every other time it goes on with what is there
        monkeypatch.setattr(constants, "HF_HUB_CACHE", cache)
        kill(chance, downloads, endpoint, cache)
        with monkeypatch.context() as patch:
            patch.setattr(constants, "HF_HUB_OFFLINE", True)
            assert cached() in (None, data)
    assert cached() == data


# --- publish ---


def publishes(begun: Connection, endpoint: str, publication: Publication) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", "hf_right")
        patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        set_hub(patch, endpoint)
        begun.send(True)
        publish(publication)


@kill_often
@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub's own
def test_a_publication_killed_leaves_the_old_files_or_the_new(
    serve: Callable[..., str], token: str, kills: int
) -> None:
    def publication(number: int) -> Publication:
        weights = random.Random(number).randbytes(1_000_000)
        readme = b"---\nlicense: mit\n---\n%d" % number
        return Publication(REPO, None, {"README.md": readme, "a.safetensors": weights})

    repos: dict[str, dict[str, bytes]] = {}
    endpoint, chance = serve(repos, token=token), random.Random(0)
    publish(publication(0))
    for number in range(1, kills + 1):
        kill(chance, publishes, endpoint, publication(number))
        sent = {name: data for name, data in repos[REPO].items() if name != ".gitattributes"}
        assert sent in [publication(one).files for one in range(number + 1)]
    publish(publication(kills))
    assert repos[REPO].items() >= publication(kills).files.items()
