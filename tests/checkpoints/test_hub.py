"""checkpoints.hub against a real server on the loopback, honest, slow, dead and lying."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asking import REPO, program, sentence, where_no_hub_is
from hub_server import Behaviour, commit_of, hub_server
from huggingface_hub import constants
from huggingface_hub.utils import close_session, get_session

from unet_demo.checkpoints import hub
from unet_demo.checkpoints.hub import (
    ASK_SECONDS,
    fetch_checkpoint,
    list_checkpoints,
    looks_like_repo,
    parse_repo,
    within,
)

DEAD = Behaviour(dead=True)
SHAPES, VOC = b"shapes" * 5000, b"voc" * 9000


def index(files: dict[str, bytes]) -> bytes:
    """The index.json of these files, in their order."""
    entries = {
        Path(file).stem: {"file": file, "sha256": hashlib.sha256(data).hexdigest()}
        for file, data in files.items()
    }
    return json.dumps({"checkpoints": entries}).encode()


def published(**checkpoints: bytes) -> dict[str, bytes]:
    """A repository as `publish` leaves it: the checkpoints, their index.json, a card."""
    files = {f"{name}.safetensors": data for name, data in checkpoints.items()}
    return files | {"index.json": index(files), "README.md": b"# U-Nets"}


FILES = published(shapes=SHAPES, voc=VOC)
COMMIT = commit_of(FILES)

# None of these tests asks for the machine's own Hub.
pytestmark = pytest.mark.usefixtures("hub_cache")


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(hub, "ASK_SECONDS", 0.5)


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


# --- names ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann/unets", ("ann/unets", None)),
        ("  ann / unets @ v1.0 ", ("ann/unets", "v1.0")),
        ("https://huggingface.co/ann/unets/tree/v1", ("ann/unets", "v1")),
        ("hf.co/ann/unets/", ("ann/unets", None)),
        ("ann/unets@feature/tree/x+1", ("ann/unets", "feature/tree/x+1")),
    ],
)
def test_a_repository_is_understood_by_name_and_by_address(text, expected):
    assert parse_repo(text) == expected
    assert looks_like_repo(text)


@pytest.mark.parametrize(
    "text",
    [
        "shapes",
        "ann/unets@../../etc/passwd",
        "weights/shapes.safetensors",
        "https://huggingface.co/datasets/ann/cells",
        "x" * 5000,
        "ann/unets@",
        "ann/unets@" + "v" * 200,
        "ann/unets@v1/../x",
        "ann/un--ets",
        "ann//unets",
        "ann/unets/tree/v1@v2",
        "쥐/unets",
    ],
)
def test_what_is_no_repository_gets_a_sentence(text):
    assert len(sentence(lambda: parse_repo(text))) < 250
    assert not looks_like_repo(text)


@pytest.mark.parametrize("between", " /@.")
def test_a_text_of_any_length_is_refused(between):
    # A search that went over it once for each character would not end within the test's time.
    assert len(sentence(lambda: parse_repo(f"a{between * 2_000_000}b"))) < 250


# --- an honest Hub ---


def test_the_checkpoints_are_listed_in_the_order_of_the_index(serve):
    serve({REPO: published(voc=VOC, shapes=SHAPES)})
    assert list_checkpoints(REPO) == ["voc", "shapes"]


@pytest.mark.parametrize(("name", "data"), [("voc", VOC), (None, SHAPES)])
def test_a_checkpoint_is_fetched_by_its_name_or_the_first_of_the_index(serve, name, data):
    serve({REPO: FILES})
    assert fetch_checkpoint(REPO, name).read_bytes() == data


def test_a_revision_gives_its_own_file(serve):
    serve({REPO: FILES, f"{REPO}@feature/x": published(shapes=VOC)})
    assert fetch_checkpoint(REPO, "shapes", "feature/x").read_bytes() == VOC
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_a_slow_hub_is_waited_for(serve):
    serve({REPO: FILES}, Behaviour(delay=0.3))
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_a_moved_branch_gives_the_new_file(serve):
    repos = {REPO: FILES}
    serve(repos)
    fetch_checkpoint(REPO, "shapes")
    repos[REPO] = published(shapes=VOC)
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == VOC


def test_nothing_but_index_and_checkpoint_is_ever_downloaded(serve):
    asked: list[str] = []
    serve({REPO: FILES | {"model.bin": b"pickle", "config.json": b"{}"}}, asked=asked)
    fetch_checkpoint(REPO, "shapes")
    files = {line.rsplit("/", 1)[1] for line in asked if "/resolve/" in line}
    assert files == {"index.json", "shapes.safetensors"}


def test_a_gated_repository_opens_to_the_token_which_no_other_host_sees(serve, monkeypatch):
    asked: list[str] = []
    serve({REPO: FILES}, Behaviour(cdn=True), gated={REPO}, token="hf_right", asked=asked)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES
    assert not [line for line in asked if "/cdn/" in line and "(token)" in line]


def test_many_visitors_at_once_get_the_whole_file(serve):
    serve({REPO: FILES})
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: fetch_checkpoint(REPO, "shapes"), range(16)))
    assert {path.read_bytes() for path in paths} == {SHAPES}


def test_a_request_that_finds_no_server_ends_nobody_elses(serve):
    serve({REPO: FILES})

    def ask_twice() -> int:
        client = get_session()
        client.get(constants.ENDPOINT)
        close_session()  # as another thread does that finds no server
        return client.get(constants.ENDPOINT).status_code

    assert within(ASK_SECONDS, ask_twice) < 500


def test_the_hubs_own_variables_are_honoured(tmp_path):
    script = "from unet_demo.checkpoints.hub import *; print(fetch_checkpoint('ann/unets', 'voc'))"
    with hub_server({REPO: FILES}) as endpoint:
        home = str(tmp_path / "home")
        done = program(script, HF_ENDPOINT=endpoint, HF_HOME=home)
    path = Path(done.stdout.strip())
    assert tmp_path / "home" in path.parents and path.read_bytes() == VOC


# --- the cache ---


def test_a_pinned_cached_checkpoint_asks_a_dead_hub_nothing(serve):
    serve({REPO: FILES})
    fetch_checkpoint(REPO, "shapes", COMMIT)
    asked: list[str] = []
    serve({}, DEAD, asked=asked)
    assert fetch_checkpoint(REPO, "shapes", COMMIT).read_bytes() == SHAPES
    assert list_checkpoints(REPO, COMMIT) == ["shapes", "voc"]
    assert not asked


@pytest.mark.parametrize(
    "trouble",
    [
        DEAD,
        Behaviour(status=503),
        Behaviour(page=b"<html>Welcome to the hotel</html>"),
        Behaviour(dead=True, where="resolve"),
    ],
    ids=["dead", "503", "hotel", "dead files"],
)
def test_a_cached_branch_serves_when_the_hub_gives_no_usable_answer(serve, impatient, trouble):
    serve({REPO: FILES})
    fetch_checkpoint(REPO, "shapes")
    serve({REPO: published(shapes=VOC)}, trouble)
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_offline_mode_asks_nothing_and_uses_the_cache(serve, monkeypatch):
    asked: list[str] = []
    serve({REPO: FILES}, asked=asked)
    fetch_checkpoint(REPO, "shapes")
    asked.clear()
    offline(monkeypatch)
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES
    assert "HF_HUB_OFFLINE is set" in sentence(lambda: fetch_checkpoint(REPO, "voc"))
    assert not asked


@pytest.mark.parametrize("revision", [None, COMMIT])
def test_a_damaged_cached_file_is_fetched_again(serve, revision):
    serve({REPO: FILES})
    fetch_checkpoint(REPO, "shapes", revision).resolve().write_bytes(SHAPES[:-1])
    assert fetch_checkpoint(REPO, "shapes", revision).read_bytes() == SHAPES


def test_a_damaged_cached_file_is_never_given_out_offline(serve, monkeypatch):
    serve({REPO: FILES})
    fetch_checkpoint(REPO, "shapes").resolve().write_bytes(VOC)
    offline(monkeypatch)
    sentence(lambda: fetch_checkpoint(REPO, "shapes"))


def test_a_cache_that_cannot_be_written_says_so(serve, hub_cache):
    hub_cache.write_text("not a folder")
    serve({REPO: FILES})
    assert "set HF_HOME to a folder" in sentence(lambda: fetch_checkpoint(REPO, "shapes"))


# --- a Hub that is dead, slow or lying ---


def test_a_dead_hub_ends_in_a_sentence_that_states_how_long_it_was_waited_for(serve, monkeypatch):
    monkeypatch.setattr(hub, "ASK_SECONDS", 1)
    serve({}, DEAD)
    assert "did not deliver within 1 s" in sentence(lambda: fetch_checkpoint(REPO))


def test_a_dead_hub_does_not_hold_up_the_end_of_the_program(serve):
    endpoint = serve({}, Behaviour(drip_headers=0.1))
    script = (
        "from unet_demo.checkpoints import hub\n"
        "hub.ASK_SECONDS = 0.5\n"
        "try:\n    hub.list_checkpoints('ann/unets')\n"
        "except hub.HubError:\n    print('a sentence')\n"
    )
    done = program(script, HF_ENDPOINT=endpoint)
    assert (done.stdout, done.stderr) == ("a sentence\n", "")


@where_no_hub_is
def test_a_hub_that_is_not_there_is_not_waited_for(monkeypatch, endpoint):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    assert "cannot be reached" in sentence(lambda: fetch_checkpoint(REPO))


@pytest.mark.parametrize(
    "trouble",
    [
        Behaviour(stall_after=20_000, where="shapes"),
        Behaviour(drip=0.05, where="shapes"),
        Behaviour(drip=0.05, where="index"),
    ],
    ids=["stalls", "drips", "drips its index"],
)
def test_a_download_that_takes_too_long_ends_in_a_sentence(serve, impatient, trouble):
    serve({REPO: FILES}, trouble)
    assert "did not deliver within" in sentence(lambda: fetch_checkpoint(REPO, "shapes"))


@pytest.mark.parametrize(
    "lie",
    [
        Behaviour(bytes_instead=SHAPES[::-1], where="shapes"),
        Behaviour(length_lie=-1000, where="shapes"),
    ],
    ids=["other bytes", "too few"],
)
def test_wrong_bytes_are_not_kept_and_the_next_try_is_clean(serve, hub_cache, impatient, lie):
    serve({REPO: FILES}, lie)
    sentence(lambda: fetch_checkpoint(REPO, "shapes", COMMIT))
    blobs = [path.stat().st_size for path in hub_cache.rglob("blobs/*")]
    assert blobs == [len(FILES["index.json"])]
    serve({REPO: FILES})
    assert fetch_checkpoint(REPO, "shapes", COMMIT).read_bytes() == SHAPES


def test_a_file_over_the_limit_is_refused_before_it_is_downloaded(serve, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(hub, "MAX_BYTES", 20_000)
    serve({REPO: FILES}, asked=asked)
    assert "larger than 0 MB" in sentence(lambda: fetch_checkpoint(REPO, "shapes"))
    assert not [line for line in asked if "shapes" in line]


# --- on a Space ---


@pytest.fixture
def space(monkeypatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/unet_demo")
    monkeypatch.setattr(hub, "SPACE_MAX_BYTES", 40_000)
    monkeypatch.setattr(hub, "SPACE_CACHE_BYTES", 80_000)


def cached(cache: Path) -> set[str]:
    return {path.parents[2].name for path in cache.rglob("*.safetensors")}


def test_on_a_space_a_strangers_checkpoint_may_be_less_large_than_its_own(
    serve, space, monkeypatch
):
    files = published(large=b"large" * 9000)
    serve({REPO: files, "its/own": files})
    monkeypatch.setenv("UNET_DEMO_HUB_REPO", "its/own@main")
    assert "larger than 0 MB" in sentence(lambda: fetch_checkpoint(REPO))
    assert fetch_checkpoint("its/own").is_file()


def test_on_a_space_the_cache_is_emptied_of_what_came_first_but_never_of_its_own(
    serve, space, monkeypatch, hub_cache
):
    repos = [f"ann/unets{number}" for number in range(4)]
    serve({"its/own": published(own=b"own" * 5000)} | {repo: FILES for repo in repos})
    monkeypatch.setenv("UNET_DEMO_HUB_REPO", "its/own")
    for repo in ("its/own", *repos):
        fetch_checkpoint(repo, "shapes" if repo in repos else None)
    assert cached(hub_cache) == {"models--its--own", "models--ann--unets2", "models--ann--unets3"}
    assert fetch_checkpoint(repos[0], "shapes").read_bytes() == SHAPES


def test_on_a_space_whose_own_repository_is_misspelt_a_strangers_is_fetched(
    serve, space, monkeypatch
):
    serve({REPO: FILES})
    monkeypatch.setenv("UNET_DEMO_HUB_REPO", "no name")
    assert fetch_checkpoint(REPO, "shapes").read_bytes() == SHAPES


def test_on_a_space_the_revisions_of_one_repository_are_emptied_too(serve, space, hub_cache):
    repos = {f"{REPO}@v{i}": published(shapes=bytes([i]) * 30_000) for i in range(4)}
    serve(repos)
    for i in range(4):
        fetch_checkpoint(REPO, "shapes", f"v{i}")
    assert sum(path.stat().st_size for path in hub_cache.rglob("blobs/*")) <= 80_000


def test_elsewhere_the_cache_is_left_alone(serve, space, hub_cache, monkeypatch):
    monkeypatch.delenv("SPACE_ID")
    repos = [f"ann/unets{number}" for number in range(4)]
    serve({repo: FILES for repo in repos})
    for repo in repos:
        fetch_checkpoint(repo, "shapes")
    assert len(cached(hub_cache)) == 4


# --- answers that are no ---


def test_a_repository_that_does_not_exist_says_so(serve):
    serve({})
    assert f"no model repository {REPO}, or it is private" in sentence(
        lambda: fetch_checkpoint(REPO)
    )


def test_a_revision_that_does_not_exist_says_so(serve):
    serve({REPO: FILES})
    assert "no revision 'v9'" in sentence(lambda: fetch_checkpoint(REPO, revision="v9"))


def test_a_gated_repository_says_where_to_ask(serve):
    endpoint = serve({REPO: FILES}, gated={REPO})
    assert f"ask for access at {endpoint}/{REPO}" in sentence(lambda: fetch_checkpoint(REPO))


def test_a_refused_token_says_so(serve):
    serve({REPO: FILES}, Behaviour(status=403))
    assert "error 403" in sentence(lambda: fetch_checkpoint(REPO))


def test_a_name_that_is_not_there_lists_those_that_are(serve):
    serve({REPO: FILES})
    assert "choose one of shapes, voc" in sentence(lambda: fetch_checkpoint(REPO, "../passwd"))


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": b"# Nothing", "model.bin": b"pickle", "a.safetensors": SHAPES},
        {"index.json": b"[" * 100_000},
        {"index.json": index({"../a.safetensors": SHAPES})},
        {"index.json": index({"model.bin": b"pickle"}), "model.bin": b"pickle"},
    ],
    ids=["no index", "too deep", "outside", "pickle"],
)
def test_a_repository_of_something_else_holds_no_checkpoint_of_this_program(serve, files):
    serve({REPO: files})
    for ask in (list_checkpoints, fetch_checkpoint):
        assert "holds no checkpoint of this program" in sentence(lambda ask=ask: ask(REPO))
