"""Checkpoints from a Hugging Face Hub repository: the library's own functions, each with a deadline.

A repository of this program holds an index.json, as weights/ does, that lists its checkpoints with
their SHA-256. One that somebody's model of segmentation-models-pytorch was saved to holds its
config.json and its model.safetensors. Nothing else is ever downloaded: never a pickle. Cache and
environment (HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE, HF_TOKEN …) are the library's.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import TimeoutError as OutOfTime
from multiprocessing.pool import ThreadPool
from pathlib import Path
from shutil import rmtree
from typing import TypeVar

import httpx2
from huggingface_hub import (
    HfApi,
    constants,
    errors,
    scan_cache_dir,
    set_client_factory,
    try_to_load_from_cache,
)
from huggingface_hub.utils import get_session, validate_repo_id

from ..environment import SPACE_VARIABLE
from ..messages import sentence, words_of

HUB_VARIABLE = "UNET_DEMO_HUB_REPO"
"""Environment variable: owner/repo[@revision] that holds checkpoints which are not bundled."""

ASK_SECONDS = 6.0
"""Time limit of a request to the Hub."""

SLOWEST_DOWNLOAD = 200_000
"""Bytes a second: the time limit of a download is ASK_SECONDS plus its size at this rate."""

MAX_BYTES, MAX_INDEX_BYTES = 500_000_000, 1_000_000
"""Larger checkpoints or index.json files are refused before they are downloaded."""

SPACE_MAX_BYTES, SPACE_CACHE_BYTES = 100_000_000, 2_000_000_000
"""Limits on a Space, where any visitor may start a download: one checkpoint, the whole cache."""

INDEX = "index.json"
"""Name of the list of checkpoints: {"checkpoints": {name: {"file": …, "sha256": …}}}."""

CONFIG, MODEL = "config.json", "model.safetensors"
"""Files of a model that segmentation-models-pytorch saves."""

MODEL_CLASS = b'"_model_class"'
"""Text in every config.json of segmentation-models-pytorch."""

_HUB_ADDRESS = re.compile(r"(https?://)?(www\.)?(huggingface\.co|hf\.co)/")
_REVISION = re.compile(r"\w[\w.+-]*(/\w[\w.+-]*)*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")

CHECKPOINT_FILE = re.compile(r"\w[\w .+-]*\.safetensors")
"""Names that an index.json may hold: files beside it."""

PICKLES = (".pth", ".pt", ".ckpt", ".pkl", ".bin")
"""Endings of PyTorch's pickles: opening one can run any code."""

MALFORMED = (ValueError, RecursionError, KeyError, TypeError, AttributeError)
"""Errors of reading a stranger's JSON: not JSON, nested too deep, or of another form."""

BROKEN = (httpx2.HTTPError, httpx2.InvalidURL, errors.XetDownloadError, OSError, RuntimeError)
"""Errors of the library: the Hub refuses or does not answer, or the file cannot be saved."""

MAX_NAME = 200
"""Characters of a repository's name with its revision, at most."""

T = TypeVar("T")


class HubError(RuntimeError):
    """One plain sentence: what happened, why, what to do."""


class _Unreachable(Exception):
    """The Hub gives no usable answer now; says so in a clause without a full stop."""


class _NotCached(Exception):
    """The cache alone does not hold what was asked for."""


class _SharedClient(httpx2.Client):
    """The library's client, which stays open for whoever is still using it.

    The library has one for all threads, and closes it when one of them does not reach a server.
    That would break off what the others are sending: an upload, say, or what `within` abandoned.
    """

    def close(self) -> None:
        """Do nothing: the connections close with the last reference, when nobody uses it."""

    def __del__(self) -> None:
        super().close()


@cache
def _share_client() -> None:
    """Make the library use a `_SharedClient`, with what its own client does at each request."""
    hooks = get_session().event_hooks
    set_client_factory(
        partial(_SharedClient, event_hooks=hooks, follow_redirects=True, timeout=None)
    )


@dataclass(frozen=True)
class _Snapshot:
    """One commit of a repository; ``sizes`` of its files, or None where only the cache may be read."""

    repo: str
    revision: str
    commit: str
    sizes: Mapping[str, int | None] | None


