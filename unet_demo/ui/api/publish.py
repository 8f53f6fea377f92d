"""Publishes endpoints for scripts and agents, as a function's signature and docstring tell them.

``gr.api`` would take the types, but calls the parameters "1st" and "2nd", leaves their descriptions
out, passes on values of any type, and fetches no file. Here a file may be named by its web address:
it is fetched from public servers alone, and none without end.
"""

import asyncio
import re
import reprlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import unquote, urlsplit

import gradio as gr
import httpx
import safehttpx
from gradio.components.api_component import Api
from gradio.processing_utils import MAX_REDIRECTS, PUBLIC_HOSTNAME_WHITELIST, save_bytes_to_cache
from gradio.utils import get_function_description, get_function_params
from gradio_client.utils import is_file_obj_with_meta, python_type_to_json_schema
from pydantic import TypeAdapter, ValidationError
from safehttpx import AsyncSecureTransport, async_validate_url, matches_domain_whitelist

from ..files import MAX_UPLOAD
from ..server.visitors import is_global

# Gradio's rule, here and at all its own doors, lets services for machines in a cloud pass as public.
safehttpx.is_public_ip = is_global

OWN_FILE = re.compile(r"https?://[^?#]*/gradio_api/file=(?P<path>[^?#]+)")
"""The address of a file that was uploaded to this server, or made by it."""


class Parameter(Api):
    """A value that a script sends: of the annotated type, or refused in a sentence."""

    is_template = True  # nothing is drawn in the browser

    def __init__(self, value: Any, annotation: Any, label: str, hint: str) -> None:
        self._type = TypeAdapter(annotation)
        self._hint = hint
        schema = {**described(python_type_to_json_schema(annotation), hint), "default": value}
        super().__init__(value, schema, label)

    def preprocess(self, payload: Any) -> Any:
        """Return the value as the function takes it. Raises gr.Error."""
        try:
            value = self._type.validate_python(payload)
        except ValidationError as error:
            raise self._refusal(payload) from error
        if isinstance(payload, bool) and not isinstance(value, bool):
            raise self._refusal(payload)  # pydantic takes true for the number 1
        return value

    def _refusal(self, payload: Any) -> gr.Error:
        value = reprlib.repr(payload)
        return gr.Error(
            f"{self.label} cannot be {value}; it takes {self._hint}", print_exception=False
        )


class UploadedFile(Api):
    """A file that a script uploaded, or names by its web address: unopened, as a path."""

    is_template = True

    def __init__(self, label: str, hint: str) -> None:
        self._hint = hint
        super().__init__(None, described(gr.FileData.model_json_schema(), hint), label)

    async def async_move_resource_to_block_cache(self, url_or_file_path):
        """Do as Gradio does, but for addresses: a local server gets its own files by address, too."""
        address = str(url_or_file_path)
        if not address.startswith(("http://", "https://")):
            return await super().async_move_resource_to_block_cache(url_or_file_path)
        if own := OWN_FILE.fullmatch(address):
            return unquote(own["path"])  # not yet known to be one: preprocess looks
        path = await self._fetch(address)
        self.temp_files.add(path)  # those are removed after a while
        return path

    async def _fetch(self, address: str) -> str:
        """Download from the public Internet into the cache. Raises gr.Error."""
        try:
            data = await fetch(address)
        except FetchError as error:
            raise gr.Error(
                f"{address[:200]} cannot be fetched, {error}", print_exception=False
            ) from error
        name = Path(urlsplit(address).path).name[-80:] or "file"  # no folder takes a longer one
        return save_bytes_to_cache(data, name, self.GRADIO_CACHE)

    def preprocess(self, payload: Any) -> Path:
        """Return the path of a file in the cache, and of no other on the server. Raises gr.Error."""
        if is_file_obj_with_meta(payload):
            path = Path(payload["path"]).resolve()
            if path.is_file() and path.is_relative_to(Path(self.GRADIO_CACHE).resolve()):
                return path
        raise gr.Error(
            f"{self.label} is no uploaded file; it takes {self._hint}", print_exception=False
        )


class MadeFile(gr.File):
    """A file that the function wrote, and returned the path of."""

    is_template = True

    def __init__(self, label: str, hint: str) -> None:
        self._hint = hint
        super().__init__(label=label)

    def api_info(self) -> dict[str, Any]:
        """Return its schema for scripts."""
        return described(super().api_info(), self._hint)

    def postprocess(self, value: Any):
        """Return what is sent: Gradio takes no Path."""
        return super().postprocess(str(value) if value else None)


def described(schema: dict[str, Any], hint: str) -> dict[str, Any]:
    """Return label, info and id of a control."""
    return {**schema, "description": hint, "additional_description": hint}


def publish(function: Callable[..., Any], name: str, **options: Any) -> None:
    """Add an endpoint to the current Blocks; its components are not drawn.

    ``function`` is typed; what it takes or returns as a Path is a file. Its docstring describes each
    parameter, and each output as ``name: description``, on one line. ``options`` are an event's.
    """
    hints = get_type_hints(function)
    _, parameters, outputs = get_function_description(function)
    with gr.Row(visible=False):
        gr.Button().click(
            function,
            [
                _input(hints[parameter], parameter, parameters[parameter], default)
                for parameter, _, default, _ in get_function_params(function)
            ],
            [
                _output(hint, *line.split(": ", 1))
                for hint, line in zip(_returned(hints["return"]), outputs, strict=True)
            ],
            api_name=name,
            show_progress="hidden",
            **options,
        )


def _input(annotation: Any, label: str, hint: str, default: Any) -> Api:
    if annotation is Path:
        return UploadedFile(label, hint)
    return Parameter(default, annotation, label, hint)


def _output(annotation: Any, label: str, hint: str) -> gr.components.Component:
    if annotation in (Path, Path | None):
        return MadeFile(label, hint)
    return Api(None, described(python_type_to_json_schema(annotation), hint), label)


def _returned(annotation: Any) -> tuple[Any, ...]:
    """Return the type of each output: of a tuple, of what a generator yields, or of one value."""
    if get_origin(annotation) is Iterator:
        (annotation,) = get_args(annotation)
    return get_args(annotation) if get_origin(annotation) is tuple else (annotation,)


SILENT_SECONDS = 15
"""A server that sends nothing for so long is given up."""

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
    except httpx.TimeoutException as error:
        raise FetchError(
            f"since its server sent nothing for {SILENT_SECONDS} s; upload the file instead."
        ) from error
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
        httpx.AsyncClient(transport=transport, timeout=SILENT_SECONDS) as client,
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
