"""A Hugging Face Space: the front matter that sets it up, and what unet_demo.publishing sends there."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import ON_A_SERVED_HUB, REPO, sentence
from hub_server import Behaviour, Files
from huggingface_hub import SpaceHardware, metadata_load
from serving import answer, free_port

from unet_demo.checkpoints import HUB_VARIABLE, WEIGHTS
from unet_demo.publishing import THUMBNAIL, pictures_in, prepare, prepare_space
from unet_demo.uploading import Publication, PublishError, publish

ROOT = Path(__file__).parents[1]
SPACE = "ann/demo"
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
KEYS = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file",
    "short_description", "suggested_hardware", "fullWidth", "tags", "pinned", "license",
}  # fmt: skip
OWNERS_KEYS = {"thumbnail", "models", "preload_from_hub"}
"""What names the owner's repositories: `publish --space` adds it."""

pytestmark = ON_A_SERVED_HUB


def written(files: Files, folder: Path) -> Path:
    """The folder, into which the files were written as a Space checks them out."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def front_matter(files: Files, folder: Path) -> dict:
    """The metadata that the Hub reads in a Space's README.md."""
    return metadata_load(written({"README.md": files["README.md"]}, folder) / "README.md")


@pytest.fixture
def space(weights) -> Publication:
    """What a Space with two tiny checkpoints gets."""
    return prepare_space(prepare(weights, REPO), SPACE)


@pytest.fixture
def receive(serve, token) -> Callable[[Publication], Files]:
    """receive(publication): the files that an honest Hub holds after it was published."""

    def received(publication: Publication) -> Files:
        repos: dict[str, Files] = {}
        serve(repos, token=token)
        publish(publication)
        (files,) = repos.values()
        return files

    return received


# --- the front matter ---


@pytest.fixture
def metadata(receive, space, tmp_path) -> dict:
    return front_matter(receive(space), tmp_path)


def test_the_front_matter_is_complete_and_holds_no_unknown_key(metadata):
    assert metadata.keys() == KEYS | OWNERS_KEYS


def test_in_the_repository_it_is_complete_but_for_the_owners_names():
    assert metadata_load(ROOT / "README.md").keys() == KEYS


def test_the_thumbnail_is_a_picture_of_the_space_on_the_hub_that_is_asked(
    serve, weights, token, tmp_path
):
    endpoint = serve({}, token=token)
    space = prepare_space(prepare(weights, REPO), SPACE)
    publish(space)
    address = front_matter(space.files, tmp_path)["thumbnail"]
    assert address == f"{endpoint}/spaces/{SPACE}/resolve/main/{THUMBNAIL}"
    with urllib.request.urlopen(address) as reply:
        assert reply.read().startswith(b"\x89PNG")


def test_the_models_are_those_of_the_repository_and_are_there_before_the_first_visitor(metadata):
    assert metadata["models"] == metadata["preload_from_hub"] == [REPO]


@pytest.mark.parametrize(("target", "private"), [(REPO, True), (f"{REPO}@v2", False)])
def test_what_the_build_cannot_read_is_not_preloaded(weights, tmp_path, target, private):
    space = prepare_space(prepare(weights, target), SPACE, private=private)
    metadata = front_matter(space.files, tmp_path)
    assert metadata["models"] == [REPO] and "preload_from_hub" not in metadata


def test_the_space_installs_the_gradio_that_is_pinned(metadata):
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert metadata["sdk"] == "gradio"
    assert f"gradio=={metadata['sdk_version']}" in pins


def test_the_space_runs_an_app_that_is_sent(metadata, space):
    assert metadata["app_file"] in space.files


def test_the_space_runs_python_3_12(metadata):
    assert metadata["python_version"] == "3.12"  # a text: as a number, 3.10 would be 3.1


def test_the_short_description_fits(metadata):
    assert 0 < len(metadata["short_description"]) <= 60


def test_colours_and_hardware_are_such_as_the_hub_knows(metadata):
    assert {metadata["colorFrom"], metadata["colorTo"]} <= COLOURS
    assert metadata["suggested_hardware"] in {hardware.value for hardware in SpaceHardware}


def test_the_hardware_that_is_suggested_is_the_one_that_is_free(metadata):
    assert metadata["suggested_hardware"] == "zero-a10g"


def test_the_tags_say_what_it_is_about(metadata):
    assert {"image-segmentation", "unet", "education"} <= set(metadata["tags"])


