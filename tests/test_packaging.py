"""The package that pip installs: whole, and at home in any folder."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from packaging.requirements import Requirement
from PIL import Image

from unet_demo import __version__, cli
from unet_demo.data.images import read_mask
from unet_demo.data.shapes import article_scene

ROOT = Path(__file__).parents[1]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "unet_demo", "weights")
"""What a wheel is built from; a build leaves folders behind, so it happens in a copy."""

NO_SOURCES = shutil.ignore_patterns("__pycache__", "*.pyi")
COMMANDS = {"train", "evaluate", "bundle", "benchmark", "publish", "predict", "serve"}


def build(kind: str, source: Path, out: Path) -> Path:
    """Build a ``wheel`` or an ``sdist``, as pip does it without its isolation."""
    out.mkdir()
    code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    run([sys.executable, "-c", code, str(out)], cwd=source)
    (built,) = out.iterdir()
    return built


def run(command: list[str], **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=NO_SOURCES)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(clone, tmp_path_factory) -> Path:
    return build("wheel", clone, tmp_path_factory.mktemp("wheel") / "dist")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder that holds the package and nothing else of this repository."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target"]
    run([*pip, str(folder), str(wheel)])
    return folder


def installed_command(installed: Path, *arguments: str) -> str:
    """What the installed command prints, called from a folder that knows nothing of it."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return run([str(installed / "bin" / "unet-demo"), *arguments], cwd="/", env=environment)


def test_the_wheel_holds_every_module_every_style_and_every_checkpoint(wheel):
    expected = {
        (Path("unet_demo") / path.relative_to(ROOT / "unet_demo")).as_posix()
        for path in (ROOT / "unet_demo").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".pyi")
    } | {f"unet_demo/weights/{path.name}" for path in (ROOT / "weights").iterdir()}
    assert {name for name in contents(wheel) if ".dist-info/" not in name} == expected


def test_an_sdist_builds_the_same_wheel(clone, wheel, tmp_path):
    with tarfile.open(build("sdist", clone, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    from_sdist = build("wheel", tmp_path / f"unet_demo-{__version__}", tmp_path / "wheel")
    assert contents(from_sdist) == contents(wheel)


def test_the_command_tells_its_version(installed):
    assert installed_command(installed, "--version") == f"unet_demo {__version__}\n"


def test_the_command_has_all_its_commands(capsys):
    cli.main(["--help"])
    listed = re.findall(r"^  (\w+)", capsys.readouterr().out, re.MULTILINE)
    assert set(listed) >= COMMANDS


def test_the_command_predicts_with_the_checkpoint_that_was_installed(installed, tmp_path):
    image, truth = article_scene()
    Image.fromarray(image).save(tmp_path / "scene.png")
    out = installed_command(
        installed, "predict", "shapes", f"{tmp_path}/scene.png", "--out", f"{tmp_path}/out"
    )
    assert out == f"{tmp_path}/out/scene.png\n"
    assert np.mean(read_mask(tmp_path / "out" / "scene.png").values[0, ..., 0] == truth) > 0.98


def test_what_is_served_is_within_what_the_package_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {one.name: one.specifier for one in map(Requirement, project["dependencies"])}
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins.keys() == asked.keys()
    assert [name for name, version in pins.items() if version not in asked[name]] == []


def test_changelog_and_citation_name_the_same_version_and_day():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(r"^## \[(.+)\] - (\S+)$", changelog, re.MULTILINE)
    assert newest is not None
    assert newest.groups() == (__version__, citation["date-released"])
    assert citation["version"] == __version__


def test_the_citation_credits_the_articles_and_the_data():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    credited = {
        (reference["authors"][0]["family-names"], reference["year"])
        for reference in citation["references"]
        if {"type", "title", "doi"} <= reference.keys()
    }
    assert credited >= {
        ("Ronneberger", 2015),
        ("Arganda-Carreras", 2015),
        ("Everingham", 2010),
        ("Hariharan", 2011),
    }
