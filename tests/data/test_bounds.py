"""Small files that would take minutes or hundreds of megabytes to read, and long ones that need not."""

import io
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from unet_demo.data import Cancelled, PictureError, bounds
from unet_demo.data.images import read_picture


def refusal(path: Path) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    words = str(caught.value)
    assert words.startswith(f'"{path.name}" ') and words.endswith(".")
    return words


def test_a_tiff_of_many_unlike_pages_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "unlike.tif"
    with tifffile.TiffWriter(path) as file:
        for number in range(bounds.MAX_KINDS + 1):
            file.write(np.zeros((1 + number % 20, 1 + number // 20), np.uint8), metadata=None)
    assert "too many different sizes" in refusal(path)


def tiff(order: str, extra: int) -> bytes:
    """A TIFF of 8 by 8 pixels that lists so many values of its own."""
    tags = [
        (256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
        (277, 3, 1, 1), (278, 3, 1, 8), (279, 4, 1, 64),
    ]  # fmt: skip
    begin = b"II*\0" if order == "<" else b"MM\0*"
    body = begin + struct.pack(order + "I", 72) + bytes(range(64)) + struct.pack(order + "H", 10)
    for tag, kind, count, value in tags:
        packed = struct.pack(order + ("H2x" if kind == 3 else "I"), value)
        body += struct.pack(order + "HHI", tag, kind, count) + packed
    body += struct.pack(order + "HHII", 50000, 4, extra, len(body) + 16)
    return body + bytes(4) + struct.pack(order + "I", 1) * extra


@pytest.mark.parametrize("order", "<>")
def test_a_tiff_that_lists_more_values_than_a_picture_needs_is_refused(
    tmp_path: Path, order: str
) -> None:
    path = tmp_path / "tags.tif"
    path.write_bytes(tiff(order, 10))
    assert read_picture(path).slices.shape == (1, 8, 8, 1)
    path.write_bytes(tiff(order, bounds.MAX_VALUES + 1))
    assert "more values than a picture needs" in refusal(path)


@pytest.mark.parametrize("place", [0, 8, 2**32 - 1])
def test_a_tiff_whose_pages_lead_nowhere_or_in_a_circle_is_refused(
    tmp_path: Path, place: int
) -> None:
    path = tmp_path / "circle.tif"
    path.write_bytes(b"II*\0" + struct.pack("<IHI", 8, 0, place))
    refusal(path)


def progressive(path: Path, scans: int) -> Path:
    file = io.BytesIO()
    Image.new("L", (64, 64), 90).save(file, "JPEG", progressive=True)
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" + bytes(20)
    path.write_bytes(file.getvalue()[:-2] + scan * scans + b"\xff\xd9")
    return path


def test_a_jpeg_of_many_scans_is_refused_and_an_ordinary_one_is_not(tmp_path: Path) -> None:
    path = progressive(tmp_path / "scans.jpg", 0)
    assert read_picture(path).slices.shape == (1, 64, 64, 1)
    path.write_bytes(
        path.read_bytes() + b"\xff\xda\0\x08" * 200
    )  # a film that a telephone puts behind
    assert read_picture(path).slices.shape == (1, 64, 64, 1)
    assert "too many passes" in refusal(progressive(path, bounds.MAX_SCANS))


@pytest.fixture(params=["pages.tif", "frames.gif"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    first, *others = [Image.new("L", (8, 8), 60 * number) for number in range(4)]
    first.save(path, save_all=True, append_images=others)
    return path


def test_reading_that_takes_too_long_is_given_up(
    stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "READ_SECONDS", -1)
    assert "takes longer than" in refusal(stack)


def test_reading_can_be_called_off(stack: Path) -> None:
    cancelled = threading.Event()
    assert len(read_picture(stack, cancelled).slices) == 4
    cancelled.set()
    with pytest.raises(Cancelled):
        read_picture(stack, cancelled)
