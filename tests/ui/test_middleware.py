"""What the middleware adds to a page and to its assets, and what it leaves alone."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from unet_demo.ui.serve import PageLanguage
from unet_demo.ui.server.assets import KeptAssets

PAGE = "<!doctype html><html><head><title>é</title></head><body><pre>&lt;head></pre></body></html>"


@pytest.fixture
def client() -> TestClient:
    routes = [
        Route("/", lambda request: HTMLResponse(PAGE)),
        Route("/gradio_api/file", lambda request: HTMLResponse(PAGE)),
        Route("/data", lambda request: JSONResponse({"page": PAGE})),
        Route("/varied", lambda request: HTMLResponse(PAGE, headers={"vary": "cookie"})),
        Route("/parts", lambda request: StreamingResponse(iter([PAGE, PAGE]), media_type="text/html")),
        Route("/assets/index-Bdx9080F.js", lambda request: JSONResponse({})),
    ]  # fmt: skip
    middleware = [Middleware(PageLanguage), Middleware(KeptAssets)]
    return TestClient(Starlette(routes=routes, middleware=middleware))


def test_a_page_begins_with_the_visitors_language(client: TestClient) -> None:
    page = client.get("/?lang=zh-hk").text
    script = page[page.index("<head>") : page.index("<title>")]
    assert '["language", "zh-TW"]' in script
    assert page.replace(script, "<head>") == PAGE


def test_a_page_follows_the_header_of_the_browser(client: TestClient) -> None:
    assert '"ko"' in client.get("/", headers={"Accept-Language": "ko-KR"}).text


def test_a_page_has_the_length_that_it_says(client: TestClient) -> None:
    answer = client.get("/?lang=ko")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["vary"] == "accept-language"


def test_a_page_varies_by_the_language_too(client: TestClient) -> None:
    assert client.get("/varied").headers["vary"] == "cookie, accept-language"


def test_a_page_that_comes_in_parts_gets_one_script(client: TestClient) -> None:
    assert client.get("/parts").text.count("<script>") == 1


@pytest.mark.parametrize("path", ["/gradio_api/file", "/data"])
def test_files_and_data_stay_as_they_are(client: TestClient, path: str) -> None:
    assert "<script>" not in client.get(path).text


def test_nothing_of_the_address_gets_into_the_page(client: TestClient) -> None:
    assert "alert(1)" not in client.get("/?lang=%22%3E%3Cscript%3Ealert(1)").text


def test_a_browser_keeps_assets_and_neither_pages_nor_what_is_not_there(client: TestClient) -> None:
    assert "immutable" in client.get("/assets/index-Bdx9080F.js").headers["cache-control"]
    for path in ("/", "/data", "/assets/index-gone.js"):
        assert "cache-control" not in client.get(path).headers
