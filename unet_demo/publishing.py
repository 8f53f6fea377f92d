"""The bundled checkpoints → a model repository on the Hugging Face Hub, from which UNET_DEMO_HUB_REPO reads.

Everything is read and checked before anything is sent, and goes in one commit: a repository never
holds an index.json without the files that it lists.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import TimeoutError as OutOfTime
from pathlib import Path
from typing import TypeVar

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi, ModelCardData, constants, errors, get_token

from .bundling import HEADLINES
from .checkpoints import HUB_VARIABLE, Card, CheckpointError, read_card
from .hub import BROKEN, INDEX, MALFORMED, HubError, parse_index, parse_repo, within
from .version import VERSION

README = "README.md"
"""The page that the Hub shows of a repository."""

MESSAGE = f"Checkpoints of unet_demo {VERSION}"

START_SECONDS = 30.0
"""Each question before the upload ends after this long: a repository takes a while to be made."""

SLOWEST_UPLOAD = 100_000
"""Bytes a second: a file has START_SECONDS and the time that its size takes at this pace."""

TRY_AGAIN = "try again later"
ADVICE = {
    401: "set HF_TOKEN to a token that it knows and that may write to {repo}",
    402: "make room there, or give another repository",
    403: "set HF_TOKEN to a token that may write to {repo}, or make room there if that is full",
    404: "check the names of repository and revision, and that the token may write there",
    409: "somebody else is writing to {repo}: try again",
    413: "make room there, or give another repository",
    429: "that was too much in a short time: try again later",
    507: "make room there, or give another repository",
}
"""What to do about a status that is no, where it isn't TRY_AGAIN."""

LONGEST_QUOTE = 200
"""Characters of the Hub's own words that a sentence repeats."""

_PICTURE = re.compile(r"!\[[^\]]*\]\((\w[\w.+-]*)\)")
"""A picture that lies beside the model card which shows it."""

_UNREACHED = (httpx2.HTTPError, httpx2.InvalidURL, ConnectionError)
_NO_HUB = (json.JSONDecodeError, RecursionError, KeyError, TypeError, AttributeError)
"""What the library makes of answers that a Hub does not give."""

_XET_STATUS = re.compile(r"HTTP status \w+ error \((\d{3})\b")

T = TypeVar("T")


@dataclass(frozen=True)
class Publication:
    """What goes where: ``files`` maps each path in the repository to its bytes, all of them checked.

    ``revision`` is a branch; None is the repository's main one.
    """

    repo: str
    revision: str | None
    files: Mapping[str, bytes]

    @property
    def address(self) -> str:
        """owner/repo[@revision], as UNET_DEMO_HUB_REPO takes it."""
        return f"{self.repo}@{self.revision}" if self.revision else self.repo

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(map(len, self.files.values()))


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
    publication = Publication(repo, revision, files)
    page = hub_page(publication.address, cards, {n: file for n, (file, _) in checkpoints.items()})
    return replace(publication, files={README: page.encode(), **files})


def publish(publication: Publication, message: str = MESSAGE, private: bool = False) -> str:
    """Send all files in one commit, and give its address; what is there unchanged is not sent again.

    Repository and branch are made if they are not there; ``private`` is how a new one is made.
    Raises HubError where there is no token, where a private repository was asked for and a public
    one is there, and where the Hub says no or does not answer in time.
    """
    repo, revision = publication.repo, publication.revision
    if constants.is_offline_mode():
        raise HubError("HF_HUB_OFFLINE is set, so that nothing can be published; unset it.")
    api = HfApi(token=_token())
    ask = partial(_answer, repo)
    make = partial(api.create_repo, repo, private=private or None, exist_ok=True)
    ask(START_SECONDS, make)
    if private and not ask(START_SECONDS, partial(api.model_info, repo)).private:
        raise HubError(
            f"{repo} is there and public, so that nothing was sent; make it private at"
            f" {constants.ENDPOINT}/{repo}/settings, or leave --private out."
        )
    if revision:
        branch = partial(api.create_branch, repo, branch=revision, exist_ok=True)
        ask(START_SECONDS, branch)
    additions = [CommitOperationAdd(path, data) for path, data in publication.files.items()]
    for addition in additions:
        # One by one: for several, the library starts threads that would keep a program whose time
        # is up from ending.
        upload = partial(api.preupload_lfs_files, repo, [addition], revision=revision)
        ask(START_SECONDS + addition.upload_info.size / SLOWEST_UPLOAD, upload)
    commit = partial(api.create_commit, repo, additions, commit_message=message, revision=revision)
    return ask(START_SECONDS + publication.size / SLOWEST_UPLOAD, commit).commit_url


