"""The command line: what it writes, and one sentence with exit status 2 for a mistake."""

import io
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TextIO

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from tiny import RECIPE, saved, shapes_checkpoint, with_options, write_voc

from unet_demo import __version__, cli
from unet_demo.checkpoints import Checkpoint, add_to_index, load_checkpoint
from unet_demo.cli import main
from unet_demo.data.images import read_mask
from unet_demo.metrics import confusion_matrix, mean_iou
from unet_demo.networks import NETWORKS
from unet_demo.networks.articles import ShapesUNet
from unet_demo.tasks import SHAPES, ColourTask
from unet_demo.training import recipes


@dataclass(frozen=True)
class Done:
    """A command's exit status and what it printed."""

    status: int
    out: str
    err: str


Command = Callable[..., Done]


@pytest.fixture
def command(capsys) -> Command:
    def run(*arguments: object) -> Done:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        return Done(status, *capsys.readouterr())

    return run


@pytest.fixture
def page(tmp_path) -> Path:
    """A gray picture of 40×50 px."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8)
    path = tmp_path / "cells.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def stack(tmp_path) -> Path:
    """A 16-bit stack of 3 slices of 24×40 px."""
    values = np.random.default_rng(0).integers(0, 4000, (3, 24, 40), np.uint16)
    path = tmp_path / "volume.tif"
    tifffile.imwrite(path, values, photometric="minisblack")
    return path


@pytest.fixture
def volume(tmp_path) -> Path:
    """A folder like that of the ISBI challenge: 24 frames of 32×32 px."""
    labels = np.full((24, 32, 32), 255, np.uint8)
    labels[:, 15:17] = labels[:, :, 15:17] = 0
    folder = tmp_path / "isbi"
    folder.mkdir()
    tifffile.imwrite(folder / "train-volume.tif", labels // 2 + 60, photometric="minisblack")
    tifffile.imwrite(folder / "train-labels.tif", labels, photometric="minisblack")
    return folder


@pytest.fixture
def tiny_recipe(monkeypatch) -> None:
    monkeypatch.setitem(recipes.RECIPES, "shapes", RECIPE)


def refusal(done: Done) -> str:
    """The one sentence of a command that was refused."""
    assert done.status == 2
    assert done.out == "" and "Traceback" not in done.err
    *_, line = done.err.strip().splitlines()
    assert line.startswith("unet_demo: ") and line.endswith(".")
    return line


# --- teach ---


@pytest.fixture
def strokes(page) -> Path:
    """Strokes of two classes on the page, and nothing else."""
    labels = np.full((40, 50), 255, np.uint8)
    labels[10, 5:15], labels[30, 5:15] = 0, 1
    path = page.with_name("strokes.png")
    Image.fromarray(labels).save(path)
    return path


def test_strokes_teach_a_checkpoint_that_segments_like_any_other(command, page, strokes, tmp_path):
    out = tmp_path / "out"
    done = command("teach", page, strokes, "--out", out, "--seconds", 1, "--classes", "sky,sea")
    assert done.status == 0
    assert done.out.splitlines()[-2:] == [str(out / "cells.png"), str(out / "taught.safetensors")]
    assert "too few to keep some out" in done.err
    assert load_checkpoint(out / "taught.safetensors").card.task.classes == ("sky", "sea")
    again = command("predict", out / "taught.safetensors", page, "--out", tmp_path / "again")
    assert again.status == 0


def test_what_was_taught_is_scored_on_all_slices(command, tmp_path):
    slices = np.full((2, 40, 50), 40, np.uint8)
    slices[:, 20:] = 200
    labels, truth = np.full((2, 40, 50), 255, np.uint8), (slices > 100).astype(np.uint8)
    labels[0, 10, 5:45], labels[0, 30, 5:45] = 0, 1
    for name, pages in (("stack", slices), ("labels", labels), ("truth", truth)):
        first, *others = map(Image.fromarray, pages)
        first.save(tmp_path / f"{name}.tif", save_all=True, append_images=others)
    files = [tmp_path / "stack.tif", tmp_path / "labels.tif"]
    scored = ["--truth", tmp_path / "truth.tif"]
    out = tmp_path / "out"
    done = command("teach", *files, "--out", out, "--seconds", 1, *scored)
    assert done.status == 0
    miou = mean_iou(confusion_matrix(truth, tifffile.imread(out / "stack.tif"), 2))
    assert f"on the whole picture: mIoU {miou:.4f}" in done.out


def test_a_ground_truth_is_never_overwritten_by_what_was_taught(command, page, strokes, tmp_path):
    truth = tmp_path / "truth" / "cells.png"
    truth.parent.mkdir()
    labels = np.zeros((40, 50), np.uint8)
    labels[20:] = 1
    Image.fromarray(labels).save(truth)
    given = ["--out", truth.parent, "--truth", truth, "--overwrite"]
    assert "would overwrite" in refusal(command("teach", page, strokes, *given))


def test_strokes_of_another_picture_teach_nothing(command, page, strokes, tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "other.png")
    done = command("teach", tmp_path / "other.png", strokes, "--out", tmp_path / "out")
    assert "The strokes are 50×40 and the picture 64×64" in refusal(done)
    assert not (tmp_path / "out").exists()


# --- predict ---


class UnmakeableUNet(ShapesUNet):
    """Needs more memory than there is, as Python says it: without a word."""

    def __init__(self, *arguments: object, **options: object) -> None:
        raise MemoryError


class UnmovableUNet(ShapesUNet):
    """Takes more memory than there is on its way to the device, a GPU."""

    def to(self, *arguments: object, **options: object) -> Self:
        raise torch.OutOfMemoryError("CUDA out of memory.")


class UncopiableUNet(ShapesUNet):
    """Takes more memory than there is on its way to the device, the CPU."""

    def to(self, *arguments: object, **options: object) -> Self:
        raise RuntimeError(cpu_without_memory())


def cpu_without_memory() -> str:
    """What torch says where the CPU's memory ends."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50, dtype=torch.uint8)
    return str(caught.value)


