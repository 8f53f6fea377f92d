"""What the tests of whoever asks a Hub have in common; the Hub itself is hub_server's."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import closed_port

from unet_demo.checkpoints.hub import HubError

ROOT = Path(__file__).parents[1]
REPO = "ann/unets"

PATIENCE = 300
"""Seconds after which a program is taken to hang: a twentieth is enough for one that ends by itself."""

ON_A_SERVED_HUB = [
    pytest.mark.usefixtures("hub_cache"),
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),  # huggingface_hub's own
]
"""A file's ``pytestmark`` where something is sent: none of its tests asks the machine's own Hub."""

where_no_hub_is = pytest.mark.parametrize(
    "endpoint", [closed_port(), "not-an-address"], ids=["nobody-listens", "not-an-address"]
)
"""For a test that takes an ``endpoint`` where nobody answers."""


def sentence(call: Callable[[], object], kind: type[Exception] = HubError) -> str:
    """The words of the error that the call raises: one line, one full stop, no local path."""
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text and ". " not in text
    assert "/tmp" not in text and "Error" not in text
    return text


def program(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python script as a program of its own, which has to end by itself."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
