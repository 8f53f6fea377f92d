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
from functools import partial
from multiprocessing import TimeoutError as OutOfTime
from multiprocessing.pool import ThreadPool
from pathlib import Path
from shutil import rmtree
from typing import TypeVar

import httpx2
from huggingface_hub import HfApi, constants, errors, scan_cache_dir, try_to_load_from_cache
from huggingface_hub.utils import validate_repo_id

from ..environment import SPACE_VARIABLE
from ..messages import sentence, words_of

HUB_VARIABLE = "UNET_DEMO_HUB_REPO"
"""Environment variable: owner/repo[@revision] that holds checkpoints which are not bundled."""

ASK_SECONDS = 6.0
"""A question to the Hub ends after this long, whatever it is that does not come."""

SLOWEST_DOWNLOAD = 200_000
"""Bytes a second: a download has ASK_SECONDS and the time that its size takes at this pace."""

MAX_BYTES, MAX_INDEX_BYTES = 500_000_000, 1_000_000
"""A larger checkpoint or index.json is refused before it is downloaded."""

SPACE_MAX_BYTES, SPACE_CACHE_BYTES = 100_000_000, 2_000_000_000
"""On a Space, where any visitor's wish is downloaded: of one checkpoint, and of the whole cache."""

INDEX = "index.json"
"""Lists the checkpoints beside it: {"checkpoints": {name: {"file": …, "sha256": …}}}."""

CONFIG, MODEL = "config.json", "model.safetensors"
"""What segmentation-models-pytorch saves a model as."""

MODEL_CLASS = b'"_model_class"'
"""Stands in a config.json that is segmentation-models-pytorch's."""

_HUB_ADDRESS = re.compile(r"(https?://)?(www\.)?(huggingface\.co|hf\.co)/")
_REVISION = re.compile(r"\w[\w.+-]*(/\w[\w.+-]*)*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")

CHECKPOINT_FILE = re.compile(r"\w[\w .+-]*\.safetensors")
"""What an index.json may name: a file beside it."""

PICKLES = (".pth", ".pt", ".ckpt", ".pkl", ".bin")
"""Ends of the names of files that PyTorch pickles: to open one is to run what its maker wrote."""

MALFORMED = (ValueError, RecursionError, KeyError, TypeError, AttributeError)
"""What reading somebody's JSON can raise: not JSON, too deep, or not of the expected form."""

BROKEN = (httpx2.HTTPError, httpx2.InvalidURL, errors.XetDownloadError, OSError, RuntimeError)
"""What the library raises when an answer is no, does not come, or cannot be saved."""

MAX_NAME = 200
"""Characters of a repository's name with its revision, at most."""

T = TypeVar("T")


class HubError(RuntimeError):
    """One plain sentence: what happened, why, what to do."""


class _Unreachable(Exception):
    """The Hub gives no usable answer now; says so in a clause without a full stop."""


class _NotCached(Exception):
    """The cache alone does not hold what was asked for."""


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
    """A path without the spaces around its slashes."""
    return "/".join(part.strip() for part in path.split("/"))


def _is_repo(name: str) -> bool:
    """Whether it is owner/repo, by the Hub's own rules, and no checkpoint's path."""
    try:
        validate_repo_id(name)
    except errors.HFValidationError:
        return False
    return "/" in name and not name.lower().endswith((".safetensors", *PICKLES))


def looks_like_repo(text: str) -> bool:
    """Whether text is a repository's name or address, not a checkpoint's name or path."""
    try:
        return bool(parse_repo(text))
    except HubError:
        return False


def list_checkpoints(repo: str, revision: str | None = None) -> list[str]:
    """The names of the repository's checkpoints, in the order of its index.json. Raises HubError."""
    return _read(repo, revision, lambda snapshot: list(_index(snapshot)))


def fetch_checkpoint(repo: str, name: str | None = None, revision: str | None = None) -> Path:
    """The local path of a checkpoint; name None: the first in index.json.

    Where there is none, the repository's model of segmentation-models-pytorch. A listed file has the
    SHA-256 that index.json promises, checked at each call. What is cached of a pinned commit (40 hex
    digits) takes no network; a branch or a tag is asked for, and if the Hub cannot be reached the
    cached copy is used. Raises HubError.
    """
    return _read(repo, revision, lambda snapshot: _fetch(snapshot, name))


