"""The MCP server, by which an agent uses the endpoints as its tools: at /gradio_api/mcp, if asked for."""

import os
from importlib.util import find_spec

from .serve_error import ServeError

VARIABLES = ("UNET_DEMO_MCP", "GRADIO_MCP_SERVER")
"""Either of them asks for the server: the program's own, and Gradio's."""


def mcp_wanted() -> bool:
    """Whether the environment asks for the MCP server."""
    return any(os.environ.get(name, "").lower() in ("1", "t", "true") for name in VARIABLES)


def check_mcp() -> None:
    """Raise ServeError where the MCP server cannot run."""
    if find_spec("mcp") is None:
        raise ServeError(
            "The MCP server needs the package mcp, which is not installed; pip install 'mcp<2', or"
            f" serve without --mcp and {' or '.join(VARIABLES)}."
        )
