"""unet_demo.publishing: what goes to the repository of the checkpoints, and what keeps it from going."""

from dataclasses import replace
from pathlib import Path

import pytest
from asking import REPO, sentence

from unet_demo import publishing
from unet_demo.checkpoints import HUB_VARIABLE, CheckpointError, add_to_index
from unet_demo.publishing import prepare

FILES = [
    "README.md",
    "index.json",
    "membranes.safetensors",
    "membranes.md",
    "membranes.svg",
    "shapes.safetensors",
    "shapes.md",
]


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
