"""``/train``, followed by a script against a live server."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from serving import served

from unet_demo.live.settings import LOCAL, SPACE
from unet_demo.ui.api import endpoints
from unet_demo.ui.api.endpoints import SCRIPTED_SECONDS, script_limits, train_network
from unet_demo.ui.train.page import TrainPage


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with gr.Blocks() as demo:
        endpoints.build()
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


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps": True}, "steps cannot be True; it takes the number of steps"),
        ({"rate": False}, "rate cannot be False"),
        ({"steps": 10**400}, "number of steps is 1000"),
        ({"rate": 10**400}, "rate "),
    ],
)
def test_what_is_no_number_or_far_too_large_is_refused_in_one_sentence(
    client: Client, settings: dict[str, Any], words: str
):
    with pytest.raises(AppError, match=words) as caught:
        stream(client, **settings)
    assert len(str(caught.value)) < 200


def test_a_switch_is_still_true_or_false(client: Client):
    updates = stream(client, preset="random", width=8, batch=1, steps=1, skips=False)
    assert updates[-1]["state"] == "finished"


def test_scripts_train_one_at_a_time_and_take_no_visitors_place():
    with gr.Blocks() as demo:
        TrainPage(demo)
        endpoints.build()
    scripted = [fn for fn in demo.fns.values() if fn.api_name in ("train", "teach")]
    group = [fn for fn in demo.fns.values() if fn.concurrency_id == scripted[0].concurrency_id]
    assert group == scripted and {fn.concurrency_limit for fn in group} == {1}


def test_a_scripts_run_ends_sooner_than_a_visitors(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert script_limits().seconds == SCRIPTED_SECONDS < LOCAL.seconds
    assert f"{SCRIPTED_SECONDS // 60} minutes" in (train_network.__doc__ or "")
    monkeypatch.setenv("SPACE_ID", "someone/unet_demo")
    assert script_limits() == SPACE


def test_the_page_itself_shows_scripts_nothing():
    with gr.Blocks() as demo:
        TrainPage(demo)
    assert demo.get_api_info()["named_endpoints"] == {}
