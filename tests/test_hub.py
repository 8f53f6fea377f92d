"""unet_demo.hub against a real server on the loopback, honest, slow, dead and lying."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from hub_server import Behaviour, closed_port, commit_of, hub_server
from huggingface_hub import HfApi, hf_hub_download, scan_cache_dir
from safetensors.numpy import save

from unet_demo import hub
from unet_demo.hub import (
    HubError,
    fetch_checkpoint,
    list_checkpoints,
    looks_like_repo,
    parse_repo,
)

REPO = "ann/unets"
DEAD = Behaviour(dead=True)


def checkpoint(seed: int = 0, metadata: dict[str, str] | None = None) -> bytes:
    """A safetensors file of 40 kB that says it is this program's."""
    weights = np.random.default_rng(seed).normal(size=10_000).astype(np.float32)
    return save({"weight": weights}, {"unet_demo": "1"} if metadata is None else metadata)


def index(files: dict[str, bytes]) -> bytes:
    """The index.json of these files, in their order."""
    entries = {
        Path(file).stem: {
            "file": file,
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
        }
        for file, data in files.items()
    }
    return json.dumps({"checkpoints": entries}).encode()


def published(**checkpoints: bytes) -> dict[str, bytes]:
    """A repository as `publish` leaves it: the checkpoints, their index.json, a card."""
    files = {f"{name}.safetensors": data for name, data in checkpoints.items()}
    return files | {"index.json": index(files), "README.md": b"# U-Nets"}


SHAPES, VOC = checkpoint(0), checkpoint(1)
FILES = published(shapes=SHAPES, voc=VOC)
COMMIT = commit_of(FILES)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache, and none of the machine's own Hub settings."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", closed_port())
    return tmp_path / "home" / "hub"


@pytest.fixture
def serve(monkeypatch):
    """serve(repos, behaviour, …): a hub_server for the rest of the test, as HF_ENDPOINT."""
    with ExitStack() as servers:

        def start(repos: dict[str, dict[str, bytes]], *args, **kwargs) -> str:
            endpoint = servers.enter_context(hub_server(repos, *args, **kwargs))
            monkeypatch.setenv("HF_ENDPOINT", endpoint)
            return endpoint

        yield start


def sentence(call: Callable[[], object]) -> str:
    """The words of the HubError that the call raises: one line, one full stop, no local path."""
    with pytest.raises(HubError) as caught:
        call()
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and ". " not in text
    assert "/tmp" not in text and "Error" not in text
    return text


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def kept(cache: Path) -> list[str]:
    """Everything in the cache that could be taken for a checkpoint, and every unfinished file."""
    if not cache.exists():
        return []
    small = {hashlib.sha256(FILES["index.json"]).hexdigest(), "index.json", "main"}
    return [path.name for path in cache.rglob("*") if path.is_file() and path.name not in small]


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann/unets", ("ann/unets", None)),
        ("  ann / unets @ v1.0 ", ("ann/unets", "v1.0")),
        ("ann/unets@feature/long-name", ("ann/unets", "feature/long-name")),
        (f"ann/unets@{COMMIT}", ("ann/unets", COMMIT)),
        ("https://huggingface.co/ann/unets", ("ann/unets", None)),
        ("https://huggingface.co/ann/unets/", ("ann/unets", None)),
        ("https://huggingface.co/ann/unets/tree/v1?not=this", ("ann/unets", "v1")),
        ("https://huggingface.co/ann/unets/tree/refs%2Fpr%2F1", ("ann/unets", "refs/pr/1")),
        ("hf.co/ann/unets", ("ann/unets", None)),
    ],
)
def test_a_repository_is_understood_by_name_and_by_address(text, expected):
    assert parse_repo(text) == expected
    assert looks_like_repo(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shapes",
        "my pictures/cell",
        "a/b/c",
        "ann/unets@",
        "ann/unets@a b",
        "ann/unets@../../etc/passwd",
        "ann/unets@/etc",
        "../unets",
        "./weights/shapes.safetensors",
        "weights/shapes.safetensors",
        "C:\\weights\\shapes",
        "https://huggingface.co/datasets/ann/cells",
        "https://huggingface.co/ann/unets/blob/main/shapes.safetensors",
        "https://example.org/ann/unets",
        "https://[broken/ann/unets",
        "ann/unets\x00",
        "x" * 5000,
    ],
)
def test_what_is_no_repository_gets_a_sentence(text):
    assert len(sentence(lambda: parse_repo(text))) < 250


