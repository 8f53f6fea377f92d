"""The whole demo in the languages of its visitors."""

from collections.abc import Callable
from pathlib import Path

import pytest
from handling import expect_checkpoint
from playwright.sync_api import Page, expect

BEYOND_THEIR_BOX = """buttons => buttons
  .filter((one) => one.scrollHeight > one.clientHeight || one.scrollWidth > one.clientWidth)
  .map((one) => one.textContent)"""


@pytest.fixture(scope="module")
def korean(tab: Page, url: str) -> Page:
    """An English browser that was given a Korean address."""
    tab.goto(f"{url}?lang=ko")
    expect(tab.locator("#segment-status")).to_contain_text("CPU에서")
    return tab


@pytest.fixture
def in_browser_of(new_visitor: Callable[..., Page]) -> Callable[[str, str], Page]:
    """in_browser_of(locale, address): the page as whoever has such a browser sees it."""

    def open_(locale: str, address: str) -> Page:
        page = new_visitor(locale=locale)
        page.goto(address)
        expect(page.locator("#segment-status p")).to_contain_text("px")
        return page

    return open_


def test_the_address_chooses_the_language_of_labels_buttons_and_gradios_own_words(
    korean: Page,
) -> None:
    expect(korean.locator("html")).to_have_attribute("lang", "ko")
    expect(korean.get_by_role("heading", level=1)).to_have_text("눈으로 보는 U-Net")
    expect(korean.locator("#looks-for")).to_contain_text("세포막")
    expect(korean.locator("#download-labels")).to_have_text("레이블 마스크 (ID)")
    expect(korean.locator("#viewer .readout")).to_contain_text("픽셀을 가리키면")
    expect(korean.locator("footer")).to_contain_text("API를 통해 사용")
    expect(korean.get_by_role("button", name="동전 (사진)")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ko", "zh-CN"])
def test_buttons_hold_their_words_on_one_line_on_a_phone(
    new_visitor: Callable[..., Page], url: str, language: str
) -> None:
    page = new_visitor(viewport={"width": 360, "height": 780})
    for name in ("train", "teach"):
        page.goto(f"{url}?page={name}&lang={language}")
        buttons = page.locator(f".{name}-page .train-buttons button:visible")
        expect(buttons).to_have_count(4)
        assert not buttons.evaluate_all(BEYOND_THEIR_BOX)


def test_a_sentence_of_the_servers_is_in_the_language_of_the_address(korean: Page) -> None:
    korean.get_by_role("button", name="세포막 (합성)", exact=True).click()
    status = korean.locator("#segment-status")
    expect(status).to_contain_text("세포막 (ISBI 2012): 512×512 px, CPU에서")
    expect(korean.locator("#legend")).to_contain_text("세포 내부")
    korean.locator("#opacity input[type=number]").fill("0.2")
    korean.locator("#opacity input[type=number]").press("Tab")
    expect(korean.locator("#legend")).to_contain_text("확신도")
    expect_checkpoint(korean, "세포막 (ISBI 2012)")


def test_a_broken_picture_is_refused_in_the_language_of_the_address(
    korean: Page, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"")
    korean.locator("#picture input[type=file]").set_input_files(tmp_path / "broken.png")
    expect(korean.locator("#segment-status [role=alert]")).to_have_text(
        '"broken.png": 빈 파일입니다(0바이트). 다시 저장하거나 내보내세요.'
    )


def test_the_language_survives_a_reload(in_browser_of, url: str) -> None:
    # Not in the fixture's page: Gradio logs the stream that a reload cuts off, and leaves one open.
    page = in_browser_of("en-US", f"{url}?lang=ko")
    page.reload()
    expect(page.locator("#download-overlay")).to_have_text("오버레이")
    expect(page.locator("#segment-status")).to_contain_text("CPU에서")


def test_a_run_is_told_in_the_language_of_the_address(korean: Page) -> None:
    korean.get_by_role("tab", name="학습").click()
    expect(korean.locator("#train-status")).to_contain_text("파라미터 1,942,611개")
    expect(korean.locator("[data-reading=left] dt")).to_have_text("남은 시간")
    expect(korean.locator("#train-scenes .note")).to_contain_text("학습에 쓰지 않는 장면")
    expect(korean.locator("#train-drawn-note")).to_contain_text("먼저 신경망을 학습시키세요")
    korean.locator("#train-step").click()
    expect(korean.locator("#train-status")).to_contain_text("스텝 1에서 멈췄습니다")
    expect(korean.locator("#train-runs tbody")).to_contain_text("신경망 ShapesUNet, 너비 16")
    expect(korean.locator("#train-drawn-note")).to_contain_text("원과 사각형을 그려 보세요")
    korean.locator("#train-reset").click()
    expect(korean.locator("#train-status")).to_contain_text("파라미터 1,942,611개")
    expect(korean.locator("#train-chart .legend")).to_contain_text("이동 평균")


@pytest.mark.parametrize("locale", ["zh-TW", "zh-HK"])
def test_a_browser_that_asks_for_traditional_chinese_gets_it(
    in_browser_of, url: str, locale: str
) -> None:
    page = in_browser_of(locale, url)
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
    expect(page.get_by_role("tab", name="訓練")).to_be_visible()
    expect(page.locator("#download-colours")).to_have_text("彩色遮罩")
    expect(page.locator("footer")).to_contain_text("透過 API 使用")
    page.locator("#examples .gallery-item").nth(3).locator("button").click()
    expect(page.locator("#examples")).to_contain_text("原文的圖片")
    expect(page.locator("#segment-status")).to_contain_text("圓和矩形：256×256 px，以 CPU 耗時")
    expect(page.locator("#legend")).to_contain_text("信心度")


def test_a_browser_of_mainland_china_gets_simplified_chinese_even_when_the_server_is_gone(
    in_browser_of, url: str
) -> None:
    page = in_browser_of("zh-CN", url)
    expect(page.get_by_role("tab", name="训练")).to_be_visible()
    expect(page.locator("#segment-status")).to_contain_text("细胞膜")
    page.context.set_offline(True)
    page.locator("#flips input").check()
    expect(page.get_by_test_id("toast-text")).to_have_text(
        "与服务器的连接已断开：当前显示的内容会保留，服务器恢复响应后页面会自动重新加载。"
    )
    expect(page.locator("#segment-status")).to_contain_text("细胞膜")


def test_a_browser_of_another_language_gets_english_throughout(in_browser_of, url: str) -> None:
    page = in_browser_of("fr-FR", url)
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("tab", name="Train")).to_be_visible()
    expect(page.locator("footer")).to_contain_text("Use via API")
    expect(page.locator("#segment-status")).to_contain_text("Cell membranes")
