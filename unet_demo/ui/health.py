"""The address that tells a container's host whether the demo still answers."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..version import VERSION

HEALTH_PATH = "/health"


def health_route() -> Route:
    """GET /health → 200 ``{"status": "ok", "version": …}``, also where the page asks for a password.

    It computes nothing and waits for no network: it tells of the server, not of a checkpoint.
    """
    return Route(HEALTH_PATH, _health)


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": VERSION})
