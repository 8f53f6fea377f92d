"""python -m unet_demo"""

import atexit
import os
import signal
import sys
from collections.abc import Sequence

from .environment import HUB_NUMBERS, ON_ZERO_GPU, ServeError, check_numbers


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line (see cli.main), if what its libraries read when they are imported can be.

    ``arguments``: those of the program by default.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    served: list[int] = []
    if list(arguments[:1]) == ["serve"]:
        # Until it is served. An exception may be lost in what is imported, or end in another status.
        signal.signal(signal.SIGINT, lambda *_: os._exit(0))
        # Registered first, so that it comes last.
        atexit.register(_leave, served)
    try:
        check_numbers(HUB_NUMBERS)
    except ServeError as error:
        print(f"unet_demo: {error}", file=sys.stderr)
        return 2
    if ON_ZERO_GPU:
        from . import ui  # noqa: F401  # before torch

    from .cli import main as command

    status = command(arguments)
    served.append(status)
    return status


def _leave(served: list[int]) -> None:
    """End at once what was served and closed: a thread that computes would abort Python's own end."""
    if served == [0]:
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
