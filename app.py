"""Builds the demo and serves it; what a Hugging Face Space runs."""

import atexit
import os
import signal
import sys
import threading

if __name__ == "__main__":
    # Until it is served. An exception may be lost in what is imported, or end in another status.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))

    closed = threading.Event()

    # Registered first, so that it comes last.
    @atexit.register
    def leave() -> None:
        """End at once what is closed: for seconds, a thread that imports torch would hold it up."""
        if closed.is_set():
            sys.stdout.flush()
            os._exit(0)


from unet_demo.ui import zero_gpu  # noqa: F401  # first: on ZeroGPU before torch and Gradio
from unet_demo.ui.serve_error import ServeError, check_settings, take_host


def main() -> None:
    """Serve until it is interrupted. Raises ServeError."""
    check_settings()
    host = take_host()
    # Not above: Gradio reads its settings when it is imported.
    from unet_demo.ui.demo import launch

    launch(server_name=host)


if __name__ == "__main__":
    try:
        main()
    except ServeError as error:
        print(f"unet_demo: {error}", file=sys.stderr)
        sys.exit(2)
    closed.set()