@pytest.mark.parametrize("network", [UnmakeableUNet, UnmovableUNet, UncopiableUNet])
def test_what_the_memory_cannot_hold_is_refused(
    command, shapes_file, page, tmp_path, monkeypatch, network
):
    file = shutil.copy(shapes_file, tmp_path / "new.safetensors")  # none that is in memory yet
    monkeypatch.setitem(NETWORKS, "ShapesUNet", network)
    done = command("predict", file, page, "--out", tmp_path / "out")
    assert "There is not enough memory for this; close other programs" in refusal(done)


def test_predict_writes_a_mask_of_mode_p_and_names_it(command, shapes_file, page, tmp_path):
    done = command("predict", shapes_file, page, "--out", tmp_path / "out")
    path = tmp_path / "out" / "cells.png"
    assert (done.status, done.out) == (0, f"{path}\n")
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("P", (50, 40))
        assert tuple(image.getpalette()[:9]) == sum(SHAPES.palette, ())


@pytest.mark.parametrize(("checkpoint", "outputs"), [("binary_file", 1), ("shapes_file", 3)])
def test_predict_of_a_stack_writes_a_tiff_and_probabilities(
    command, request, stack, tmp_path, checkpoint, outputs
):
    file = request.getfixturevalue(checkpoint)
    done = command("predict", file, stack, "--out", tmp_path / "out", "--probabilities")
    assert done.status == 0
    probabilities = np.load(tmp_path / "out" / "volume.npy", allow_pickle=False)
    assert probabilities.dtype == np.float32 and probabilities.shape == (3, outputs, 24, 40)
    card = load_checkpoint(file).card
    expected = card.task.labels(probabilities, card.threshold)
    assert np.array_equal(read_mask(tmp_path / "out" / "volume.tif").values[..., 0], expected)


def test_predict_says_what_was_done_to_16_bit_values(command, binary_file, stack, tmp_path):
    done = command("predict", binary_file, stack, "--out", tmp_path / "out")
    assert "volume.tif: 16-bit values" in done.err


def test_predict_leaves_pixels_without_a_value_void(command, binary_file, tmp_path):
    pixels = np.random.default_rng(0).random((40, 50), np.float32)
    pixels[3:6, 4] = -9999
    tag = (42113, "s", 0, "-9999", True)
    tifffile.imwrite(tmp_path / "holes.tif", pixels, extratags=[tag])
    done = command("predict", binary_file, tmp_path / "holes.tif", "--out", tmp_path / "out")
    assert "3 pixels hold no value" in done.err
    labels = read_mask(tmp_path / "out" / "holes.png").values[0, ..., 0]
    assert np.array_equal(labels == 255, pixels == -9999)


def test_predict_takes_several_files(command, binary_file, page, stack, tmp_path):
    done = command("predict", binary_file, page, stack, "--out", tmp_path / "out")
    assert done.status == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"cells.png", "volume.tif"}


