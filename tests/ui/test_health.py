"""The health endpoint: what whoever watches over a server asks."""

from collections.abc import Iterator

import gradio as gr
import httpx2
import pytest
from serving import served

from unet_demo import __version__
from unet_demo.ui.serve import HEALTH_PATH, health_route


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A page behind a password, with the health route."""
    with gr.Blocks() as page:
        gr.Markdown("hello")
    with served(
        page.launch, auth=("someone", "secret"), app_kwargs={"routes": [health_route()]}
    ) as address:
        yield address


def test_health_answers_without_a_password(address):
    assert httpx2.get(f"{address}/config").status_code == 401
    answer = httpx2.get(address + HEALTH_PATH)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "version": __version__})


def test_health_answers_to_head_and_to_nothing_that_would_change_it(address):
    assert httpx2.head(address + HEALTH_PATH).status_code == 200
    assert httpx2.post(address + HEALTH_PATH).status_code == 405