@pytest.mark.parametrize("text", ["shapes", "voc-resnet50", "weights/shapes.safetensors", "/a/b"])
def test_a_name_or_a_path_does_not_look_like_a_repository(text):
    assert not looks_like_repo(text)


def test_any_web_address_looks_like_a_repository_so_that_parse_repo_says_what_is_wrong():
    assert looks_like_repo("https://example.org/x")
    assert "example.org" in sentence(lambda: parse_repo("https://example.org/x"))


def test_the_address_of_an_own_hub_is_understood(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org")
    assert parse_repo("https://hub.example.org/ann/unets/tree/main") == (REPO, "main")


# --- an honest Hub ----------------------------------------------------------------------------


def test_the_checkpoints_are_listed_in_the_order_of_the_index(serve):
    serve({REPO: published(voc=VOC, shapes=SHAPES)})
    assert list_checkpoints(REPO) == ["voc", "shapes"]


def test_without_an_index_the_safetensors_files_at_the_root_are_listed(serve):
    serve({REPO: {"b.safetensors": VOC, "a.safetensors": SHAPES, "old/c.safetensors": VOC}})
    assert list_checkpoints(REPO) == ["a", "b"]


def test_a_named_checkpoint_is_fetched(serve):
    serve({REPO: FILES})
    path = fetch_checkpoint(REPO, "voc")
    assert path.name == "voc.safetensors"
    assert path.read_bytes() == VOC


def test_without_a_name_the_first_of_the_index_is_fetched(serve):
    serve({REPO: published(voc=VOC, shapes=SHAPES)})
    assert fetch_checkpoint(REPO).name == "voc.safetensors"


def test_without_name_and_index_the_only_checkpoint_is_fetched(serve):
    serve({REPO: {"mine.safetensors": SHAPES}})
    assert fetch_checkpoint(REPO).read_bytes() == SHAPES


def test_without_name_and_index_several_checkpoints_are_not_guessed_among(serve):
    serve({REPO: {"a.safetensors": SHAPES, "b.safetensors": VOC}})
    assert "choose one of a, b" in sentence(lambda: fetch_checkpoint(REPO))


@pytest.mark.parametrize("revision", ["v1", "feature/x"])
def test_a_revision_gives_its_own_file(serve, revision):
    serve({REPO: FILES, f"{REPO}@{revision}": published(shapes=VOC)})
    assert fetch_checkpoint(REPO, "shapes", revision).read_bytes() == VOC
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_a_moved_branch_gives_the_new_file(serve):
    repos = {REPO: FILES}
    serve(repos)
    fetch_checkpoint(REPO, "shapes")
    repos[REPO] = published(shapes=VOC)
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == VOC


def test_a_commit_that_leaves_the_checkpoint_alone_costs_no_second_download(serve):
    repos, asked = {REPO: FILES}, []
    serve(repos, asked=asked)
    fetch_checkpoint(REPO, "shapes")
    repos[REPO] = FILES | {"README.md": b"# New words"}
    fetch_checkpoint(REPO, "shapes")
    assert len([line for line in asked if line.endswith("shapes.safetensors")]) == 1


def test_a_checkpoint_that_the_hub_keeps_on_another_host_is_fetched_without_the_token(
    serve, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    asked = []
    serve({REPO: FILES}, Behaviour(cdn=True), asked=asked)
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES
    assert [line for line in asked if "/cdn/" in line] == [
        f"GET /cdn/{REPO}/{COMMIT}/shapes.safetensors"
    ]
    assert all(line.endswith("(token)") for line in asked if "/cdn/" not in line)


def test_a_slow_hub_is_waited_for(serve):
    serve({REPO: FILES}, Behaviour(delay=0.3))
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_nothing_but_index_and_checkpoint_is_ever_downloaded(serve):
    asked = []
    serve({REPO: FILES | {"model.bin": b"pickle", "config.json": b"{}"}}, asked=asked)
    list_checkpoints(REPO)
    fetch_checkpoint(REPO, "shapes")
    assert {line.rsplit("/", 1)[1] for line in asked if "/resolve/" in line} == {
        "index.json",
        "shapes.safetensors",
    }


def test_the_server_speaks_as_the_library_expects(serve, cache):
    endpoint = serve({REPO: FILES}, Behaviour(cdn=True))
    api = HfApi(endpoint=endpoint)
    assert api.model_info(REPO).sha == COMMIT
    assert [entry.path for entry in api.list_repo_tree(REPO)] == sorted(FILES)
    path = api.hf_hub_download(REPO, "shapes.safetensors", cache_dir=cache)
    assert Path(path).read_bytes() == SHAPES


# --- the cache --------------------------------------------------------------------------------


def test_the_librarys_own_download_is_found_without_a_network(serve, cache, monkeypatch):
    endpoint = serve({REPO: FILES})
    for file in ("index.json", "shapes.safetensors"):
        hf_hub_download(REPO, file, endpoint=endpoint, cache_dir=cache, etag_timeout=2)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_the_library_finds_what_was_fetched_and_has_nothing_to_complain_of(serve, cache):
    serve({REPO: FILES})
    path = fetch_checkpoint(REPO, "shapes")
    found = hf_hub_download(REPO, path.name, cache_dir=cache, local_files_only=True)
    assert Path(found) == path
    assert not scan_cache_dir(cache).warnings


def test_hf_hub_cache_names_the_cache(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    serve({REPO: FILES})
    assert tmp_path / "elsewhere" in fetch_checkpoint(REPO, "shapes").parents


def test_a_pinned_cached_checkpoint_asks_a_dead_hub_nothing(serve):
    serve({REPO: FILES})
    fetch_checkpoint(REPO, "shapes", COMMIT)
    asked = []
    serve({}, DEAD, asked=asked)
    assert seconds(lambda: fetch_checkpoint(REPO, "shapes", COMMIT)) < 0.5
    assert list_checkpoints(REPO, COMMIT) == ["shapes", "voc"]
    assert not asked


def test_a_pinned_cached_checkpoint_without_an_index_asks_a_dead_hub_nothing(serve):
    files = {"a.safetensors": SHAPES, "b.safetensors": VOC}
    serve({REPO: files})
    fetch_checkpoint(REPO, "a", commit_of(files))
    serve({}, DEAD)
    assert seconds(lambda: fetch_checkpoint(REPO, "a", commit_of(files))) < 0.5


def test_one_cached_file_of_a_pinned_commit_is_not_taken_for_all_of_them(serve):
    files = {"a.safetensors": SHAPES, "b.safetensors": VOC}
    serve({REPO: files})
    fetch_checkpoint(REPO, "a", commit_of(files))
    assert list_checkpoints(REPO, commit_of(files)) == ["a", "b"]


@pytest.mark.parametrize("name", ["shapes", None])
def test_a_cached_branch_serves_at_once_where_nobody_listens(serve, monkeypatch, name):
    serve({REPO: FILES})
    fetch_checkpoint(REPO, name)
    monkeypatch.setenv("HF_ENDPOINT", closed_port())
    assert seconds(lambda: fetch_checkpoint(REPO, name)) < 0.5


@pytest.mark.parametrize(
    "trouble",
    [
        DEAD,
        Behaviour(status=503),
        Behaviour(status=429),
        Behaviour(page=b"<html>Welcome to the hotel</html>"),
        Behaviour(page=b"\xff\xfe\xfa"),
        Behaviour(page=b"[1, 2]"),
        Behaviour(page=b"[" * 100_000),
        Behaviour(dead=True, where="resolve"),
        Behaviour(stall_after=100, where="shapes"),
    ],
)
def test_a_cached_branch_serves_when_the_hub_gives_no_usable_answer(serve, monkeypatch, trouble):
    monkeypatch.setattr(hub, "ASK_SECONDS", 0.5)
    monkeypatch.setattr(hub, "STALL_SECONDS", 0.5)
    serve({REPO: FILES})
    fetch_checkpoint(REPO, "shapes")
    serve({REPO: published(shapes=VOC)}, trouble)
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_looking_at_a_moved_branch_does_not_lose_the_copy_that_is_cached(serve, monkeypatch):
    repos = {REPO: FILES}
    serve(repos)
    fetch_checkpoint(REPO, "shapes")
    repos[REPO] = published(shapes=VOC)
    list_checkpoints(REPO)
    monkeypatch.setenv("HF_ENDPOINT", closed_port())
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_offline_mode_asks_nothing_and_uses_the_cache(serve, monkeypatch):
    asked = []
    serve({REPO: FILES}, asked=asked)
    fetch_checkpoint(REPO, "shapes")
    asked.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES
    assert list_checkpoints(REPO) == ["shapes", "voc"]
    assert not asked


def test_offline_mode_and_nothing_cached_says_so(serve, monkeypatch):
    serve({REPO: FILES})
    monkeypatch.setenv("HF_HUB_OFFLINE", "yes")
    assert "HF_HUB_OFFLINE" in sentence(lambda: fetch_checkpoint(REPO, "shapes"))


@pytest.mark.parametrize("damage", [b"", SHAPES[:-1], SHAPES[:-1] + b"?"])
def test_a_damaged_cached_file_is_fetched_again(serve, damage):
    serve({REPO: FILES})
    fetch_checkpoint(REPO, "shapes", COMMIT).resolve().write_bytes(damage)
    assert fetch_checkpoint(REPO, "shapes", COMMIT).read_bytes() == SHAPES


@pytest.mark.parametrize("damage", [b"", SHAPES[:-1]])
def test_a_damaged_cached_file_is_fetched_again_without_an_index_too(serve, damage):
    serve({REPO: {"a.safetensors": SHAPES}})
    fetch_checkpoint(REPO).resolve().write_bytes(damage)
    assert fetch_checkpoint(REPO).read_bytes() == SHAPES


def test_many_visitors_at_once_get_the_whole_file(serve, cache):
    serve({REPO: FILES})
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: fetch_checkpoint(REPO, "shapes"), range(16)))
    assert {path.read_bytes() for path in paths} == {SHAPES}
    assert not [name for name in kept(cache) if name.endswith("incomplete")]


def test_a_damaged_cached_file_is_never_given_out_offline(serve, monkeypatch):
    serve({REPO: FILES})
    fetch_checkpoint(REPO, "shapes").resolve().write_bytes(VOC)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    sentence(lambda: fetch_checkpoint(REPO, "shapes"))


def test_a_cache_that_cannot_be_written_says_so(serve, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file"))
    serve({REPO: FILES})
    assert "HF_HOME" in sentence(lambda: fetch_checkpoint(REPO, "shapes"))


# --- a Hub that is dead, slow or lying --------------------------------------------------------


def test_a_dead_hub_ends_in_a_sentence_within_its_stated_time(serve):
    serve({}, DEAD)
    taken = seconds(lambda: sentence(lambda: fetch_checkpoint(REPO)))
    assert hub.ASK_SECONDS <= taken < hub.ASK_SECONDS + 2 < 12


def test_an_endless_header_ends_in_a_sentence(serve, monkeypatch):
    monkeypatch.setattr(hub, "ASK_SECONDS", 0.5)
    serve({}, Behaviour(drip_headers=0.1))
    assert seconds(lambda: sentence(lambda: list_checkpoints(REPO))) < 1.5


def test_a_dead_hub_does_not_hold_up_the_end_of_the_program(serve, tmp_path):
    serve({}, Behaviour(drip_headers=0.1))
    script = (
        "from unet_demo import hub\n"
        "hub.ASK_SECONDS = 0.5\n"
        "try:\n    hub.list_checkpoints('ann/unets')\n"
        "except hub.HubError:\n    print('a sentence')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(hub.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert (done.stdout, done.stderr) == ("a sentence\n", "")


def test_a_closed_port_ends_in_a_sentence_at_once():
    assert seconds(lambda: sentence(lambda: fetch_checkpoint(REPO))) < 1


@pytest.mark.parametrize("endpoint", ["not-an-address", "http://no host", "ftp://x", "http://[1"])
def test_an_endpoint_that_is_no_address_ends_in_a_sentence(monkeypatch, endpoint):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    sentence(lambda: fetch_checkpoint(REPO))


@pytest.mark.parametrize(
    "trouble",
    [
        Behaviour(stall_after=20_000, where="shapes"),
        Behaviour(drip=0.05, where="shapes"),
        Behaviour(drip=0.05, where="index"),
        Behaviour(length_lie=1000, where="shapes"),
    ],
)
def test_a_download_without_progress_ends_in_a_sentence_and_leaves_nothing(
    serve, cache, monkeypatch, trouble
):
    monkeypatch.setattr(hub, "STALL_SECONDS", 0.6)
    serve({REPO: FILES}, trouble)
    assert seconds(lambda: sentence(lambda: fetch_checkpoint(REPO, "shapes"))) < 3
    assert not kept(cache)


@pytest.mark.parametrize(
    "lie",
    [
        Behaviour(bytes_instead=VOC, where="shapes"),
        Behaviour(bytes_instead=SHAPES[:-1], where="shapes"),
        Behaviour(bytes_instead=SHAPES[:100], where="shapes"),
        Behaviour(bytes_instead=b"", where="shapes"),
        Behaviour(length_lie=-1000, where="shapes"),
    ],
)
def test_wrong_bytes_get_a_sentence_and_the_next_try_is_clean(serve, cache, lie):
    serve({REPO: FILES}, lie)
    sentence(lambda: fetch_checkpoint(REPO, "shapes", COMMIT))
    assert not kept(cache)
    serve({REPO: FILES})
    assert fetch_checkpoint(REPO, "shapes", COMMIT).read_bytes() == SHAPES


def test_a_wrong_hash_in_the_index_gets_a_sentence(serve, cache):
    lying = FILES | {"index.json": index({"shapes.safetensors": VOC})}
    serve({REPO: lying})
    assert "index.json" in sentence(lambda: fetch_checkpoint(REPO, "shapes"))
    assert "shapes.safetensors" not in kept(cache)


def test_a_cut_file_is_seen_without_an_index_too(serve):
    serve({REPO: {"a.safetensors": SHAPES}}, Behaviour(length_lie=-1000, where="resolve"))
    assert "damaged" in sentence(lambda: fetch_checkpoint(REPO))


@pytest.mark.parametrize("no_length", [False, True])
def test_a_file_over_the_limit_is_refused(serve, cache, monkeypatch, no_length):
    monkeypatch.setattr(hub, "MAX_BYTES", 20_000)
    serve({REPO: FILES}, Behaviour(no_length=no_length, where="shapes"))
    assert "larger than" in sentence(lambda: fetch_checkpoint(REPO, "shapes"))
    assert not kept(cache)


def test_a_file_over_the_limit_is_refused_before_its_bytes_come(serve, monkeypatch):
    monkeypatch.setattr(hub, "MAX_BYTES", 20_000)
    serve({REPO: FILES}, Behaviour(stall_after=0, where="shapes"))
    taken = seconds(lambda: sentence(lambda: fetch_checkpoint(REPO, "shapes")))
    assert taken < 1


# --- answers that are no ----------------------------------------------------------------------


def test_a_repository_that_does_not_exist_says_so(serve):
    serve({})
    text = sentence(lambda: fetch_checkpoint(REPO))
    assert REPO in text and "private" in text and "HF_TOKEN" in text


def test_a_revision_that_does_not_exist_says_so(serve):
    serve({REPO: FILES})
    assert "no revision “v9”" in sentence(lambda: fetch_checkpoint(REPO, revision="v9"))
    assert COMMIT[::-1] in sentence(lambda: fetch_checkpoint(REPO, revision=COMMIT[::-1]))


def test_a_gated_repository_says_where_to_ask(serve):
    endpoint = serve({REPO: FILES}, gated=frozenset({REPO}))
    assert f"{endpoint}/{REPO}" in sentence(lambda: fetch_checkpoint(REPO))


def test_a_gated_repository_opens_to_the_token(serve, monkeypatch):
    serve({REPO: FILES}, gated=frozenset({REPO}), token="hf_right")
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_a_refused_token_says_so(serve):
    serve({REPO: FILES}, Behaviour(status=403))
    assert "HF_TOKEN" in sentence(lambda: fetch_checkpoint(REPO))


def test_a_name_that_is_not_there_lists_those_that_are(serve):
    serve({REPO: FILES})
    assert "choose one of shapes, voc" in sentence(lambda: fetch_checkpoint(REPO, "isbi"))
    sentence(lambda: fetch_checkpoint(REPO, "../../etc/passwd"))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"README.md": b"# Nothing", "model.bin": b"pickle", "sub/a.safetensors": SHAPES},
        {"index.json": b'{"checkpoints": {}}'},
        {"index.json": b'{"weight_map": {}}', "a.safetensors": SHAPES},
        {"index.json": b"not json", "a.safetensors": SHAPES},
        {"index.json": b"[" * 100_000, "a.safetensors": SHAPES},
        {"index.json": b'{"checkpoints": {"a": {"file": "../a.safetensors", "sha256": "0"}}}'},
        {"index.json": index({"model.bin": b"pickle"}), "model.bin": b"pickle"},
    ],
)
def test_a_repository_of_something_else_holds_no_checkpoint_of_this_program(serve, files):
    serve({REPO: files})
    assert "holds no checkpoint of this program" in sentence(lambda: list_checkpoints(REPO))
    assert "holds no checkpoint of this program" in sentence(lambda: fetch_checkpoint(REPO))


