"""The page in the browser; nothing outside this folder knows Gradio."""

import os

# Before Gradio is imported anywhere: the demo tells nobody that it runs.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