def parse_repo(text: str) -> tuple[str, str | None]:
    """Split "owner/repo[@revision]" or a web address: (repo, revision or None). Raises HubError."""
    text = text.strip()
    # What anybody sends is looked at no closer than a name can be long.
    name = _HUB_ADDRESS.sub("", text, count=1).rstrip("/") if len(text) <= MAX_NAME else ""
    repo, at, revision = map(_tight, name.partition("@" if "@" in name else "/tree/"))
    if not _is_repo(repo) or (at and not _REVISION.fullmatch(revision)):
        raise HubError(
            sentence(
                "{text!r} is not the name of a model repository: write it as owner/repo"
                " or owner/repo@revision.",
                text=text[:80],
            )
        )
    return repo, revision or None


def _tight(path: str) -> str:
    """Remove the spaces around a path's slashes."""
    return "/".join(part.strip() for part in path.split("/"))


def _is_repo(name: str) -> bool:
    """Return whether a name is owner/repo by the Hub's own rules, and not a checkpoint's path."""
    try:
        validate_repo_id(name)
    except errors.HFValidationError:
        return False
    return "/" in name and not name.lower().endswith((".safetensors", *PICKLES))


def looks_like_repo(text: str) -> bool:
    """Return whether a text is a repository's name or address, not a checkpoint's name or path."""
    try:
        return bool(parse_repo(text))
    except HubError:
        return False


def list_checkpoints(repo: str, revision: str | None = None) -> list[str]:
    """List the names of the repository's checkpoints, in the order of its index.json. Raises HubError."""
    return _read(repo, revision, lambda snapshot: list(_index(snapshot)))


def fetch_checkpoint(repo: str, name: str | None = None, revision: str | None = None) -> Path:
    """Return the local path of a checkpoint; download it if needed. Raises HubError.

    Without a ``name``: the first in index.json or, without such a file, the repository's model of
    segmentation-models-pytorch. A listed file's SHA-256 is checked at each call. Cached files of a
    pinned commit (40 hex digits) need no network. For a branch or a tag the Hub is asked; if it
    cannot be reached, the cached copy is used.
    """
    return _read(repo, revision, lambda snapshot: _fetch(snapshot, name))


def parse_index(text: bytes) -> dict[str, tuple[str, str]]:
    """Read an index.json: name → (file, SHA-256) of the checkpoints beside it.

    Raises ValueError if the text is not an index, or names no file or files elsewhere.
    """
    try:
        listed = json.loads(text)["checkpoints"]
        files = {name: (item["file"], str(item["sha256"])) for name, item in listed.items()}
        beside = [bool(CHECKPOINT_FILE.fullmatch(file)) for file, _ in files.values()]
    except MALFORMED as error:
        raise ValueError("not an index of checkpoints") from error
    if not files or not all(beside):
        raise ValueError("an index of no checkpoints, or of files elsewhere")
    return files


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def within(seconds: float, question: Callable[[], T]) -> T:
    """Call the library and return its answer. Raises OutOfTime after ``seconds``, and its own errors.

    The call runs in a thread that is abandoned when time is up: the library retries for minutes, and
    a socket's timeout covers neither name look-ups nor single bytes now and then.
    """
    _share_client()
    with ThreadPool(1) as pool:
        return pool.apply_async(question).get(seconds)


def _read(repo: str, revision: str | None, read: Callable[[_Snapshot], T]) -> T:
    """Read from the best snapshot: a cached one of a pinned commit, else the Hub's, else a cached one."""
    repo, revision = parse_repo(f"{repo}@{revision}" if revision else repo)
    revision = revision or constants.DEFAULT_REVISION
    if _COMMIT.fullmatch(revision):
        with suppress(_NotCached):
            return read(_cached(repo, revision))
    try:
        return read(_ask(repo, revision))
    except _Unreachable as trouble:
        with suppress(_NotCached):
            return read(_cached(repo, revision))
        raise HubError(
            sentence(
                "{trouble}, and the cache has no copy of what was asked for from {repo}: check the"
                " network and the Hub's settings (HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE).",
                trouble=words_of(trouble), repo=repo,
            )
        ) from trouble  # fmt: skip


