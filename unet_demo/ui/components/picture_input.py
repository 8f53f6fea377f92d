"""A drop zone for pictures that leaves the decoding to our own module."""

import gradio as gr


class PictureInput(gr.Image):
    """``gr.Image`` that hands over the uploaded file's path, unopened.

    Gradio would open the file with Pillow first: that ruins 16-bit pictures and stacks, and shows a
    server path when it fails. (Gradio writes a ``.pyi`` beside each file with a component class.)
    """

    is_template = True  # drawn by the browser's own gr.Image

    def preprocess(self, payload):
        return payload.path if payload else None