def parse_index(text: bytes) -> dict[str, tuple[str, str]]:
    """The checkpoints of an index.json: name → (file, SHA-256), where files lie beside the index.

    Raises ValueError if the text is no index, names other files, or names none.
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
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def within(seconds: float, question: Callable[[], T]) -> T:
    """What the library answers in so many seconds. Raises OutOfTime, and what the library raises.

    It is asked in a thread that is left behind when time is up: the library tries again for
    minutes, and timeouts of sockets know neither name look-ups nor a byte now and then.
    """
    with ThreadPool(1) as pool:
        return pool.apply_async(question).get(seconds)


def _read(repo: str, revision: str | None, read: Callable[[_Snapshot], T]) -> T:
    """read(snapshot) of the best snapshot there is: pinned and cached, else the Hub's, else cached."""
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
    look = partial(HfApi().model_info, repo, revision=revision, files_metadata=True)
    info = _answer(partial(look, timeout=ASK_SECONDS), repo, revision, ASK_SECONDS)
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    return _Snapshot(repo, revision, str(info.sha), sizes)


def _index(snapshot: _Snapshot) -> dict[str, tuple[str, str]]:
    """What :func:`parse_index` reads in the repository's index.json. Raises HubError."""
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
        # Notes in the cache which commit the branch is at, as the library's own downloads do.
        ref = path.parents[2] / "refs" / snapshot.revision
        with suppress(OSError):  # a read-only cache still serves what it has
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(snapshot.commit)
    return path


def _smp_model(snapshot: _Snapshot) -> Path | None:
    """The weights of a model of segmentation-models-pytorch, its config beside them, if it is one."""
    if _holds(snapshot, INDEX) or not _holds(snapshot, CONFIG) or not _holds(snapshot, MODEL):
        return None
    # Looked at before its weights are downloaded: the models of others have a config.json, too.
    if MODEL_CLASS not in _local(snapshot, CONFIG).read_bytes():
        return None
    return _local(snapshot, MODEL)


def _holds(snapshot: _Snapshot, file: str) -> bool:
    """Whether the repository has the file; where only the cache may be read, whether that has it."""
    if snapshot.sizes is not None:
        return file in snapshot.sizes
    return isinstance(try_to_load_from_cache(snapshot.repo, file, revision=snapshot.commit), str)


def _listed(snapshot: _Snapshot, name: str | None) -> Path:
    """A checkpoint of the repository's index.json."""
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
    """A file in the cache, checked; if missing or damaged, downloaded where that is allowed."""
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
        _make_room(size)
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
    """The repository of the environment, which the cache keeps; none if that is no name of one."""
    with suppress(HubError):  # whoever asks for its names is told
        return parse_repo(os.environ.get(HUB_VARIABLE, ""))[0]
    return None


def _make_room(size: int) -> None:
    """Remove what is not the own repository's from the cache, oldest first, until so many bytes more fit."""
    with suppress(errors.CacheNotFound, ValueError):  # there is none yet, or it is no folder
        cache, own = scan_cache_dir(constants.HF_HUB_CACHE), _own_repo()
        excess = cache.size_on_disk + size - SPACE_CACHE_BYTES
        # Whole repositories, since two of them may hold the same commits.
        for repo in sorted(cache.repos, key=lambda repo: repo.last_modified):
            if excess > 0 and repo.repo_id != own:
                rmtree(repo.repo_path, ignore_errors=True)
                excess -= repo.size_on_disk


def _kept(path: Path, sha256: str | None) -> bool:
    """Whether the file has the hash; if not, it and its bytes are removed from the cache."""
    if sha256 is None or sha256_of(path) == sha256:
        return True
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return False


def _answer(question: Callable[[], T], repo: str, revision: str, seconds: float) -> T:
    """The library's answer, or its error in words: HubError, or _Unreachable where the cache may serve."""
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
        cause = error.__cause__ if isinstance(error, errors.LocalEntryNotFoundError) else error
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


def _refusal(error: BaseException | None, repo: str, revision: str) -> HubError | None:
    """What an error means that is a refusal of the Hub's, the narrower ones first."""
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
