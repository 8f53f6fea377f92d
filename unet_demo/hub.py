"""Checkpoints from a Hugging Face Hub repository, with plain errors and bounded waits.

The cache is the Hub's own (blobs, refs, snapshots under HF_HOME), so `hf cache` and a Space's
`preload_from_hub` work with it. The requests are ours, over the library's session: its own download
retries for some 20 s without a network, first asks for a telemetry registry (3 s more), reports
progress every 10 MB only, and keeps a file before anybody has checked it.

The environment (HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_TOKEN) is read at each call.
Only index.json and *.safetensors at a repository's root are ever downloaded: never a pickle.
"""

import hashlib
import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import TimeoutError as DeadlineError
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import quote, unquote, urlsplit

import httpx2
from huggingface_hub import constants, get_session, get_token, hf_hub_url, hf_raise_for_status
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.utils import validate_repo_id

ASK_SECONDS = 6.0
"""A question to the Hub ends after this long, name look-up and slow headers included."""

STALL_SECONDS = 10.0
STALL_BYTES = 10_000
"""A download that brings fewer than STALL_BYTES in STALL_SECONDS is given up."""

MAX_BYTES = 500_000_000
"""A larger checkpoint is refused before it is downloaded."""

MAX_INDEX_BYTES = 1_000_000
MAX_HEADER_BYTES = 1_000_000
"""A longer safetensors header (or index.json) is not one that this program wrote."""

INDEX = "index.json"
METADATA_KEY = "unet_demo"
"""The header of every checkpoint of this program has this key in its metadata."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REVISION = re.compile(r"(?!.*(\.\.|//))\w[\w.+/-]*(?<!/)")
_CHECKPOINT_FILE = re.compile(r"(?P<stem>\w[\w .+-]*)\.safetensors")
_HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
_REFUSED_STATUSES = frozenset({401, 403})

# What reading somebody's JSON can raise: not JSON, too deep, or not of the expected form.
_MALFORMED = (ValueError, RecursionError, KeyError, IndexError, TypeError, AttributeError)

_log = logging.getLogger(__name__)

T = TypeVar("T")


class HubError(RuntimeError):
    """One plain sentence: what happened, why, what to do."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository; revision is a branch, a tag or a commit, None for the default."""

    repo: str
    revision: str | None
    filename: str


class _Unreachable(Exception):
    """The Hub gives no usable answer now; says so in a clause without a full stop."""


class _NotCached(Exception):
    """The cache alone does not hold what was asked for."""


@dataclass(frozen=True)
class _Snapshot:
    """One commit: its files as far as they are known, and whether more may be downloaded."""

    repo: str
    revision: str
    commit: str
    files: frozenset[str]
    online: bool


@dataclass(frozen=True)
class _Entry:
    """A checkpoint's file, with the SHA-256 that index.json promises if there is an index.json."""

    file: str
    sha256: str | None


@dataclass(frozen=True)
class _Header:
    """What a safetensors header says: whether this program wrote it, and the whole file's size."""

    ours: bool
    file_bytes: int


# --- names ------------------------------------------------------------------------------------


def parse_repo(text: str) -> tuple[str, str | None]:
    """Split "owner/repo", "owner/repo@revision" or a repository's web address.

    Returns ("owner/repo", revision or None). Spaces around the parts don't matter.
    Raises HubError for anything else.
    """
    repo, *rest = re.split(r"/tree/|@", _without_host(text.strip()), maxsplit=1)
    repo = re.sub(r"\s*/\s*", "/", repo.strip())
    revision = rest[0].strip().rstrip("/") if rest else None
    if not _is_repo_name(repo) or (revision is not None and not _REVISION.fullmatch(revision)):
        raise HubError(
            f"“{_short(text)}” is not the name of a model repository: write it as owner/repo or "
            "owner/repo@revision."
        )
    return repo, revision


def looks_like_repo(text: str) -> bool:
    """Whether text is a repository's name or a web address, not a checkpoint's name or path.

    An address that is not a repository's counts too: parse_repo then says what is wrong with it.
    """
    if re.match(r"https?://", text.strip()):
        return True
    try:
        parse_repo(text)
    except HubError:
        return False
    return True


