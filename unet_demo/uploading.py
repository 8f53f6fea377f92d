"""Sends files to a repository on the Hugging Face Hub in one commit, each request with a time limit.

Every failure ends with one plain sentence.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import TimeoutError as OutOfTime
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    SpaceHardware,
    constants,
    errors,
    get_token,
)

from . import __version__
from .checkpoints.hub import BROKEN, INDEX, MALFORMED, HubError, parse_index, within

README = "README.md"
"""The page that the Hub shows of a repository."""

START_SECONDS = 30.0
"""Each question before the upload ends after this long: a repository takes a while to be made."""

SLOWEST_UPLOAD = 100_000
"""Bytes a second: a file has START_SECONDS and the time that its size takes at this pace."""

TRY_AGAIN = "try again later"
ADVICE = {
    401: "set HF_TOKEN to a token that it knows and that may write to {repo}",
    402: "pay or make room there, or give another repository",
    403: "set HF_TOKEN to a token that may write to {repo}, or make room there if that is full",
    404: "check the names of repository and revision, and that the token may write there",
    409: "somebody else is writing to {repo}: try again",
    413: "make room there, or give another repository",
    429: "that was too much in a short time: try again later",
    507: "make room there, or give another repository",
}
"""What to do about a status that is no, where it isn't TRY_AGAIN."""

ZERO_GPU = SpaceHardware.ZERO_A10G
"""Hardware that the Hub lends by the second, and the only one that is free for a Gradio Space."""

SPACE_ADVICE = ADVICE | {
    402: f"free are, besides static Spaces, two on ZeroGPU ({ZERO_GPU.value}, which is asked for without"
    " --hardware) for a person's account that is older than 30 days: take that, delete one that"
    " you have, or subscribe",
}
"""Likewise, where it is about a Space."""

LONGEST_QUOTE = 200
"""Characters of the Hub's own words that a sentence repeats."""

COMPANIONS = (".safetensors", ".md", ".svg", "-confusion.svg")
"""Ends of the names of all files that an index.json's checkpoint brings along; see bundling.py."""

_LOOKED_AT = 8000
"""Bytes of a file among which git, too, looks for the zero that text does not hold."""

_UNREACHED = (httpx2.HTTPError, httpx2.InvalidURL, ConnectionError)
_NO_HUB = (json.JSONDecodeError, RecursionError, KeyError, TypeError, AttributeError)
"""What the library makes of answers that a Hub does not give."""

_XET_STATUS = re.compile(r"HTTP status \w+ error \((\d{3})\b")

T = TypeVar("T")


class PublishError(HubError):
    """One plain sentence for whoever publishes: what happened, why, what to do."""


@dataclass(frozen=True)
class Publication:
    """What goes where: ``files`` maps each path in the repository to its bytes, all of them checked.

    ``revision`` is a branch; None is the repository's main one. ``message`` is the commit's. A
    Space has an ``sdk``, ``variables`` of its environment, and ``hardware``, None being ZeroGPU for a
    new one and what it has for an old one; a model repository has none of them. In its own
    ``folders`` the publication replaces all that is there.
    """

    repo: str
    revision: str | None
    files: Mapping[str, bytes]
    message: str = f"unet_demo {__version__}"
    sdk: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    hardware: SpaceHardware | None = None
    folders: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What the library calls the type of the repository."""
        return constants.REPO_TYPE_SPACE if self.sdk else constants.REPO_TYPE_MODEL

    @property
    def path(self) -> str:
        """Of the repository on the Hub: owner/repo, or spaces/owner/space."""
        return constants.REPO_TYPES_URL_PREFIXES.get(self.kind, "") + self.repo

    @property
    def address(self) -> str:
        """The path, and @revision if there is one; a model repository's as UNET_DEMO_HUB_REPO takes it."""
        return f"{self.path}@{self.revision}" if self.revision else self.path

    @property
    def page(self) -> str:
        """The repository's web address."""
        return f"{constants.ENDPOINT}/{self.path}"

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(map(len, self.files.values()))


def publish(
    publication: Publication,
    message: str | None = None,
    private: bool = False,
    tell_removed: Callable[[str], None] = lambda path: None,
) -> str:
    """Send all files in one commit, and give its address; what is there unchanged is not sent again.

    What an earlier publication brought and this one does not hold goes, and ``tell_removed`` is
    given each path; nobody else's files are touched.
    Repository and branch are made if they are not there; ``private`` is how a new one is made.
    Raises PublishError where there is no token, where a private repository was asked for and a
    public one is there, and where the Hub says no or does not answer in time.
    """
    if constants.is_offline_mode():
        raise PublishError("HF_HUB_OFFLINE is set, so that nothing can be published; unset it.")
    api = HfApi(token=_token())
    _set_up(api, publication, private)
    removed = _left_over(api, publication)
    address = _send(api, publication, removed, message or publication.message)
    for path in removed:
        tell_removed(path)
    return address


