"""The MCP server, as an agent finds it: the SDK's own client against a live server."""

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import httpx2
import numpy as np
import pytest
import tifffile
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ImageContent, TextContent, Tool
from PIL import Image
from serving import served

from unet_demo.cli import main
from unet_demo.data.shapes import article_scene
from unet_demo.ui import serve as demo
from unet_demo.ui.api.mcp import VARIABLES, mcp_wanted


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UNET_DEMO_MCP", "1")
        with served(demo.launch) as address:
            yield address


@pytest.fixture(scope="module")
def tools(address) -> dict[str, Tool]:
    listed = ask(address, lambda session: session.list_tools())
    return {tool.name: tool for tool in listed.tools}


@pytest.fixture(scope="module")
def png() -> bytes:
    file = BytesIO()
    Image.fromarray(article_scene()[0]).save(file, "PNG")
    return file.getvalue()


def ask(address: str, question: Callable[[ClientSession], Any]) -> Any:
    """The server's answer to one question of an agent's."""

    async def answer() -> Any:
        async with (
            streamable_http_client(f"{address}/gradio_api/mcp/") as (incoming, outgoing, _),
            ClientSession(incoming, outgoing) as session,
        ):
            await session.initialize()
            return await question(session)

    # In a thread of its own: the browser tests' Playwright leaves a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(answer())).result()


def use(address: str, tool: str, *, follow: bool = False, **arguments: Any) -> CallToolResult:
    """What a tool answers; ``follow`` asks for its progress too."""

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        pass

    followed = on_progress if follow else None
    return ask(
        address,
        lambda session: session.call_tool(tool, arguments, progress_callback=followed),
    )


def texts(answer: CallToolResult) -> list[str]:
    return [part.text for part in answer.content if isinstance(part, TextContent)]


def sentence(answer: CallToolResult) -> str:
    """The one sentence of a tool's refusal."""
    (said,) = texts(answer)
    assert answer.isError
    return said.removeprefix("Error: ")


def test_the_tools_are_the_endpoints_and_nothing_else(tools):
    assert set(tools) == {
        "segment_picture", "train_network", "teach_network", "list_checkpoints",
    }  # fmt: skip


def test_each_tool_and_each_parameter_is_described(tools):
    for tool in tools.values():
        assert "U-Net" in tool.description
        for parameter in tool.inputSchema["properties"].values():
            assert parameter["description"].endswith(".")
    assert tools["segment_picture"].inputSchema["required"] == ["picture"]


def test_an_agent_lists_the_checkpoints(address):
    answer = use(address, "list_checkpoints")
    (text,) = texts(answer)
    assert "isbi" in [checkpoint["name"] for checkpoint in json.loads(text)]


def data_address(file: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(file).decode()}"


def test_an_agent_that_uploads_a_picture_gets_its_mask(address, png):
    (path,) = httpx2.post(f"{address}/gradio_api/upload", files={"files": ("a.png", png)}).json()
    answer = use(address, "segment_picture", picture=f"{address}/gradio_api/file={path}")
    assert not answer.isError and len(texts(answer)) == 2


@pytest.mark.parametrize("follow", [False, True])
def test_an_agent_gets_the_mask_to_see_its_address_and_what_it_shows(address, png, follow):
    answer = use(address, "segment_picture", picture=data_address(png), follow=follow)
    (mask,) = (part for part in answer.content if isinstance(part, ImageContent))
    ids = np.asarray(Image.open(BytesIO(base64.b64decode(mask.data))))
    assert np.mean(ids == article_scene()[1]) > 0.98
    file, description = texts(answer)
    assert file.startswith(f"Image URL: {address}/gradio_api/file=")
    assert httpx2.get(file.removeprefix("Image URL: ")).content.startswith(b"\x89PNG")
    assert [entry["name"] for entry in json.loads(description)["classes"]][1] == "circle"


def test_an_agent_gets_the_mask_of_a_stack_by_its_address_alone(address):
    file = BytesIO()
    tifffile.imwrite(file, np.stack([article_scene()[0]] * 2), photometric="rgb")
    picture = data_address(file.getvalue(), "image/tiff")
    mask, description = use(address, "segment_picture", picture=picture).content
    assert mask.text.startswith(f"{address}/gradio_api/file=")
    assert json.loads(description.text)["pages"] == 2


def test_an_agent_gets_the_end_of_a_training(address):
    answer = use(address, "train_network", preset="random", width=8, batch=1, steps=2)
    (text,) = texts(answer)
    end = json.loads(text)
    assert end["state"] == "finished" and len(end["losses"]) == 2


@pytest.mark.parametrize("follow", [False, True])
def test_an_agent_reads_a_mistake_in_one_sentence(address, follow):
    answer = use(address, "train_network", width=12, follow=follow)
    assert sentence(answer) == "There is no width 12; choose one of 8, 16, 32, 64."


@pytest.mark.parametrize(
    "picture",
    ["data:xx", "data:image/png;base64,", "data:image/png;base64,A", "/home/ann/cells.png", ""],
)
def test_an_agent_that_gives_no_file_reads_how_to_give_one(address, picture):
    said = sentence(use(address, "segment_picture", picture=picture))
    assert said.startswith(f"picture is {picture!r}, which is no file here: give its web address")
    assert "data:image/png;base64," in said and "/gradio_api/upload" in said


def test_the_tool_that_takes_a_picture_tells_how_to_give_one(tools):
    picture = tools["segment_picture"].inputSchema["properties"]["picture"]
    assert "data:image/png;base64," in picture["description"]
    assert "/gradio_api/upload" in picture["description"]


def test_an_agent_that_misspells_an_argument_is_told_which(address, png):
    answer = use(address, "segment_picture", picture=data_address(png), treshold=0.5)
    assert sentence(answer).endswith("('treshold' was unexpected)")


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_environment_asks_for_the_server_by_either_name(monkeypatch, variable):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert not mcp_wanted()
    monkeypatch.setenv(variable, "True")
    assert mcp_wanted()
    monkeypatch.setenv(variable, "0")
    assert not mcp_wanted()


def test_without_its_package_the_server_is_refused_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert main(["serve", "--mcp"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("unet_demo: The MCP server needs the package mcp")
    assert said.count("\n") == 1
