"""The page is served before torch is there, and says so."""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest
from serving import free_port

ROOT = Path(__file__).parents[1]

BARE = "import gradio as gr\nwith gr.Blocks() as demo: pass\ndemo.launch()"
"""The least that Gradio can serve."""

ROUNDS = 3

MOST = 1.3
"""Times the bare page's time until ours is served."""

LONGEST_SECONDS = 120


def served(address: str) -> str | None:
    try:
        with urllib.request.urlopen(address, timeout=LONGEST_SECONDS) as answer:
            return answer.read().decode()
    except (URLError, ConnectionError):
        return None


def first_page(*arguments: str) -> tuple[float, str]:
    """Seconds from the start of a Python process until its page is there, and the page."""
    port = free_port()
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - begun < LONGEST_SECONDS:
            page = served(f"http://127.0.0.1:{port}/")
            if page:
                return time.perf_counter() - begun, page
            assert process.poll() is None, "the server ended before it served anything"
            time.sleep(0.02)
        raise TimeoutError("no page was served")
    finally:
        process.terminate()
        process.wait()


def test_the_page_is_laid_out_without_what_takes_long_to_import():
    code = (
        "import sys; from unet_demo.ui.demo import build; build();"
        "print({'torch', 'torchvision', 'scipy', 'skimage'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_the_first_page_says_that_torch_is_being_loaded():
    _, page = first_page("app.py")
    assert page.count("unet_demo_loading") >= 2  # on the Segment page, and on the Train page


@pytest.mark.slow
def test_the_page_is_served_nearly_as_soon_as_an_empty_one():
    first_page("app.py")  # so that both find their files in memory
    bare, ours = (
        min(seconds) for seconds in zip(
            *((first_page("-c", BARE)[0], first_page("app.py")[0]) for _ in range(ROUNDS)),
            strict=True,
        )
    )  # fmt: skip
    print(f"bare {bare:.2f} s, ours {ours:.2f} s: {ours / bare:.2f} times")
    assert ours <= MOST * bare