def _cached(repo: str, revision: str) -> _Snapshot:
    for file in (INDEX, CONFIG):
        path = try_to_load_from_cache(repo, file, revision=revision)
        if isinstance(path, str):
            return _Snapshot(repo, revision, Path(path).parent.name, None)
    raise _NotCached


def _ask(repo: str, revision: str) -> _Snapshot:
    """Ask the Hub which commit the revision is and which files it holds: one request."""
    if constants.is_offline_mode():
        raise _Unreachable(sentence("HF_HUB_OFFLINE is set, so that the Hub is not asked"))
    ask = partial(HfApi().model_info, repo, revision=revision, files_metadata=True)
    info = _answer(partial(ask, timeout=ASK_SECONDS), repo, revision, ASK_SECONDS)
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    return _Snapshot(repo, revision, str(info.sha), sizes)


def _index(snapshot: _Snapshot) -> dict[str, tuple[str, str]]:
    """Read the repository's index.json; see :func:`parse_index`. Raises HubError."""
    if snapshot.sizes is None or INDEX in snapshot.sizes:
        text = _local(snapshot, INDEX).read_bytes()
        with suppress(ValueError):
            return parse_index(text)
    raise HubError(
        sentence(
            "{repo} holds no checkpoint of this program (index.json lists them) and no model of"
            " segmentation-models-pytorch (config.json with model.safetensors); choose another"
            " repository.",
            repo=snapshot.repo,
        )
    )


def _fetch(snapshot: _Snapshot, name: str | None) -> Path:
    path = _smp_model(snapshot) if name is None else None
    path = path or _listed(snapshot, name)
    if not _COMMIT.fullmatch(snapshot.revision):
        # The cache gets the branch's commit, as from the library's own downloads.
        ref = path.parents[2] / "refs" / snapshot.revision
        with suppress(OSError):  # a read-only cache still serves what it has
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(snapshot.commit)
    return path


def _smp_model(snapshot: _Snapshot) -> Path | None:
    """Fetch the config and the weights of a model of segmentation-models-pytorch; None if it is none."""
    if _holds(snapshot, INDEX) or not _holds(snapshot, CONFIG) or not _holds(snapshot, MODEL):
        return None
    # Checked before the weights are downloaded: other libraries' models have a config.json, too.
    if MODEL_CLASS not in _local(snapshot, CONFIG).read_bytes():
        return None
    return _local(snapshot, MODEL)


def _holds(snapshot: _Snapshot, file: str) -> bool:
    """Return whether the repository, or the cache where only it may be read, has the file."""
    if snapshot.sizes is not None:
        return file in snapshot.sizes
    return isinstance(try_to_load_from_cache(snapshot.repo, file, revision=snapshot.commit), str)


def _listed(snapshot: _Snapshot, name: str | None) -> Path:
    """Fetch a checkpoint of the repository's index.json."""
    files = _index(snapshot)
    name = next(iter(files)) if name is None else name
    if name not in files:
        raise HubError(
            sentence(
                "{repo} has no {asked!r}: choose one of {known}.",
                repo=snapshot.repo, asked=name[:80], known=", ".join(files),
            )
        )  # fmt: skip
    return _local(snapshot, *files[name])


def _local(snapshot: _Snapshot, file: str, sha256: str | None = None) -> Path:
    """Return a checked file in the cache; download it if it is missing or damaged, where allowed."""
    cached = try_to_load_from_cache(snapshot.repo, file, revision=snapshot.commit)
    if isinstance(cached, str) and _kept(Path(cached), sha256):
        return Path(cached)
    if snapshot.sizes is None:
        raise _NotCached
    strangers = bool(os.environ.get(SPACE_VARIABLE)) and snapshot.repo != _own_repo()
    most = SPACE_MAX_BYTES if strangers else MAX_BYTES
    size = snapshot.sizes.get(file) or 0
    limit = most if file.endswith(".safetensors") else MAX_INDEX_BYTES
    if size > limit:
        raise HubError(
            sentence(
                "{file} in {repo} is larger than {limit:.0f} MB, the most that this"
                " program downloads: choose another checkpoint.",
                file=file, repo=snapshot.repo, limit=limit / 1e6,
            )
        )  # fmt: skip
    if strangers:
        _evict(size)
    download = partial(HfApi().hf_hub_download, snapshot.repo, file, revision=snapshot.commit)
    seconds = ASK_SECONDS + size / SLOWEST_DOWNLOAD
    path = Path(_answer(download, snapshot.repo, snapshot.commit, seconds))
    if not _kept(path, sha256):
        raise HubError(
            sentence(
                "{file} from {repo} is not the file whose SHA-256 its index.json promises and"
                " was not kept: try again, or tell its owner.",
                file=file, repo=snapshot.repo,
            )
        )  # fmt: skip
    return path


