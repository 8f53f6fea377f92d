"""Gradio's own components that take what a person gives as it is: any picture file, any slice."""

import gradio as gr


class PictureInput(gr.Image):
    """``gr.Image`` that hands over the uploaded file's path, unopened.

    Gradio would open the file with Pillow first: that ruins 16-bit pictures and stacks, and shows a
    server path when it fails. (Gradio writes a ``.pyi`` beside each file with a component class.)
    """

    is_template = True  # drawn by the browser's own gr.Image

    def preprocess(self, payload):
        return payload.path if payload else None


class SliceSlider(gr.Slider):
    """``gr.Slider`` that takes a number outside its bounds.

    Gradio looks at a handler's inputs once more when its result is there, and would refuse the slice
    of an earlier stack that the new picture does not have.
    """

    is_template = True  # drawn by the browser's own gr.Slider

    def preprocess(self, payload):
        return payload
