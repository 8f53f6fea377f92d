"""Trains `voc` on a GPU that is lent for minutes, and may be sent and give back only so much at a time.

    PYTHONPATH=. python tools/gpu_minutes.py pack DATA PARTS     here: the photos as archives of 40 MiB at most
    PYTHONPATH=. python tools/gpu_minutes.py unpack PARTS DATA   there, for each part that has arrived
    PYTHONPATH=. python tools/gpu_minutes.py train DATA OUT      there: eight minutes, then all that is to come back
    PYTHONPATH=. python tools/gpu_minutes.py join OUT RUN        here: the run's folder, for `bundle`

How many steps fit into the minutes is measured first, so that the learning rate has come down when time is up.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

from unet_demo.devices import pick_device
from unet_demo.training.loop import StepDone
from unet_demo.training.recipe import Recipe
from unet_demo.training.recipes import FOR_GPU
from unet_demo.training.runs import Lengths, train

ROOT = Path(__file__).parents[1]
MIB = 2**20
SENT_MIB = 40
"""Of a part of the data: with the tree, it stays below what one call carries."""

RETURNED_MIB = 15
"""Of a part of the weights."""

WARM_UP, MEASURED = 20, 60
"""Steps before the measured ones, which choose algorithms and fill caches; and steps measured."""

HEADROOM = 0.9
"""Share of the minutes that the steps get: the rest goes to validations."""


def archives(data: Path, most: int) -> Iterator[list[Path]]:
    """Yield the files below a folder in groups of ``most`` bytes, or of one file that is larger."""
    group, size = [], 0
    for file in sorted(path for path in data.rglob("*") if path.is_file()):
        # A file in an archive takes a header, and is filled up to whole blocks.
        length = file.stat().st_size + 2 * tarfile.BLOCKSIZE
        if group and size + length > most:
            yield group
            group, size = [], 0
        group.append(file)
        size += length
    if group:
        yield group


def pack(data: Path, parts: Path) -> None:
    """Write a data set's folder as parts/00.tar, 01.tar …"""
    parts.mkdir(parents=True, exist_ok=True)
    for number, group in enumerate(archives(data, SENT_MIB * MIB)):
        with tarfile.open(parts / f"{number:02}.tar", "w") as archive:
            for file in group:
                archive.add(file, file.relative_to(data))


def unpack(parts: Path, data: Path) -> None:
    """Add the files of all archives in a folder to a data set's."""
    for part in sorted(parts.glob("*.tar")):
        with tarfile.open(part) as archive:
            archive.extractall(data, filter="data")


def steps_within(seconds: float, recipe: Recipe, data: Path, folder: Path, workers: int) -> int:
    """Measure how many steps of a recipe fit into ``seconds``, with a run in ``folder``."""
    last = WARM_UP + MEASURED
    events = train(
        recipe, data, folder, device=pick_device(), workers=workers, lengths=Lengths(last + 1)
    )
    times = {}
    for event in events:
        if isinstance(event, StepDone):
            times[event.step] = time.perf_counter()
            if event.step == last:
                break
    events.close()
    pace = (times[last] - times[WARM_UP]) / MEASURED
    return max(1, int(HEADROOM * seconds / pace))


def train_and_split(
    data: Path, out: Path, minutes: float, workers: int, steps: int | None = None
) -> None:
    """Train `voc` for a GPU, and write to ``out`` its log and the parts of its checkpoint."""
    out.mkdir(parents=True, exist_ok=True)
    run = data.parent / "gpu-run"
    if steps is None:
        steps = steps_within(60 * minutes, FOR_GPU["voc"], data, run / "measured", workers)
    command = [sys.executable, "-m", "unet_demo", "train", "voc", "--for-gpu", "--data", str(data)]
    lengths = ["--steps", str(steps), "--epoch", str(max(1, steps // 4)), "--workers", str(workers)]
    with (out / "train.log").open("w") as log:
        subprocess.run(
            [*command, "--out", str(run / "voc"), *lengths],
            cwd=ROOT, stdout=log, stderr=log, check=True,
        )  # fmt: skip
    split(run / "voc" / "voc.safetensors", out)
    for name in ("losses.csv", "scores.csv"):
        (out / name).write_bytes((run / "voc" / name).read_bytes())


def look_round(out: Path) -> None:
    """Write to ``out`` what the benchmark and the tests for a GPU say there."""
    for name, module in (
        ("benchmark.txt", ["unet_demo", "benchmark"]),
        ("tests.txt", ["pytest", "-rs", "tests/test_cuda.py"]),
    ):
        with (out / name).open("w") as file:
            subprocess.run([sys.executable, "-m", *module], cwd=ROOT, stdout=file, stderr=file)


def split(checkpoint: Path, out: Path) -> None:
    """Write a checkpoint as NAME.00, NAME.01 …, and its SHA-256 as NAME.sha256."""
    data = checkpoint.read_bytes()
    for number, start in enumerate(range(0, len(data), RETURNED_MIB * MIB)):
        part = data[start : start + RETURNED_MIB * MIB]
        (out / f"{checkpoint.name}.{number:02}").write_bytes(part)
    (out / f"{checkpoint.name}.sha256").write_text(hashlib.sha256(data).hexdigest())


def join(out: Path, run: Path) -> None:
    """Put what came back together as a run's folder. Exits where the checkpoint is not whole."""
    run.mkdir(parents=True, exist_ok=True)
    for digest in out.glob("*.sha256"):
        data = b"".join(part.read_bytes() for part in sorted(out.glob(f"{digest.stem}.[0-9]*")))
        if hashlib.sha256(data).hexdigest() != digest.read_text():
            sys.exit(f"A part of {digest.stem} is missing or broken; fetch the files again.")
        (run / digest.stem).write_bytes(data)
    for name in ("losses.csv", "scores.csv"):
        (run / name).write_bytes((out / name).read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains voc on a GPU that is lent for minutes.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, first, second in (
        ("pack", "DATA", "PARTS"), ("unpack", "PARTS", "DATA"), ("train", "DATA", "OUT"),
        ("join", "OUT", "RUN"),
    ):  # fmt: skip
        verb = verbs.add_parser(name)
        verb.add_argument("source", metavar=first, type=Path)
        verb.add_argument("target", metavar=second, type=Path)
        if name == "train":
            verb.add_argument("--minutes", type=float, default=8)
            verb.add_argument("--workers", type=int, default=12)
            verb.add_argument("--steps", type=int, help="so many, instead of measuring")
    asked = parser.parse_args()
    match asked.verb:
        case "pack":
            pack(asked.source, asked.target)
        case "unpack":
            unpack(asked.source, asked.target)
        case "join":
            join(asked.source, asked.target)
        case "train":
            train_and_split(
                asked.source.resolve(), asked.target, asked.minutes, asked.workers, asked.steps
            )
            look_round(asked.target)


if __name__ == "__main__":
    main()
