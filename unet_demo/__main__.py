"""python -m unet_demo"""

import sys

from .ui.serve_error import HUB_NUMBERS, ServeError, check_numbers


def main() -> int:
    """The command line, if what its libraries read when they are imported can be; see cli.main."""
    try:
        check_numbers(HUB_NUMBERS)
    except ServeError as error:
        print(f"unet_demo: {error}", file=sys.stderr)
        return 2
    from .cli import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
