"""The map of the code in README.md: every module stands there, and imports run downwards only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import unet_demo

PACKAGE = Path(unet_demo.__file__).parent
README = PACKAGE.parent / "README.md"

ENTRY = re.compile(r"  (\S+)")
"""Begins a line for what stands at the top of the package; deeper lines belong to the one above."""

NAME = re.compile(r"\b\w+(?:\.py\b|/)")


BELOW_ALL = 1_000
"""Where a module stands that the map leaves out, which is another test's matter."""


@pytest.fixture(scope="module")
def places() -> list[Path]:
    """The files and folders that the map names, from its top down, each at its first mention."""
    section = README.read_text(encoding="utf-8").partition("## The map of the code")[2]
    drawn = section.split("```")[1].partition("\nunet_demo/\n")[2]
    found, folder = [PACKAGE], PACKAGE
    for line in drawn.splitlines():
        if not line.startswith(" "):
            break
        entry = ENTRY.match(line)
        if entry:
            folder = PACKAGE / entry[1] if entry[1].endswith("/") else PACKAGE
            found.append(folder)
        found += [folder / name for name in NAME.findall(line)]
    # A word with a slash after it may be another folder than the package's.
    return [place for place in dict.fromkeys(found) if place.suffix or place.is_dir()]


def place_of(module: Path) -> Path:
    """Where the map names a module: a folder stands for its __init__.py, and languages/ for its files."""
    inner = len(module.relative_to(PACKAGE).parts) > 2
    return module.parent if inner or module.name == "__init__.py" else module


def for_types_only(tree: ast.Module) -> set[ast.AST]:
    """What stands under ``if TYPE_CHECKING``: it names types, and imports nothing when it runs."""
    return {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }


def imports(module: Path) -> Iterator[Path]:
    """The package's own modules that a module imports, those inside its functions too."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    skipped = for_types_only(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and node not in skipped:
            source = module.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for alias in node.names:
                yield module_at(source / alias.name) or module_at(source)


def module_at(path: Path) -> Path | None:
    """The file of a module or a package; None for what is a name inside one."""
    files = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


def test_the_map_names_every_module_and_none_that_is_not_there(places):
    there = {place_of(module) for module in PACKAGE.rglob("*.py")}
    assert {str(place.relative_to(PACKAGE)) for place in there ^ set(places)} == set()


def test_imports_run_downwards_only(places):
    lines = {place: line for line, place in enumerate(places)}
    upwards = [
        f"{module.relative_to(PACKAGE)} imports {source.relative_to(PACKAGE)}, which stands above it"
        for module in sorted(PACKAGE.rglob("*.py"))
        for source in imports(module)
        if lines.get(place_of(source), BELOW_ALL) < lines.get(place_of(module), 0)
    ]
    assert upwards == []
