"""Builds the demo and serves it; what a Hugging Face Space runs."""

from unet_demo.ui.demo import launch

if __name__ == "__main__":
    launch()