def _own_repo() -> str | None:
    """Return the environment's repository, which the cache keeps; None if its name is not valid."""
    with suppress(HubError):  # offered_names reports it
        return parse_repo(os.environ.get(HUB_VARIABLE, ""))[0]
    return None


def _evict(size: int) -> None:
    """Evict other repositories than the own one from the cache, oldest first, until ``size`` bytes fit."""
    with suppress(errors.CacheNotFound, ValueError):  # no cache yet, or not a folder
        cache, own = scan_cache_dir(constants.HF_HUB_CACHE), _own_repo()
        excess = cache.size_on_disk + size - SPACE_CACHE_BYTES
        # Whole repositories, since two of them may hold the same commits.
        for repo in sorted(cache.repos, key=lambda repo: repo.last_modified):
            if excess > 0 and repo.repo_id != own:
                rmtree(repo.repo_path, ignore_errors=True)
                excess -= repo.size_on_disk


def _kept(path: Path, sha256: str | None) -> bool:
    """Return whether the file has the hash; if not, remove it from the cache."""
    if sha256 is None or sha256_of(path) == sha256:
        return True
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return False


def _answer(question: Callable[[], T], repo: str, revision: str, seconds: float) -> T:
    """Return the library's answer. Raises HubError, or _Unreachable where the cache may help."""
    hub = constants.ENDPOINT
    try:
        return within(seconds, question)
    except OutOfTime as error:
        raise _Unreachable(
            sentence(
                "The Hub at {hub} did not deliver within {seconds:.0f} s", hub=hub, seconds=seconds
            )
        ) from error
    except MALFORMED as error:
        raise _Unreachable(
            sentence("The Hub at {hub} does not answer like one", hub=hub)
        ) from error
    except BROKEN as error:
        cause = _cause(error)
        refusal = _refusal(cause, repo, revision)
        if refusal:
            raise refusal from error
        if isinstance(cause, errors.HfHubHTTPError):
            raise _Unreachable(
                sentence(
                    "The Hub at {hub} answered with error {status}",
                    hub=hub, status=cause.response.status_code,
                )
            ) from error  # fmt: skip
        if isinstance(cause, OSError) and cause.errno:
            raise HubError(
                sentence(
                    "{repo} could not be saved in the Hub's cache ({reason}): free some space"
                    " or set HF_HOME to a folder you can write to.",
                    repo=repo, reason=cause.strerror,
                )
            ) from error  # fmt: skip
        raise _Unreachable(sentence("The Hub at {hub} cannot be reached", hub=hub)) from error


def _cause(error: Exception) -> BaseException | None:
    """Return what the library found when it says only that the cache has no copy."""
    return error.__cause__ if isinstance(error, errors.LocalEntryNotFoundError) else error


def _refusal(error: BaseException | None, repo: str, revision: str) -> HubError | None:
    """Return the HubError for an error that is a refusal of the Hub's; None for others."""
    match error:
        case errors.GatedRepoError():
            return HubError(
                sentence(
                    "{repo} is gated: ask for access at {hub}/{repo} and set HF_TOKEN.",
                    repo=repo, hub=constants.ENDPOINT,
                )
            )  # fmt: skip
        case errors.RepositoryNotFoundError():
            return HubError(
                sentence(
                    "There is no model repository {repo}, or it is private: check the name, or set"
                    " HF_TOKEN.",
                    repo=repo,
                )
            )
        case errors.RevisionNotFoundError():
            return HubError(
                sentence(
                    "{repo} has no revision {revision!r}: check its name.",
                    repo=repo, revision=revision,
                )
            )  # fmt: skip
    return None
