"""unet_demo.uploading against a real server on the loopback: what it sends, and how it is refused."""

import json
from pathlib import Path

import pytest
from asking import ON_A_SERVED_HUB, REPO, program, sentence, where_no_hub_is
from hub_server import Behaviour
from huggingface_hub import constants
from tiny import binary_checkpoint, saved

from unet_demo import uploading
from unet_demo.checkpoints import (
    HUB_VARIABLE,
    add_to_index,
    files,
    find_offered,
    load_checkpoint,
    offered_cards,
)
from unet_demo.publishing import prepare
from unet_demo.uploading import Publication, publish

pytestmark = ON_A_SERVED_HUB


@pytest.fixture
def small() -> Publication:
    """Two files: one that goes over git LFS, and one that goes with the commit."""
    files = {"README.md": b"---\nlicense: mit\n---\n", "a.safetensors": b"weights\0" * 1000}
    return Publication(REPO, None, files)


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(uploading, "START_SECONDS", 0.5)


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


def without_shapes(weights: Path) -> Publication:
    """What goes after the second checkpoint has left the folder."""
    index = json.loads((weights / "index.json").read_text())
    del index["checkpoints"]["shapes"]
    (weights / "index.json").write_text(json.dumps(index))
    return prepare(weights, REPO)


def test_a_checkpoint_that_left_leaves_the_hub_too_with_all_that_came_with_it(
    serve, weights, token
):
    repos, commits, removed = {}, [], []
    serve(repos, token=token, commits=commits)
    publish(prepare(weights, REPO))
    publication = without_shapes(weights)
    publish(publication, "Without", tell_removed=removed.append)
    assert removed == ["shapes.md", "shapes.safetensors"]
    assert set(repos[REPO]) == {".gitattributes", *publication.files}
    assert commits[1:] == ["Without"]


def test_what_no_earlier_publication_brought_is_never_removed(serve, weights, token):
    theirs = {
        "LICENSE": b"theirs", "mine.safetensors": b"of nobody's index", "mine.md": b"my notes",
        "notes/shapes.md": b"elsewhere", "shapes.pt": b"another", ".gitattributes": b"* text",
    }  # fmt: skip
    repos = {REPO: dict(theirs)}
    serve(repos, token=token)
    publish(prepare(weights, REPO))
    publish(without_shapes(weights))
    assert repos[REPO].items() >= theirs.items() and "shapes.safetensors" not in repos[REPO]


@pytest.mark.parametrize("index", [b"{}", b"no index", b'{"checkpoints": {"a": {"file": "../a"}}}'])
def test_an_index_that_is_not_of_this_program_removes_nothing(serve, small, token, index):
    repos = {REPO: {"index.json": index, "shapes.safetensors": b"theirs", "README.md": b"old"}}
    serve(repos, token=token)
    publish(Publication(REPO, None, {**small.files, "index.json": b'{"checkpoints": {}}'}))
    assert repos[REPO]["shapes.safetensors"] == b"theirs"


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
    monkeypatch.setattr(files, "WEIGHTS", tmp_path / "nothing bundled")
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
    words = sentence(lambda: publish(Publication(REPO, "v1", small.files)))
    assert "did not answer within" in words


def test_a_dead_storage_does_not_hold_up_the_end_of_the_program(serve, token, tmp_path):
    asked: list[str] = []
    endpoint = serve({}, Behaviour(dead=True, where="/storage/"), token=token, asked=asked)
    script = (
        "from unet_demo import uploading\n"
        "uploading.START_SECONDS, uploading.SLOWEST_UPLOAD = 0.5, 1e9\n"
        "files = {f'{name}.safetensors': name.encode() + bytes(1000) for name in 'ab'}\n"
        "try:\n    uploading.publish(uploading.Publication('ann/unets', None, files))\n"
        "except uploading.PublishError as error:\n    print(error)\n"
    )
    home = str(tmp_path / "home")
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": home, "HF_HUB_DISABLE_XET": "1"}
    done = program(script, **settings)
    assert "did not answer within" in done.stdout and "Traceback" not in done.stderr
    # The library would try again, and with both files.
    assert len([line for line in asked if line.startswith("PUT")]) == 1


def test_an_upload_has_the_time_that_its_size_takes(serve, small, token, monkeypatch):
    monkeypatch.setattr(uploading, "START_SECONDS", 1)
    monkeypatch.setattr(uploading, "SLOWEST_UPLOAD", len(small.files["a.safetensors"]) / 2)
    repos = {}
    serve(repos, Behaviour(delay=1.5, where="/storage/"), token=token)
    publish(small)
    assert "a.safetensors" in repos[REPO]


@where_no_hub_is
def test_a_hub_that_is_not_there_is_not_waited_for(small, token, monkeypatch, endpoint):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    assert "cannot be reached" in sentence(lambda: publish(small))
