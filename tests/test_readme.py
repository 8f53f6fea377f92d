"""README.md's examples for scripts print what it says that they print."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import served

from unet_demo.ui.serve import launch

ROOT = Path(__file__).parents[1]
ADDRESS = "http://127.0.0.1:7860"
LEFT_OUT = "…"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(launch) as address:
        yield address


def block_with(text: str, kind: str) -> str:
    """README.md's first block of this kind that contains the text."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{kind}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if text in block)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_printed(printed: str, said: str) -> None:
    """Line for line, but for what is left out."""
    pattern = re.escape(said.strip()).replace(LEFT_OUT, ".*")
    assert re.fullmatch(pattern, printed.strip(), re.DOTALL), printed


def test_the_python_script_prints_what_readme_says(address):
    script = block_with("gradio_client", "python").replace(ADDRESS, address)
    assert_printed(run(sys.executable, "-c", script), block_with("background 70%", "text"))


def test_the_python_script_ends_in_the_words_by_which_a_setting_is_refused(address):
    script = block_with("gradio_client", "python").replace(ADDRESS, address)
    refused = script.replace("width=8", "width=9")
    command = [sys.executable, "-c", refused]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0 and "running" not in done.stdout
    assert "width" in done.stderr.splitlines()[-1]


def test_the_curl_commands_answer_what_readme_says(address):
    # Its loss at the end is what the Python script prints: a few steps serve here.
    commands = block_with("curl", "sh").replace('"steps": 20', '"steps": 3')
    commands = commands.replace('"step": 20', '"step": 3').replace('"loss": 0.7', '"loss": ')
    answers = [line.removeprefix("# ") for line in commands.splitlines() if line.startswith("# ")]
    printed = run("bash", "-c", commands.replace(ADDRESS, address))
    said = f"{LEFT_OUT}\n".join(answers).replace(ADDRESS, address) + LEFT_OUT
    assert_printed(printed, said)
