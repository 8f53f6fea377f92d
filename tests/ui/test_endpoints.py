"""What a script gets from a live server through gradio_client."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from unet_demo.data.shapes import article_scene
from unet_demo.ui.demo import launch


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    app, address, _ = launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield Client(address, verbose=False)
    app.get_blocks().close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "article.png"
    Image.fromarray(article_scene()[0]).save(path)
    return path


def test_checkpoints_lists_what_is_bundled_with_its_scores(client: Client) -> None:
    checkpoints = {c["name"]: c for c in client.predict(api_name="/checkpoints")}
    assert {"shapes", "isbi"} <= set(checkpoints)
    assert checkpoints["isbi"]["classes"] == ["membrane", "cell interior"]
    assert checkpoints["isbi"]["scores"]["V_rand"] > 0.9


def test_segment_answers_with_a_mask_of_ids_and_a_description(
    client: Client, picture: Path
) -> None:
    mask, description = client.predict(handle_file(picture), "shapes", api_name="/segment")
    ids = np.asarray(Image.open(mask))
    assert ids.shape == (256, 256)
    assert description["width"] == description["height"] == 256
    assert {entry["name"] for entry in description["classes"]} >= {"background"}
    assert sum(entry["share"] for entry in description["classes"]) == pytest.approx(1, abs=1e-4)


def test_segment_takes_a_threshold(client: Client, picture: Path) -> None:
    _, low = client.predict(handle_file(picture), "isbi", 0.01, api_name="/segment")
    _, high = client.predict(handle_file(picture), "isbi", 0.99, api_name="/segment")
    interior = [
        sum(c["share"] for c in d["classes"] if c["name"] == "cell interior") for d in (low, high)
    ]
    assert interior[0] > interior[1]


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
def test_a_threshold_out_of_its_range_ends_in_one_sentence(
    client: Client, picture: Path, threshold: float
) -> None:
    with pytest.raises(AppError, match="give one from 0 to 1, or leave it out"):
        client.predict(handle_file(picture), "isbi", threshold, api_name="/segment")


def test_a_broken_file_ends_in_one_sentence(client: Client, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(AppError) as caught:
        client.predict(handle_file(broken), "shapes", api_name="/segment")
    assert "/" not in str(caught.value)


@pytest.mark.parametrize("name", ["nonsense", "/etc/hostname", "weights/shapes.safetensors"])
def test_a_checkpoint_that_is_not_offered_ends_in_one_sentence(
    client: Client, picture: Path, name: str
) -> None:
    with pytest.raises(AppError, match="There is no checkpoint"):
        client.predict(handle_file(picture), name, api_name="/segment")