def test_predict_takes_somebody_elses_model_by_its_repository(
    command, serve, smp_repository, page, tmp_path
):
    serve({"ann/unets": smp_repository})
    done = command("predict", "ann/unets", page, "--out", tmp_path / "out")
    assert (done.status, done.out) == (0, f"{tmp_path / 'out' / 'cells.png'}\n")


def test_predict_with_tta_averages(command, binary_file, page, tmp_path):
    for name, options in (("one", ()), ("eight", ("--tta",))):
        out = ("--out", tmp_path / name, "--probabilities")
        assert command("predict", binary_file, page, *out, *options).status == 0
    one, eight = (np.load(tmp_path / name / "cells.npy") for name in ("one", "eight"))
    assert one.shape == eight.shape and not np.array_equal(one, eight)


def test_two_files_of_one_name_are_refused_before_anything_is_written(
    command, binary_file, page, tmp_path
):
    other = tmp_path / "cells.tif"
    Image.open(page).save(other)
    done = command("predict", binary_file, page, other, "--out", tmp_path / "out")
    assert "Two of the files would write 'cells.png'" in refusal(done)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", [".", "../here"])
def test_a_picture_is_not_overwritten_by_its_mask(command, binary_file, page, monkeypatch, out):
    here = page.parent / "here"
    here.mkdir()
    page = page.rename(here / page.name)
    before = page.read_bytes()
    monkeypatch.chdir(here)
    done = command("predict", binary_file, page, "--out", out)
    assert "would overwrite the picture 'cells.png' itself; give another folder" in refusal(done)
    assert page.read_bytes() == before


def test_a_stack_is_not_overwritten_nor_is_another_mask_written_before(
    command, binary_file, page, stack
):
    out = stack.parent / "out"
    out.mkdir()
    stack = stack.rename(out / stack.name)
    done = command("predict", binary_file, page, stack, "--out", out)
    assert "would overwrite the picture 'volume.tif'" in refusal(done)
    assert list(out.iterdir()) == [stack]


@pytest.mark.parametrize("there", ["cells.png", "cells.npy"])
def test_what_is_there_already_is_refused_before_anything_is_computed(
    command, binary_file, page, stack, tmp_path, there
):
    out = tmp_path / "out"
    out.mkdir()
    (out / there).write_text("a person's work")
    done = command("predict", binary_file, stack, page, "--out", out, "--probabilities")
    words = refusal(done)
    assert f"out/{there}' is there already" in words and "--overwrite" in words
    assert [path.name for path in out.iterdir()] == [there]
    assert "pass" not in done.err


