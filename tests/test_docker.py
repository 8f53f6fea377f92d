"""The Dockerfile, as far as it can be tried without Docker: its files, its user, what it starts."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from serving import free_port

ROOT = Path(__file__).parents[1]


def instructions() -> list[tuple[str, str]]:
    """(instruction, what follows it) for each one of the Dockerfile, in its order."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    parts = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return [(name, rest) for name, rest in parts]


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def sources() -> list[str]:
    """What COPY takes from the repository."""
    return [source for copy in arguments("COPY") for source in copy.split()[:-1]]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in arguments("ENV") for pair in shlex.split(line))


def test_it_copies_only_what_is_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {pattern[1:] for pattern in ignored if pattern.startswith("!")}
    assert "*" in ignored and kept == set(sources())
    assert all((ROOT / source).exists() for source in sources())


def test_no_source_is_lost_by_what_is_ignored():
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    lost = [pattern for pattern in patterns if pattern[:1] not in ("", "#", "!", "*")]
    files = [path.relative_to(ROOT) for source in sources() for path in (ROOT / source).rglob("*")]
    gone = [path for path in files if any(fnmatch(path.as_posix(), pattern) for pattern in lost)]
    assert {path.suffix for path in gone} <= {".pyi"}


def test_it_runs_as_user_1000_and_never_again_as_root():
    (made,) = (line for line in arguments("RUN") if "useradd" in line)
    *_, name = made.split()
    assert "--uid 1000" in made
    assert arguments("USER") == [name]
    order = [instruction for instruction, _ in instructions()]
    assert order.index("USER") < order.index("CMD")


def test_it_has_the_python_of_the_space():
    (base,) = arguments("FROM")
    assert base == f"python:{metadata_load(ROOT / 'README.md')['python_version']}-slim"


def test_a_change_of_the_code_does_not_install_everything_again():
    steps = [rest for name, rest in instructions() if name in ("COPY", "RUN")]
    installing = next(i for i, step in enumerate(steps) if "pip install" in step)
    assert steps[installing - 1] == "requirements.txt ."
    assert all(
        steps.index(f"{folder} {folder}") > installing for folder in ("unet_demo", "weights")
    )


def test_pip_leaves_no_cache_in_a_layer():
    installs = [line for line in arguments("RUN") if "pip install" in line]
    assert installs and all("--no-cache-dir" in line for line in installs)


def test_it_listens_to_the_outside_at_the_port_that_it_exposes():
    variables = environment()
    assert variables["GRADIO_SERVER_NAME"] == "0.0.0.0"
    assert arguments("EXPOSE") == [variables["GRADIO_SERVER_PORT"]] == ["7860"]


@dataclass(frozen=True)
class Container:
    """What the image's command started, in a folder that holds what COPY brings and nothing else."""

    process: subprocess.Popen
    environment: dict[str, str]

    def is_healthy(self) -> bool:
        _, _, command = arguments("HEALTHCHECK")[0].partition("CMD ")
        done = subprocess.run(["sh", "-c", command], env=self.environment, capture_output=True)
        return done.returncode == 0


@pytest.fixture
def container(tmp_path) -> Iterator[Container]:
    """Started with SIGINT ignored, as a script starts whatever it starts in the background."""
    for source in sources():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source)
        else:
            shutil.copy(ROOT / source, tmp_path)
    variables = {
        **os.environ,
        **environment(),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GRADIO_SERVER_NAME": "127.0.0.1",  # no machine's tests listen to the outside
        "PORT": str(free_port()),
    }
    variables.pop("PYTHONPATH", None)
    *shell, script = json.loads(arguments("CMD")[0])
    process = subprocess.Popen([*shell, f"trap '' INT; {script}"], cwd=tmp_path, env=variables)
    yield Container(process, variables)
    process.kill()
    process.wait()


def test_its_command_serves_until_docker_stops_it(container):
    assert not container.is_healthy()
    while not container.is_healthy():
        assert container.process.poll() is None
        time.sleep(0.5)
    container.process.send_signal(signal.Signals[arguments("STOPSIGNAL")[0]])
    assert container.process.wait() == 0