def test_below_its_front_matter_the_page_is_the_repositorys(space):
    page = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n---\n")[2]
    assert space.files["README.md"].decode().endswith(page)


# --- the files ---


def test_the_demo_is_sent_without_what_python_and_gradio_write_beside_it(space, weights, tmp_path):
    assert {
        "app.py",
        "requirements.txt",
        "LICENSE",
        "unet_demo/ui/styles/page.css",
    } <= space.files.keys()
    made = {"unet_demo/__pycache__/cli.cpython-312.pyc": b"", "unet_demo/ui/chart.pyi": b""}
    folder = written({**space.files, **made}, tmp_path / "copy")
    assert (
        prepare_space(prepare(weights, REPO), SPACE, root=folder).files.keys() == space.files.keys()
    )


def test_every_picture_of_the_page_is_sent(space):
    pictures = pictures_in(space.files["README.md"].decode())
    assert len(pictures) > 1 and {THUMBNAIL, *pictures} <= space.files.keys()


def test_the_checkpoints_are_sent_as_the_model_repository_gets_them(space, weights):
    checkpoints = prepare(weights, REPO).files
    sent = {name: data for name, data in space.files.items() if name.startswith("weights/")}
    assert sent == {f"weights/{n}": data for n, data in checkpoints.items() if n != "README.md"}


def test_what_is_sent_serves_the_demo(receive, tmp_path):
    folder = written(receive(prepare_space(prepare(WEIGHTS, REPO), SPACE)), tmp_path / "space")
    port = free_port()
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    assert HUB_VARIABLE not in environment
    process = subprocess.Popen([sys.executable, "app.py"], cwd=folder, env=environment)
    try:
        assert '"status":"ok"' in answer(process, f"http://127.0.0.1:{port}/health")
        page = answer(process, f"http://127.0.0.1:{port}/")
        assert "isbi-elastic" in page  # the name of a checkpoint that came along
    finally:
        process.terminate()
        process.wait()


# --- how it goes there ---


def test_a_space_is_made_and_gets_all_files_in_one_commit(serve, space, token):
    repos, commits = {}, []
    endpoint = serve(repos, token=token, commits=commits)
    address = publish(space, "The first")
    sent = {n: data for n, data in repos[f"spaces/{SPACE}"].items() if n != ".gitattributes"}
    assert sent == space.files
    assert address.startswith(f"{endpoint}/spaces/{SPACE}/commit/")
    assert commits == ["The first"]


def test_the_space_is_a_gradio_one_and_offers_the_repositorys_checkpoints(serve, weights, token):
    repos, variables = {}, {}
    serve(repos, Behaviour(status=500, where="/commit/"), token=token, variables=variables)
    sentence(lambda: publish(prepare_space(prepare(weights, f"{REPO}@v2"), SPACE)))
    assert b"sdk: gradio" in repos[f"spaces/{SPACE}"]["README.md"]  # as it was made
    assert variables == {f"spaces/{SPACE}": {HUB_VARIABLE: f"{REPO}@v2"}}


def test_a_new_space_runs_on_what_is_free(serve, space, token):
    hardware = {}
    serve({}, token=token, hardware=hardware)
    publish(space)
    assert hardware == {f"spaces/{SPACE}": "zero-a10g"}


def test_a_space_that_is_there_keeps_its_hardware_unless_another_is_asked_for(
    serve, weights, token
):
    key = f"spaces/{SPACE}"
    repos, hardware = {key: {}}, {key: "t4-small"}
    serve(repos, token=token, hardware=hardware)
    publish(prepare_space(prepare(weights, REPO), SPACE))
    assert hardware == {key: "t4-small"}
    publish(prepare_space(prepare(weights, REPO), SPACE, hardware=SpaceHardware.ZERO_A10G))
    assert hardware == {key: "zero-a10g"}


def test_a_space_that_is_there_gets_what_is_new(serve, space, token):
    repos, commits = {f"spaces/{SPACE}": {"NOTES.md": b"theirs", "app.py": b"old"}}, []
    serve(repos, token=token, commits=commits)
    publish(space)
    publish(space)
    assert len(commits) == 1
    assert repos[f"spaces/{SPACE}"] == {"NOTES.md": b"theirs", **space.files}