def test_what_is_there_already_is_replaced_where_that_is_asked_for(
    command, binary_file, page, tmp_path
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cells.png").write_text("of yesterday")
    done = command("predict", binary_file, page, "--out", tmp_path / "out", "--overwrite")
    assert done.status == 0
    with Image.open(tmp_path / "out" / "cells.png") as mask:
        assert mask.size == (50, 40)


def test_a_picture_itself_is_not_replaced_by_its_mask_even_then(command, binary_file, page):
    done = command("predict", binary_file, page, "--out", page.parent, "--overwrite")
    assert "would overwrite the picture" in refusal(done)


@pytest.fixture
def files_of_20_kb_at_most() -> Iterator[None]:
    """As on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_that_finds_no_room_is_told_and_the_others_are_done(
    command, binary_file, page, tmp_path, files_of_20_kb_at_most
):
    large = tmp_path / "large.png"
    Image.new("L", (100, 100)).save(large)
    done = command(
        "predict", binary_file, large, page, "--out", tmp_path / "out", "--probabilities"
    )
    assert done.status == 2 and "Traceback" not in done.err
    (line,) = [line for line in done.err.splitlines() if line.startswith("unet_demo: ")]
    assert line.startswith("unet_demo: large.png: ") and "large.npy" in line
    assert line.endswith("make room there.")
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert there == {"large.png", "cells.png", "cells.npy"}  # and nothing that was half-written


def test_a_picture_that_is_gone_by_then_is_told_and_the_others_are_done(
    command, binary_file, page, stack, tmp_path, monkeypatch
):
    def make_folder(folder: Path) -> None:
        page.unlink()

    monkeypatch.setattr(cli, "make_folder", make_folder)
    done = command("predict", binary_file, page, stack, "--out", tmp_path / "out")
    assert done.status == 2 and 'cells.png: "cells.png" was not found' in done.err
    assert (tmp_path / "out" / "volume.tif").is_file()


def closed_pipe() -> TextIO:
    """What nobody reads any more, as after `| head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w")


def full_device() -> TextIO:
    return open("/dev/full", "w")


@pytest.mark.parametrize("output", [closed_pipe, full_device])
def test_where_nobody_takes_the_output_every_file_is_done_and_that_is_told(
    binary_file, page, stack, tmp_path, monkeypatch, capsys, output
):
    with output() as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        status = main(
            ["predict", str(binary_file), str(page), str(stack), "--out", str(tmp_path / "out")]
        )
    assert status == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"cells.png", "volume.tif"}
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("unet_demo: not all of the output could be written")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_names_that_the_terminal_cannot_spell_are_escaped_and_every_file_is_done(
    binary_file, page, tmp_path, monkeypatch, encoding
):
    names = ["é.png", "漢.png", os.fsdecode(b"\xff.png")]
    files = [shutil.copy(page, tmp_path / name) for name in names]
    bytes_out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_out, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    out = tmp_path / "out"
    assert main(["predict", str(binary_file), *map(str, files), "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == set(names)
    assert bytes_out.getvalue().endswith(b"\\udcff.png\n")


def test_a_mask_may_lie_beside_its_picture_under_another_suffix(command, binary_file, page):
    other = page.with_name("slice.tif")
    Image.open(page).save(other)
    assert command("predict", binary_file, other, "--out", page.parent).status == 0
    assert (page.parent / "slice.png").is_file()


def test_the_output_folder_is_made_with_its_parents(command, binary_file, page, tmp_path):
    assert command("predict", binary_file, page, "--out", tmp_path / "a" / "b").status == 0
    assert (tmp_path / "a" / "b" / "cells.png").is_file()


# --- publish ---


@pytest.fixture
def bundled(binary_file, tmp_path, monkeypatch, hub_cache) -> Path:
    """The folder of bundled checkpoints, which holds one, called tiny; and no token."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "tiny.safetensors").write_bytes(binary_file.read_bytes())
    (folder / "tiny.md").write_text("# A card\n")
    add_to_index(folder / "tiny.safetensors")
    monkeypatch.setattr(cli, "WEIGHTS", folder)
    return folder


def test_a_dry_run_of_publish_prints_what_would_go_without_network_or_token(command, bundled):
    done = command("publish", "ann/unets", "--dry-run")
    lines = [line.split() for line in done.out.splitlines()]
    sizes = {name: int(size.replace(",", "")) for size, _, name, *rest in lines if not rest}
    assert list(sizes) == ["README.md", "index.json", "tiny.safetensors", "tiny.md"]
    assert sizes["tiny.safetensors"] == (bundled / "tiny.safetensors").stat().st_size
    assert done.out.splitlines()[-1].strip() == (
        f"{sum(sizes.values()):,} bytes in 4 files would go to ann/unets; nothing was sent"
    )


def test_publish_sends_the_files_and_says_where_they_are(command, bundled, serve, token):
    repos, commits, private = {}, [], set()
    endpoint = serve(repos, token=token, commits=commits, private=private)
    options = ("--private", "--message", "Better ones", "--revision", "v2")
    done = command("publish", "ann/unets", *options)
    assert (done.status, commits, private) == (0, ["Better ones"], {"ann/unets"})
    assert repos["ann/unets@v2"]["tiny.md"] == b"# A card\n"
    *_, last = done.out.splitlines()
    assert f"are at {endpoint}/ann/unets/commit/" in last
    assert last.endswith("UNET_DEMO_HUB_REPO=ann/unets@v2 offers them by name")


def test_a_dry_run_with_a_space_prints_what_both_would_get_and_asks_nobody(command, bundled, serve):
    asked: list[str] = []
    serve({}, asked=asked)
    done = command("publish", "ann/unets", "--space", "ann/demo", "--dry-run")
    lines = done.out.splitlines()
    assert (done.status, asked) == (0, [])
    assert [line.split(" would go to ")[1] for line in lines if " would go to " in line] == [
        "ann/unets; nothing was sent",
        "spaces/ann/demo; nothing was sent",
    ]
    assert {"app.py", "docs/segment.png", "weights/tiny.safetensors"} <= {
        line.split()[-1] for line in lines
    }
    assert lines[-2].split() == ["variable", "UNET_DEMO_HUB_REPO=ann/unets"]


def test_publish_with_a_space_sends_the_checkpoints_first_and_says_where_the_demo_is(
    command, bundled, serve, token
):
    repos, commits = {}, []
    endpoint = serve(repos, token=token, commits=commits)
    done = command("publish", "ann/unets", "--space", "ann/demo")
    assert (done.status, list(repos)) == (0, ["ann/unets", "spaces/ann/demo"])
    assert commits == [f"Checkpoints of unet_demo {__version__}", f"unet_demo {__version__}"]
    assert done.out.endswith(f"; {endpoint}/spaces/ann/demo runs the demo when it is built\n")


def test_publish_asks_for_the_hardware_that_is_named(command, bundled, serve, token):
    repos: dict[str, dict[str, bytes]] = {}
    serve(repos, token=token)
    done = command("publish", "ann/unets", "--space", "ann/demo", "--hardware", "cpu-basic")
    assert done.status == 2 and "two on ZeroGPU" in done.err
    assert list(repos) == ["ann/unets"]


def test_hardware_without_a_space_is_refused(command, bundled):
    done = command("publish", "ann/unets", "--hardware", "cpu-basic", "--dry-run")
    assert "say which one with --space" in refusal(done)


def test_publish_with_what_is_no_space_sends_nothing(command, bundled, serve, token):
    repos: dict[str, dict[str, bytes]] = {}
    serve(repos, token=token)
    done = command("publish", "ann/unets", "--space", "demo")
    assert "is not the name of a Space" in refusal(done)
    assert repos == {}


def test_publish_without_a_token_is_refused(command, bundled):
    assert "There is no token for the Hub" in refusal(command("publish", "ann/unets"))


def test_publish_of_a_damaged_file_is_refused(command, bundled):
    (bundled / "tiny.safetensors").write_bytes(b"damaged")
    done = command("publish", "ann/unets", "--dry-run")
    assert "is not the file whose SHA-256 index.json holds" in refusal(done)


# --- mistakes ---


@pytest.mark.parametrize("name", ["isbj", "nowhere.safetensors", "", "x" * 5000, "~nobody/x"])
def test_a_wrong_checkpoint_name_is_refused(command, page, tmp_path, name):
    assert "There is no" in refusal(command("predict", name, page, "--out", tmp_path))


def test_a_file_that_is_no_checkpoint_is_refused(command, page, tmp_path):
    assert "not a complete safetensors file" in refusal(
        command("predict", page, page, "--out", tmp_path)
    )


@pytest.mark.parametrize("kept", [0, 7, 200, -1000])
def test_a_broken_tiff_is_refused_and_nothing_is_written(
    command, binary_file, page, stack, tmp_path, kept
):
    stack.write_bytes(stack.read_bytes()[:kept])
    done = command("predict", binary_file, page, stack, "--out", tmp_path / "out")
    assert '"volume.tif"' in refusal(done)
    assert not (tmp_path / "out").exists()


def test_a_missing_picture_is_refused(command, binary_file, tmp_path):
    done = command("predict", binary_file, tmp_path / "gone.png", "--out", tmp_path)
    assert '"gone.png" was not found' in refusal(done)


def test_an_output_folder_that_is_a_file_is_refused(command, binary_file, page):
    done = command("predict", binary_file, page, "--out", page)
    assert "give another path" in refusal(done)
    assert "pass" not in done.err  # it is refused before the work, and not after


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_an_output_folder_that_may_not_be_written_is_refused(command, binary_file, page, tmp_path):
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    assert "give another path" in refusal(command("predict", binary_file, page, "--out", out))


def test_a_run_in_a_file_is_refused(command, tiny_recipe, page):
    assert "give another path" in refusal(command("train", "shapes", "--out", page))


def test_a_forgotten_suffix_is_told(command, binary_file, page, tmp_path):
    name = binary_file.with_suffix("")
    done = command("predict", name, page, "--out", tmp_path / "out")
    assert f"did you mean '{binary_file}'?" in refusal(done)


def test_a_device_that_is_not_there_is_refused(command, binary_file, page, tmp_path):
    options = ("--out", tmp_path, "--device", "cuda:99")
    assert "use --device cpu" in refusal(command("predict", binary_file, page, *options))


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["segment"],
        ["predict"],
        ["train", "cats", "--out", "x"],
        ["train", "shapes", "--out", "x", "--workers", "-3"],
    ],
)
def test_an_unknown_command_recipe_or_number_is_refused_and_help_is_named(command, arguments):
    assert "; add --help to see what it takes." in refusal(command(*arguments))


def test_every_command_and_what_it_takes_is_in_the_help(command):
    commands = re.findall(r"^  ([a-z]+) ", command("--help").out, re.MULTILINE)
    assert commands == [
        "train", "evaluate", "bundle", "benchmark", "publish", "predict", "teach", "serve",
    ]  # fmt: skip
    for name in commands:
        done = command(name, "-h")
        assert done.status == 0 and f"Usage: unet_demo {name}" in done.out


def test_two_variants_of_a_recipe_at_once_are_refused(command, tmp_path):
    done = command("train", "shapes", "--out", tmp_path, "--as-published", "--for-gpu")
    assert "leave one of them out" in refusal(done)


def test_ctrl_c_ends_a_command_with_status_130(command, monkeypatch, page):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "open_predictor", interrupted)
    done = command("predict", "shapes", page, "--out", "x")
    assert (done.status, done.err) == (130, "unet_demo: interrupted\n")


def test_in_a_shell_a_mistake_is_one_line_and_status_2(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "unet_demo", "evaluate", "isbi", "--data", str(tmp_path)],
        cwd=Path(cli.__file__).parents[1],
        env={**os.environ, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    refusal(Done(done.returncode, done.stdout, done.stderr))


def test_predict_writes_the_colours_that_a_network_paints(command, page, tmp_path):
    checkpoint = shapes_checkpoint()
    paints = replace(checkpoint.card, task=ColourTask(SHAPES.classes, SHAPES.palette))
    file = saved(Checkpoint(paints, checkpoint.network), tmp_path / "paints.safetensors")
    done = command("predict", file, page, "--out", tmp_path / "out", "--colours")
    path = tmp_path / "out" / "cells-colours.png"
    assert done.status == 0 and str(path) in done.out.splitlines()
    with Image.open(path) as image:
        painted = np.asarray(image)
    normalised = torch.from_numpy(np.array(Image.open(page))).float() / 255
    with torch.inference_mode():
        logits = checkpoint.network((normalised.expand(1, 3, -1, -1) - 0.5) / 0.25)
    expected = logits[0].sigmoid().permute(1, 2, 0).numpy() * 255
    assert np.abs(painted - expected).max() <= 8  # float16 weights, bfloat16 arithmetic


def test_predict_tells_that_a_network_of_classes_paints_no_colours(
    command, shapes_file, page, tmp_path
):
    done = command("predict", shapes_file, page, "--out", tmp_path / "out", "--colours")
    assert "tells classes and paints no colours" in refusal(done)
    assert not (tmp_path / "out").exists()


# --- evaluate ---


def test_evaluate_prints_the_scores(command, binary_file, volume):
    done = command("evaluate", binary_file, "--data", volume)
    first, *lines = done.out.splitlines()
    assert first == "tiny on ISBI 2012 frames 21–23:"
    assert {"V_rand", "V_info", "mIoU"} <= {line.split()[0] for line in lines}


def test_evaluate_as_json_prints_one_object_and_nothing_else(command, binary_file, volume):
    done = command("evaluate", binary_file, "--data", volume, "--json")
    result = json.loads(done.out)
    assert result["checkpoint"] == str(binary_file)
    assert result["scored_on"] == "ISBI 2012 frames 21–23" and result["tta"] is True
    assert result["void"] == 0
    assert {"V_rand", "V_info", "IoU membrane", "Dice membrane"} <= set(result["scores"])


def test_evaluate_takes_another_split_and_leaves_the_averaging_out(command, binary_file, volume):
    options = ("--split", "train", "--no-tta", "--json")
    result = json.loads(command("evaluate", binary_file, "--data", volume, *options).out)
    assert result["scored_on"] == "ISBI 2012 frames 0–20" and result["tta"] is False


def test_a_score_that_does_not_exist_is_null_in_json():
    evaluation = cli.Evaluation({"IoU circle": float("nan"), "mIoU": 0.5}, "scenes", False)
    text = json.dumps(cli.evaluation_as_json("x", evaluation))
    assert json.loads(text)["scores"] == {"IoU circle": None, "mIoU": 0.5}


def test_evaluate_saves_into_no_folder_that_holds_anything_unless_it_may_overwrite(
    command, binary_file, volume, tmp_path
):
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "confusion.csv").write_text("of yesterday")
    asked = ("evaluate", binary_file, "--data", volume, "--no-tta", "--save", cases)
    done = command(*asked)
    assert "'confusion.csv' for one; add --overwrite" in refusal(done)
    assert (cases / "confusion.csv").read_text() == "of yesterday"
    assert command(*asked, "--overwrite").status == 0
    assert "membrane" in (cases / "confusion.csv").read_text()


def test_evaluate_refuses_a_split_that_there_is_not(command, shapes_file):
    words = refusal(command("evaluate", shapes_file, "--split", "test"))
    assert "There is no split 'test' of scenes" in words and words.endswith("use val.")


def test_evaluate_without_its_data_asks_for_it(command, binary_file):
    assert "give its folder as --data" in refusal(command("evaluate", binary_file))


@pytest.mark.parametrize(
    "asked",
    [["evaluate", "shapes"], ["train", "shapes", "--out", "run"], ["bundle", "shapes", "run"]],
)
def test_a_data_set_for_what_draws_its_own_scenes_is_refused(command, tmp_path, monkeypatch, asked):
    monkeypatch.chdir(tmp_path)
    done = command(*asked, "--data", "voc")
    assert "Scenes are drawn afresh and need no data set; leave out --data." in refusal(done)
    assert list(tmp_path.iterdir()) == []


def test_benchmark_on_a_device_that_is_not_there_is_refused(command):
    assert "There is no device 'foo'" in refusal(command("benchmark", "--device", "foo"))


def test_evaluate_on_a_folder_without_the_files_is_refused(command, binary_file, tmp_path):
    done = command("evaluate", binary_file, "--data", tmp_path)
    assert "train-volume.tif and train-labels.tif not found" in refusal(done)
    assert len(done.err.splitlines()) == 1  # and no bar of no passes


def test_evaluate_on_a_broken_volume_is_refused(command, binary_file, volume):
    path = volume / "train-volume.tif"
    path.write_bytes(path.read_bytes()[:500])
    assert '"train-volume.tif"' in refusal(command("evaluate", binary_file, "--data", volume))


def test_evaluate_on_a_volume_too_short_is_refused(command, binary_file, volume):
    for path in volume.iterdir():
        tifffile.imwrite(path, np.zeros((4, 32, 32), np.uint8), photometric="minisblack")
    assert "holds 4 frames" in refusal(command("evaluate", binary_file, "--data", volume))


# --- train ---


def test_train_leaves_a_checkpoint_that_predicts(command, tiny_recipe, page, tmp_path):
    assert command("train", "shapes", "--out", tmp_path / "run", "--steps", 2).status == 0
    done = command(
        "predict", tmp_path / "run" / "shapes.safetensors", page, "--out", tmp_path / "out"
    )
    assert done.status == 0


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("shapes", "--quick"), "Only the recipes of VOC have a quick check"),
        (("shapes", "--split", "as-published"), "No article splits the data of 'shapes'"),
        (("voc", "--as-published", "--weight-map"), "teaches void as a class"),
        (("shapes", "--width", "0"), "Invalid value for '--width'"),
        (("shapes", "--start", "isbi"), "'isbi' is of another network than the recipe's"),
        (("shapes", "--start", "nothing-there"), "There is no checkpoint 'nothing-there'"),
    ],
)
def test_train_tells_what_a_recipe_cannot_have(command, tmp_path, asked, words):
    done = command("train", *asked, "--out", tmp_path / "run")
    assert words in refusal(done)
    assert not (tmp_path / "run").exists()


def test_each_fold_is_trained_without_what_it_scores(command, monkeypatch, volume, tmp_path):
    recipe = recipes.RECIPES["isbi"]
    small = replace(recipe, batch=1, warp=replace(recipe.warp, crop=32))
    monkeypatch.setitem(recipes.RECIPES, "isbi", with_options(small, width=2))
    options = ("--folds", 2, "--steps", 2, "--out", tmp_path)
    asked = ("cross-validate", "isbi", "--data", volume, *options)
    done = command(*asked, "--json")
    assert done.status == 0
    told = json.loads(done.out)
    assert [fold["scored_on"][-11:] for fold in told["folds"]] == ["fold 1 of 2", "fold 2 of 2"]
    scores = [fold["scores"]["V_rand one pass"] for fold in told["folds"]]
    assert told["mean"]["V_rand one pass"] == pytest.approx(sum(scores) / 2)
    checkpoint = tmp_path / "fold-2" / "isbi.safetensors"
    again = command("evaluate", checkpoint, "--data", volume, "--no-tta", "--json")
    assert json.loads(again.out)["scores"]["V_rand"] == pytest.approx(scores[1])
    # What is there already is not trained again.
    before = checkpoint.stat().st_mtime_ns
    assert "mean of 2 folds: V_rand one pass" in command(*asked).out
    assert checkpoint.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("shapes",), "Scenes are drawn afresh, without end: they need no folds; use train."),
        (("isbi",), "needs its data set; give its folder as --data."),
        (("isbi", "--data", "VOLUME", "--folds", 25), "24 pictures are too few for 25 folds"),
        (("isbi", "--data", "VOLUME", "--steps", 0), "steps and epoch must be at least 1"),
    ],
)
def test_cross_validation_tells_what_it_cannot_do(command, volume, tmp_path, asked, words):
    asked = [volume if word == "VOLUME" else word for word in asked]
    assert words in refusal(command("cross-validate", *asked, "--out", tmp_path / "runs"))


def test_train_takes_a_width_and_the_weight_map_for_any_recipe(command, tiny_recipe, tmp_path):
    options = ("--steps", 1, "--width", 3, "--weight-map", "--keep-epochs", "--save-pictures")
    assert command("train", "shapes", "--out", tmp_path, *options).status == 0
    card = load_checkpoint(tmp_path / "epochs" / "shapes-000001.safetensors").card
    assert card.options["width"] == 3 and card.recipe["weight_map"] is True
    assert (tmp_path / "pictures" / "000001.png").is_file()


def test_train_begins_with_a_checkpoints_weights_or_with_random_ones(
    command, tiny_recipe, tmp_path
):
    steps = ("--steps", 1, "--epoch", 1)
    command("train", "shapes", "--out", tmp_path / "first", *steps)
    first = tmp_path / "first" / "shapes.safetensors"
    losses = []
    for start in (first, "random"):
        run = tmp_path / str(len(losses))
        assert command("train", "shapes", "--out", run, *steps, "--start", start).status == 0
        losses.append((run / "losses.csv").read_text().splitlines()[1])
    assert losses[0] != losses[1]
    assert losses[1] == (tmp_path / "first" / "losses.csv").read_text().splitlines()[1]


def test_train_tells_that_the_hub_has_no_checkpoint_to_begin_with(command, serve, tmp_path):
    serve({})
    done = command("train", "shapes", "--start", "ann/none", "--out", tmp_path / "run")
    assert "ann/none" in refusal(done) and "another network" not in done.err
    assert not (tmp_path / "run").exists()


def test_train_as_published_names_the_articles_faults(command, tmp_path):
    options = ("--as-published", "--width", 2, "--steps", 1)
    done = command("train", "shapes", "--out", tmp_path, *options)
    assert "As published, but: The run is not seeded; here it is." in done.err


def test_train_takes_the_articles_split_and_its_quick_check(command, tmp_path):
    voc = write_voc(tmp_path / "voc", train=60, val=10)
    options = ("--steps", 1, "--width", 2, "--as-published", "--data", voc)
    for choice in (("--split", "as-published"), ("--quick",)):
        run = tmp_path / choice[0]
        done = command("train", "voc", "--out", run, *choice, *options)
        assert done.status == 0
        photos = {"--split": 14, "--quick": 10}[choice[0]]
        part = f"the {photos} photos of VOC 2012's part 'val', drawn at random (1.7% void)"
        assert load_checkpoint(run / "voc.safetensors").card.scored_on == part
        assert f"step 1, on {part}: " in done.out


def test_train_resumes_a_run(command, tiny_recipe, tmp_path):
    short, whole = ("--steps", 2, "--epoch", 1), ("--steps", 3, "--epoch", 1)
    command("train", "shapes", "--out", tmp_path, *short)
    assert "add --resume" in refusal(command("train", "shapes", "--out", tmp_path, *whole))
    assert command("train", "shapes", "--out", tmp_path, *whole, "--resume").status == 0
    rows = (tmp_path / "losses.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "1", "2", "3"]


def test_resuming_where_no_run_is_begins_one_and_says_so(command, tiny_recipe, tmp_path):
    done = command("train", "shapes", "--out", tmp_path / "run", "--steps", 1, "--resume")
    assert done.status == 0
    assert "holds no run to resume; a new one is started there." in done.err


def test_train_without_its_data_asks_for_it(command, tmp_path):
    assert "give its folder as --data" in refusal(
        command("train", "isbi", "--out", tmp_path / "run")
    )
    assert not (tmp_path / "run").exists()


def test_train_on_a_folder_without_the_files_is_refused(command, tmp_path):
    done = command("train", "isbi", "--data", tmp_path, "--out", tmp_path / "run")
    assert "not found" in refusal(done)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--steps", "--epoch"])
def test_train_for_no_step_at_all_is_refused(command, tmp_path, option):
    done = command("train", "shapes", "--out", tmp_path / "run", option, 0)
    assert "at least 1" in refusal(done)
