"""Thousands of things that nobody would send in good faith: each ends in a result or in one of our sentences.

Every case is told by its door and its number, which seeds it.
"""

import asyncio
import io
import json
import random
import resource
import string
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import tifffile
from PIL import Image

from unet_demo.__main__ import main
from unet_demo.checkpoints import (
    CheckpointError,
    HubError,
    find_offered,
    load_checkpoint,
    read_card,
)
from unet_demo.checkpoints.hub import parse_repo
from unet_demo.data import PictureError
from unet_demo.data.images import Picture, read_picture
from unet_demo.data.truth import read_truth_of
from unet_demo.live.settings import PRESETS, SettingsError, current_limits, with_changes
from unet_demo.messages import words_of
from unet_demo.tasks import SHAPES, VOC
from unet_demo.teach.files import read_labels
from unet_demo.ui.api.publish import FetchError, Parameter, fetch
from unet_demo.ui.components.brush import painted
from unet_demo.ui.pages import build
from unet_demo.ui.server.visitors import is_global
from unet_demo.ui.teach.session import Paper, Session, StrokesBroken

CASES, ALL_CASES = 130, 2300
"""Of each door, in `make test` and in `make test-slow`."""

SLOWEST = 10
"""Seconds that a case may take, in `make test-slow`."""

MOST_MEGABYTES = 1500
"""Memory by which all cases of a door may make the process grow."""

Case = Callable[[random.Random], None]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, cut off, doubled or put in, near the beginning above all."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = int(len(changed) * chance.random() ** 3)
        how = chance.randrange(5)
        if how == 0:
            changed[at : at + 1] = bytes([chance.randrange(256)])
        elif how == 1:
            del changed[at : at + chance.choice((1, 4, 1000))]
        elif how == 2:
            changed[at:at] = chance.choice((b"\xff" * 4, b"\0" * 8, chance.randbytes(16)))
        elif how == 3:
            changed[at:at] = changed[at : at + 64]
        else:
            changed[at : at + 4] = chance.choice((b"\xff\xff\xff\x7f", b"\0\0\0\1", b"\1\0\0\0"))
    return bytes(changed)


def files() -> list[bytes]:
    """A file of each format, and TIFFs of several layouts."""
    made = []
    image = Image.linear_gradient("L").resize((40, 32))
    for kind, mode in (
        ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("JPEG", "RGB"), ("GIF", "P"), ("BMP", "RGB"),
        ("WEBP", "RGB"), ("TIFF", "RGB"), ("TIFF", "1"),
    ):  # fmt: skip
        file = io.BytesIO()
        image.convert(mode).save(file, kind)
        made.append(file.getvalue())
    for values, options in (
        (np.zeros((3, 20, 24), np.uint16), {"imagej": True}),
        (np.ones((2, 20, 24, 3), np.uint8), {"photometric": "rgb", "compression": "zlib"}),
        (np.ones((32, 32), np.float32), {"tile": (16, 16), "ome": True}),
        (np.ones((32, 32), np.uint8), {"compression": "lzw", "predictor": True, "bigtiff": True}),
    ):
        file = io.BytesIO()
        tifffile.imwrite(file, values, **options)
        made.append(file.getvalue())
    return made


def text(chance: random.Random) -> str:
    letters = string.printable + "é字\ud800\0‮/\\.@:[]"
    wild = "".join(chance.choices(letters, k=chance.choice((0, 1, 5, 40, 3000))))
    return chance.choice(
        (wild, chance.choice(NAMES), chance.choice(NAMES) + wild, wild + "/" + wild)
    )


NAMES = (
    "shapes", "isbi", "ann/unets", "../../etc/passwd", "/etc/passwd", "owner/repo@main", "-1", "0", "1e999", "nan",
    "https://huggingface.co/a/b", "a.safetensors", "a.pth", "true", "{}", "%s%n", "${HOME}", "<script>", "'; --",
)  # fmt: skip


def value(chance: random.Random, depth: int = 2) -> Any:
    """Anything that JSON can say."""
    kind = chance.randrange(9 if depth else 6)
    if kind >= 6:
        inner = [value(chance, depth - 1) for _ in range(chance.randrange(4))]
        return inner if kind == 6 else {text(chance): one for one in inner}
    return (
        None, chance.random() < 0.5, chance.randrange(-(2**70), 2**70), chance.uniform(-1e308, 1e308),
        chance.choice((float("nan"), float("inf"), 10**400, -0.0, 8, 16, 3, 0.5)), text(chance),
    )[kind]  # fmt: skip


def said(error: Exception) -> None:
    """A sentence of ours: it ends, is short, and names no place on the server and no kind of error."""
    words = words_of(error) if not isinstance(error, gr.Error) else error.message
    assert words.rstrip().endswith("."), words
    assert len(words) < 2000 and "Traceback" not in words and "/work" not in words


