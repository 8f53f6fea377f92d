"""``unet_demo serve``: what stands in its way is one sentence. (What it serves: test_docker.py.)"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from unet_demo import cli
from unet_demo.cli import main

ROOT = Path(cli.__file__).parents[1]


def test_a_port_that_is_taken_is_refused(capsys):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert main(["serve", "--host", "127.0.0.1", "--port", str(port)]) == 2
    assert "the port is taken" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "web"])
def test_a_port_that_is_none_shows_the_usage(port, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["serve", "--port", port])
    assert caught.value.code == 2 and "--port" in capsys.readouterr().err


def test_without_gradio_it_asks_for_gradio():
    absent = "import sys; sys.modules['gradio'] = None; from unet_demo.cli import main; "
    command = [sys.executable, "-c", absent + "sys.exit(main(['serve']))"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == (
        "unet_demo: The page needs Gradio, which is not installed; pip install gradio.\n"
    )


def test_the_app_refuses_a_host_that_is_not_this_machines_in_one_sentence():
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=os.environ | {"GRADIO_SERVER_NAME": "203.0.113.1"},  # of a range kept for examples
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("unet_demo: The demo cannot listen there")
    assert done.stderr.count("\n") == 1