def _without_host(address: str) -> str:
    """The path of a web address on the Hub, such as owner/repo/tree/main; other text as it is."""
    if address.split("/")[0] in _HUB_HOSTS:
        address = f"https://{address}"
    if not re.match(r"https?://", address):
        return address
    try:
        parts, own_hub = urlsplit(address), urlsplit(_endpoint())
    except ValueError:
        parts, own_hub = urlsplit(""), urlsplit("")
    if not parts.hostname or parts.hostname not in _HUB_HOSTS | {own_hub.hostname}:
        raise HubError(
            f"“{_short(address)}” is not an address on the Hugging Face Hub: write the repository "
            "as owner/repo or owner/repo@revision."
        )
    return unquote(parts.path).strip("/")


def _is_repo_name(repo: str) -> bool:
    """Whether repo is owner/name; a path to a file or into a dataset or a Space is not."""
    if repo.count("/") != 1 or repo.endswith(".safetensors"):
        return False
    try:
        validate_repo_id(repo)
    except HFValidationError:
        return False
    return True


def _short(text: str) -> str:
    """text on one line, cut so that it fits into a sentence."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"


# --- what people call -------------------------------------------------------------------------


def list_checkpoints(repo: str, revision: str | None = None) -> list[str]:
    """The names of the checkpoints at the repository's root, in the order of its index.json.

    Without an index.json: the stems of its *.safetensors files, sorted. Raises HubError.
    """
    return _read(repo, revision, {INDEX}, lambda snapshot: list(_entries(snapshot)))


def fetch_checkpoint(repo: str, name: str | None = None, revision: str | None = None) -> Path:
    """The local path of a checkpoint; name None: the first in index.json, or the only one.

    The file is this program's own by its header and, where the repository has an index.json, has
    the SHA-256 given there: checked at each call, and before a download enters the cache.
    A cached file of a pinned commit (40 hex digits) takes no network; a branch or a tag is asked
    for, and if the Hub cannot be reached the cached copy is used. Raises HubError.
    """
    enough = {INDEX} if name is None else {INDEX, f"{name}.safetensors"}
    return _read(repo, revision, enough, lambda snapshot: _fetch(snapshot, name))


def _read(repo: str, revision: str | None, enough: set[str], read: Callable[[_Snapshot], T]) -> T:
    """read(snapshot) of the best snapshot there is: pinned and cached, else the Hub's, else cached.

    A pinned commit is first read from the cache if that holds one of the files in `enough`.
    """
    repo, revision = parse_repo(f"{repo}@{revision}" if revision else repo)
    revision = revision or constants.DEFAULT_REVISION
    cached = _cached_snapshot(repo, revision)
    if _is_offline():
        return _read_cached(
            cached,
            read,
            "HF_HUB_OFFLINE is set, and the cache has no copy of what was asked for from "
            f"{repo}: unset it, or download once with a network.",
        )
    if cached and _COMMIT.fullmatch(revision) and enough & cached.files:
        with suppress(_NotCached):
            return read(cached)
    try:
        return read(_ask(repo, revision))
    except _Unreachable as trouble:
        found = _read_cached(
            cached,
            read,
            f"{trouble}, and the cache has no copy of what was asked for from {repo}: check the "
            "network and try again.",
        )
        _log.warning("%s: the cached copy of %s is used.", trouble, repo)
        return found


def _read_cached(cached: _Snapshot | None, read: Callable[[_Snapshot], T], sentence: str) -> T:
    """read(cached), or HubError(sentence) where the cache does not hold enough."""
    with suppress(_NotCached):
        if cached:
            return read(cached)
    raise HubError(sentence)


def _fetch(snapshot: _Snapshot, name: str | None) -> Path:
    path = _local(snapshot, _choose(snapshot, name))
    if snapshot.online:
        _remember(snapshot)
    return path


def _choose(snapshot: _Snapshot, name: str | None) -> _Entry:
    entries = _entries(snapshot)
    names = ", ".join(entries)
    if name is None:
        if len(entries) > 1 and INDEX not in snapshot.files:
            raise HubError(f"{snapshot.repo} holds several checkpoints: choose one of {names}.")
        return next(iter(entries.values()))
    if name not in entries:
        if not snapshot.online and INDEX not in snapshot.files:
            raise _NotCached
        raise HubError(
            f"{snapshot.repo} holds no checkpoint named “{_short(name)}”: choose one of {names}."
        )
    return entries[name]


def _entries(snapshot: _Snapshot) -> dict[str, _Entry]:
    """The checkpoints by name, from index.json or else from the names of the files."""
    if INDEX in snapshot.files:
        entries = _read_index(_local(snapshot, _Entry(INDEX, None)), snapshot.repo)
    else:
        stems = {file: _CHECKPOINT_FILE.fullmatch(file) for file in sorted(snapshot.files)}
        entries = {match["stem"]: _Entry(file, None) for file, match in stems.items() if match}
    if not entries:
        if not snapshot.online:
            raise _NotCached
        raise HubError(
            f"{snapshot.repo} holds no checkpoint of this program: there is no *.safetensors file "
            "at its root; choose another repository."
        )
    return entries


def _read_index(path: Path, repo: str) -> dict[str, _Entry]:
    """The entries of an index.json, whose names can only be those of files beside it."""
    try:
        listed = json.loads(path.read_bytes())["checkpoints"]
        entries = {name: _Entry(item["file"], item["sha256"]) for name, item in listed.items()}
        sound = all(
            _CHECKPOINT_FILE.fullmatch(entry.file) and _SHA256.fullmatch(str(entry.sha256))
            for entry in entries.values()
        )
    except _MALFORMED:
        sound, entries = False, {}
    if not sound:
        raise HubError(
            f"{repo} holds no checkpoint of this program: its index.json is not a list of them; "
            "choose another repository or tell its owner."
        )
    return entries


# --- the cache --------------------------------------------------------------------------------


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def _is_offline() -> bool:
    asked = os.environ.get("HF_HUB_OFFLINE", "").upper() in constants.ENV_VARS_TRUE_VALUES
    return asked or constants.is_offline_mode()


def _repo_folder(repo: str) -> Path:
    """The repository's folder in the Hub's cache, by the library's rules but read at each call."""
    home = os.environ.get("HF_HOME")
    cache = (
        os.environ.get("HF_HUB_CACHE")
        or os.environ.get("HUGGINGFACE_HUB_CACHE")
        or (os.path.join(home, "hub") if home else constants.HF_HUB_CACHE)
    )
    folder = repo_folder_name(repo_id=repo, repo_type=constants.REPO_TYPE_MODEL)
    return Path(os.path.expandvars(os.path.expanduser(cache))) / folder


