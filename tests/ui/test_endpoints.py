"""What a script gets from a live server, through gradio_client and through curl."""

import json
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import tifffile
from asking import program
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from serving import served

from unet_demo.checkpoints import HUB_VARIABLE, load_checkpoint
from unet_demo.data.shapes import article_scene
from unet_demo.ui.api.endpoints import list_checkpoints
from unet_demo.ui.pages import build
from unet_demo.ui.serve import launch

PUBLIC = {"segment", "train", "teach", "checkpoints"}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(launch) as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "article.png"
    Image.fromarray(article_scene()[0]).save(path)
    return path


def refusal(client: Client, *arguments: Any, **named: Any) -> str:
    """The words of the error: one line that ends in a full stop and names no file of the server's."""
    with pytest.raises(AppError) as caught:
        client.predict(*arguments, **named)
    words = str(caught.value)
    assert words.endswith(".") and "\n" not in words
    assert "/tmp" not in words
    return words


# --- what a script is told ---


def test_no_other_endpoint_is_there_for_scripts():
    visible = {fn.api_name for fn in build().fns.values() if fn.api_visibility != "private"}
    assert visible == PUBLIC


def test_each_endpoint_and_each_parameter_is_described_with_its_type_and_default(client):
    endpoints: Any = client.view_api(return_format="dict", print_info=False)
    assert set(endpoints["named_endpoints"]) == {f"/{name}" for name in PUBLIC}
    for endpoint in endpoints["named_endpoints"].values():
        assert endpoint["description"].endswith(".")
        for parameter in endpoint["parameters"]:
            name = parameter["parameter_name"]
            assert parameter["label"] == name
            assert parameter["python_type"]["type"] not in ("", "Any")
            assert parameter["python_type"]["description"].endswith(".")
            assert parameter["parameter_has_default"] or name in ("picture", "labels")
        for output in endpoint["returns"]:
            assert output["label"].isidentifier()
            assert output["python_type"]["description"].endswith(".")


def test_openapi_describes_the_same_parameters(address):
    paths = httpx2.get(f"{address}/gradio_api/openapi.json").json()["paths"]
    body = paths["/gradio_api/call/v2/segment"]["post"]["requestBody"]["content"]
    properties = body["application/json"]["schema"]["properties"]
    assert list(properties) == ["picture", "checkpoint", "threshold", "average"]
    assert properties["checkpoint"]["default"] == "shapes"
    assert "owner/repo" in properties["checkpoint"]["description"]


# --- gradio_client ---


def test_checkpoints_lists_what_is_bundled_with_its_scores(client):
    checkpoints = {c["name"]: c for c in client.predict(api_name="/checkpoints")}
    assert {"shapes", "isbi"} <= set(checkpoints)
    assert checkpoints["isbi"]["classes"] == ["membrane", "cell interior"]
    assert checkpoints["isbi"]["scores"]["V_rand"] > 0.9


def test_checkpoints_lists_those_of_the_hub_too(serve, binary_file, monkeypatch):
    bundled = [checkpoint["name"] for checkpoint in list_checkpoints()]
    data = binary_file.read_bytes()
    listed = {"far": {"file": "far.safetensors", "sha256": sha256(data).hexdigest()}}
    index = json.dumps({"checkpoints": listed}).encode()
    serve({"ann/unets": {"index.json": index, "far.safetensors": data}})
    monkeypatch.setenv(HUB_VARIABLE, "ann/unets")
    assert [checkpoint["name"] for checkpoint in list_checkpoints()] == [*bundled, "far"]


def test_segment_answers_with_a_mask_of_ids_and_a_description(client, picture):
    mask, description = client.predict(
        picture=handle_file(picture), checkpoint="shapes", api_name="/segment"
    )
    ids = np.asarray(Image.open(mask))
    assert np.mean(ids == article_scene()[1]) > 0.98
    assert description["width"] == description["height"] == 256
    assert {entry["name"] for entry in description["classes"]} >= {"background"}
    assert sum(entry["share"] for entry in description["classes"]) == pytest.approx(1, abs=1e-4)


def test_segment_takes_a_threshold(client, picture):
    _, low = client.predict(handle_file(picture), "isbi", 0.01, api_name="/segment")
    _, high = client.predict(handle_file(picture), "isbi", 0.99, api_name="/segment")
    interior = [
        sum(c["share"] for c in d["classes"] if c["name"] == "cell interior") for d in (low, high)
    ]
    assert interior[0] > interior[1]


