"""The Segment page, used as a person uses it, in a real Chromium."""

import gc
import json
import re
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import tifffile
import torch
from handling import (
    asks_for,
    choose_checkpoint,
    expect_checkpoint,
    look_for,
    open_segment,
    wait_until,
)
from PIL import Image
from playwright.sync_api import Download, Page, Request, expect
from torch.nn.modules.module import register_module_forward_pre_hook

from unet_demo.checkpoints import HUB_VARIABLE
from unet_demo.checkpoints.hub import sha256_of
from unet_demo.data.em import synthetic_em
from unet_demo.data.images import read_picture
from unet_demo.networks import Network
from unet_demo.segmentation import open_predictor
from unet_demo.ui.segment.page import SegmentPage
from unet_demo.ui.serve import launch
from unet_demo.ui.text import i18n

MANY = 1000
"""Passes: more than a test's stack needs, and one that the test before left behind."""

SETTLING_MS = 1500
"""The page's own small requests, a preview's and a threshold's, have come to rest by then."""

ISBI = "Cell membranes (ISBI 2012)"

SHAPES = "Circles and rectangles"


NOTE_WIPES = """
  window.wipes = [];
  addEventListener("animationstart", ({ animationName, target }) => {
    if (animationName !== "wipe") return;
    const [wipe] = target.getAnimations();
    const { duration } = wipe.effect.getTiming();
    const left = (share) => {
      wipe.currentTime = share * duration;
      return getComputedStyle(target.querySelector(".after")).clipPath;
    };
    wipes.push([0, 0.65, 0.999].map(left));
  }, true);
"""
"""Writes down what each wipe hides of the mask at its start, at its turn and at its end, and is done with it."""


@pytest.fixture
def opened(page: Page, url: str) -> Page:
    open_segment(page, url)
    return page


@pytest.fixture(scope="module")
def first(tab: Page, url: str) -> Page:
    """As the page opens, for tests that leave its first result, and the controls, as they are."""
    open_segment(tab, url)
    return tab


@pytest.fixture(scope="module")
def stacked(watched_tab: Callable[[], Page], url: str, deep_stack: Path) -> Page:
    """With a 16-bit stack."""
    tab = watched_tab()
    open_segment(tab, url)
    bring(tab, deep_stack)
    expect(tab.locator("#segment-status")).to_contain_text("3 slices of 200×160")
    return tab


@pytest.fixture(scope="module")
def membranes(watched_tab: Callable[[], Page], url: str) -> Page:
    """With the example of the shapes, and then with that of membranes, for tests that leave it there."""
    tab = watched_tab()
    open_segment(tab, url, "example=shapes")
    choose_example(tab, 0)
    expect(tab.locator("#segment-status")).to_contain_text(ISBI)
    return tab


@pytest.fixture
def held() -> Iterator[threading.Semaphore]:
    """No network runs until it is let to: ``release(n)`` lets n passes through."""
    turns = threading.Semaphore(0)

    def wait(module: torch.nn.Module, _: object) -> None:
        if isinstance(module, Network):
            turns.acquire()

    hook = register_module_forward_pre_hook(wait)
    yield turns
    hook.remove()
    turns.release(MANY)


@pytest.fixture
def long_stack(tmp_path: Path) -> Path:
    """Sixty slices of noise, each a pass of its own."""
    path = tmp_path / "long.tif"
    pages = np.random.default_rng(0).integers(0, 255, (60, 64, 64), np.uint8)
    tifffile.imwrite(path, pages, photometric="minisblack")
    return path


