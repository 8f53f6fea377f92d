"""Builds the demo and serves it; what a Hugging Face Space runs."""

from unet_demo.ui import zero_gpu  # noqa: F401  # first: on ZeroGPU before torch and Gradio
from unet_demo.ui.demo import launch
from unet_demo.ui.serve_error import ServeError

if __name__ == "__main__":
    try:
        launch()
    except ServeError as error:
        raise SystemExit(f"unet_demo: {error}") from error
    except KeyboardInterrupt:
        pass  # stopped before all of it was up; later, Gradio itself ends in peace
