"""Checkpoints from a Hugging Face Hub repository: the library's own functions, each with a deadline.

A repository of this program holds an index.json, as weights/ does, that lists its checkpoints with
their SHA-256. Nothing else than that and the *.safetensors it names is ever downloaded: never a
pickle. Cache and environment (HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE, HF_TOKEN …) are the library's.
"""

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TypeVar

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    XetDownloadError,
)

ASK_SECONDS = 6.0
"""A question to the Hub ends after this long, whatever it is that does not come."""

SLOWEST_DOWNLOAD = 200_000
"""Bytes a second: a download has ASK_SECONDS and the time that its size takes at this pace."""

MAX_BYTES, MAX_INDEX_BYTES = 500_000_000, 1_000_000
"""A larger checkpoint or index.json is refused before it is downloaded."""

INDEX = "index.json"
"""Lists the checkpoints beside it: {"checkpoints": {name: {"file": …, "sha256": …}}}."""

NO = {
    GatedRepoError: "{repo} is gated: ask for access at {hub}/{repo} and set HF_TOKEN to your token.",
    RepositoryNotFoundError: "There is no model repository {repo} on the Hub, or it is private: check"
    " the name, or set HF_TOKEN to a token that may read it.",
    RevisionNotFoundError: "{repo} has no revision {revision!r}: check the branch, tag or commit.",
}
"""What the Hub's refusals mean, the narrower ones first."""

_HUB_ADDRESS = re.compile(r"(https?://)?(www\.)?(huggingface\.co|hf\.co)/")
_PART = r"\w(?:[\w.-]{0,94}\w)?"
_REPO = re.compile(
    rf"(?!.*(?:\.\.|--|//))(?P<repo>{_PART}/{_PART})(?:(?:@|/tree/)(?P<revision>\w[\w.+/-]*))?",
    re.ASCII,
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"\w[\w .+-]*\.safetensors")

_MALFORMED = (ValueError, RecursionError, KeyError, TypeError, AttributeError)
"""What reading somebody's JSON can raise: not JSON, too deep, or not of the expected form."""

_log = logging.getLogger(__name__)

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
    """Split "owner/repo", "owner/repo@revision" or a repository's web address.

    Returns ("owner/repo", revision or None). Raises HubError for anything else.
    """
    name = _HUB_ADDRESS.sub("", text.strip(), count=1).rstrip("/")
    match = _REPO.fullmatch(re.sub(r"\s*([/@])\s*", r"\1", name))
    if not match or match["repo"].endswith(".safetensors"):
        raise HubError(
            f"{text.strip()[:80]!r} is not the name of a model repository: write it as owner/repo"
            " or owner/repo@revision."
        )
    return match["repo"], match["revision"]


def looks_like_repo(text: str) -> bool:
    """Whether text is a repository's name or a web address, not a checkpoint's name or path."""
    try:
        parse_repo(text)
    except HubError:
        return bool(re.match(r"https?://", text.strip()))  # parse_repo says what is wrong with it
    return True


def list_checkpoints(repo: str, revision: str | None = None) -> list[str]:
    """The names of the repository's checkpoints, in the order of its index.json. Raises HubError."""
    return _read(repo, revision, lambda snapshot: list(_index(snapshot)))


def fetch_checkpoint(repo: str, name: str | None = None, revision: str | None = None) -> Path:
    """The local path of a checkpoint; name None: the first in index.json.

    The file has the SHA-256 that index.json promises, checked at each call. What is cached of a
    pinned commit (40 hex digits) takes no network; a branch or a tag is asked for, and if the Hub
    cannot be reached the cached copy is used. Raises HubError.
    """
    return _read(repo, revision, lambda snapshot: _fetch(snapshot, name))


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
            found = read(_cached(repo, revision))
            _log.warning("%s; the cached copy of %s is used.", trouble, repo)
            return found
        raise HubError(
            f"{trouble}, and the cache has no copy of what was asked for from {repo}: check the"
            " network and HF_TOKEN, and try again."
        ) from trouble


def _cached(repo: str, revision: str) -> _Snapshot:
    path = try_to_load_from_cache(repo, INDEX, revision=revision)
    if not isinstance(path, str):
        raise _NotCached
    return _Snapshot(repo, revision, Path(path).parent.name, None)


def _ask(repo: str, revision: str) -> _Snapshot:
    """Ask the Hub which commit the revision is and which files it holds: one request."""
    if constants.is_offline_mode():
        raise _Unreachable("The Hub is not asked because HF_HUB_OFFLINE is set")
    look = partial(HfApi().model_info, repo, revision=revision, files_metadata=True)
    info = _answer(look, repo, revision, ASK_SECONDS)
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    return _Snapshot(repo, revision, str(info.sha), sizes)