def test_pixels_without_a_value_are_void_in_the_mask(client, tmp_path):
    pixels = article_scene()[0].astype(np.float32)
    pixels[3:6, 4] = np.nan
    tifffile.imwrite(tmp_path / "holes.tif", pixels, photometric="rgb")
    holed = handle_file(tmp_path / "holes.tif")
    mask, description = client.predict(holed, "shapes", api_name="/segment")
    assert np.array_equal(np.asarray(Image.open(mask)) == 255, np.isnan(pixels[..., 0]))
    assert any("3 pixels hold no value" in note for note in description["notes"])


@pytest.mark.parametrize("threshold", [-0.1, 1.5])
def test_a_threshold_out_of_its_range_ends_in_one_sentence(client, picture, threshold):
    words = refusal(client, handle_file(picture), "isbi", threshold, api_name="/segment")
    assert "give one from 0 to 1, or leave it out" in words


def test_a_broken_file_ends_in_one_sentence(client, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    assert "/" not in refusal(client, handle_file(broken), "shapes", api_name="/segment")


@pytest.mark.parametrize("name", ["nonsense", "/etc/hostname", "weights/shapes.safetensors"])
def test_a_checkpoint_that_is_not_offered_ends_in_one_sentence(client, picture, name):
    words = refusal(client, handle_file(picture), name, api_name="/segment")
    assert "There is no checkpoint" in words


SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
import gradio as gr
from unet_demo.ui.api.endpoints import segment_picture

def say(path, checkpoint, megabytes):
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size + megabytes * 2**20, hard))
    try:
        segment_picture(path, checkpoint)
    except gr.Error as error:
        print(error.message)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))

small, middle, large = map(Path, sys.argv[1:])
segment_picture(small, "shapes")
say(small, "isbi", 10)
say(large, "shapes", 20)
say(large, "shapes", 200)
say(middle, "shapes", 60)
"""
"""What is said where no more than so many megabytes are left."""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux tells it there")
def test_what_the_memory_cannot_hold_ends_in_one_sentence(tmp_path):
    paths = [tmp_path / f"{name}.png" for name in ("small", "middle", "large")]
    for path, side in zip(paths, (64, 700, 3000), strict=True):
        Image.new("RGB", (side, side)).save(path)
    done = program(SHORT_OF_MEMORY, *map(str, paths), OMP_NUM_THREADS="1")
    network, picture, *predictions = done.stdout.splitlines()
    assert network.startswith("There is not enough memory for this; close other programs")
    assert picture == '"large.png" needs more memory than there is: make it smaller.'
    # NumPy's memory ends for the large one, and torch's for the other.
    too_large = "The picture is too large for this machine's memory; make it smaller."
    assert predictions == [too_large, too_large]
    assert done.stderr == ""


def test_a_value_of_another_type_is_refused_with_what_the_parameter_takes(client, picture):
    words = refusal(client, handle_file(picture), "isbi", "high", api_name="/segment")
    assert words.startswith("threshold cannot be 'high'; it takes a number from 0 to 1")
    words = refusal(client, steps="many", api_name="/train")
    assert words.startswith("steps cannot be 'many'; it takes")


@pytest.mark.parametrize("sent", [None, "article.png", {"path": "/etc/hostname"}])
def test_what_is_no_uploaded_file_is_refused(client, sent):
    assert "picture is no uploaded file" in refusal(client, sent, api_name="/segment")


# --- files by their address ---


def uploaded(address: str, picture: Path) -> str:
    """The path of a picture on the server."""
    with picture.open("rb") as file:
        return httpx2.post(f"{address}/gradio_api/upload", files={"files": file}).json()[0]


def by_address(address: str) -> dict[str, Any]:
    return {"path": address, "meta": {"_type": "gradio.FileData"}}


def test_an_uploaded_file_may_be_named_by_its_address(client, address, picture):
    sent = by_address(f"{address}/gradio_api/file={uploaded(address, picture)}")
    _, description = client.predict(sent, api_name="/segment")
    assert description["width"] == 256


def test_no_other_file_of_the_servers_can_be_named_so(client, address, picture):
    sent = by_address(f"{address}/gradio_api/file={picture}")
    assert "picture is no uploaded file" in refusal(client, sent, api_name="/segment")


def test_no_address_of_the_servers_own_network_is_fetched(client, address):
    words = refusal(client, by_address(f"{address}/config"), api_name="/segment")
    assert "cannot be fetched" in words and "upload the file instead" in words


# --- teach ---


@pytest.fixture
def strokes(picture: Path) -> Path:
    """A stroke of the first and one of the third class on the article’s picture."""
    labels = np.full((256, 256), 255, np.uint8)
    labels[20, 20:60], labels[128, 100:140] = 0, 2
    path = picture.with_name("strokes.png")
    Image.fromarray(labels).save(path)
    return path


def test_a_script_teaches_a_picture_by_strokes(client, picture, strokes):
    job = client.submit(
        handle_file(picture), handle_file(strokes), classes=["sky", "ground", "thing"], seconds=1,
        api_name="/teach",
    )  # fmt: skip
    told, mask, checkpoint = job.result()
    assert told["painted"] == [40, 0, 40] and told["held_out"] == 0
    assert np.asarray(Image.open(mask)).shape == (256, 256)
    assert load_checkpoint(Path(checkpoint)).card.task.classes == ("sky", "ground", "thing")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"classes": ["one"]}, "1 classes cannot be taught; name from 2 to 8"),
        ({"classes": ["a" * 100, "b"]}, "is too long"),
        ({"seconds": 0}, "A lesson cannot take 0.0 s; give 1 s or more."),
        ({"start": "cats"}, "There is no checkpoint 'cats'"),
    ],
)
def test_a_lesson_that_cannot_be_is_refused_in_one_sentence(client, picture, strokes, given, words):
    files = handle_file(picture), handle_file(strokes)
    assert words in refusal(client, *files, **given, api_name="/teach")


# --- curl ---


def curl(*arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--max-time", "60", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def call(address: str, name: str, **parameters: Any) -> list[tuple[str, Any]]:
    """What curl prints of a call: each event's name and data."""
    body = ("--json", json.dumps(parameters))
    event = json.loads(curl(f"{address}/gradio_api/call/v2/{name}", *body))["event_id"]
    printed = curl("--no-buffer", f"{address}/gradio_api/call/{name}/{event}")
    lines = [line.partition(": ")[2] for line in printed.splitlines() if line]
    return [(name, json.loads(data)) for name, data in zip(lines[::2], lines[1::2], strict=True)]


