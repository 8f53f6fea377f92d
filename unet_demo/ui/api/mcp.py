"""The MCP server, by which an agent uses the endpoints as its tools: at /gradio_api/mcp, if asked for."""

import base64
import binascii
import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.mcp import GradioMCPServer
from gradio_client.utils import is_file_obj_with_meta
from PIL import Image

from ...environment import ServeError

if TYPE_CHECKING:
    from mcp.types import ImageContent, TextContent

VARIABLES = ("UNET_DEMO_MCP", "GRADIO_MCP_SERVER")
"""Either of them asks for the server: the program's own, and Gradio's."""

HOW_TO_GIVE_A_FILE = (
    "give its web address, or the file itself as data:image/png;base64,…, or POST it to"
    " /gradio_api/upload and give this server's address with /gradio_api/file= and the path"
    " that it answered."
)


class AgentServer(GradioMCPServer):
    """Gradio's server, with what it says of arguments, files and results in an agent's own terms."""

    def get_input_schema(
        self, tool_name: str, parameters: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """Return a tool's arguments and no others, and which of them are files."""
        schema, files = super().get_input_schema(tool_name, parameters)
        schema["additionalProperties"] = False
        for (name,) in files:
            argument = schema["properties"][name]
            argument["format"] = "uri"
            argument["description"] += f" To hand over a file, {HOW_TO_GIVE_A_FILE}"
        return schema, files

    def convert_strings_to_filedata(
        self, value: dict[str, Any], filedata_positions: list[list[str | int]]
    ) -> Any:
        """Put files in place of addresses. Raises ValueError for what is no address."""
        for (name,) in filedata_positions:
            check_file(str(name), value[str(name)])
        return super().convert_strings_to_filedata(value, filedata_positions)

    def postprocess_output_data(
        self, data: Any, root_url: str
    ) -> "list[TextContent | ImageContent]":
        """Return files as Gradio hands them over, all else as JSON."""
        # Where no progress was asked for, several outputs come as one.
        (outputs,) = data if isinstance(data[0], tuple) else (data,)
        contents: list[TextContent | ImageContent] = []
        for output in outputs:
            if is_file_obj_with_meta(output):
                contents += super().postprocess_output_data([output], root_url)
            else:
                text = json.dumps(output, ensure_ascii=False)
                contents.append(self.types.TextContent(type="text", text=text))
        return contents

    @staticmethod
    def get_image(file_path: str) -> Image.Image | None:
        """Return a picture that an agent can look at; a TIFF, which none can, it gets by its address."""
        image = GradioMCPServer.get_image(file_path)
        return None if image and image.format == "TIFF" else image


def check_file(name: str, text: str) -> None:
    """Raise ValueError, with one plain sentence, for what is neither a web nor a data address."""
    if text.startswith(("http://", "https://")):
        return
    head, _, body = text.partition(",")
    if head.startswith("data:") and head.endswith(";base64") and _is_base64(body):
        return
    raise ValueError(f"{name} is {text[:80]!r}, which is no file here: {HOW_TO_GIVE_A_FILE}")


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text))
    except (binascii.Error, ValueError):
        return False


def add_agents(demo: gr.Blocks) -> Callable[..., Any]:
    """Give a demo its MCP server, before it is launched; returns the lifespan that its app needs."""
    demo.mcp_server_obj = server = AgentServer(demo)
    demo.mcp_server = True  # the page and the console tell of it
    return server.lifespan


def mcp_wanted() -> bool:
    """Tell whether the environment asks for the MCP server."""
    return any(os.environ.get(name, "").lower() in ("1", "t", "true") for name in VARIABLES)


def check_mcp() -> None:
    """Raise ServeError where the MCP server cannot run."""
    if find_spec("mcp") is None:
        raise ServeError(
            "The MCP server needs the package mcp, which is not installed; pip install 'mcp<2', or"
            f" serve without --mcp and {' or '.join(VARIABLES)}."
        )