def hub_page(address: str, cards: Mapping[str, Card], files: Mapping[str, str]) -> str:
    """Markdown of the repository's page: metadata, a table of the checkpoints, how to use them.

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


def _row(name: str, card: Card, file: str) -> tuple[str, ...]:
    headlines = [f"{score} {card.scores[score]:.3f}" for score in HEADLINES if score in card.scores]
    link = f"[{name}]({Path(file).with_suffix('.md').name})"
    return link, card.title, card.network, ", ".join(headlines), card.scored_on, card.licence


def _cell(text: str) -> str:
    """Text that stays in its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _model_card(checkpoint: Path) -> dict[str, bytes]:
    """A checkpoint's model card, and the pictures that it shows."""
    path = checkpoint.with_suffix(".md")
    card = _read(path)
    try:
        pictures = _PICTURE.findall(card.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CheckpointError(
            f"The model card {path.name} is not UTF-8 text; bundle the checkpoint again."
        ) from error
    return {path.name: card, **{name: _read(path.with_name(name)) for name in pictures}}


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise CheckpointError(
            f"{path.name} is missing, so that nothing can be published; bundle its checkpoint again."
        )
    return path.read_bytes()


def _token() -> str:
    """The token of the environment or of `hf auth login`. Raises HubError."""
    try:
        token = within(START_SECONDS, get_token)  # a login of the browser's may have to be renewed
    except (OutOfTime, errors.OIDCError, *MALFORMED, *BROKEN) as error:
        raise HubError(
            "The token for the Hub could not be read or renewed; set HF_TOKEN, or run"
            " `hf auth login` again."
        ) from error
    if not token:
        raise HubError(
            f"There is no token for the Hub; make one that may write at"
            f" {constants.ENDPOINT}/settings/tokens, and set HF_TOKEN to it or run `hf auth login`."
        )
    return token


def _answer(repo: str, seconds: float, question: Callable[[], T]) -> T:
    """What the Hub answers in so many seconds. Raises HubError for every other end."""
    hub = f"The Hub at {constants.ENDPOINT}"
    try:
        return within(seconds, question)
    except OutOfTime as error:
        raise HubError(
            f"{hub} did not answer within {seconds:.0f} s; check the network, and try again."
        ) from error
    except (*MALFORMED, *BROKEN) as error:
        raise HubError(f"{hub} {_in_words(error, repo)}.") from error


def _in_words(error: Exception, repo: str) -> str:
    """What went wrong and what to do, without a full stop."""
    # An upload that the Hub refused is told by the library as "Error while uploading …".
    cause = (error.__cause__ if type(error) is RuntimeError else None) or error
    if status := _status(cause):
        advice = ADVICE.get(status, TRY_AGAIN).format(repo=repo)
        quote = _quoted(getattr(cause, "server_message", None))
        return f"refused with error {status}{quote}; {advice}"
    if isinstance(cause, _UNREACHED):
        return "cannot be reached; check the network and HF_ENDPOINT"
    if isinstance(cause, _NO_HUB):
        return "does not answer like one; check the network and HF_ENDPOINT"
    return f"did not take the files{_quoted(str(cause))}; {ADVICE[403].format(repo=repo)}"


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error is about; Xet tells it only in words."""
    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code
    told = _XET_STATUS.search(str(error))
    return int(told[1]) if told else None


def _quoted(words: str | None) -> str:
    """The Hub's own words in brackets, as part of a sentence; nothing for none."""
    line = " ".join((words or "").split()).rstrip(".").replace(". ", ", ")
    return f' ("{line[:LONGEST_QUOTE]}")' if line else ""
