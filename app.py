"""Serves the demo; what a Hugging Face Space runs."""

import sys

from unet_demo.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["serve"]))