def _index(snapshot: _Snapshot) -> dict[str, tuple[str, str]]:
    """name → (file, SHA-256), where files can only lie beside the index."""
    if snapshot.sizes is None or INDEX in snapshot.sizes:
        text = _local(snapshot, INDEX).read_bytes()
        with suppress(*_MALFORMED):
            listed = json.loads(text)["checkpoints"]
            files = {name: (item["file"], item["sha256"]) for name, item in listed.items()}
            sound = (_FILE.fullmatch(file) and _SHA256.fullmatch(h) for file, h in files.values())
            if files and all(sound):
                return files
    raise HubError(
        f"{snapshot.repo} holds no checkpoint of this program: it has no index.json that lists"
        " them; choose another repository."
    )


def _fetch(snapshot: _Snapshot, name: str | None) -> Path:
    files = _index(snapshot)
    name = next(iter(files)) if name is None else name
    if name not in files:
        raise HubError(
            f"{snapshot.repo} holds no checkpoint named {name[:80]!r}: choose one of"
            f" {', '.join(files)}."
        )
    path = _local(snapshot, *files[name])
    if not _COMMIT.fullmatch(snapshot.revision):
        # Notes in the cache which commit the branch is at, as the library's own downloads do.
        ref = path.parents[2] / "refs" / snapshot.revision
        with suppress(OSError):  # a read-only cache still serves what it has
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(snapshot.commit)
    return path


def _local(snapshot: _Snapshot, file: str, sha256: str | None = None) -> Path:
    """A file in the cache, checked; if missing or damaged, downloaded where that is allowed."""
    cached = try_to_load_from_cache(snapshot.repo, file, revision=snapshot.commit)
    if isinstance(cached, str) and _is_or_goes(Path(cached), sha256):
        return Path(cached)
    if snapshot.sizes is None:
        raise _NotCached
    size, limit = snapshot.sizes.get(file) or 0, MAX_INDEX_BYTES if file == INDEX else MAX_BYTES
    if size > limit:
        raise HubError(
            f"{file} in {snapshot.repo} is larger than {limit / 1e6:.0f} MB, the most that this"
            " program downloads: choose another checkpoint."
        )
    repo, commit = snapshot.repo, snapshot.commit
    seconds = ASK_SECONDS + size / SLOWEST_DOWNLOAD
    download = partial(hf_hub_download, repo, file, revision=commit)
    path = Path(_answer(download, repo, commit, seconds))
    if not _is_or_goes(path, sha256):
        raise HubError(
            f"{file} from {snapshot.repo} is not the file whose SHA-256 its index.json promises and"
            " was not kept: try again, or tell its owner."
        )
    return path


def _is_or_goes(path: Path, sha256: str | None) -> bool:
    """Whether the file has the hash; if not, it and its bytes are removed from the cache."""
    if sha256 is None or sha256_of(path) == sha256:
        return True
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return False


def _answer(question: Callable[[], T], repo: str, revision: str, seconds: float) -> T:
    """The library's answer, or its error in words: HubError, or _Unreachable where the cache may serve.

    It is asked in a thread that is left behind after so many seconds: the library tries again for
    minutes, and timeouts of sockets know neither name look-ups nor a byte now and then.
    """
    future: Future[T] = Future()

    def ask() -> None:
        try:
            future.set_result(question())
        except Exception as error:  # whatever it is, it is raised below
            future.set_exception(error)

    Thread(target=ask, daemon=True).start()
    hub = f"The Hub at {constants.ENDPOINT}"
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise _Unreachable(f"{hub} did not deliver within {seconds:.0f} s") from error
    except _MALFORMED as error:
        raise _Unreachable(f"{hub} does not answer like one") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, XetDownloadError) as error:
        cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
        for kind, sentence in NO.items():
            if isinstance(cause, kind):
                words = sentence.format(repo=repo, revision=revision, hub=constants.ENDPOINT)
                raise HubError(words) from error
        if isinstance(cause, HfHubHTTPError):
            status = cause.response.status_code
            raise _Unreachable(f"{hub} answered with error {status}") from error
        if isinstance(cause, OSError) and cause.errno:
            raise HubError(
                f"{repo} could not be saved in the Hub's cache ({cause.strerror}): free some space"
                " or set HF_HOME to a folder you can write to."
            ) from error
        raise _Unreachable(f"{hub} cannot be reached") from error
