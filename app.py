"""Builds the demo and serves it; what a Hugging Face Space runs."""

from unet_demo.ui import zero_gpu  # noqa: F401  # first: on ZeroGPU before torch and Gradio
from unet_demo.ui.agents import McpMissingError
from unet_demo.ui.demo import launch

if __name__ == "__main__":
    try:
        launch()
    except McpMissingError as error:
        raise SystemExit(f"unet_demo: {error}") from error