@pytest.fixture(scope="module")
def doors(
    tmp_path_factory: pytest.TempPathFactory, binary_file: Path, shapes_file: Path
) -> dict[str, Case]:
    folder, pictures = tmp_path_factory.mktemp("fuzz"), files()
    weights = [binary_file.read_bytes(), shapes_file.read_bytes()]
    parameters = [
        block for fn in build().fns.values() for block in fn.inputs if isinstance(block, Parameter)
    ]

    def written(data: bytes, ending: str) -> Path:
        path = folder / f"case{ending}"
        path.write_bytes(data)
        return path

    def picture(chance: random.Random) -> None:
        path = written(
            mutated(chance.choice(pictures), chance), chance.choice((".png", ".tif", ""))
        )
        assert read_picture(path).slices.dtype == np.uint8

    def truth(chance: random.Random) -> None:
        path = written(mutated(chance.choice(pictures), chance), chance.choice((".png", ".npy")))
        read_truth_of(path, chance.choice((SHAPES, VOC)), (1, 32, 40))

    def checkpoint(chance: random.Random) -> None:
        path = written(mutated(chance.choice(weights), chance), ".safetensors")
        read_card(path)
        load_checkpoint(path)

    def card(chance: random.Random) -> None:
        data = chance.choice(weights)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        described = json.loads(header["__metadata__"]["unet_demo"])
        described[chance.choice(list(described))] = value(chance)
        header["__metadata__"]["unet_demo"] = json.dumps(described)
        head = json.dumps(header).encode()
        path = written(len(head).to_bytes(8, "little") + head + data[8 + length :], ".safetensors")
        load_checkpoint(path)

    def strokes(chance: random.Random) -> None:
        painted(
            {"picture": value(chance), "strokes": value(chance), text(chance): value(chance)}, 64
        )

    taught = Picture(np.zeros((2, 32, 40, 1), np.uint8), "taught", ())

    def labels(chance: random.Random) -> None:
        path = written(mutated(chance.choice(pictures), chance), chance.choice((".png", ".tif")))
        names = tuple(text(chance) for _ in range(chance.choice((0, 1, 2, 9))))
        read_labels(path, names, taught)

    def brush(chance: random.Random) -> None:
        session = Session()
        session.take(Paper.own(taught))
        told = {
            "made": session.paper.made, "edit": 1, "classes": ["a", "b"], "stamps": {}, "labels": {},
            "slice": 1,
        }  # fmt: skip
        changed = chance.choice(list(told))
        told[changed] = value(chance) if chance.random() < 0.7 else {text(chance): value(chance)}
        with suppress(StrokesBroken):
            session.hear(told)
        assert session.labels is not None and session.labels.shape == (2, 32, 40)

    def repository(chance: random.Random) -> None:
        parse_repo(text(chance))

    def name(chance: random.Random) -> None:
        asked = text(chance)
        if "/" not in asked:  # which would ask the Hub
            find_offered(asked)

    def address(chance: random.Random) -> None:
        hosts = (
            "127.0.0.1",
            "[::1]",
            "100.64.0.1",
            "192.0.0.192",
            "0",
            "2130706433",
            "[",
            "a..b",
            "",
        )
        where = chance.choice(hosts) + chance.choice(("", ":80", ":99999", ":x"))
        assert not is_global(where)
        asyncio.run(
            fetch(chance.choice(("http://", "https://", "ftp://", "")) + where + "/" + text(chance))
        )

    def argument(chance: random.Random) -> None:
        chance.choice(parameters).preprocess(value(chance))

    def training(chance: random.Random) -> None:
        fields = (
            "network",
            "width",
            "optimiser",
            "rate",
            "loss",
            "batch",
            "steps",
            "seed",
            "skips",
        )
        changes = {field: value(chance, 1) for field in chance.sample(fields, 2)}
        current_limits().check(with_changes(chance.choice((*PRESETS, text(chance))), **changes))

    return {
        function.__name__: function
        for function in (
            picture, truth, checkpoint, card, strokes, labels, brush, repository, name, address, argument,
            training,
        )
    }  # fmt: skip


EXPECTED = (PictureError, CheckpointError, HubError, SettingsError, FetchError, gr.Error)

DOORS = (
    "picture", "truth", "checkpoint", "card", "strokes", "labels", "brush", "repository", "name", "address",
    "argument", "training",
)  # fmt: skip


def tried(doors: dict[str, Case], door: str, numbers: Iterable[int]) -> float:
    """Try these cases; the seconds that the slowest took."""
    slowest = 0.0
    for number in numbers:
        begun = time.monotonic()
        try:
            doors[door](random.Random(f"{door} {number}"))
        except FetchError:
            pass  # its words are the end of a sentence
        except EXPECTED as error:
            said(error)
        except ValueError as error:
            if door != "strokes" or "drawing" not in str(error):
                raise AssertionError(f"case {number}") from error
        except Exception as error:
            raise AssertionError(f"case {number}") from error
        slowest = max(slowest, time.monotonic() - begun)
    return slowest


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("door", DOORS)
def test_whatever_comes_in_ends_in_a_result_or_a_sentence(
    doors: dict[str, Case], door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = megabytes()
    tried(doors, door, range(CASES))
    assert megabytes() - before < MOST_MEGABYTES
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_whatever_comes_in_by_the_thousands_takes_seconds_at_most(
    doors: dict[str, Case], door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = megabytes()
    assert tried(doors, door, range(CASES, CASES + ALL_CASES)) < SLOWEST
    assert megabytes() - before < MOST_MEGABYTES
    assert not list(tmp_path.iterdir())


COMMANDS = ("predict", "evaluate", "bundle", "train", "teach", "publish", "nothing", "")
OPTIONS = (
    "--data",
    "--out",
    "--threshold",
    "--device",
    "--width",
    "--start",
    "--split",
    "--json",
    "--tta",
    "-x",
    "--",
)


@pytest.mark.parametrize("number", range(40))
def test_a_command_line_of_nonsense_ends_in_one_line(
    number: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(f"command {number}")
    words = [chance.choice(("nothing-there", chance.choice(OPTIONS), "-1")) for _ in range(4)]
    assert main([chance.choice(COMMANDS), *words]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("unet_demo: ") and "Traceback" not in printed
    assert not list(tmp_path.iterdir())
