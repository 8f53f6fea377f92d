"""The Segment page, used as a person uses it, in a real Chromium."""

import gc
import json
import re
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import tifffile
from PIL import Image
from playwright.sync_api import Browser, Download, Page, expect

from unet_demo.bundled import HUB_VARIABLE
from unet_demo.data.em import synthetic_em
from unet_demo.data.images import read_picture
from unet_demo.hub import sha256_of
from unet_demo.segmentation import open_predictor
from unet_demo.ui.demo import launch
from unet_demo.ui.segment_page import SegmentPage
from unet_demo.ui.texts import i18n

FIRST_RESULT_SECONDS = 2.0
SETTLING_MS = 1500
"""The page's own small requests, a preview's and a threshold's, have come to rest by then."""

ISBI = "Cell membranes (ISBI 2012)"


@pytest.fixture
def opened(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("#segment-status")).to_contain_text("px in", timeout=30_000)
    return page


@pytest.fixture
def deep_stack(tmp_path: Path) -> Path:
    """Three slices of synthetic EM, 200×160, 16 bits, in a dark corner of their range."""
    slices, _ = synthetic_em(224, seed=3, slices=3)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(
        path, slices[:, :160, :200].astype(np.uint16) * 9 + 700, photometric="minisblack"
    )
    return path


def bring(page: Page, path: Path) -> None:
    page.locator("#picture input[type=file]").set_input_files(path)


def choose_checkpoint(page: Page, title: str) -> None:
    page.locator("#checkpoint").get_by_label(title).check()
    expect(page.locator("#segment-status")).to_contain_text(title, timeout=30_000)


def download(page: Page, kind: str) -> Path:
    with page.expect_download() as waiting:
        page.locator(f"#download-{kind}").click()
    return Path(waiting.value.path())


def test_the_first_segmentation_is_there_within_two_seconds_of_opening(
    browser: Browser, url: str, capsys: pytest.CaptureFixture
) -> None:
    seconds = []
    for _ in range(4):
        page = browser.new_page()
        begun = time.perf_counter()
        page.goto(url)
        page.locator("#viewer canvas, #viewer img").first.wait_for(timeout=30_000)
        expect(page.locator("#segment-status")).to_contain_text("px in", timeout=30_000)
        seconds.append(time.perf_counter() - begun)
        page.close()
    with capsys.disabled():
        print("\n  first segmentation after", ", ".join(f"{s:.2f} s" for s in seconds))
    assert min(seconds) < FIRST_RESULT_SECONDS


def test_a_click_on_an_example_segments_it_with_the_checkpoint_that_knows_it(opened: Page) -> None:
    opened.locator("#examples .gallery-item").nth(1).locator("button").click()
    expect(opened.locator("#segment-status")).to_contain_text(ISBI, timeout=60_000)
    expect(opened.locator("#checkpoint").get_by_label(ISBI)).to_be_checked()
    expect(opened.locator("#legend")).to_contain_text("membrane")


def test_a_16_bit_stack_is_segmented_and_its_label_mask_holds_the_exact_ids(
    opened: Page, deep_stack: Path
) -> None:
    choose_checkpoint(opened, ISBI)
    bring(opened, deep_stack)
    expect(opened.locator("#segment-status")).to_contain_text("3 slices of 200×160", timeout=60_000)
    expect(opened.locator("#segment-status")).to_contain_text("16-bit")
    expected = open_predictor("isbi").predict(read_picture(deep_stack).pages).labels()
    mask = tifffile.imread(download(opened, "labels"))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, expected)


def test_the_slice_slider_shows_another_slice(opened: Page, deep_stack: Path) -> None:
    choose_checkpoint(opened, ISBI)
    bring(opened, deep_stack)
    expect(opened.locator("#segment-status")).to_contain_text("3 slices", timeout=60_000)
    before = opened.locator("#legend").inner_text()
    opened.locator("#slice input[type=number]").fill("3")
    opened.locator("#slice input[type=number]").press("Tab")
    expect(opened.locator("#legend")).not_to_have_text(before, timeout=10_000)


