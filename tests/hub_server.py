"""A small Hugging Face Hub on the loopback, honest or not, for tests that need a real one.

    with hub_server({"ann/unets": {"shapes.safetensors": b"..."}}) as endpoint:
        monkeypatch.setenv("HF_ENDPOINT", endpoint)

A key may name a branch or a tag, "ann/unets@v1"; without one it is "main". A Space's key begins with
"spaces/". A repository's commit follows from its files, so that changing the dict moves the branch.
What a request asks is answered by `_ROUTES`, method by method. Uploads go into the same dict: over
git LFS, not over Xet, which a test has to turn off (HF_HUB_DISABLE_XET).
"""

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import yaml

Files = dict[str, bytes]


@dataclass(frozen=True)
class Behaviour:
    """How the server answers. `where` limits all of it to the paths that contain this text."""

    where: str = ""
    dead: bool = False  # takes the connection and never answers
    delay: float = 0.0  # seconds before the answer
    drip: float | None = None  # seconds between the single bytes of a body
    drip_headers: float | None = None  # seconds between the lines of an endless header
    stall_after: int | None = None  # bytes of a body after which nothing more comes
    status: int | None = None  # an error of this status instead of an answer
    words: str = ""  # what the error says
    page: bytes | None = None  # a web page instead of an answer, as a hotel's network gives
    bytes_instead: bytes | None = None  # a body that is not the file's, under the file's own ETag
    length_lie: int = 0  # added to the Content-Length
    cdn: bool = False  # sends on to another host for checkpoints, as the Hub does


HONEST = Behaviour()


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    repos: dict[str, Files]
    behaviour: Behaviour = HONEST
    gated: frozenset[str] = frozenset()
    token: str | None = None  # the only token that opens a gated repository, or writes
    asked: list[str] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    private: set[str] = field(default_factory=set)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    hardware: dict[str, str] = field(default_factory=dict)  # of each Space
    room: float = float("inf")  # bytes of the largest object that is taken
    objects: dict[str, bytes] = field(default_factory=dict)  # what came over git LFS
    closing: threading.Event = field(default_factory=threading.Event)

    def branches(self, repo: str) -> dict[str, Files]:
        """The files of each revision of a repository; commits are revisions too."""
        keys = {key: key.partition("@")[2] or "main" for key in self.repos}
        named = {keys[key]: self.repos[key] for key in keys if key.partition("@")[0] == repo}
        return named | {commit_of(files): files for files in named.values()}

    def key(self, repo: str, revision: str) -> str:
        """Under which a branch stands, or would stand, in the repositories."""
        return repo if revision == "main" and repo in self.repos else f"{repo}@{revision}"


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)


def commit_of(files: Files) -> str:
    """The 40 hex digits of the commit that holds exactly these files."""
    parts = (f"{name}:{hashlib.sha1(data).hexdigest()}" for name, data in sorted(files.items()))
    return hashlib.sha1("\n".join(parts).encode()).hexdigest()


