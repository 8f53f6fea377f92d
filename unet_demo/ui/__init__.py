"""The page in the browser; nothing outside this folder knows Gradio."""

import os

from ..environment import ON_ZERO_GPU

# Before Gradio is imported anywhere: the demo tells nobody that it runs.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

if ON_ZERO_GPU:
    import spaces  # noqa: F401  # before torch and Gradio, of which it changes parts