def test_the_threshold_repaints_without_running_the_network_again(opened: Page) -> None:
    opened.locator("#examples .gallery-item").nth(1).locator("button").click()
    expect(opened.locator("#segment-status")).to_contain_text(ISBI, timeout=60_000)
    status, share = opened.locator("#segment-status"), opened.locator("#legend")
    said, before = status.inner_text(), share.inner_text()
    opened.locator("#threshold input[type=number]").fill("0.95")
    opened.locator("#threshold input[type=number]").press("Tab")
    expect(share).not_to_have_text(before, timeout=10_000)
    assert status.inner_text() == said


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("colours", lambda path: Image.open(path).mode == "RGB"),
        ("labels", lambda path: set(np.unique(np.asarray(Image.open(path)))) <= {0, 1, 2}),
        ("overlay", lambda path: Image.open(path).size == (256, 256)),
        ("probabilities", lambda path: np.load(path).shape == (1, 3, 256, 256)),
    ],
)
def test_each_download_is_what_it_says(
    opened: Page, kind: str, check: Callable[[Path], bool]
) -> None:
    assert check(download(opened, kind))


def test_the_note_says_that_the_label_mask_looks_dark(opened: Page) -> None:
    expect(opened.get_by_text(re.compile("looks dark: values 0–2"))).to_be_visible()


def test_ground_truth_gives_scores(opened: Page, tmp_path: Path) -> None:
    path = download(opened, "labels")
    truth = tmp_path / "truth.png"
    truth.write_bytes(path.read_bytes())
    opened.get_by_text("Compare with ground truth").click()
    opened.locator("#truth input[type=file]").set_input_files(truth)
    expect(opened.locator("#scores")).to_contain_text("1.0000", timeout=10_000)


