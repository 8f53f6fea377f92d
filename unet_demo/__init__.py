"""U-Nets that segment pictures: ``unet_demo.segment(picture)``; see :mod:`unet_demo.library`."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .library import CheckpointError, DeviceError, HubError, PictureError, Prediction, segment

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "DeviceError",
    "HubError",
    "PictureError",
    "Prediction",
    "__version__",
    "segment",
]


def __getattr__(name: str) -> object:
    """Import the library on its first use: torch takes seconds to import."""
    if name in __all__:
        return getattr(import_module(".library", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the library's names, too, before its first use: shells complete them."""
    return sorted({*globals(), *__all__})
