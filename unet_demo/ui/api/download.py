"""Files that a script names by their web address: from public servers alone, and none without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from gradio.processing_utils import MAX_REDIRECTS, PUBLIC_HOSTNAME_WHITELIST
from safehttpx import AsyncSecureTransport, async_validate_url, matches_domain_whitelist

from ..files import MAX_UPLOAD

FETCH_SECONDS = 60
"""A download is given up after so long, with all that came before its first byte."""

# Unpacked, a small answer could fill the memory; a picture is packed already.
_HEADERS = {"Accept-Encoding": "identity"}


class FetchError(RuntimeError):
    """The end of a sentence that begins with an address: why it cannot be fetched, and what to do."""


async def fetch(address: str) -> bytes:
    """Download from a public server, MAX_UPLOAD bytes at most. Raises FetchError."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return await _follow(httpx.URL(address))
    except TimeoutError as error:
        raise FetchError(
            f"since its server did not deliver it within {FETCH_SECONDS} s; upload the file instead."
        ) from error
    except (ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(
            "since no public server of that name answers; upload the file instead."
        ) from error


async def _follow(address: httpx.URL) -> bytes:
    for _ in range(MAX_REDIRECTS + 1):
        async with _answer(address) as answer:
            if not answer.has_redirect_location:
                return await _body(answer)
            address = address.join(answer.headers["Location"])
    raise FetchError(
        "since it leads from one address to the next without end; check it, or upload the file"
        " instead."
    )


@asynccontextmanager
async def _answer(address: httpx.URL) -> AsyncIterator[httpx.Response]:
    """Return the head of an answer, by Gradio's own rules: no address of a private network's is asked."""
    transport = None
    if not matches_domain_whitelist(address.host, PUBLIC_HOSTNAME_WHITELIST):
        # Shielded: the look-up of a name is shared, and stays cancelled for all who come later.
        verified = await asyncio.shield(async_validate_url(address.host))
        transport = AsyncSecureTransport(verified)
    async with (
        httpx.AsyncClient(transport=transport, timeout=None) as client,  # fetch() has its own
        client.stream("GET", address, headers=_HEADERS) as answer,
    ):
        yield answer


async def _body(answer: httpx.Response) -> bytes:
    if answer.status_code != httpx.codes.OK:
        raise FetchError(
            f"since its server answers {answer.status_code}; check the address, or upload the file"
            " instead."
        )
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > MAX_UPLOAD:
            raise FetchError(
                f"since it is larger than {MAX_UPLOAD // 2**20} MB, the limit; give a smaller file."
            )
    return bytes(body)
