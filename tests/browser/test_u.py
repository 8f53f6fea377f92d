"""The living U: drawn of the chosen network, alive in a run, told station by station, saved as a file."""

import io
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from handling import TINY, open_train, press
from PIL import Image
from playwright.sync_api import Page, expect

SVG = "{http://www.w3.org/2000/svg}"

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def tab(tab: Page, url: str) -> Page:
    """After one run, for all tests."""
    open_train(tab, url, f"{TINY}&steps=5")
    expect(tab.locator("#train-u [data-station]")).to_have_count(10)
    assert tab.locator("#train-u image").get_attribute("href") == ""
    press(tab, "start")
    expect(tab.locator("#train-status")).to_contain_text("Finished")
    return tab


def saved(tab: Page, kind: str, network: str = "ShapesUNet") -> bytes:
    with tab.expect_download() as download:
        tab.locator(f"#train-u [data-save={kind}]").click()
    assert download.value.suggested_filename == f"{network}.{kind}"
    return download.value.path().read_bytes()


def test_a_run_shows_what_each_station_sees(tab: Page) -> None:
    maps = tab.locator("#train-u image").get_attribute("href")
    size = tab.evaluate(
        """async (address) => {
          const image = new Image();
          image.src = address;
          await image.decode();
          return [image.width, image.height];
        }""",
        maps,
    )
    assert size == [640, 64]


def test_a_station_is_told_where_the_pointer_is_and_where_the_arrow_keys_lead(tab: Page) -> None:
    told = tab.locator("#train-u .readout")
    tab.locator("#train-u [data-station=bottleneck]").hover()
    expect(told).to_contain_text("bottleneck: 128 × 4 × 4 (max-pool 2×2, convolution 3×3 → 128")
    stop = tab.locator("#train-u [data-station][tabindex='0']")
    expect(stop).to_have_count(1)
    stop.focus()
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowRight")
    expect(told).to_contain_text("encoder 1: 16 × 32 × 32")
    assert tab.locator("#train-u :focus").get_attribute("aria-label") == told.inner_text().strip()


def test_a_station_that_is_pointed_at_shows_its_maps_larger(tab: Page) -> None:
    larger = tab.locator("#train-u .larger")
    for station in ("encoder 0", "bottleneck", "decoder 0"):
        face = tab.locator(f"#train-u [data-station='{station}']")
        face.hover()
        expect(larger).to_have_count(1)
        shown, small = (
            larger.locator("rect").bounding_box(),
            face.locator("rect").first.bounding_box(),
        )
        assert shown and small and shown["width"] > 2.5 * small["width"]
        assert shown["x"] > small["x"] + small["width"] or shown["x"] + shown["width"] < small["x"]
        assert 0 <= shown["x"] <= 1366 - shown["width"]
    tab.locator("#train-status").click()  # which takes the keyboard away from the U
    face.hover()
    expect(larger).to_have_count(1)
    tab.keyboard.press("Escape")
    expect(larger).to_have_count(0)
    tab.locator("#train-status").hover()
    face.hover()
    expect(larger).to_have_count(1)
    tab.locator("#train-status").hover()
    expect(larger).to_have_count(0)
    expect(tab.locator("#train-u .readout")).to_contain_text("Point at a map")


def test_the_us_of_several_pages_show_their_own_maps(
    new_visitor: Callable[..., Page], url: str
) -> None:
    page = new_visitor(viewport={"width": 1366, "height": 900})
    open_train(page, url, TINY)
    page.get_by_role("tab", name="Inside").click()
    expect(page.locator("#inside-u image")).to_have_attribute("href", re.compile("^data:image/png"))
    for name in ("train", "inside"):
        addresses = page.locator(f"#{name}-u use").evaluate_all(
            "uses => uses.map((use) => use.getAttribute('href'))"
        )
        assert len(addresses) > 5
        for address in set(addresses):
            expect(page.locator(address)).to_have_count(1)
            expect(page.locator(f"#{name}-u {address}")).to_have_count(1)


def test_the_u_is_saved_as_it_is_seen(tab: Page) -> None:
    root = ElementTree.fromstring(saved(tab, "svg"))
    assert len(root.findall(f"{SVG}g[@data-skip]")) == 4
    assert root.find(f".//{SVG}image").get("href").startswith("data:image/png")
    assert root.findtext(f"{SVG}title") == "ShapesUNet"
    picture = Image.open(io.BytesIO(saved(tab, "png")))
    assert picture.width > 1500 and len(picture.convert("L").getcolors(256)) > 100


def test_an_arrow_switches_the_skips_and_what_the_last_run_showed_stays(tab: Page) -> None:
    skips, cut = tab.locator("#skips input"), tab.locator("#train-u .u.cut")
    arrow = tab.locator("#train-u [role=switch]")
    predicted = tab.locator("#train-scenes img[data-column=prediction]").first
    seen = predicted.get_attribute("src")
    tab.locator("#train-u [data-skip] .hit").last.click(force=True)
    expect(skips).not_to_be_checked()
    expect(cut).to_be_visible()
    expect(arrow).to_have_attribute("aria-checked", "false")
    expect(tab.locator("#train-u image")).to_have_attribute("href", re.compile("^data:image/png"))
    expect(predicted).to_have_attribute("src", seen or "")
    expect(tab.locator("#train-chart .chart:not([data-empty])")).to_be_visible()
    arrow.press("Enter")
    expect(skips).to_be_checked()
    expect(cut).to_be_hidden()


def test_the_u_stands_upright_on_a_phone(tab: Page) -> None:
    tab.set_viewport_size({"width": 360, "height": 780})
    expect(tab.locator("#train-u .u")).to_have_attribute("data-form", "upright")
    assert tab.evaluate(SIDEWAYS) == 0
    boxes = [station.bounding_box() for station in tab.locator("#train-u [data-station]").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 360 for box in boxes)
    expect(tab.locator("#train-u image")).to_have_attribute("href", re.compile("^data:image/png"))
    tab.set_viewport_size({"width": 1366, "height": 900})


def test_another_network_is_another_u_and_its_arrows_go_with_the_skips(tab: Page) -> None:
    tab.locator("#train-reset").click()
    tab.locator("#skips input").uncheck()
    expect(tab.locator("#train-u .u.cut")).to_be_visible()
    tab.locator("#network input").click()
    tab.get_by_role("option", name="ResNetUNet").click()
    expect(tab.locator("#train-u [data-station='pooled stem']")).to_be_visible()
    assert not ElementTree.fromstring(saved(tab, "svg", "ResNetUNet")).findall(
        f"{SVG}g[@data-skip]"
    )
