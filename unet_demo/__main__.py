"""python -m unet_demo"""

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
    if list(arguments[:1]) == ["serve"]:
        # Until it is served. An exception may be lost in what is imported, or end in another status.
        signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    try:
        check_numbers(HUB_NUMBERS)
    except ServeError as error:
        print(f"unet_demo: {error}", file=sys.stderr)
        return 2
    if ON_ZERO_GPU:
        from . import ui  # noqa: F401  # before torch

    from .cli import main as command

    return command(arguments)


if __name__ == "__main__":
    sys.exit(main())
