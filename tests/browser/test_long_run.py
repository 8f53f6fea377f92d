"""Two thousand live updates: what a run of ten minutes or more sends to the tab."""

import math
import time

import gradio as gr
import numpy as np
import pytest
from handling import meter
from playwright.sync_api import Page, expect

from unet_demo.data.shapes import SceneOptions, scene_batch
from unet_demo.tasks import SHAPES
from unet_demo.ui.components.chart import Curve, chart, chart_value
from unet_demo.ui.components.scenes import scenes, scenes_value

UPDATES = 2000
SECONDS_BETWEEN = 0.05
"""Faster than the page's own updates, so that two thousand take 100 s."""


def updates():
    """Charts of three runs, the live one growing, and the pictures beside them."""
    images, labels = scene_batch(SceneOptions(), 4, seed=0)
    rng = np.random.default_rng(0)
    losses = [math.exp(-step / 600) + 0.05 * rng.random() for step in range(UPDATES)]
    earlier = [Curve(f"run {n}", range(UPDATES), losses) for n in (1, 2)]
    for step in range(1, UPDATES + 1):
        live = Curve("run 3", range(step), losses[:step], losses[:step], live=True)
        prediction = np.roll(labels, step % 8, axis=2)
        picture = scenes_value(images, labels, prediction, SHAPES, f"update {step}")
        yield chart_value([live, *earlier]), picture if step % 5 == 0 else gr.skip()
        time.sleep(SECONDS_BETWEEN)


@pytest.mark.slow
def test_two_thousand_updates_leave_the_tab_responsive_and_its_memory_flat(
    page: Page, serve_blocks
) -> None:
    with gr.Blocks() as demo:
        shown = [chart(), scenes()]
        gr.Button("go").click(updates, outputs=shown, show_progress="hidden")
    page.goto(serve_blocks(demo))
    measure = meter(page)
    page.get_by_role("button", name="go", exact=True).click()
    expect(page.get_by_text("update 200", exact=True)).to_be_visible(timeout=60_000)
    begun, (work_before, heap_before) = time.perf_counter(), measure()
    expect(page.get_by_text("update 2000", exact=True)).to_be_visible(timeout=240_000)
    work, heap = measure()
    busy = (work - work_before) / (time.perf_counter() - begun)
    print(f"main thread busy {busy:.1%}, heap {heap_before:.1f} → {heap:.1f} MiB")
    assert busy < 0.25
    assert heap < heap_before + 10
