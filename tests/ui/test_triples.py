"""The pictures on the Models and the Articles page."""

import io

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from unet_demo.examples import load_example
from unet_demo.tasks import ISBI, SHAPES, VOC, VOC_COLOUR, MulticlassTask
from unet_demo.ui.triples import figure, person_truth, triples_routes


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=triples_routes()))


def pixels(client: TestClient, path: str) -> np.ndarray:
    answer = client.get(f"/triples/{path}.webp")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp"
    assert len(answer.content) < 50_000
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))


def test_a_mask_is_painted_in_the_palette_and_agrees_with_the_truth(client):
    mask, truth = (pixels(client, f"article/{kind}") for kind in ("shapes/mask", "truth"))
    assert mask.shape == truth.shape == (320, 320, 3)
    assert {tuple(colour) for colour in np.unique(mask.reshape(-1, 3), axis=0)} <= set(
        SHAPES.palette
    )
    assert (mask == truth).all(-1).mean() > 0.99


def test_a_network_that_regresses_colours_shows_what_it_paints(client):
    painted = pixels(client, "person/voc-color/painted")
    assert len(np.unique(painted.reshape(-1, 3), axis=0)) > 100


@pytest.mark.parametrize(
    "path",
    [
        "person/shapes/mask",
        "coins/shapes/mask",
        "shapes/nobody/mask",
        "shapes/owner%2Frepo/mask",
        "article/shapes/painted",
        "article/shapes/other",
        "coins/picture",
        "article/mask",
    ],
)
def test_what_is_not_shown_is_not_found(client, path):
    assert client.get(f"/triples/{path}.webp").status_code == 404


def test_the_outline_drawn_by_hand_holds_the_person_and_not_what_is_behind_her():
    photo = load_example("person").picture.slices[0]
    truth = person_truth(*photo.shape[:2])
    person = VOC.classes.index("person")
    assert set(np.unique(truth)) == {0, person}
    face, suit, shuttle, flag, helmet = (
        truth[place] for place in ((100, 230), (330, 130), (200, 400), (100, 30), (440, 400))
    )
    assert (face, suit, shuttle, flag, helmet) == (person, person, 0, 0, 0)


@pytest.mark.parametrize(
    ("task", "example"),
    [(SHAPES, "shapes"), (ISBI, "membranes"), (VOC, "person"), (VOC_COLOUR, "person")],
)
def test_a_checkpoint_is_shown_with_an_example_of_its_classes(task, example):
    shown = figure("it", task, "en")
    assert f'src="triples/{example}/picture.webp"' in shown
    assert f'src="triples/{example}/it/mask.webp"' in shown


def test_a_checkpoint_of_other_classes_shows_no_pictures():
    assert figure("it", MulticlassTask(("a", "b"), ((0, 0, 0), (9, 9, 9))), "en") == ""
