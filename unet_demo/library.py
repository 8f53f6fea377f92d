"""Segments pictures for scripts.

>>> import unet_demo
>>> from skimage.data import coins
>>> prediction = unet_demo.segment(coins(), checkpoint="shapes")

A :class:`Prediction` holds the probabilities of N slices, here of one, and makes labels of them:

>>> prediction.task.classes
('background', 'circle', 'rectangle')
>>> prediction.probabilities.shape, prediction.probabilities.dtype
((1, 3, 303, 384), dtype('float32'))
>>> prediction.labels().shape, prediction.labels().dtype
((1, 303, 384), dtype('uint8'))

The notes say what was done to the picture's values:

>>> unet_demo.segment(coins() / 255, checkpoint="shapes").notes
('Float values 0.0431373 to 0.917647 were scaled to 0 to 255 (percentiles 0.1 and 99.9 of all pixels).',)

Errors have messages of one sentence:

>>> unet_demo.segment("coins.jpg", checkpoint="shapes")
Traceback (most recent call last):
    ...
unet_demo.data.PictureError: "coins.jpg" was not found: choose the file again.
"""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from . import segmentation
from .checkpoints import CheckpointError, HubError
from .data import PictureError
from .data.images import Picture, picture_from_array, picture_from_image, read_picture
from .devices import DeviceError
from .inference import Prediction
from .segmentation import SegmentRequest, open_predictor

WEB = ("http://", "https://")


def segment(
    image: str | os.PathLike[str] | Image.Image | np.ndarray,
    checkpoint: str | os.PathLike[str] = "isbi",
    *,
    average: bool = False,
    device: str | None = None,
) -> Prediction:
    """Segment a picture, or a stack of pictures.

    ``image``: the path of a PNG, JPEG, WebP, GIF, BMP or TIFF file (all its pages); a Pillow image
    (the frame at which it stands); or an array (H, W), (H, W, C), (N, H, W) or (N, H, W, C), where
    C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. 8-bit values stay; 16-bit, 32-bit and float
    values are scaled between two percentiles, whatever their range.
    ``checkpoint``: a bundled name, a ``.safetensors`` file, or ``owner/repo[@revision]``; a Path is
    always a file. It stays in memory for the next call.
    ``average``: over turned and mirrored pictures, a little better and several times slower.
    ``device``: ``cpu``, ``cuda``, ``cuda:1`` …; by default UNET_DEMO_DEVICE, else a GPU if any.

    The prediction's probabilities are float32 (N, K, H, W), 0..1; K = 1 for a binary task:
    P(label 1). Its notes say what was done to the picture, and why it may be all one class. Raises
    PictureError, CheckpointError, HubError or DeviceError, each with one plain sentence.
    """
    request = SegmentRequest(to_picture(image), None, to_checkpoint(checkpoint), average)
    result = segmentation.segment(request, partial(open_predictor, device=device))
    return replace(result.prediction, notes=result.notes())


def to_checkpoint(checkpoint: object) -> str | Path:
    """Return a text as it is, or the path of an existing file. Raises CheckpointError."""
    if isinstance(checkpoint, str):
        return checkpoint
    if not isinstance(checkpoint, os.PathLike):
        raise CheckpointError(
            f"A value of type {type(checkpoint).__name__} names no checkpoint: give a name, a path or"
            " owner/repo."
        )
    path = Path(checkpoint)
    if not os.path.isfile(path):
        raise CheckpointError(
            f"There is no file {str(path)!r}; check the path of the checkpoint, or give a name as text."
        )
    return path


def to_picture(image: object) -> Picture:
    """Read the ``image`` of :func:`segment`. Raises PictureError."""
    if isinstance(image, Image.Image):
        return picture_from_image(image)
    if isinstance(image, np.ndarray):
        return picture_from_array(image)
    if isinstance(image, str):
        check_path(image)
    if isinstance(image, str | os.PathLike):
        return read_picture(image)
    raise PictureError(
        f"No picture can be made of a {type(image).__name__}: give a path, a Pillow image or a"
        " NumPy array."
    )


def check_path(text: str) -> None:
    """Raise PictureError for a text that cannot be a path."""
    if not text:
        raise PictureError("The picture's path is empty: give that of a file.")
    if text.startswith(WEB):
        raise PictureError(
            f"{text[:80]!r} is a web address: download the picture, and give the path of the file."
        )


__all__ = [
    "CheckpointError",
    "DeviceError",
    "HubError",
    "PictureError",
    "Prediction",
    "segment",
]
