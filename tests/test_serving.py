"""Serving: what stands in its way is one sentence. (What is served: test_docker.py.)"""

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from serving import answer, free_port

from unet_demo import cli
from unet_demo.checkpoints import WEIGHTS, files
from unet_demo.cli import main
from unet_demo.environment import (
    DEVICE_VARIABLE,
    GRADIO_NUMBERS,
    HOST_VARIABLE,
    HUB_NUMBERS,
    PORT_VARIABLE,
    ServeError,
    check_settings,
    take_host,
)
from unet_demo.ui import serve
from unet_demo.ui.segment.session import opening

ROOT = Path(cli.__file__).parents[1]
ELSEWHERE = "203.0.113.1"
"""Of a range kept for examples."""


def started(
    *arguments: str, root: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A Python process that does not serve, but ends by itself."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_port_that_is_taken_is_refused(capsys):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert main(["serve", "--host", "127.0.0.1", "--port", str(port)]) == 2
    assert "the port is taken" in capsys.readouterr().err


def test_a_port_of_the_environment_that_is_taken_is_said(capsys, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv(PORT_VARIABLE, str(taken.getsockname()[1]))
        assert main(["serve", "--host", "127.0.0.1"]) == 2
    assert "the port is taken" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "65536", "web"])
def test_a_port_that_is_none_is_refused(port, capsys):
    assert main(["serve", "--port", port]) == 2
    assert "--port" in capsys.readouterr().err


def test_without_gradio_it_asks_for_gradio(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "unet_demo.ui.api.mcp", raising=False)
    assert main(["serve"]) == 2
    assert capsys.readouterr().err == (
        "unet_demo: The page needs Gradio, which is not installed; pip install gradio.\n"
    )


# --- the environment's settings ---


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        *((PORT_VARIABLE, port, "no port") for port in ("web", "", "0", "-1", "65536")),
        *(
            (HOST_VARIABLE, host, "no address of this machine's")
            for host in (ELSEWHERE, "999.1.1.1", "::x", "http://127.0.0.1", "", "." * 99)
        ),
        *(
            (DEVICE_VARIABLE, device, "does not compute")
            for device in ("tpu", "mps", "cuda:", "cuda:one", "CPU")
        ),
        *(
            (name, number, "a whole number")
            for name in (GRADIO_NUMBERS | HUB_NUMBERS)
            for number in ("abc", "", "1.5", "-1")
        ),
        ("GRADIO_NUM_PORTS", "0", "a whole number from 1 up"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_sentence(monkeypatch, variable, value, words):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ServeError) as caught:
        check_settings()
    said = str(caught.value)
    assert variable in said and repr(value) in said and words in said
    assert said.endswith(".") and "\n" not in said


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (PORT_VARIABLE, "7860"),
        *((HOST_VARIABLE, host) for host in ("127.0.0.1", "0.0.0.0", "localhost")),
        *((DEVICE_VARIABLE, device) for device in ("", "cpu", "cuda", "cuda:1")),
        *((name, "1") for name in (GRADIO_NUMBERS | HUB_NUMBERS)),
    ],
)
def test_a_setting_that_may_be_is_taken(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    check_settings()


HAS_IPV6 = Path("/proc/net/if_inet6").is_file() and "lo" in Path("/proc/net/if_inet6").read_text()
needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]", "::"])
def test_an_address_of_ipv6_may_be_listened_at_with_or_without_brackets(monkeypatch, host):
    monkeypatch.setenv(HOST_VARIABLE, host)
    check_settings()
    assert take_host() == f"[{host.strip('[]')}]"
    assert HOST_VARIABLE not in os.environ  # or Gradio would look for a port of IPv4 there


def test_a_host_of_the_command_takes_the_place_of_the_environments(monkeypatch):
    monkeypatch.setenv(HOST_VARIABLE, "::1")
    assert take_host("127.0.0.1") == "127.0.0.1"
    assert take_host() is None


@needs_ipv6
def test_the_page_is_served_at_an_address_of_ipv6():
    port = free_port()
    variables = {HOST_VARIABLE: "::1", PORT_VARIABLE: str(port), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=os.environ | variables)
    try:
        assert '"status":"ok"' in answer(process, f"http://[::1]:{port}/health")
    finally:
        process.kill()
        process.wait()


def test_the_app_ends_in_that_sentence():
    # Of all settings the one that Gradio itself would look at first, while it is imported.
    done = started("app.py", GRADIO_NUM_PORTS="abc")
    assert done.returncode == 2
    assert done.stderr.startswith("unet_demo: ") and done.stderr.count("\n") == 1


def test_a_number_that_the_hubs_library_cannot_read_ends_any_command_in_that_sentence():
    name = next(iter(HUB_NUMBERS))
    done = started("-m", "unet_demo", "benchmark", **{name: "soon"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"unet_demo: {name} is 'soon'")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def copy_with_a_damaged_index(tmp_path) -> Path:
    shutil.copy(ROOT / "app.py", tmp_path)
    shutil.copytree(ROOT / "unet_demo", tmp_path / "unet_demo")
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "index.json").write_text('{"checkpoints": ')
    return tmp_path


def test_a_damaged_list_of_checkpoints_ends_in_one_sentence(copy_with_a_damaged_index):
    done = started("app.py", root=copy_with_a_damaged_index)
    assert (done.returncode, done.stderr) == (
        2,
        "unet_demo: The list of the bundled checkpoints, index.json, is damaged;"
        " clone or install the program again.\n",
    )


@pytest.mark.parametrize("host", [ELSEWHERE, "999.1.1.1"])
def test_the_commands_host_is_looked_at_before_it_is_tried_port_after_port(host, capsys):
    assert main(["serve", "--host", host]) == 2
    assert f"cannot listen at '{host}'" in capsys.readouterr().err


def test_ctrl_c_while_the_app_is_imported_ends_it_in_peace():
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "app.py"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    next(line for line in process.stderr if "numpy" in line)
    process.send_signal(signal.SIGINT)
    assert "Traceback" not in process.stderr.read()
    assert process.wait(timeout=300) == 0


# --- what is wrong only once the page is there ---


@pytest.fixture
def log_of_getting_ready(monkeypatch, caplog) -> list[str]:
    """What the server logs while it segments the first example."""
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # no other test's threads are set
    opening.cache_clear()
    serve.get_ready()
    return caplog.messages


@pytest.fixture
def gpu_that_is_not_there(monkeypatch) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda:99")


@pytest.fixture
def damaged_weights(monkeypatch, tmp_path) -> None:
    folder = shutil.copytree(WEIGHTS, tmp_path / "weights")
    for file in folder.glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:1000])
    monkeypatch.setattr(files, "WEIGHTS", folder)


@pytest.mark.usefixtures("gpu_that_is_not_there")
def test_a_gpu_that_is_not_there_is_one_line_in_the_log(log_of_getting_ready):
    (line,) = log_of_getting_ready
    assert line.startswith("The first example cannot be segmented: This machine has no GPU")


@pytest.mark.usefixtures("damaged_weights")
def test_a_damaged_checkpoint_is_one_line_in_the_log(log_of_getting_ready):
    (line,) = log_of_getting_ready
    assert line.startswith("The first example cannot be segmented: ")
    assert line.endswith(".") and "/tmp" not in line
