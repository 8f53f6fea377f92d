"""unet_demo.publishing against a real server on the loopback: what it sends, and what it refuses to."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import Behaviour, closed_port
from huggingface_hub import constants
from tiny import binary_checkpoint, saved

from unet_demo import checkpoints, publishing
from unet_demo.checkpoints import (
    HUB_VARIABLE,
    CheckpointError,
    add_to_index,
    find_offered,
    load_checkpoint,
    offered_cards,
)
from unet_demo.hub import HubError
from unet_demo.publishing import Publication, prepare, publish

REPO = "ann/unets"
TOKEN = "hf_right"
FILES = [
    "README.md",
    "index.json",
    "membranes.safetensors",
    "membranes.md",
    "membranes.svg",
    "shapes.safetensors",
    "shapes.md",
]

# None of these tests asks for the machine's own Hub.
pytestmark = [
    pytest.mark.usefixtures("hub_cache"),
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),  # huggingface_hub's own
]


@pytest.fixture
def weights(binary_file, shapes_file, tmp_path) -> Path:
    """A folder of two bundled checkpoints, with what `bundle` writes beside them, and a stray file."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    for name, file in {"membranes": binary_file, "shapes": shapes_file}.items():
        target = folder / f"{name}.safetensors"
        target.write_bytes(file.read_bytes())
        add_to_index(target)
    (folder / "membranes.md").write_text("# A card\n\n![Its curve](membranes.svg)\n")
    (folder / "membranes.svg").write_text("<svg/>")
    (folder / "shapes.md").write_text("# Another, with ![a badge](https://example.org/x.svg)\n")
    (folder / "stray.safetensors").write_bytes(b"of nobody")
    return folder