def test_a_ground_truth_of_another_size_says_so_and_keeps_the_result(
    opened: Page, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.png"
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(truth)
    opened.get_by_text("Compare with ground truth").click()
    opened.locator("#truth input[type=file]").set_input_files(truth)
    expect(opened.get_by_role("alert")).to_contain_text("20×10")
    expect(opened.locator("#legend")).to_contain_text("background")


@pytest.mark.parametrize("content", [b"", b"this is no picture", b"\x89PNG\r\n\x1a\n half"])
def test_a_broken_file_gets_one_sentence_and_the_result_stays(
    opened: Page, tmp_path: Path, content: bytes
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(content)
    legend = opened.locator("#legend").inner_text()
    bring(opened, broken)
    alert = opened.get_by_role("alert")
    expect(alert).to_be_visible(timeout=10_000)
    assert "/" not in alert.inner_text()
    assert opened.locator("#legend").inner_text() == legend


def test_a_picture_of_one_class_says_so_and_why(opened: Page, tmp_path: Path) -> None:
    path = tmp_path / "gray.png"
    Image.fromarray(np.full((96, 96, 3), 128, np.uint8)).save(path)
    bring(opened, path)
    expect(opened.locator("#segment-status")).to_contain_text("labelled", timeout=30_000)


def test_a_tiff_shows_a_preview_in_its_box(opened: Page, deep_stack: Path) -> None:
    bring(opened, deep_stack)
    expect(opened.locator("#segment-status")).to_contain_text("3 slices", timeout=60_000)
    width = opened.locator("#picture img").evaluate(
        "img => img.decode().then(() => img.naturalWidth)"
    )
    assert width == 200


def test_a_picture_is_pasted_from_the_clipboard(opened: Page) -> None:
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.evaluate(
        """async () => {
          const canvas = Object.assign(document.createElement('canvas'), { width: 72, height: 48 });
          const blob = await new Promise(done => canvas.toBlob(done, 'image/png'));
          await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
        }"""
    )
    opened.locator("#picture").get_by_label("Remove Image").click()
    opened.locator("#picture").get_by_label("Paste from clipboard").click()
    expect(opened.locator("#segment-status")).to_contain_text("72×48", timeout=30_000)


def test_a_hub_repository_that_is_none_gets_one_sentence(opened: Page) -> None:
    opened.get_by_text("Another checkpoint").click()
    opened.locator("#repo textarea, #repo input").fill("not a repository")
    opened.locator("#repo textarea, #repo input").press("Enter")
    expect(opened.get_by_role("alert")).to_contain_text("not a repository", timeout=10_000)


def test_averaging_keeps_the_ground_truth(opened: Page) -> None:
    opened.get_by_text("Compare with ground truth").click()
    expect(opened.locator("#scores")).to_contain_text("mIoU")
    said = opened.locator("#segment-status").inner_text()
    opened.locator("#flips input").check()
    expect(opened.locator("#segment-status")).not_to_have_text(said, timeout=30_000)
    expect(opened.locator("#scores")).to_contain_text("mIoU")


def test_a_typed_threshold_scores_again(opened: Page) -> None:
    opened.locator("#examples .gallery-item").nth(1).locator("button").click()
    expect(opened.locator("#segment-status")).to_contain_text(ISBI, timeout=60_000)
    opened.get_by_text("Compare with ground truth").click()
    before = opened.locator("#scores").inner_text()
    opened.locator("#threshold input[type=number]").fill("0.9")
    opened.locator("#threshold input[type=number]").press("Tab")
    expect(opened.locator("#scores")).not_to_have_text(before, timeout=10_000)


def test_the_last_of_many_fast_choices_is_the_one_that_is_shown(opened: Page) -> None:
    picker = opened.locator("#checkpoint")
    shapes = "Circles and rectangles"
    for title in (ISBI, shapes, ISBI, shapes, ISBI):
        picker.get_by_label(title).check()
    expect(opened.locator("#segment-status")).to_contain_text(ISBI, timeout=60_000)
    opened.wait_for_timeout(SETTLING_MS)
    expect(picker.get_by_label(ISBI)).to_be_checked()
    expect(opened.locator("#segment-status")).to_contain_text(ISBI)


def test_cancelling_keeps_the_result_and_the_controls_that_belong_to_it(
    opened: Page, tmp_path: Path
) -> None:
    path = tmp_path / "long.tif"
    tifffile.imwrite(path, np.zeros((60, 256, 256), np.uint8), photometric="minisblack")
    bring(opened, path)
    opened.locator("#cancel").click(timeout=30_000)
    expect(opened.locator("#segment-status")).to_contain_text("Cancelled", timeout=30_000)
    expect(opened.locator("#cancel")).to_be_hidden()
    expect(opened.locator("#legend")).to_contain_text("circle")


def test_on_a_phone_the_count_stands_beside_the_bar_and_above_the_button(
    opened: Page, tmp_path: Path
) -> None:
    path = tmp_path / "long.tif"
    tifffile.imwrite(path, np.zeros((60, 256, 256), np.uint8), photometric="minisblack")
    opened.set_viewport_size({"width": 360, "height": 740})
    bring(opened, path)
    expect(opened.locator("#viewer .progress-text")).to_contain_text("/60", timeout=30_000)
    places = opened.evaluate(
        """() => [".progress-level-inner", ".progress-bar-wrap", ".progress-text", "#cancel"].map((part) => {
            const { top, bottom } = document.querySelector(part).getBoundingClientRect();
            return [top, bottom];
        })"""
    )
    opened.locator("#cancel").click()
    edges = [edge for place in places for edge in place]
    assert edges == sorted(edges)


def test_opacity_moved_during_a_segmentation_holds_for_its_result(
    opened: Page, tmp_path: Path
) -> None:
    path = tmp_path / "long.tif"
    pages = np.random.default_rng(0).integers(0, 255, (60, 256, 256), np.uint8)
    tifffile.imwrite(path, pages, photometric="minisblack")
    bring(opened, path)
    expect(opened.locator("#cancel")).to_be_visible(timeout=30_000)
    opened.locator("#opacity input[type=number]").fill("0")
    opened.locator("#opacity input[type=number]").press("Tab")
    assert "60 slices" not in opened.locator("#segment-status").inner_text()
    expect(opened.locator("#segment-status")).to_contain_text("60 slices", timeout=60_000)
    picture = opened.locator("#viewer .before").get_attribute("src")
    expect(opened.locator("#viewer .after")).to_have_attribute("src", picture or "")


def test_a_result_whose_marking_changed_meanwhile_keeps_its_own_threshold(opened: Page) -> None:
    opened.locator("#examples .gallery-item").nth(1).locator("button").click()
    opened.locator("#style input[value=outline]").check()
    expect(opened.locator("#segment-status")).to_contain_text(ISBI, timeout=60_000)
    opened.wait_for_timeout(SETTLING_MS)
    painted, legend = opened.locator("#viewer .after"), opened.locator("#legend").inner_text()
    before = painted.get_attribute("src")
    opened.locator("#style input[value=fill]").check()
    expect(painted).not_to_have_attribute("src", before or "")
    opened.locator("#style input[value=outline]").check()
    expect(painted).to_have_attribute("src", before or "")
    assert opened.locator("#legend").inner_text() == legend


@pytest.fixture(scope="module")
def alone(serve_blocks: Callable[..., str]) -> tuple[SegmentPage, str]:
    """The page without the others, and its address."""
    with gr.Blocks() as demo:
        segment_page = SegmentPage(demo)
    return segment_page, serve_blocks(demo, i18n=i18n())


def test_what_a_visitor_brought_goes_when_the_tab_is_closed(
    browser: Browser, alone: tuple[SegmentPage, str], tmp_path: Path
) -> None:
    segment_page, address = alone
    path = tmp_path / "own.png"
    Image.fromarray(np.full((48, 64, 3), 128, np.uint8)).save(path)
    tab = browser.new_page()
    tab.goto(address)
    expect(tab.locator("#segment-status")).to_contain_text("px in", timeout=30_000)
    bring(tab, path)
    expect(tab.locator("#segment-status")).to_contain_text("64×48", timeout=30_000)
    (session,) = segment_page.sessions.open
    result = weakref.ref(session.shown)
    del session
    tab.wait_for_timeout(SETTLING_MS)
    tab.close()
    deadline = time.monotonic() + 20
    while result():
        assert time.monotonic() < deadline
        time.sleep(0.1)
        gc.collect()
    assert segment_page.sessions.open == ()


def test_a_file_that_cannot_be_made_hands_over_no_earlier_one(
    browser: Browser, alone: tuple[SegmentPage, str]
) -> None:
    segment_page, address = alone
    tab = browser.new_page()  # one that may log the error that this test is about
    tab.goto(address)
    expect(tab.locator("#segment-status")).to_contain_text("px in", timeout=30_000)
    download(tab, "labels")
    for session in segment_page.sessions.open:
        session.shown = None
    files: list[Download] = []
    tab.on("download", lambda file: files.append(file))
    tab.locator("#download-labels").click()
    expect(tab.get_by_text("There is no picture yet; choose one first.")).to_be_visible()
    tab.wait_for_timeout(500)
    tab.close()
    assert not files


def test_a_checkpoint_file_joins_the_picker_and_stays(opened: Page, shapes_file: Path) -> None:
    opened.get_by_text("Another checkpoint").click()
    opened.locator("#checkpoint-file input[type=file]").set_input_files(shapes_file)
    picker = opened.locator("#checkpoint")
    expect(picker.get_by_label(shapes_file.name)).to_be_checked(timeout=30_000)
    picker.get_by_label("Circles and rectangles").check()
    expect(opened.locator("#segment-status")).to_contain_text("Circles", timeout=30_000)
    expect(picker.get_by_label(shapes_file.name)).to_be_visible()


def test_a_repository_of_the_hub_is_opened_by_its_name(
    opened: Page, serve: Callable[..., str]
) -> None:
    weights = Path(__file__).parents[2] / "weights"
    names = ("index.json", "shapes.safetensors")
    serve({"ann/unets": {name: (weights / name).read_bytes() for name in names}})
    opened.get_by_text("Another checkpoint").click()
    opened.locator("#repo textarea, #repo input").fill("ann/unets")
    opened.locator("#repo textarea, #repo input").press("Enter")
    expect(opened.locator("#checkpoint").get_by_label("ann/unets")).to_be_checked(timeout=30_000)


def test_an_example_keeps_a_checkpoint_that_knows_its_kind(opened: Page) -> None:
    other = "Cell membranes, with elastic deformation"
    opened.locator("#examples .gallery-item").nth(1).locator("button").click()
    expect(opened.locator("#segment-status")).to_contain_text(ISBI, timeout=60_000)
    choose_checkpoint(opened, other)
    opened.locator("#examples .gallery-item").nth(2).locator("button").click()
    expect(opened.locator("#segment-status")).to_contain_text("slices", timeout=60_000)
    expect(opened.locator("#checkpoint").get_by_label(other)).to_be_checked()


@pytest.fixture
def url_with_hub(
    serve: Callable[..., str], shapes_file: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A demo whose environment names a repository with one more checkpoint, "far"."""
    entry = {"file": "far.safetensors", "sha256": sha256_of(shapes_file)}
    index = json.dumps({"checkpoints": {"far": entry}}).encode()
    serve({"ann/unets": {"index.json": index, "far.safetensors": shapes_file.read_bytes()}})
    monkeypatch.setenv(HUB_VARIABLE, "ann/unets")
    app, address, _ = launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield address
    app.get_blocks().close()


def test_the_checkpoints_of_the_environments_repository_are_in_the_picker(
    url_with_hub: str, page: Page
) -> None:
    page.goto(url_with_hub)
    expect(page.locator("#segment-status")).to_contain_text("px in", timeout=30_000)
    page.locator("#checkpoint").get_by_label("far").check()
    expect(page.locator("#segment-status")).to_contain_text("tiny-shapes", timeout=30_000)