def _set_up(api: HfApi, publication: Publication, private: bool) -> None:
    """Make what is not there yet of repository and branch, and set the variables. Raises PublishError."""
    repo, kind = publication.repo, publication.kind
    ask = partial(_answer, publication, START_SECONDS)
    make = partial(api.create_repo, repo, repo_type=kind)
    if publication.sdk:
        hardware = publication.hardware or ZERO_GPU
        make = partial(make, space_sdk=publication.sdk, space_hardware=hardware)
    ask(partial(make, private=private or None, exist_ok=True))
    if private and not ask(partial(api.repo_info, repo, repo_type=kind)).private:
        raise PublishError(
            f"{repo} is there and public, so that nothing was sent to it; make it private at"
            f" {publication.page}/settings, or leave --private out."
        )
    if publication.revision:
        branch = partial(api.create_branch, repo, repo_type=kind, branch=publication.revision)
        ask(partial(branch, exist_ok=True))
    if publication.hardware:
        ask(partial(api.request_space_hardware, repo, publication.hardware))
    for name, value in publication.variables.items():
        ask(partial(api.add_space_variable, repo, name, value))


def _left_over(api: HfApi, publication: Publication) -> list[str]:
    """Return the paths that only an earlier publication can have added. Raises PublishError."""
    repo, kind, revision = publication.repo, publication.kind, publication.revision
    ask = partial(_answer, publication, START_SECONDS)
    there = set(ask(partial(api.list_repo_files, repo, repo_type=kind, revision=revision)))
    own = {path for path in there if path.startswith(publication.folders)}
    if INDEX in publication.files and INDEX in there:
        load = partial(api.hf_hub_download, repo, INDEX, repo_type=kind, revision=revision)
        own |= there & _listed(Path(ask(load)).read_bytes())
    return sorted(own - publication.files.keys())


def _listed(index: bytes) -> set[str]:
    """Return the files of an index.json's checkpoints; none if the index is not of this program."""
    try:
        files = [file for file, _ in parse_index(index).values()]
    except ValueError:
        return set()
    return {Path(file).stem + end for file in files for end in COMPANIONS}


def _send(api: HfApi, publication: Publication, removed: list[str], message: str) -> str:
    """Commit the files, and give the commit's address. Raises PublishError."""
    repo, kind, revision = publication.repo, publication.kind, publication.revision
    ask = partial(_answer, publication)
    additions = [CommitOperationAdd(path, data) for path, data in publication.files.items()]
    for addition, data in zip(additions, publication.files.values(), strict=True):
        if b"\0" in data[:_LOOKED_AT]:
            # Text goes with the commit. All else one by one: for several, the library starts
            # threads that would keep a program whose time is up from ending.
            upload = partial(api.preupload_lfs_files, repo, [addition])
            seconds = START_SECONDS + len(data) / SLOWEST_UPLOAD
            ask(seconds, partial(upload, repo_type=kind, revision=revision))
    operations = [*additions, *map(CommitOperationDelete, removed)]
    commit = partial(api.create_commit, repo, operations, commit_message=message)
    seconds = START_SECONDS + publication.size / SLOWEST_UPLOAD
    return ask(seconds, partial(commit, repo_type=kind, revision=revision)).commit_url


def _token() -> str:
    """Return the token of the environment or of `hf auth login`. Raises PublishError."""
    try:
        token = within(START_SECONDS, get_token)  # a login of the browser's may have to be renewed
    except (OutOfTime, errors.OIDCError, *MALFORMED, *BROKEN) as error:
        raise PublishError(
            "The token for the Hub could not be read or renewed; set HF_TOKEN, or run"
            " `hf auth login` again."
        ) from error
    if not token:
        raise PublishError(
            f"There is no token for the Hub; make one that may write at"
            f" {constants.ENDPOINT}/settings/tokens, and set HF_TOKEN to it or run `hf auth login`."
        )
    return token


def _answer(publication: Publication, seconds: float, question: Callable[[], T]) -> T:
    """Return the Hub's answer. Raises PublishError after ``seconds``, and for every error."""
    hub = f"The Hub at {constants.ENDPOINT}"
    try:
        return within(seconds, question)
    except OutOfTime as error:
        raise PublishError(
            f"{hub} did not answer within {seconds:.0f} s; check the network, and try again."
        ) from error
    except (*MALFORMED, *BROKEN) as error:
        raise PublishError(f"{hub} {_in_words(error, publication)}.") from error


def _in_words(error: Exception, publication: Publication) -> str:
    """Describe an error and what to do, without a full stop."""
    # An upload that the Hub refused is told by the library as "Error while uploading …".
    cause = (error.__cause__ if type(error) is RuntimeError else None) or error
    if status := _status(cause):
        advice = (SPACE_ADVICE if publication.sdk else ADVICE).get(status, TRY_AGAIN)
        quote = _quoted(getattr(cause, "server_message", None))
        return f"refused with error {status}{quote}; {advice.format(repo=publication.repo)}"
    if isinstance(cause, _UNREACHED):
        return "cannot be reached; check the network and HF_ENDPOINT"
    if isinstance(cause, _NO_HUB):
        return "does not answer like one; check the network and HF_ENDPOINT"
    return (
        f"did not take the files{_quoted(str(cause))}; {ADVICE[403].format(repo=publication.repo)}"
    )


def _status(error: BaseException) -> int | None:
    """Return an error's HTTP status, which Xet gives only in its text."""
    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code
    told = _XET_STATUS.search(str(error))
    return int(told[1]) if told else None


def _quoted(words: str | None) -> str:
    """Return the Hub's own words in brackets, as part of a sentence; empty for none."""
    line = " ".join((words or "").split()).rstrip(".").replace(". ", ", ")
    return f' ("{line[:LONGEST_QUOTE]}")' if line else ""
