"""The bar above all pages: the title before Gradio's own tabs, and language, theme and sharing after them."""

import gradio as gr

from ..text import component_texts
from .component import component

REGIONS = {
    "region_picture": "segment_picture",
    "region_segmentation": "viewer_segmentation",
    "region_classes": "segment_classes",
    "region_training": "train_training",
    "region_scenes": "train_data",
    "region_network": "train_network",
    "region_losses": "chart_chart",
    "region_own": "teach_picture",
    "region_labels": "teach_labels",
    "region_take": "teach_take",
}
"""What bar.js calls the parts of the pages → the key of that name."""


def bar() -> gr.HTML:
    """Complete the row of tabs, which must have been laid out before."""
    texts = component_texts("bar", title="title", tagline="tagline", **REGIONS)
    return component("bar", None, texts, elem_id="bar")