def test_what_left_the_tree_leaves_the_programs_folders_and_no_other(serve, space, token):
    gone = {"unet_demo/old.py": b"", "unet_demo/ui/old.css": b"", "weights/old.safetensors": b""}
    theirs = {"NOTES.md": b"theirs", "docs/mine.png": b"", "unet_demo.txt": b"", "data/a.csv": b""}
    repos, removed = {f"spaces/{SPACE}": {**gone, **theirs}}, []
    serve(repos, token=token)
    publish(space, tell_removed=removed.append)
    assert removed == sorted(gone)
    assert repos[f"spaces/{SPACE}"] == {**theirs, **space.files}


def test_a_new_space_can_be_private_and_a_public_one_gets_nothing_that_was_to_be(
    serve, space, token
):
    private = set()
    serve({}, token=token, private=private)
    publish(space, private=True)
    assert private == {f"spaces/{SPACE}"}
    repos = {f"spaces/{SPACE}": {"NOTES.md": b"theirs"}}
    endpoint = serve(repos, token=token)
    words = sentence(lambda: publish(space, private=True), PublishError)
    assert f"make it private at {endpoint}/spaces/{SPACE}/settings" in words
    assert repos == {f"spaces/{SPACE}": {"NOTES.md": b"theirs"}}


# --- what is refused ---


def test_a_token_that_may_not_write_there_is_refused_in_the_hubs_words(serve, weights, token):
    repos = {"spaces/bob/demo": {"app.py": b"his"}}
    serve(repos, token=token)
    space = prepare_space(prepare(weights, REPO), "bob/demo")
    words = sentence(lambda: publish(space), PublishError)
    assert 'error 403 ("You don\'t have the rights to write to bob/demo")' in words
    assert "a token that may write to bob/demo" in words
    assert repos == {"spaces/bob/demo": {"app.py": b"his"}}


def test_what_has_to_be_paid_for_is_said_in_the_hubs_words_and_what_is_free(serve, weights, token):
    repos = {}
    serve(repos, token=token)
    space = prepare_space(prepare(weights, REPO), SPACE, hardware=SpaceHardware.CPU_BASIC)
    words = sentence(lambda: publish(space), PublishError)
    assert 'error 402 ("Static Spaces are free for everyone' in words
    assert "two on ZeroGPU (zero-a10g, which is asked for without --hardware)" in words
    assert repos == {}


def test_the_third_space_on_zero_gpu_is_refused_likewise(serve, space, token):
    serve({}, token=token, hardware={f"spaces/ann/{name}": "zero-a10g" for name in "ab"})
    words = sentence(lambda: publish(space), PublishError)
    assert "error 402" in words and "delete one that you have" in words


@pytest.mark.parametrize("where", ["/api/repos/create", "/variables", "/commit/"])
def test_each_step_that_fails_is_one_sentence(serve, space, token, where):
    serve({}, Behaviour(status=503, where=where), token=token)
    assert "error 503; try again later" in sentence(lambda: publish(space), PublishError)


@pytest.mark.parametrize(
    "target", ["demo", "ann/demo@v1", "", "https://example.org/a/b", "x" * 999]
)
def test_what_is_no_space_gets_a_sentence(weights, target):
    words = sentence(lambda: prepare_space(prepare(weights, REPO), target), PublishError)
    assert words.endswith("is not the name of a Space: write it as owner/space.")


def test_a_space_may_be_given_by_its_address(weights):
    target = f"https://huggingface.co/spaces/{SPACE}/"
    assert prepare_space(prepare(weights, REPO), target).repo == SPACE


@pytest.mark.parametrize("name", ["README.md", "app.py", THUMBNAIL])
def test_without_a_checkout_it_is_asked_for(space, weights, tmp_path, name):
    folder = written({n: data for n, data in space.files.items() if n != name}, tmp_path / "copy")
    words = sentence(
        lambda: prepare_space(prepare(weights, REPO), SPACE, root=folder), PublishError
    )
    assert words.startswith(f"{name} is not beside the program")
    assert "clone unet_demo's repository" in words


@pytest.mark.parametrize(
    "page",
    [
        b"# No front matter",
        b"---\nsdk: docker\n---\n",
        b"---\n[a\n---\n",
        b"---\n- a\n---\n",
        b"\xff",
    ],
    ids=["none", "of another kind", "no YAML", "a list", "no text"],
)
def test_a_page_without_a_spaces_front_matter_is_refused(weights, tmp_path, page):
    folder = written({"README.md": page}, tmp_path / "copy")
    words = sentence(
        lambda: prepare_space(prepare(weights, REPO), SPACE, root=folder), PublishError
    )
    assert words.startswith("README.md does not begin with the front matter of a Space")