@pytest.fixture(scope="module")
def deep_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three slices of synthetic EM, 200×160, 16 bits, in a dark corner of their range."""
    slices, _ = synthetic_em(224, seed=3, slices=3)
    path = tmp_path_factory.mktemp("pictures") / "stack.tif"
    tifffile.imwrite(
        path, slices[:, :160, :200].astype(np.uint16) * 9 + 700, photometric="minisblack"
    )
    return path


def bring(page: Page, path: Path) -> None:
    page.locator("#picture input[type=file]").set_input_files(path)


def choose_example(page: Page, number: int) -> None:
    page.locator("#examples .gallery-item").nth(number).locator("button").click()


def download(page: Page, kind: str) -> Path:
    with page.expect_download() as waiting:
        page.locator(f"#download-{kind}").click()
    return Path(waiting.value.path())


def test_a_click_on_an_example_segments_it_with_the_checkpoint_that_knows_it(
    membranes: Page,
) -> None:
    expect_checkpoint(membranes, ISBI)
    expect(membranes.locator("#guess")).to_contain_text("looks like cell membranes")
    expect(membranes.locator("#legend")).to_contain_text("membrane")


def test_a_16_bit_stack_is_segmented_and_its_label_mask_holds_the_exact_ids(
    stacked: Page, deep_stack: Path
) -> None:
    expect(stacked.locator("#segment-status")).to_contain_text("16-bit")
    expected = open_predictor("isbi").predict(read_picture(deep_stack).slices).labels()
    mask = tifffile.imread(download(stacked, "labels"))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, expected)


def test_an_arrow_key_chooses_what_to_look_for_and_the_focus_stays_through_the_run(
    opened: Page,
) -> None:
    opened.locator("#looks-for input[value=auto]").focus()
    opened.keyboard.press("ArrowRight")
    expect(opened.locator("#segment-status")).to_contain_text(SHAPES)
    assert opened.evaluate("document.activeElement.value") == "shapes"


def test_painted_colours_are_a_layer_and_a_download(page: Page, url: str) -> None:
    open_segment(page, url, "example=person&checkpoint=voc-color")
    page.locator("#viewer .layers").get_by_text("Painted").click()
    painted = page.locator("#viewer .painted")
    expect(painted).to_be_visible()
    colours = np.asarray(Image.open(download(page, "painted")))
    assert colours.shape == (512, 512, 3)
    assert len(np.unique(colours.reshape(-1, 3), axis=0)) > 100
    look_for(page, "shapes")
    expect(page.locator("#download-painted")).to_be_hidden()


def test_on_a_phone_the_picture_comes_first_and_a_bar_says_what_to_look_for(
    opened: Page,
) -> None:
    opened.set_viewport_size({"width": 360, "height": 780})
    for part in ("#viewer .stage", "#opacity", "#legend tbody", ".phone-bar"):
        expect(opened.locator(part)).to_be_in_viewport(ratio=1)
    expect(opened.locator("#picture")).to_be_hidden()
    opened.locator(".phone-bar select").select_option(label="Shapes")
    expect(opened.locator("#segment-status")).to_contain_text(SHAPES)
    with opened.expect_file_chooser():
        opened.locator(".phone-bar .photo").click()
    expect(opened.locator("#downloads")).to_be_hidden()
    opened.locator(".phone-bar .more").click()
    expect(opened.locator("#downloads")).to_be_visible()
    opened.evaluate("scrollTo(0, document.body.scrollHeight)")
    opened.locator(".phone-bar select").select_option(label="Membranes")
    expect(opened.locator("#viewer .stage")).to_be_in_viewport()


def test_the_slice_slider_shows_another_slice(stacked: Page) -> None:
    legend, slice_ = stacked.locator("#legend"), stacked.locator("#slice input[type=number]")
    before = legend.inner_text()
    slice_.fill("3")
    slice_.press("Tab")
    expect(legend).not_to_have_text(before)


def test_a_slider_that_is_dragged_repaints_and_asks_the_server_nothing(stacked: Page) -> None:
    legend = stacked.locator("#legend")
    before = legend.inner_text()
    stacked.locator("#threshold").scroll_into_view_if_needed()
    track = stacked.locator("#threshold input[type=range]").bounding_box()
    assert track
    requests: list[str] = []
    stacked.on("request", lambda request: requests.append(request.url))
    stacked.mouse.move(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    stacked.mouse.down()
    stacked.mouse.move(track["x"] + track["width"], track["y"] + track["height"] / 2, steps=20)
    stacked.mouse.up()
    expect(legend).not_to_have_text(before)
    assert not [url for url in requests if not url.startswith(("data:", "blob:"))]


def test_the_threshold_repaints_and_scores_again_without_running_the_network(
    membranes: Page,
) -> None:
    status = membranes.locator("#segment-status")
    changing = [membranes.locator(part) for part in ("#legend", "#scores")]
    said, before = status.inner_text(), [part.inner_text() for part in changing]
    threshold = membranes.locator("#threshold input[type=number]")
    threshold.fill("0.95")
    threshold.press("Tab")
    for part, text in zip(changing, before, strict=True):
        expect(part).not_to_have_text(text)
    assert status.inner_text() == said


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("colours", lambda path: Image.open(path).mode == "RGB"),
        ("labels", lambda path: set(np.unique(np.asarray(Image.open(path)))) <= {0, 1}),
        ("overlay", lambda path: Image.open(path).size == (512, 512)),
        ("probabilities", lambda path: np.load(path).shape == (1, 1, 512, 512)),
    ],
)
def test_each_download_is_what_it_says(
    first: Page, kind: str, check: Callable[[Path], bool]
) -> None:
    assert check(download(first, kind))


def test_the_note_says_that_the_label_mask_looks_dark(first: Page) -> None:
    expect(first.get_by_text(re.compile("looks dark: values 0–1"))).to_be_visible()


def test_ground_truth_gives_scores(first: Page, tmp_path: Path) -> None:
    path = download(first, "labels")
    truth = tmp_path / "truth.png"
    truth.write_bytes(path.read_bytes())
    first.locator("#truth input[type=file]").set_input_files(truth)
    expect(first.locator("#scores")).to_contain_text("1.0000")


def test_a_ground_truth_of_another_size_says_so_and_keeps_the_result(
    stacked: Page, tmp_path: Path
) -> None:
    truth = tmp_path / "truth.png"
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(truth)
    stacked.locator("#truth input[type=file]").set_input_files(truth)
    expect(stacked.get_by_role("alert")).to_contain_text("20×10")
    expect(stacked.locator("#legend")).to_contain_text("membrane")


@pytest.mark.parametrize("content", [b"", b"this is no picture", b"\x89PNG\r\n\x1a\n half"])
def test_a_broken_file_gets_one_sentence_and_the_result_stays(
    first: Page, tmp_path: Path, content: bytes
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(content)
    legend = first.locator("#legend").inner_text()
    bring(first, broken)
    alert = first.get_by_role("alert")
    expect(alert).to_be_visible()
    assert "/" not in alert.inner_text()
    assert first.locator("#legend").inner_text() == legend


def test_a_picture_of_one_class_says_so_and_why(opened: Page, tmp_path: Path) -> None:
    path = tmp_path / "gray.png"
    Image.fromarray(np.full((96, 96, 3), 128, np.uint8)).save(path)
    bring(opened, path)
    expect(opened.locator("#segment-status")).to_contain_text("labelled")


def test_the_box_is_free_again_for_the_next_picture(stacked: Page) -> None:
    expect(stacked.locator("#picture [data-testid=upload-text]")).to_be_visible()


def test_a_picture_is_pasted_from_the_clipboard(opened: Page) -> None:
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.evaluate(
        """async () => {
          const canvas = Object.assign(document.createElement('canvas'), { width: 72, height: 48 });
          const blob = await new Promise(done => canvas.toBlob(done, 'image/png'));
          await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
        }"""
    )
    opened.locator("#picture").get_by_label("Paste from clipboard").click()
    expect(opened.locator("#segment-status")).to_contain_text("72×48")


def test_a_hub_repository_that_is_none_gets_one_sentence(first: Page) -> None:
    first.get_by_text("Another network").click()
    first.locator("#repo textarea, #repo input").fill("not a repository")
    first.locator("#repo textarea, #repo input").press("Enter")
    expect(first.get_by_role("alert")).to_contain_text("not a repository")


def test_the_box_of_the_ground_truth_shows_none_that_is_not_compared(
    opened: Page, tmp_path: Path
) -> None:
    box, scores = opened.locator("#truth"), opened.locator("#scores")
    halves = np.repeat(np.uint8([0, 1]), 256)[:, None].repeat(512, axis=1)
    Image.fromarray(halves).save(tmp_path / "truth.png")
    said = scores.locator("table").inner_text()  # of the example's own truth
    box.locator("input[type=file]").set_input_files(tmp_path / "truth.png")
    expect(scores.locator("table")).not_to_have_text(said, use_inner_text=True)
    box.get_by_label("Clear").click()
    expect(scores).not_to_contain_text("mIoU")
    box.locator("input[type=file]").set_input_files(tmp_path / "truth.png")
    expect(scores).to_contain_text("mIoU")
    Image.fromarray(np.full((96, 96, 3), 128, np.uint8)).save(tmp_path / "gray.png")
    bring(opened, tmp_path / "gray.png")
    expect(opened.locator("#segment-status")).to_contain_text("The ground truth was removed")
    expect(box).not_to_contain_text("truth.png")
    expect(scores).not_to_contain_text("mIoU")


def test_averaging_keeps_the_ground_truth(opened: Page) -> None:
    expect(opened.locator("#scores")).to_contain_text("mIoU")
    said = opened.locator("#segment-status").inner_text()
    opened.locator("#flips input").check()
    expect(opened.locator("#segment-status")).not_to_have_text(said)
    expect(opened.locator("#scores")).to_contain_text("mIoU")


def test_the_last_of_many_fast_choices_is_the_one_that_is_shown(opened: Page) -> None:
    for kind in ("shapes", "isbi", "shapes", "isbi", "shapes"):
        look_for(opened, kind)
    expect(opened.locator("#segment-status")).to_contain_text(SHAPES)
    opened.wait_for_timeout(SETTLING_MS)
    expect_checkpoint(opened, SHAPES)
    expect(opened.locator("#segment-status")).to_contain_text(SHAPES)


def test_cancelling_keeps_the_result_and_the_controls_that_belong_to_it(
    first: Page, held: threading.Semaphore, long_stack: Path
) -> None:
    bring(first, long_stack)
    cancel(first)
    held.release(MANY)
    expect(first.locator("#segment-status")).to_contain_text("Cancelled")
    expect(first.locator("#cancel")).to_be_hidden()
    expect(first.locator("#legend")).to_contain_text("membrane")
    expect_checkpoint(first, ISBI)


def cancel(page: Page) -> None:
    """Until the server knows of it."""
    button = page.evaluate(
        "gradio_config.components.find(({ props }) => props.elem_id === 'cancel').id"
    )
    with page.expect_response(lambda answer: triggered_by(button, answer.request)):
        page.locator("#cancel").click()


def triggered_by(component: int, request: Request) -> bool:
    posted = request.post_data if "/run/" in request.url else None
    return posted is not None and json.loads(posted)["trigger_id"] == component


def test_on_a_phone_the_count_stands_beside_the_bar_and_above_the_button(
    opened: Page, held: threading.Semaphore, long_stack: Path
) -> None:
    opened.set_viewport_size({"width": 360, "height": 740})
    bring(opened, long_stack)
    expect(opened.locator("#cancel")).to_be_visible()

    def one_more_is_told() -> bool:  # Gradio passes on a count of many, not each
        held.release()
        opened.wait_for_timeout(200)
        return "/60" in "".join(opened.locator("#viewer .progress-text").all_inner_texts())

    wait_until(one_more_is_told)
    places = opened.evaluate(
        """(inViewer) => [...inViewer, "#cancel"].map((part) => {
            const { top, bottom } = document.querySelector(part).getBoundingClientRect();
            return [top, bottom];
        })""",
        [f"#viewer .progress-{part}" for part in ("level-inner", "bar-wrap", "text")],
    )
    edges = [edge for place in places for edge in place]
    assert edges == sorted(edges)


def test_back_during_a_segmentation_leaves_nothing_of_what_was_under_way(
    page: Page, url: str, held: threading.Semaphore
) -> None:
    held.release(MANY)
    open_segment(page, url, "example=coins&style=outline&opacity=0.3")
    address = "page=segment&checkpoint=shapes&example=coins&style=outline&opacity=0.3"
    while held.acquire(blocking=False):
        pass
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("tab", name="Segment").click()
    choose_example(page, 6)
    expect_checkpoint(page, "Everyday objects, pretrained encoder")
    expect(page.locator("#guess")).to_contain_text("everyday")
    mark(page, "both")
    page.locator("#flips input").check()
    asks_for(
        page, "page=segment&checkpoint=voc-pretrained&example=cat&flips=1&style=both&opacity=0.3"
    )
    page.go_back()
    page.go_back()
    expect(page.locator("#style input[value=outline]")).to_be_checked()
    held.release(MANY)
    expect(page.locator("#segment-status")).to_contain_text("384×303")
    expect(page.locator("#cancel")).to_be_hidden()
    expect_checkpoint(page, SHAPES)
    expect(page.locator("#flips input")).not_to_be_checked()
    expect(page.locator("#guess")).to_contain_text("circles and rectangles")
    expect(page.locator("#legend")).to_contain_text("circle")
    assert page.locator("#viewer .before").evaluate("picture => picture.naturalWidth") == 384
    expect(page.locator("#viewer .fill")).to_have_css("opacity", "0.3")
    asks_for(page, address)


def test_the_first_picture_is_wiped_once_to_its_mask_unless_nothing_is_to_move(
    new_visitor: Callable[..., Page], url: str
) -> None:
    page = new_visitor(reduced_motion="reduce")
    page.add_init_script(NOTE_WIPES)
    open_segment(page, url)
    expect(page.locator("#legend")).to_contain_text("membrane")
    assert page.evaluate("wipes") == []
    page.emulate_media(reduced_motion="no-preference")
    page.wait_for_function("wipes.length")
    for tab in ("Train", "Segment"):
        page.get_by_role("tab", name=tab).click()
    choose_example(page, 2)
    expect(page.locator("#legend")).to_contain_text("circle")
    ((start, turn, end),) = page.evaluate("wipes")
    assert start.endswith(" 100%)") and turn.endswith(" 0%)")
    assert re.search(r" 4\d\.\d*%\)| 50%\)", end)


def test_opacity_moved_during_a_segmentation_holds_for_its_result(
    opened: Page, held: threading.Semaphore, long_stack: Path
) -> None:
    bring(opened, long_stack)
    expect(opened.locator("#cancel")).to_be_visible()
    painted = opened.locator("#viewer .fill")
    opened.locator("#opacity input[type=number]").fill("0")
    opened.locator("#opacity input[type=number]").press("Tab")
    expect(painted).to_have_css("opacity", "0")
    held.release(MANY)
    expect(opened.locator("#segment-status")).to_contain_text("60 slices")
    expect(painted).to_have_css("opacity", "0")


def test_a_result_whose_marking_changed_meanwhile_keeps_its_own_threshold(opened: Page) -> None:
    choose_example(opened, 1)
    mark(opened, "outline")
    expect(opened.locator("#segment-status")).to_contain_text("6 slices")
    fill, legend = opened.locator("#viewer .fill"), opened.locator("#legend")
    expect(legend).to_contain_text("membrane")
    expect(fill).to_be_hidden()
    said = legend.inner_text()
    mark(opened, "fill")
    expect(fill).to_be_visible()
    mark(opened, "outline")
    expect(fill).to_be_hidden()
    assert legend.inner_text() == said


def mark(page: Page, style: str) -> None:
    page.locator(f"#style label:has(input[value={style}])").click()


@pytest.fixture(scope="module")
def alone(serve_blocks: Callable[..., str]) -> tuple[SegmentPage, str]:
    """The page without the others, and its address."""
    with gr.Blocks() as demo:
        segment_page = SegmentPage(demo)
    return segment_page, serve_blocks(demo, i18n=i18n())


def test_what_a_visitor_brought_goes_when_the_tab_is_closed(
    new_visitor: Callable[..., Page], alone: tuple[SegmentPage, str], tmp_path: Path
) -> None:
    segment_page, address = alone
    path = tmp_path / "own.png"
    Image.fromarray(np.full((48, 64, 3), 128, np.uint8)).save(path)
    tab = new_visitor()
    tab.goto(address)
    expect(tab.locator("#segment-status")).to_contain_text("px in")
    bring(tab, path)
    expect(tab.locator("#segment-status")).to_contain_text("64×48")
    (session,) = segment_page.sessions.open
    result = weakref.ref(session.result)
    del session
    tab.wait_for_timeout(SETTLING_MS)
    tab.close()
    wait_until(lambda: gc.collect() >= 0 and result() is None)
    assert segment_page.sessions.open == ()


def test_a_file_that_cannot_be_made_hands_over_no_earlier_one(
    new_visitor: Callable[..., Page], alone: tuple[SegmentPage, str]
) -> None:
    segment_page, address = alone
    tab = new_visitor()  # one that may log the error that this test is about
    tab.goto(address)
    expect(tab.locator("#segment-status")).to_contain_text("px in")
    download(tab, "labels")
    for session in segment_page.sessions.open:
        session.result = None
    files: list[Download] = []
    tab.on("download", lambda file: files.append(file))
    tab.locator("#download-labels").click()
    expect(tab.get_by_text("There is no picture yet; choose one first.")).to_be_visible()
    tab.wait_for_timeout(500)
    assert not files


def test_a_checkpoint_file_joins_the_picker_and_stays(opened: Page, shapes_file: Path) -> None:
    opened.get_by_text("Another network").click()
    opened.locator("#checkpoint-file input[type=file]").set_input_files(shapes_file)
    expect_checkpoint(opened, shapes_file.name)
    look_for(opened, "voc-pretrained")
    expect_checkpoint(opened, "Everyday objects, pretrained encoder")
    choose_checkpoint(opened, shapes_file.name)
    expect_checkpoint(opened, shapes_file.name)


def test_a_pickle_is_told_to_be_one(opened: Page, tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"weights")
    opened.get_by_text("Another network").click()
    opened.locator("#checkpoint-file input[type=file]").set_input_files(tmp_path / "model.pth")
    expect(opened.get_by_role("alert")).to_contain_text("model.pth is a PyTorch pickle")


def test_a_repository_of_the_hub_is_opened_by_its_name(
    opened: Page, serve: Callable[..., str]
) -> None:
    weights = Path(__file__).parents[2] / "weights"
    names = ("index.json", "shapes.safetensors")
    serve({"ann/unets": {name: (weights / name).read_bytes() for name in names}})
    opened.get_by_text("Another network").click()
    opened.locator("#repo textarea, #repo input").fill("ann/unets")
    opened.locator("#repo textarea, #repo input").press("Enter")
    expect_checkpoint(opened, "ann/unets")


def test_an_example_keeps_a_checkpoint_that_knows_its_kind(page: Page, url: str) -> None:
    open_segment(page, url, "example=membranes&checkpoint=isbi-elastic")
    choose_example(page, 1)
    expect(page.locator("#segment-status")).to_contain_text("slices")
    expect_checkpoint(page, "Cell membranes, with elastic deformation")


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
    expect(page.locator("#segment-status")).to_contain_text("px in")
    choose_checkpoint(page, "far")
    expect(page.locator("#segment-status")).to_contain_text("tiny-shapes")