@pytest.mark.parametrize(
    "data",
    [
        checkpoint(metadata={"format": "pt"}),
        save({"weight": np.zeros(3, np.float32)}),
        b"\x80\x04pickle" * 100,
        b"\xff" * 9,
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
        (3).to_bytes(8, "little") + b"[1]",
        (9).to_bytes(8, "little") + b'{"a":null}',
        b"",
    ],
)
def test_a_foreign_safetensors_file_is_refused_and_not_kept(serve, cache, data):
    serve({REPO: {"model.safetensors": data}})
    assert (
        f"{REPO} holds model.safetensors, but it is not a checkpoint of this program"
        in sentence(lambda: fetch_checkpoint(REPO))
    )
    assert not kept(cache)


def test_a_foreign_file_is_refused_by_its_header_alone(serve):
    weights = {"weight": np.zeros(1_000_000, np.float32)}
    serve({REPO: {"big.safetensors": save(weights)}}, Behaviour(stall_after=500, where="resolve"))
    assert seconds(lambda: sentence(lambda: fetch_checkpoint(REPO))) < 1


def test_a_file_that_the_index_promises_in_vain_says_so(serve):
    serve({REPO: {"index.json": index({"gone.safetensors": SHAPES})}})
    assert "gone.safetensors" in sentence(lambda: fetch_checkpoint(REPO))
