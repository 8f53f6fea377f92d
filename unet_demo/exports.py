"""Writes predictions as files without loss: masks, probabilities, overlays."""

from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import AppendingTiffWriter

from .data.images import Picture, write_mask_png, write_mask_tiff
from .inference import Prediction
from .render import View, colour_mask, overlay
from .saving import replacing


def prediction_paths(
    folder: Path, name: str, slices: int, *, probabilities: bool = False, colours: bool = False
) -> list[Path]:
    """Return the paths that `write_prediction`, and last `write_colours`, write for so many slices."""
    suffix = ".png" if slices == 1 else ".tif"
    wanted = {suffix: True, ".npy": probabilities, f"-colours{suffix}": colours}
    return [folder / f"{name}{end}" for end, want in wanted.items() if want]


def write_prediction(
    folder: Path,
    name: str,
    prediction: Prediction,
    *,
    threshold: float | None = None,
    probabilities: bool = False,
) -> list[Path]:
    """Write NAME.png (a stack: NAME.tif), label ids in the task's palette, and on request NAME.npy.

    The .npy holds float32 (N, K, H, W); K = 1, P(label 1), for a binary task. Raises OSError, and
    then leaves no part of a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    labels, palette = prediction.labels(threshold), prediction.task.palette
    written = prediction_paths(folder, name, len(labels), probabilities=probabilities)
    with replacing(written[0]) as mask:
        if len(labels) == 1:
            write_mask_png(mask, labels[0], palette)
        else:
            write_mask_tiff(mask, labels, palette)
    if probabilities:
        with replacing(written[1]) as array:
            np.save(array, prediction.probabilities)
    return written


def write_colours(folder: Path, name: str, painted: np.ndarray) -> Path:
    """Write painted colours uint8 (N, H, W, 3) as NAME-colours.png, or a multi-page .tif of a stack."""
    return _save_images(folder, f"{name}-colours", painted)


def colour_mask_file(folder: Path, picture: Picture, prediction: Prediction, view: View) -> Path:
    """Write an RGB mask in the palette's colours: PNG, or multi-page TIFF for a stack."""
    labels = prediction.labels(view.threshold)
    painted = (colour_mask(ids, prediction.task.palette) for ids in labels)
    return _save_images(folder, f"{picture.name}-colours", painted)


def label_mask_file(folder: Path, picture: Picture, prediction: Prediction, view: View) -> Path:
    """Write an 8-bit gray mask of label ids, nearly black on a screen: PNG, or multi-page TIFF."""
    return _save_images(folder, f"{picture.name}-labels", prediction.labels(view.threshold))


def overlay_file(folder: Path, picture: Picture, prediction: Prediction, view: View) -> Path:
    """Write the picture with its labels painted over it: PNG, or multi-page TIFF for a stack."""
    labels = prediction.labels(view.threshold)
    painted = (
        overlay(image, ids, prediction.task, view.opacity, view.style)
        for image, ids in zip(picture.slices, labels, strict=True)
    )
    return _save_images(folder, f"{picture.name}-overlay", painted)


def probabilities_file(folder: Path, picture: Picture, prediction: Prediction, view: View) -> Path:
    """Write the probabilities as a NumPy file, float32 (N, K, H, W), 0..1."""
    path = folder / f"{picture.name}-probabilities.npy"
    with replacing(path) as file:
        np.save(file, prediction.probabilities)
    return path


def painted_file(folder: Path, picture: Picture, prediction: Prediction, view: View) -> Path:
    """Write the colours that the network painted, which the prediction has: PNG, or multi-page TIFF."""
    assert prediction.painted is not None
    return _save_images(folder, f"{picture.name}-painted", prediction.painted)


EXPORTS: dict[str, Callable[[Path, Picture, Prediction, View], Path]] = {
    "colours": colour_mask_file,
    "labels": label_mask_file,
    "overlay": overlay_file,
    "probabilities": probabilities_file,
    "painted": painted_file,
}


def _save_images(folder: Path, name: str, arrays: Iterable[np.ndarray]) -> Path:
    """Write uint8 arrays (H, W) or (H, W, 3) as one PNG or a deflated TIFF, one in memory at a time."""
    images = (Image.fromarray(pixels) for pixels in arrays)
    first, second = next(images), next(images, None)
    if second is None:
        path = folder / f"{name}.png"
        with replacing(path) as file:
            first.save(file, "PNG")
        return path
    path = folder / f"{name}.tif"
    # Not append_images: Pillow makes a list of them, and so would hold all at once.
    with replacing(path) as file, AppendingTiffWriter(file, new=True) as tiff:
        for image in chain((first, second), images):
            image.save(tiff, "TIFF", compression="tiff_adobe_deflate")
            tiff.newFrame()
    return path
