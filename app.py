"""Builds the demo and serves it; what a Hugging Face Space runs."""

from unet_demo.ui import zero_gpu  # noqa: F401  # first: on ZeroGPU before torch and Gradio
from unet_demo.ui.serve_error import ServeError, check_settings


def main() -> None:
    """Serve until it is interrupted. Raises ServeError."""
    check_settings()
    # Not above: Gradio reads its settings when it is imported.
    from unet_demo.ui.demo import launch

    launch()


if __name__ == "__main__":
    try:
        main()
    except ServeError as error:
        raise SystemExit(f"unet_demo: {error}") from error
    except KeyboardInterrupt:
        pass  # stopped before all of it was up; later, Gradio itself ends in peace
