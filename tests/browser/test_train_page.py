"""The Train page, as a person in a browser uses it."""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from handling import (
    IN_LINE,
    STREAMS_CLOSE_LATE,
    TINY,
    Served,
    choose,
    expect_checkpoint,
    let_the_server_answer,
    meter,
    open_train,
    press,
    step_of,
    unfold,
    wait_for_step,
    wait_until,
)
from PIL import Image
from playwright.sync_api import Download, Page, expect

from unet_demo.checkpoints import load_checkpoint
from unet_demo.live.experiment import batches_of, fit_options_of, seeded_network, task_of
from unet_demo.live.settings import PRESETS, LiveSettings
from unet_demo.training.loop import Trainer, fit, load_batches
from unet_demo.ui.serve import STYLES
from unet_demo.ui.server.trainings import TRAININGS_AT_ONCE
from unet_demo.ui.train.page import TrainPage


@pytest.fixture(scope="module")
def served(serve_train: Callable[..., Served]) -> Served:
    """The page alone, in the styles of its own."""
    style = "".join(path.read_text() for path in STYLES)
    return serve_train(head=f"<style>{style}</style>")


@pytest.fixture(scope="module")
def address(served: Served) -> str:
    """Of a page that opens with a run whose step takes no time."""
    return f"{served.address}?page=train&{TINY}&steps=3000"


@pytest.fixture
def train_page(served: Served) -> TrainPage:
    return served.page


def open_alone(page: Page, address: str) -> Page:
    page.goto(address)
    expect(status(page)).to_contain_text("width 8")
    return page


@pytest.fixture
def opened(page: Page, address: str) -> Page:
    return open_alone(page, address)


@pytest.fixture(scope="module")
def untrained(tab: Page, address: str) -> Page:
    """For tests that train nothing."""
    return open_alone(tab, address)


@pytest.fixture(scope="module")
def trained(watched_tab: Callable[[], Page], url: str) -> Page:
    """The whole demo, where a step or more was trained, and then stopped."""
    tab = watched_tab()
    open_train(tab, url, TINY)
    press(tab, "start")
    wait_for_step(tab, 1)
    press(tab, "stop")
    expect(tab.locator("#train-use")).to_be_enabled()
    return tab


def status(page: Page):
    return page.locator("#train-status")


def set_number(page: Page, control: str, value: float) -> None:
    """Type it, and once more where Gradio has put back what only just unfolded."""
    box = page.locator(f"#{control} input[type=number]").first
    for _ in range(3):
        box.fill(str(value))
        box.press("Tab")
        page.evaluate("new Promise((done) => requestIdleCallback(() => setTimeout(done, 300)))")
        if float(box.input_value()) == value:
            return
    raise AssertionError(f"{control} is {box.input_value()}")


def take(page: Page, kind: str) -> Download:
    with page.expect_download() as download:
        press(page, f"download-{kind}")
    return download.value


def test_the_page_opens_with_a_button_and_a_picture_of_what_is_learned(untrained: Page):
    expect(untrained.locator("#train-start")).to_be_in_viewport()
    pictures = untrained.locator("#train-scenes img[data-column=picture]")
    expect(pictures).to_have_count(4)
    expect(pictures.first).to_be_in_viewport()
    expect(untrained.locator("#train-scenes img[data-column=prediction]").first).to_be_hidden()


def test_a_run_is_trained_paused_stepped_resumed_and_stopped(opened: Page):
    press(opened, "start")
    wait_for_step(opened, 2)
    expect(opened.locator(".chart .notice")).to_be_empty()
    expect(opened.locator("#train-scenes img[data-column=prediction]").first).to_be_visible()
    expect(opened.locator("#train-start")).to_be_disabled()
    press(opened, "pause")
    expect(status(opened)).to_contain_text("Paused after step")
    rested = step_of(opened)
    press(opened, "step")
    expect(opened.locator("[data-reading=step] dd")).to_have_text(f"{rested + 1} / 3000")
    expect(status(opened)).to_contain_text(f"Paused after step {rested + 1}.")
    press(opened, "resume")
    wait_for_step(opened, rested + 3)
    press(opened, "stop")
    expect(status(opened)).to_contain_text("Stopped after step")
    expect(opened.locator("#train-start")).to_be_enabled()
    expect(opened.locator("#train-runs tbody tr")).to_have_count(1)
    press(opened, "reset")
    expect(opened.locator("[data-reading=step] dd")).to_have_text("–")


def test_a_status_that_comes_with_every_update_is_announced_once(opened: Page):
    press(opened, "start")
    wait_for_step(opened, 2)
    expect(status(opened)).to_contain_text("Training ShapesUNet")
    opened.evaluate("""() => {
        window.announced = 0;
        const count = (changes) => { window.announced += changes.length; };
        const watched = { childList: true, characterData: true, subtree: true };
        new MutationObserver(count).observe(document.querySelector("#train-status"), watched);
    }""")
    wait_for_step(opened, step_of(opened) + 20)
    assert opened.evaluate("window.announced") == 0
    press(opened, "stop")
    expect(status(opened)).to_contain_text("Stopped after step")
    assert opened.evaluate("window.announced") > 0