def _cached_snapshot(repo: str, revision: str) -> _Snapshot | None:
    folder = _repo_folder(repo)
    commit = revision
    if not _COMMIT.fullmatch(revision):
        ref = folder / "refs" / revision
        commit = ref.read_text().strip() if ref.is_file() else ""
    files = folder / "snapshots" / commit
    if not _COMMIT.fullmatch(commit) or not files.is_dir():
        return None
    names = frozenset(path.name for path in files.iterdir() if path.is_file())
    return _Snapshot(repo, revision, commit, names, online=False)


def _remember(snapshot: _Snapshot) -> None:
    """Note which commit the branch is at, once that commit's file is in the cache: not before, or
    the copy of an older commit could no longer be found without a network."""
    if _COMMIT.fullmatch(snapshot.revision):
        return
    ref = _repo_folder(snapshot.repo) / "refs" / snapshot.revision
    with suppress(OSError):  # a read-only cache still serves what it has
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(snapshot.commit)


def _local(snapshot: _Snapshot, entry: _Entry) -> Path:
    """The entry's file in the cache, checked; if missing or damaged, downloaded where possible."""
    file = HubFile(snapshot.repo, snapshot.commit, entry.file)
    pointer = _repo_folder(file.repo) / "snapshots" / snapshot.commit / entry.file
    if pointer.is_file() and _is_intact(pointer, entry):
        return pointer
    if not snapshot.online:
        raise _NotCached
    with _saving(file):
        _point(pointer, _known_blob(entry, file) or _download(file, entry))
    return pointer


def _known_blob(entry: _Entry, file: HubFile) -> Path | None:
    """The same bytes, if an earlier commit has brought them."""
    if entry.sha256 is None:
        return None
    blob = _repo_folder(file.repo) / "blobs" / entry.sha256
    return blob if blob.is_file() and _is_intact(blob, entry) else None


