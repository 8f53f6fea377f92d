"""``/train``, followed by a script against a live server."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from serving import served

from unet_demo.ui.train_page import TrainPage


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with gr.Blocks() as demo:
        TrainPage(demo)
    with served(demo.launch) as address:
        client = Client(address, verbose=False)
        yield client
        client.close()


def stream(client: Client, **settings) -> list[Any]:
    job = client.submit(**settings, api_name="/train")
    updates = list(job)
    job.result()  # raises what the server refused
    return updates


def test_a_script_follows_a_run_to_its_end(client: Client):
    updates = stream(client, preset="random", width=8, batch=1, steps=3)
    last = updates[-1]
    assert [update["state"] for update in updates[:-1]] == ["running"] * (len(updates) - 1)
    assert (last["state"], last["step"]) == ("finished", 3)
    assert len(last["losses"]) == 3
    assert last["loss"] == last["losses"][-1]
    assert 0 <= last["validation_mIoU"] <= 1


def test_the_same_seed_streams_the_same_losses(client: Client):
    settings = {"preset": "random", "width": 8, "batch": 1, "steps": 2, "seed": 5}
    assert stream(client, **settings)[-1]["losses"] == stream(client, **settings)[-1]["losses"]


def test_a_setting_out_of_bounds_is_refused_in_one_sentence(client: Client):
    with pytest.raises(AppError, match="There is no width 12; choose one of 8, 16, 32, 64"):
        stream(client, width=12)


def test_a_rate_that_breaks_the_run_is_explained(client: Client):
    updates = stream(
        client, preset="random", width=8, batch=1, steps=30, rate=1e3, optimiser="SGD",
        batch_norm=False,
    )  # fmt: skip
    assert updates[-1]["state"] == "diverged"
    assert "choose a lower rate" in updates[-1]["message"]
    assert updates[-1]["loss"] is None


def test_train_is_the_only_endpoint_that_the_page_shows(client: Client):
    shown: Any = client.view_api(return_format="dict")
    assert list(shown["named_endpoints"]) == ["/train"]