def test_a_drawing_is_segmented_and_files_are_taken_along(opened: Page, tmp_path):
    press(opened, "start")
    wait_for_step(opened, 2)
    press(opened, "stop")
    expect(status(opened)).to_contain_text("Stopped after step")
    expect(opened.locator("#train-drawn img")).to_be_visible()
    # Their length stands for the sources: a failure would print thousands of characters.
    drawn = "() => document.querySelector('#train-drawn img').src.length"
    seen = opened.evaluate(drawn)
    canvas = opened.locator("#train-editor canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.mouse.move(*middle)
    opened.mouse.down()
    opened.mouse.move(middle[0] + 40, middle[1] + 30, steps=5)
    opened.mouse.up()
    opened.wait_for_function(f"length => ({drawn})() !== length", arg=seen)

    steps = step_of(opened)
    take(opened, "losses").save_as(tmp_path / "losses.csv")
    assert len((tmp_path / "losses.csv").read_text().splitlines()) == steps + 1
    take(opened, "animation").save_as(tmp_path / "run.gif")
    with Image.open(tmp_path / "run.gif") as animation:
        assert animation.format == "GIF"
    take(opened, "curve").save_as(tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as curve:
        assert curve.size == (1920, 1080)
    take(opened, "checkpoint").save_as(tmp_path / "live.safetensors")
    assert load_checkpoint(tmp_path / "live.safetensors").card.options["width"] == 8
    press(opened, "use")
    expect(status(opened)).to_contain_text("opened on the Segment page")


def test_a_network_trained_here_is_used_on_the_segment_page(trained: Page):
    trained.get_by_role("tab", name="Train").click()
    press(trained, "use")
    expect(trained.locator("#segment-status")).to_contain_text("Trained live")


def test_a_checkpoint_taken_along_opens_in_segment(trained: Page, tmp_path):
    trained.get_by_role("tab", name="Train").click()
    take(trained, "checkpoint").save_as(tmp_path / "mine.safetensors")
    trained.get_by_role("tab", name="Segment").click()
    trained.get_by_text("Another network").click()
    trained.locator("#checkpoint-file input[type=file]").set_input_files(
        tmp_path / "mine.safetensors"
    )
    expect_checkpoint(trained, "mine.safetensors")
    expect(trained.locator("#segment-status")).to_contain_text("Trained live")


def test_two_runs_are_compared(opened: Page):
    set_in_training(opened, "steps", 3)
    press(opened, "start")
    expect(status(opened)).to_contain_text("Finished after step 3,")
    opened.locator("#skips input").uncheck()
    press(opened, "start")
    expect(opened.locator("#train-runs tbody tr")).to_have_count(2)
    expect(status(opened)).to_contain_text("Finished after step 3,")
    expect(opened.locator("#train-runs tbody tr").first).to_contain_text("skips off")
    expect(opened.locator(".chart .legend")).to_contain_text("run 1: skips on")
    heads = opened.locator("#train-scenes .heads span")
    expect(heads).to_have_text(["Picture", "Truth", "run 1: skips on", "run 2: skips off"])
    masks = opened.locator("#train-scenes img:is([data-column=before], [data-column=prediction])")
    before, now = (one.get_attribute("src") for one in masks.all()[:2])
    assert before != now
    opened.locator("#train-more button").first.click()  # its panel lies over the scenes
    opened.get_by_role("checkbox", name="Errors").check()
    expect(masks.first).not_to_have_attribute("src", before or "")


def set_in_training(page: Page, control: str, value: float) -> None:
    if not page.locator(f"#{control}").is_visible():
        unfold(page, "train-more")
    set_number(page, control, value)


def test_a_rate_that_breaks_a_run_is_explained_and_the_next_run_works(opened: Page):
    set_in_training(opened, "rate", 3)
    set_number(opened, "steps", 6)
    expect(status(opened)).to_contain_text("learning rate 1000")
    press(opened, "start")
    expect(status(opened).locator("[role=alert]")).to_contain_text("lower rate")
    expect(opened.locator("#train-start")).to_be_enabled()
    set_number(opened, "rate", -3)
    press(opened, "start")
    expect(status(opened)).to_contain_text("Finished after step 6,")


def test_the_preview_follows_the_controls_also_in_a_busy_tab(untrained: Page):
    untrained.evaluate(STREAMS_CLOSE_LATE)
    picture = untrained.locator("#train-scenes img[data-column=picture]").first
    if not untrained.locator("#noise").is_visible():
        unfold(untrained, "train-more")
    for noise in (60, 20):
        before = picture.get_attribute("src")
        set_number(untrained, "noise", noise)
        expect(picture).not_to_have_attribute("src", before or "")


def test_the_article_brings_its_picture_and_its_published_losses(untrained: Page):
    choose(untrained, "preset", "Article: U-Net from scratch")
    expect(untrained.locator("#train-scenes .note")).to_contain_text("the one picture")
    expect(untrained.locator(".chart .legend")).to_contain_text("published")
    expect(untrained.locator("#train-scenes .cell.none")).to_have_count(8)


def test_a_setting_out_of_bounds_is_refused_in_one_sentence(untrained: Page):
    set_in_training(untrained, "seed", 2_000_000)
    press(untrained, "start")
    expect(status(untrained).locator("[role=alert]")).to_contain_text("The seed is 2000000")
    expect(untrained.locator("#train-start")).to_be_enabled()


def test_a_tab_that_is_closed_stops_its_run(
    new_visitor: Callable[..., Page], address: str, train_page: TrainPage
):
    tab = open_alone(new_visitor(), address)
    press(tab, "start")
    wait_for_step(tab, 1)
    (run,) = [session.run for session in train_page.sessions.open if session.running]
    assert run
    tab.close()
    wait_until(lambda: run.snapshot().over)
    assert run.snapshot().state == "stopped"


def test_people_train_at_once_and_one_too_many_sees_a_place_in_line(
    new_visitor: Callable[..., Page], address: str, train_page: TrainPage
):
    *first, late = [open_alone(new_visitor(), address) for _ in range(TRAININGS_AT_ONCE + 1)]
    for tab in first:
        press(tab, "start")
    for tab in first:
        wait_for_step(tab, 1)
    assert train_page.trainings.running == TRAININGS_AT_ONCE
    press(late, "start")
    expect(status(late)).to_contain_text(IN_LINE)
    assert step_of(late) == 0
    # Why stands above the place in line.
    expect(status(late)).to_contain_text(re.compile(r"queue:\s*1/1"))
    expect(status(late).locator(".pending")).to_have_css("opacity", "1")
    press(first[0], "stop")
    wait_for_step(late, 1)


WATCHED_SECONDS = 40


@pytest.mark.slow
def test_a_long_run_leaves_the_tab_responsive_its_heap_flat_and_asks_for_nothing_more(
    opened: Page,
) -> None:
    set_in_training(opened, "rate", -5)
    press(opened, "start")
    wait_for_step(opened, 100)
    asked: list[str] = []
    opened.on("request", lambda one: asked.append(one.url) if one.url.startswith("http") else None)
    measure = meter(opened)
    begun, (work_before, heap_before) = time.perf_counter(), measure()
    opened.wait_for_timeout(1000 * WATCHED_SECONDS)
    work, heap = measure()
    busy = (work - work_before) / (time.perf_counter() - begun)
    print(f"main thread busy {busy:.1%}, heap {heap_before:.1f} → {heap:.1f} MiB, asked {asked}")
    assert step_of(opened) < 3000
    assert busy < 0.25
    assert heap < heap_before + 10
    assert asked == []
    press(opened, "stop")


@pytest.mark.slow
def test_the_page_costs_a_training_less_than_a_tenth_of_its_steps_per_second(
    opened: Page, train_page: TrainPage
):
    settings = replace(PRESETS["random"], steps=60)
    choose(opened, "preset", "Article: U-Net from scratch")
    choose(opened, "preset", "Random shapes")
    expect(status(opened)).to_contain_text("ShapesUNet of width 16")
    set_in_training(opened, "steps", settings.steps)
    headless, watched = [], []
    for _ in range(3):
        headless.append(headless_speed(settings))
        watched.append(watched_speed(opened, train_page, settings))
    cost = 1 - max(watched) / max(headless)
    print("steps a second, headless:", *(f"{speed:.3f}" for speed in headless))
    print("steps a second, watched: ", *(f"{speed:.3f}" for speed in watched))
    # The best of each: a run that another program held up says nothing of the page.
    print(f"the page costs {cost:.1%} (best of three each)")
    assert cost < 0.1


def headless_speed(settings: LiveSettings) -> float:
    """Steps a second of the same loop without a page."""
    trainer = Trainer(seeded_network(settings), task_of(settings), fit_options_of(settings))
    batches = load_batches(batches_of(settings), 0, settings.steps)
    begun = time.perf_counter()
    for _ in fit(trainer, batches):
        pass
    return settings.steps / (time.perf_counter() - begun)


def watched_speed(page: Page, train_page: TrainPage, settings: LiveSettings) -> float:
    """Steps a second of a run that the browser follows, server and browser on this machine."""
    press(page, "start")
    expect(status(page)).to_contain_text(f"Finished after step {settings.steps},", timeout=300_000)
    (run,) = [session.run for session in train_page.sessions.open if session.run]
    speed = run.snapshot().steps_per_second
    press(page, "reset")
    expect(page.locator("#train-reset")).to_be_disabled()
    return speed


def test_train_pressed_while_the_tab_still_opens_leaves_the_right_buttons(
    page: Page, url: str
) -> None:
    page.goto(url)
    expect(page.locator("#segment-status")).to_contain_text("px")
    slow = page.context.new_cdp_session(page)
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 6})
    page.get_by_role("tab", name="Train").click()
    press(page, "start")
    expect(page.locator("[data-reading=step] dd")).to_contain_text("/")
    slow.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    let_the_server_answer(page)  # meanwhile the tab puts its components back as they were laid out
    expect(page.locator("#train-stop")).to_be_enabled()
    expect(page.locator("#train-start")).to_be_disabled()
    press(page, "stop")
    expect(page.locator("#train-start")).to_be_enabled()