def _is_intact(path: Path, entry: _Entry) -> bool:
    """Whether the bytes are whole, the promised ones, and a checkpoint's (or an index)."""
    if entry.file == INDEX:
        return True
    if entry.sha256 is not None and _sha256(path) != entry.sha256:
        return False
    with path.open("rb") as stream:
        header = _parse_header(_read_header(stream))
    return header.ours and header.file_bytes == path.stat().st_size


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _point(pointer: Path, blob: Path) -> None:
    """Make snapshots/COMMIT/FILE show the blob, in one step: two visitors may do so at once."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    fresh = blob.with_name(f"{uuid.uuid4().hex}.incomplete")
    try:
        fresh.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:  # Windows lets not everybody make symbolic links
        shutil.copyfile(blob, fresh)
    os.replace(fresh, pointer)


# --- the Hub ----------------------------------------------------------------------------------


def _ask(repo: str, revision: str) -> _Snapshot:
    """Ask the Hub which commit the revision is and which files it holds: one request."""
    url = f"{_endpoint()}/api/models/{repo}/revision/{quote(revision, safe='')}"
    with _plain_words(HubFile(repo, revision, INDEX)):
        answer = _within(ASK_SECONDS, lambda: _read_json(url))
    try:
        commit = answer["sha"]
        files = frozenset(sibling["rfilename"] for sibling in answer["siblings"])
        sound = _COMMIT.fullmatch(commit) is not None
    except _MALFORMED:
        sound, commit, files = False, "", frozenset()
    if not sound:
        raise _Unreachable(f"{_endpoint()} does not answer like a Hub")
    return _Snapshot(repo, revision, commit, files, online=True)


def _within(seconds: float, work: Callable[[], T]) -> T:
    """work(), in a thread that is left behind after so many seconds (DeadlineError).

    Socket timeouts are not enough: a name look-up has none, and a byte now and then resets them.
    """
    with ThreadPool(1) as pool:
        return pool.apply_async(work).get(seconds)


def _read_json(url: str):
    with closing(_send(url)) as response:
        return json.loads(response.read())


def _send(url: str) -> httpx2.Response:
    """GET over the library's session; the body is not yet read. Raises the library's errors."""
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    headers = {"user-agent": "unet_demo", "accept-encoding": "identity"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    session = get_session()
    timeout = httpx2.Timeout(ASK_SECONDS, read=STALL_SECONDS)
    request = session.build_request("GET", url, headers=headers, timeout=timeout)
    response = session.send(request, stream=True, follow_redirects=True)
    try:
        hf_raise_for_status(response)
    except HfHubHTTPError:
        response.close()
        raise
    return response


def _download(file: HubFile, entry: _Entry) -> Path:
    """The blob of a file, checked piece by piece before it takes its place in the cache."""
    url = hf_hub_url(file.repo, file.filename, revision=file.revision, endpoint=_endpoint())
    incomplete = _repo_folder(file.repo) / "blobs" / f"{uuid.uuid4().hex}.incomplete"
    incomplete.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _plain_words(file), closing(_within(ASK_SECONDS, lambda: _send(url))) as response:
            _refuse_if_too_large(file, int(response.headers.get("content-length", 0)))
            pieces = _not_too_large(_not_stalled(response.iter_bytes(), file), file)
            _write(incomplete, pieces if file.filename == INDEX else _ours(pieces, file))
        if not _is_intact(incomplete, entry):
            raise HubError(
                f"{file.filename} from {file.repo} is damaged (it is not what its index.json or "
                "its own header promises) and was not kept: try again, or tell its owner."
            )
        return incomplete.replace(incomplete.with_name(entry.sha256 or _sha256(incomplete)))
    finally:
        incomplete.unlink(missing_ok=True)


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    with path.open("wb") as stream:
        stream.writelines(pieces)


def _not_stalled(pieces: Iterable[bytes], file: HubFile) -> Iterator[bytes]:
    """The same pieces, given up if they come too slowly (socket timeouts catch silence only)."""
    received, deadline = 0, time.monotonic() + STALL_SECONDS
    for piece in pieces:
        yield piece
        received += len(piece)
        if received >= STALL_BYTES:
            received, deadline = 0, time.monotonic() + STALL_SECONDS
        elif time.monotonic() > deadline:
            raise _Unreachable(f"The download of {file.filename} from {_endpoint()} stalled")


def _not_too_large(pieces: Iterable[bytes], file: HubFile) -> Iterator[bytes]:
    """The same pieces, given up at the limit, whatever length the Hub announced."""
    received = 0
    for piece in pieces:
        received += len(piece)
        _refuse_if_too_large(file, received)
        yield piece


def _refuse_if_too_large(file: HubFile, size: int) -> None:
    limit = MAX_INDEX_BYTES if file.filename == INDEX else MAX_BYTES
    if size > limit:
        raise HubError(
            f"{file.filename} in {file.repo} is larger than {limit / 1e6:.0f} MB, the most that "
            "this program downloads: choose another checkpoint."
        )


# --- the safetensors header -------------------------------------------------------------------


def _ours(pieces: Iterator[bytes], file: HubFile) -> Iterator[bytes]:
    """The same bytes, once the header has shown that the rest is worth downloading."""
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= 8 + _header_bytes(start):
            break
    if not _parse_header(start).ours:
        raise HubError(
            f"{file.repo} holds {file.filename}, but it is not a checkpoint of this program: "
            "choose another repository."
        )
    yield start
    yield from pieces


def _header_bytes(start: bytes) -> int:
    """The length of the JSON that follows the first 8 bytes, as a number worth reading."""
    return min(int.from_bytes(start[:8], "little"), MAX_HEADER_BYTES)


def _read_header(stream: BinaryIO) -> bytes:
    start = stream.read(8)
    return start + stream.read(_header_bytes(start))


def _parse_header(start: bytes) -> _Header:
    """Read the beginning of a safetensors file: 8 bytes of length (little endian), then JSON.

    Anything else gives a header that is not ours. Format: github.com/huggingface/safetensors.
    """
    end = 8 + _header_bytes(start)
    try:
        header = json.loads(start[8:end])
        ours = METADATA_KEY in header.pop("__metadata__", {})
        tensor_bytes = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        return _Header(ours, end + tensor_bytes)
    except _MALFORMED:
        return _Header(ours=False, file_bytes=0)


# --- plain words ------------------------------------------------------------------------------


@contextmanager
def _saving(file: HubFile) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HubError(
            f"{file.filename} from {file.repo} could not be saved in the Hub's cache "
            f"({error.strerror}): free some space or set HF_HOME to a folder you can write to."
        ) from error


@contextmanager
def _plain_words(file: HubFile) -> Iterator[None]:
    """Turn the network's and the library's errors into HubError, or _Unreachable where a cached
    copy may serve instead."""
    hub = _endpoint()
    try:
        yield
    except GatedRepoError as error:
        raise HubError(
            f"{file.repo} is gated: ask for access at {hub}/{file.repo} and set HF_TOKEN to a "
            "token of the account that has it."
        ) from error
    except RepositoryNotFoundError as error:
        raise HubError(
            f"There is no model repository {file.repo} on the Hub, or it is private: check the "
            "name, or set HF_TOKEN to a token that may read it."
        ) from error
    except RevisionNotFoundError as error:
        raise HubError(
            f"{file.repo} has no revision “{file.revision}”: check the branch, tag or commit."
        ) from error
    except RemoteEntryNotFoundError as error:
        raise HubError(
            f"{file.repo} has no file {file.filename}, though it is listed: tell its owner."
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in _REFUSED_STATUSES:
            raise HubError(
                f"The Hub at {hub} refuses access to {file.repo} ({status}): check HF_TOKEN, or "
                "unset it if the repository is public."
            ) from error
        raise _Unreachable(f"The Hub at {hub} answered with error {status}") from error
    except (DeadlineError, httpx2.ConnectTimeout) as error:
        raise _Unreachable(f"The Hub at {hub} gave no answer in {ASK_SECONDS:.0f} s") from error
    except httpx2.ReadTimeout as error:
        raise _Unreachable(f"The download of {file.filename} from {hub} stalled") from error
    except (httpx2.ReadError, httpx2.RemoteProtocolError) as error:
        raise _Unreachable(f"The connection to the Hub at {hub} broke off") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OfflineModeIsEnabled) as error:
        raise _Unreachable(f"The Hub at {hub} cannot be reached") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _Unreachable(f"{hub} does not answer like a Hub") from error