def test_curl_segments_an_uploaded_picture_and_fetches_its_mask(address, picture, tmp_path):
    (path,) = json.loads(curl("-F", f"files=@{picture}", f"{address}/gradio_api/upload"))
    ((event, (mask, description)),) = call(address, "segment", picture=by_address(path))
    assert (event, description["checkpoint"]) == ("complete", "shapes")
    curl("--output", f"{tmp_path}/mask.png", mask["url"])
    assert np.asarray(Image.open(tmp_path / "mask.png")).shape == (256, 256)


def test_curl_lists_the_checkpoints(address):
    ((event, (checkpoints,)),) = call(address, "checkpoints")
    assert event == "complete" and "isbi" in {checkpoint["name"] for checkpoint in checkpoints}


def test_curl_follows_a_training(address):
    events = call(address, "train", preset="random", width=8, batch=1, steps=2)
    assert {event for event, _ in events[:-1]} == {"generating"}
    assert events[-1][0] == "complete"
    states = [data[0]["state"] for event, data in events if event == "generating"]
    assert states[-1] == "finished"


def test_curl_reads_a_mistake_in_one_sentence(address):
    ((event, data),) = call(address, "train", width=12)
    assert event == "error"
    assert data["error"] == "There is no width 12; choose one of 8, 16, 32, 64."


@pytest.mark.parametrize(
    ("parameters", "named"), [({}, "picture"), ({"picture": None, "colour": "red"}, "colour")]
)
def test_curl_reads_of_a_parameter_that_is_missing_or_unknown(address, parameters, named):
    body = ("--json", json.dumps(parameters))
    words = json.loads(curl(*body, f"{address}/gradio_api/call/v2/segment"))["error"]
    assert named in words and words.endswith("tells what each endpoint takes.")


def test_without_being_asked_for_no_mcp_server_is_there(address):
    assert httpx2.get(f"{address}/gradio_api/mcp/schema").status_code == 404