@contextmanager
def hub_server(
    repos: dict[str, Files],
    behaviour: Behaviour = HONEST,
    *,
    gated: frozenset[str] = frozenset(),
    token: str | None = None,
    asked: list[str] | None = None,
    commits: list[str] | None = None,
    private: set[str] | None = None,
    variables: dict[str, dict[str, str]] | None = None,
    hardware: dict[str, str] | None = None,
    room: float = float("inf"),
) -> Iterator[str]:
    """Serve the repositories while the block runs; gives the endpoint's address.

    `asked` receives each request as "METHOD /path", with " (token)" if it carried one; `commits`
    the summary of each commit; `private` the repositories that are made private; `variables` what
    the environment of each Space gets; `hardware` what each Space runs on.
    """
    hub = Hub(
        repos,
        behaviour,
        gated,
        token,
        [] if asked is None else asked,
        [] if commits is None else commits,
        set() if private is None else private,
        {} if variables is None else variables,
        {} if hardware is None else hardware,
        room,
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        hub.closing.set()  # lets the requests go that were never to be answered
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> str:
    """The address of an endpoint where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


# --- what the Hub answers ---------------------------------------------------------------------


class _Refusal(Exception):
    """Ends what was asked with an answer that is no."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def _refusal(code: str, status: int, commit: str | None = None) -> _Refusal:
    headers = {"X-Error-Code": code} | ({"X-Repo-Commit": commit} if commit else {})
    return _Refusal(Answer(b"", status, headers))


def _files(hub: Hub, repo: str, revision: str) -> Files:
    branches = hub.branches(repo)
    if not branches:
        raise _refusal("RepoNotFound", HTTPStatus.UNAUTHORIZED)
    if revision not in branches:
        raise _refusal("RevisionNotFound", HTTPStatus.NOT_FOUND)
    return branches[revision]


def _info(hub: Hub, request: "_Handler", repo: str, revision: str | None) -> Answer:
    files = _files(hub, repo, revision or "main")
    siblings = [{"rfilename": name, "size": len(data)} for name, data in sorted(files.items())]
    name, private = repo.removeprefix(SPACES), repo in hub.private
    return _json({"id": name, "sha": commit_of(files), "siblings": siblings, "private": private})


def _tree(hub: Hub, request: "_Handler", repo: str, revision: str) -> Answer:
    return _json(
        [
            {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for name, data in sorted(_files(hub, repo, revision).items())
        ]
    )


def _resolve(hub: Hub, request: "_Handler", repo: str, revision: str, name: str) -> Answer:
    files = _files(hub, repo, revision)
    if repo in hub.gated and not _is_known(hub, request):
        raise _refusal("GatedRepo", HTTPStatus.FORBIDDEN)
    commit = commit_of(files)
    if name not in files:
        raise _refusal("EntryNotFound", HTTPStatus.NOT_FOUND, commit)
    if hub.behaviour.cdn and name.endswith(".safetensors"):
        return _send_on(request, commit, repo, name, files[name])
    headers = {"X-Repo-Commit": commit, "ETag": f'"{hashlib.sha256(files[name]).hexdigest()}"'}
    return _part(files[name], request.headers.get("Range"), headers)


def _send_on(request: "_Handler", commit: str, repo: str, name: str, data: bytes) -> Answer:
    """302 to the same server under another name, which counts as another host."""
    port = request.headers["Host"].rpartition(":")[2]
    headers = {
        "Location": f"http://localhost:{port}/cdn/{repo}/{commit}/{name}",
        "X-Repo-Commit": commit,
        "X-Linked-Size": str(len(data)),
        "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
    }
    return Answer(b"", HTTPStatus.FOUND, headers)


def _cdn(hub: Hub, request: "_Handler", repo: str, commit: str, name: str) -> Answer:
    return _part(hub.branches(repo)[commit][name], request.headers.get("Range"), {})


def _part(data: bytes, wanted: str | None, headers: dict[str, str]) -> Answer:
    """The file, or the range of it that was asked for ("bytes=FIRST-" or "bytes=FIRST-LAST")."""
    headers = headers | {"Accept-Ranges": "bytes"}
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
    if not match:
        return Answer(data, HTTPStatus.OK, headers)
    first, last = int(match[1]), min(int(match[2] or len(data)), len(data) - 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Answer(data[first : last + 1], HTTPStatus.PARTIAL_CONTENT, headers)


def _is_known(hub: Hub, request: "_Handler") -> bool:
    """Whether the request carries the Hub's own token."""
    return request.headers.get("Authorization") == f"Bearer {hub.token}"


def _json(answer: object, status: int = HTTPStatus.OK) -> Answer:
    return Answer(json.dumps(answer).encode(), status, {"Content-Type": "application/json"})


# --- what it takes ----------------------------------------------------------------------------

OWNER = "ann"
"""Whose token it is: nobody else's repositories can be written."""


SPACES = "spaces/"
"""How a Space's key in the repositories, and its address, begin."""

GIT_ATTRIBUTES = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"

ZERO_GPU, MOST_ON_ZERO_GPU = "zero-a10g", 2
"""What is free for a Gradio Space of an account that does not pay, as ann's does not, and how often."""

TO_PAY = (
    "Static Spaces are free for everyone, but hosting Gradio and Docker Spaces on free cpu-basic"
    " requires a PRO subscription. Subscribe at https://huggingface.co/pro"
)
"""What the Hub says since July 2026 where it asks for more, with error 402."""

LARGE = (".safetensors", ".png")
"""Ends of the names of files that come over git LFS."""


def _may_write(hub: Hub, request: "_Handler", repo: str) -> None:
    """Raises _Refusal where the request's token opens no such repository for writing."""
    if not _is_known(hub, request):
        words = "Invalid credentials in Authorization header"
        raise _Refusal(Answer(b"", HTTPStatus.UNAUTHORIZED, {"X-Error-Message": words}))
    name = repo.removeprefix(SPACES)
    if not name.startswith(f"{OWNER}/"):
        raise _Refusal(_json({"error": f"You don't have the rights to write to {name}"}, 403))


def _files_to_write(hub: Hub, request: "_Handler", repo: str, revision: str) -> Files:
    _may_write(hub, request, repo)
    return _files(hub, repo, revision)


def _create(hub: Hub, request: "_Handler") -> Answer:
    wish = json.loads(request.body)
    space = wish["type"] == "space"
    repo = f"{SPACES if space else ''}{wish['organization']}/{wish['name']}"
    _may_write(hub, request, repo)
    url = f"http://{request.headers['Host']}/{repo}"
    if hub.branches(repo):
        return _json({"error": f"You already created this {wish['type']} repo", "url": url}, 409)
    if space:
        _lend(hub, repo, wish.get("hardware", "cpu-basic"))
    readme = {"README.md": f"---\nsdk: {wish['sdk']}\n---\n".encode()} if space else {}
    hub.repos[repo] = {".gitattributes": GIT_ATTRIBUTES, **readme}
    if wish.get("visibility") == "private":
        hub.private.add(repo)
    return _json({"url": url})


def _lend(hub: Hub, space: str, hardware: str) -> None:
    """Give a Space its hardware. Raises _Refusal for what its owner would have to pay for."""
    others = [name for name in hub.hardware if name != space]
    if hardware != ZERO_GPU or len(others) >= MOST_ON_ZERO_GPU:
        raise _Refusal(_json({"error": TO_PAY}, HTTPStatus.PAYMENT_REQUIRED))
    hub.hardware[space] = hardware


def _request_hardware(hub: Hub, request: "_Handler", repo: str) -> Answer:
    _may_write(hub, request, repo)
    _lend(hub, repo, json.loads(request.body)["flavor"])
    return _json({"stage": "BUILDING", "hardware": {"requested": hub.hardware[repo]}})


def _branch(hub: Hub, request: "_Handler", repo: str, revision: str) -> Answer:
    files = _files_to_write(hub, request, repo, "main")
    if revision in hub.branches(repo):
        return _json({"error": "Reference already exists"}, HTTPStatus.CONFLICT)
    hub.repos[f"{repo}@{revision}"] = files
    return _json({})


def _set_variable(hub: Hub, request: "_Handler", repo: str) -> Answer:
    _files_to_write(hub, request, repo, "main")
    wish = json.loads(request.body)
    variables = hub.variables.setdefault(repo, {})
    variables[wish["key"]] = wish["value"]
    return _json({key: {"key": key, "value": value} for key, value in variables.items()})


def _validate_yaml(hub: Hub, request: "_Handler") -> Answer:
    _, _, rest = json.loads(request.body)["content"].partition("---\n")
    front, end, _ = rest.partition("\n---\n")
    valid = end and isinstance(yaml.safe_load(front), dict)
    errors = [] if valid else [{"message": "There is no metadata in README.md"}]
    return _json({"errors": errors, "warnings": []}, 400 if errors else 200)


def _preupload(hub: Hub, request: "_Handler", repo: str, revision: str) -> Answer:
    """How each file is to come, and the id of the one that is there already."""
    files = _files_to_write(hub, request, repo, revision)
    wishes = [file["path"] for file in json.loads(request.body)["files"]]
    return _json({"files": [_upload_mode(path, files.get(path)) for path in wishes]})


def _upload_mode(path: str, there: bytes | None) -> dict[str, object]:
    mode = {"path": path, "uploadMode": "regular", "shouldIgnore": False, "oid": None}
    if path.endswith(LARGE):
        oid = None if there is None else hashlib.sha256(there).hexdigest()
        return mode | {"uploadMode": "lfs", "oid": oid}
    if there is not None:  # the id that git gives a file
        return mode | {"oid": hashlib.sha1(b"blob %d\0" % len(there) + there).hexdigest()}
    return mode


def _batch(hub: Hub, request: "_Handler", repo: str) -> Answer:
    """Where each object is to be put (git LFS, basic transfer)."""
    _may_write(hub, request, repo)
    answers = []
    for wish in json.loads(request.body)["objects"]:
        if wish["size"] > hub.room:
            wish["error"] = {"code": 403, "message": "You have exceeded your storage quota"}
        elif wish["oid"] not in hub.objects:
            href = f"http://{request.headers['Host']}/storage/{wish['oid']}"
            wish["actions"] = {"upload": {"href": href}}
        answers.append(wish)
    return _json({"transfer": "basic", "objects": answers})


def _put(hub: Hub, request: "_Handler", oid: str) -> Answer:
    if hashlib.sha256(request.body).hexdigest() != oid:
        return Answer(b"", HTTPStatus.BAD_REQUEST)
    hub.objects[oid] = request.body
    return Answer()


def _without(files: Files, path: str) -> Files:
    if path not in files:
        raise _Refusal(_json({"error": f"{path} does not exist"}, HTTPStatus.BAD_REQUEST))
    return {name: data for name, data in files.items() if name != path}


def _commit(hub: Hub, request: "_Handler", repo: str, revision: str) -> Answer:
    """All files of a commit, or none: a line of JSON each, the objects by their SHA-256."""
    files = _files_to_write(hub, request, repo, revision)
    for line in map(json.loads, request.body.splitlines()):
        value = line["value"]
        if line["key"] == "header":
            hub.commits.append(value["summary"])
        elif line["key"] == "deletedFile":
            files = _without(files, value["path"])
        elif line["key"] == "lfsFile":
            files = files | {value["path"]: hub.objects[value["oid"]]}
        else:
            files = files | {value["path"]: base64.b64decode(value["content"])}
    hub.repos[hub.key(repo, revision)] = files
    commit = commit_of(files)
    url = f"http://{request.headers['Host']}/{repo}/commit/{commit}"
    return _json({"commitUrl": url, "commitOid": commit})


_REPO = rf"(?P<repo>(?:{SPACES})?[^/]+/[^/]+)"
_API = rf"/api/(?:models/|(?={SPACES})){_REPO}"
_REVISION = r"(?P<revision>[^/]+)"
_ROUTES = {
    "GET": [
        (rf"{_API}(?:/revision/{_REVISION})?", _info),
        (rf"{_API}/tree/{_REVISION}", _tree),
        (rf"/{_REPO}/resolve/{_REVISION}/(?P<name>.+)", _resolve),
        (rf"/cdn/{_REPO}/(?P<commit>[^/]+)/(?P<name>.+)", _cdn),
    ],
    "POST": [
        ("/api/repos/create", _create),
        ("/api/validate-yaml", _validate_yaml),
        (rf"{_API}/branch/{_REVISION}", _branch),
        (rf"{_API}/variables", _set_variable),
        (rf"{_API}/hardware", _request_hardware),
        (rf"{_API}/preupload/{_REVISION}", _preupload),
        (rf"/{_REPO}\.git/info/lfs/objects/batch", _batch),
        (rf"{_API}/commit/{_REVISION}", _commit),
    ],
    "PUT": [("/storage/(?P<oid>[0-9a-f]{64})", _put)],
}
_ROUTES["HEAD"] = _ROUTES["GET"]


# --- how it answers ---------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub
    body: bytes
    disable_nagle_algorithm = True  # or each answer waits 40 ms between its header and its body

    def do_GET(self) -> None:
        behaviour = self.hub.behaviour if self.hub.behaviour.where in self.path else HONEST
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = " (token)" if "Authorization" in self.headers else ""
        self.hub.asked.append(f"{self.command} {unquote(urlsplit(self.path).path)}{token}")
        with suppress(ConnectionError):  # the client gives up on most of these
            if behaviour.dead:
                self.hub.closing.wait()
            elif behaviour.drip_headers is not None:
                self._drip_headers(behaviour.drip_headers)
            else:
                self.hub.closing.wait(behaviour.delay)
                self._answer(self._find(behaviour), behaviour)

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output quiet."""

    def _find(self, behaviour: Behaviour) -> Answer:
        if behaviour.status is not None:
            return _json({"error": behaviour.words} if behaviour.words else {}, behaviour.status)
        if behaviour.page is not None:
            return Answer(behaviour.page, headers={"Content-Type": "text/html"})
        for pattern, route in _ROUTES[self.command]:
            if match := re.fullmatch(pattern, urlsplit(self.path).path):
                parts = {key: value and unquote(value) for key, value in match.groupdict().items()}
                return self._ask(route, parts)
        return Answer(b"", HTTPStatus.NOT_FOUND)

    def _ask(self, route: Callable[..., Answer], parts: dict[str, str | None]) -> Answer:
        try:
            return route(self.hub, self, **parts)
        except _Refusal as refusal:
            return refusal.answer

    def _answer(self, answer: Answer, behaviour: Behaviour) -> None:
        body = answer.body
        if behaviour.bytes_instead is not None and answer.status == HTTPStatus.OK:
            body = behaviour.bytes_instead
        self.send_response(answer.status)
        if behaviour is not HONEST:  # a lie must not spill into the next answer
            self.send_header("Connection", "close")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + behaviour.length_lie))
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(body, behaviour)

    def _send_body(self, body: bytes, behaviour: Behaviour) -> None:
        if behaviour.drip is not None:
            for byte in body:
                self.wfile.write(bytes([byte]))
                if self.hub.closing.wait(behaviour.drip):
                    return
        elif behaviour.stall_after is not None:
            self.wfile.write(body[: behaviour.stall_after])
            self.hub.closing.wait()
        else:
            self.wfile.write(body)

    def _drip_headers(self, seconds: float) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.hub.closing.wait(seconds):
            self.wfile.write(b"X-More: soon\r\n")