@pytest.fixture
def token(monkeypatch) -> str:
    """The environment's token. Files go over git LFS, since the loopback speaks no Xet."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return TOKEN


@pytest.fixture
def small() -> Publication:
    """Two files: one that goes over git LFS, and one that goes with the commit."""
    files = {"README.md": b"---\nlicense: mit\n---\n", "a.safetensors": b"weights" * 1000}
    return Publication(REPO, None, files)


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(publishing, "START_SECONDS", 0.5)


def sentence(call: Callable[[], object], kind: type[Exception] = HubError) -> str:
    """The words of the error that the call raises: one line, one full stop, no local path."""
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and ". " not in text
    assert "/tmp" not in text and "Error" not in text
    return text


# --- what would go ---


def test_what_the_index_names_goes_with_cards_and_pictures_and_nothing_else(weights):
    assert list(prepare(weights, REPO).files) == FILES


def test_the_bytes_are_those_of_the_folder(weights):
    publication = prepare(weights, REPO)
    for name in FILES[1:]:
        assert publication.files[name] == (weights / name).read_bytes()
    assert publication.size == sum(map(len, publication.files.values())) > 10_000


def test_a_revision_may_stand_in_the_name_or_beside_it(weights):
    for publication in (prepare(weights, f"{REPO}@v1"), prepare(weights, REPO, "v1")):
        assert (publication.repo, publication.revision) == (REPO, "v1")
        assert publication.address == f"{REPO}@v1"


def test_the_page_lists_each_checkpoint_with_its_card_and_its_scores(weights):
    page = prepare(weights, REPO).files["README.md"].decode()
    rows = [line for line in page.splitlines() if line.startswith("| [")]
    assert [row.split("]")[0] for row in rows] == ["| [membranes", "| [shapes"]
    assert "](shapes.md)" in rows[1] and "ShapesUNet" in rows[1]
    assert f"`{HUB_VARIABLE}={REPO}`" in page


def test_the_page_gives_the_headline_scores_and_keeps_the_terms_in_their_cell(binary):
    card = replace(
        binary.card, scores={"mIoU": 0.98765, "IoU cat": 0.5}, licence="MIT | none\nelse"
    )
    page = publishing.hub_page(REPO, {"a": card}, {"a": "a.safetensors"})
    (row,) = [line for line in page.splitlines() if line.startswith("| [a]")]
    assert "mIoU 0.988" in row and "cat" not in row
    assert row.endswith("| MIT \\| none else |")


@pytest.mark.parametrize(
    "target", ["shapes", "ann/unets@../x", "https://huggingface.co/datasets/a/b"]
)
def test_what_is_no_repository_gets_a_sentence(weights, target):
    assert "write it as owner/repo" in sentence(lambda: prepare(weights, target))


# --- what is not sent ---


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def other(path: Path) -> None:
    path.write_bytes(b"no checkpoint")
    add_to_index(path)


def latin(path: Path) -> None:
    path.write_bytes("naïve".encode("latin-1"))


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("shapes.safetensors", damage, "is not the file whose SHA-256 index.json holds"),
        ("shapes.safetensors", Path.unlink, "shapes.safetensors is missing"),
        ("shapes.safetensors", other, "not a complete safetensors file"),
        ("shapes.md", Path.unlink, "shapes.md is missing"),
        ("shapes.md", latin, "is not UTF-8 text"),
        ("membranes.svg", Path.unlink, "membranes.svg is missing"),
        ("index.json", Path.unlink, "index.json is missing"),
        ("index.json", damage, "index.json lists no checkpoints"),
    ],
)
def test_a_damaged_or_missing_file_is_one_sentence(weights, name, spoil, words):
    spoil(weights / name)
    assert words in sentence(lambda: prepare(weights, REPO), CheckpointError)


def test_an_index_that_names_a_file_elsewhere_is_refused(weights):
    index = weights / "index.json"
    index.write_text(index.read_text().replace("shapes.safetensors", "../shapes.safetensors"))
    assert "lists no checkpoints" in sentence(lambda: prepare(weights, REPO), CheckpointError)


# --- an honest Hub ---


def test_a_repository_is_made_and_gets_all_files_in_one_commit(serve, weights, token):
    repos, commits, private = {}, [], set()
    endpoint = serve(repos, token=token, commits=commits, private=private)
    publication = prepare(weights, REPO)
    address = publish(publication, "The first")
    sent = {name: data for name, data in repos[REPO].items() if name != ".gitattributes"}
    assert sent == publication.files
    assert address.startswith(f"{endpoint}/{REPO}/commit/")
    assert commits == ["The first"] and not private


def test_what_is_there_already_is_not_sent_again(serve, weights, token):
    repos, commits, asked = {}, [], []
    serve(repos, token=token, commits=commits, asked=asked)
    publish(prepare(weights, REPO))
    asked.clear()
    address = publish(prepare(weights, REPO))
    assert len(commits) == 1 and not [line for line in asked if line.startswith("PUT")]
    assert "/commit/" in address


def test_a_changed_checkpoint_takes_the_place_of_the_old_one_and_other_files_stay(
    serve, weights, token
):
    repos = {REPO: {"LICENSE": b"theirs"}}
    serve(repos, token=token)
    publish(prepare(weights, REPO))
    add_to_index(saved(binary_checkpoint(width=2), weights / "shapes.safetensors"))
    publish(prepare(weights, REPO))
    assert repos[REPO]["shapes.safetensors"] == (weights / "shapes.safetensors").read_bytes()
    assert repos[REPO]["LICENSE"] == b"theirs"


def test_a_branch_is_made_and_the_main_one_stays_as_it_is(serve, small, token):
    repos = {REPO: {"LICENSE": b"theirs"}}
    serve(repos, token=token)
    publish(Publication(REPO, "feature/x", small.files))
    assert set(repos[f"{REPO}@feature/x"]) == {"LICENSE", *small.files}
    assert repos[REPO] == {"LICENSE": b"theirs"}
    publish(Publication(REPO, "feature/x", {"README.md": b"---\nlicense: other\n---\n"}))
    assert b"other" in repos[f"{REPO}@feature/x"]["README.md"]


def test_a_new_repository_can_be_private(serve, small, token):
    private = set()
    serve({}, token=token, private=private)
    publish(small, private=True)
    assert private == {REPO}


def test_a_public_repository_gets_nothing_that_was_to_be_private(serve, small, token):
    repos = {REPO: {"LICENSE": b"theirs"}}
    endpoint = serve(repos, token=token)
    words = sentence(lambda: publish(small, private=True))
    assert "is there and public" in words and f"{endpoint}/{REPO}/settings" in words
    assert repos[REPO] == {"LICENSE": b"theirs"}


def test_the_token_of_a_login_is_used(serve, small, token, monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text(token)
    repos = {}
    serve(repos, token=token)
    publish(small)
    assert "a.safetensors" in repos[REPO]


@pytest.mark.parametrize("revision", [None, "v1"])
def test_a_fresh_reader_finds_what_was_published(
    serve, weights, token, monkeypatch, tmp_path, revision
):
    serve({}, token=token)
    publication = prepare(weights, REPO, revision)
    publish(publication)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(checkpoints, "WEIGHTS", tmp_path / "nothing bundled")
    monkeypatch.setenv(HUB_VARIABLE, publication.address)
    path = find_offered("shapes")
    assert path.read_bytes() == (weights / "shapes.safetensors").read_bytes()
    assert load_checkpoint(path).card.network == "ShapesUNet"
    assert list(offered_cards()) == ["membranes", "shapes"]


# --- a Hub that says no ---


def test_without_a_token_no_hub_is_asked(serve, small):
    asked: list[str] = []
    endpoint = serve({}, asked=asked)
    words = sentence(lambda: publish(small))
    assert f"make one that may write at {endpoint}/settings/tokens" in words
    assert "HF_TOKEN" in words and "`hf auth login`" in words
    assert asked == []


def test_offline_mode_publishes_nothing(serve, small, token, monkeypatch):
    asked: list[str] = []
    serve({}, token=token, asked=asked)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in sentence(lambda: publish(small))
    assert asked == []


def test_a_token_that_the_hub_does_not_know_is_refused(serve, small, token):
    serve({}, token="hf_another")
    assert 'refused with error 401 ("Invalid credentials in Authorization header")' in sentence(
        lambda: publish(small)
    )


def test_a_repository_of_somebody_else_is_refused_in_the_hubs_words(serve, small, token):
    repos = {"bob/unets": {"LICENSE": b"his"}}
    serve(repos, token=token)
    words = sentence(lambda: publish(Publication("bob/unets", None, small.files)))
    assert 'error 403 ("You don\'t have the rights to write to bob/unets")' in words
    assert "a token that may write to bob/unets" in words
    assert repos == {"bob/unets": {"LICENSE": b"his"}}


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Behaviour(status=404, where="/commit/"), "error 404; check the names"),
        (Behaviour(status=409, where="/commit/"), "error 409; somebody else is writing"),
        (Behaviour(status=500, where="/commit/"), "error 500; try again later"),
        (Behaviour(status=413, where="/storage/"), "error 413; make room there"),
        (
            Behaviour(status=403, where="/commit/", words="Storage limit reached. Upgrade.\nNow."),
            'error 403 ("Storage limit reached, Upgrade, Now"); set HF_TOKEN',
        ),
        (Behaviour(page=b"<html>Welcome to the hotel</html>"), "does not answer like one"),
        (Behaviour(page=b"{}", where="/commit/"), "does not answer like one"),
        (Behaviour(page=b"[]", where="/commit/"), "does not answer like one"),
    ],
    ids=["404", "409", "500", "413", "403", "hotel", "empty", "list"],
)
def test_each_refusal_is_one_sentence_and_changes_no_file(serve, small, token, trouble, words):
    repos = {REPO: {"LICENSE": b"theirs"}}
    serve(repos, trouble, token=token)
    assert words in sentence(lambda: publish(small))
    assert repos[REPO] == {"LICENSE": b"theirs"}


def test_a_full_storage_is_said_in_the_hubs_words(serve, small, token):
    repos = {}
    serve(repos, token=token, room=1000)
    words = sentence(lambda: publish(small))
    assert "You have exceeded your storage quota" in words and "make room there" in words
    assert list(repos[REPO]) == [".gitattributes"]


def test_a_refusal_that_xet_tells_gives_its_status(serve, small, token, monkeypatch):
    pytest.importorskip("hf_xet")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    serve({}, Behaviour(status=403, where="xet-write-token"), token=token)
    assert "refused with error 403; set HF_TOKEN" in sentence(lambda: publish(small))


# --- a Hub that does not answer ---


@pytest.mark.parametrize("where", ["", "/branch/", "/commit/", "/objects/batch", "/storage/"])
def test_a_dead_hub_ends_in_a_sentence_within_its_stated_time(
    serve, small, token, impatient, where
):
    serve({}, Behaviour(dead=True, where=where), token=token)
    start = time.perf_counter()
    words = sentence(lambda: publish(Publication(REPO, "v1", small.files)))
    assert "did not answer within" in words
    assert time.perf_counter() - start < 10


def test_a_dead_storage_does_not_hold_up_the_end_of_the_program(serve, weights, tmp_path):
    endpoint = serve({}, Behaviour(dead=True, where="/storage/"), token=TOKEN)
    script = (
        "import pathlib, sys\n"
        "from unet_demo import publishing\n"
        "publishing.START_SECONDS, publishing.SLOWEST_UPLOAD = 0.5, 1e9\n"
        "publication = publishing.prepare(pathlib.Path(sys.argv[1]), 'ann/unets')\n"
        "try:\n    publishing.publish(publication)\n"
        "except publishing.HubError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(weights)],
        cwd=Path(publishing.__file__).parents[1],
        env={
            **os.environ,
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_XET": "1",
        },
        capture_output=True,
        text=True,
        timeout=40,
    )
    assert "did not answer within" in done.stdout and "Traceback" not in done.stderr


def test_an_upload_has_the_time_that_its_size_takes(serve, small, token, monkeypatch):
    monkeypatch.setattr(publishing, "START_SECONDS", 1)
    monkeypatch.setattr(publishing, "SLOWEST_UPLOAD", len(small.files["a.safetensors"]) / 2)
    repos = {}
    serve(repos, Behaviour(delay=1.5, where="/storage/"), token=token)
    publish(small)
    assert "a.safetensors" in repos[REPO]


@pytest.mark.parametrize("endpoint", [closed_port(), "not-an-address"])
def test_a_hub_that_is_not_there_ends_in_a_sentence_at_once(small, token, monkeypatch, endpoint):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    start = time.perf_counter()
    assert "cannot be reached" in sentence(lambda: publish(small))
    assert time.perf_counter() - start < 5
