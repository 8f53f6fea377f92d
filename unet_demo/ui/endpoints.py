"""What scripts and agents can call: ``/segment`` and ``/checkpoints``; ``/train``: train_endpoint.py.

An agent knows the functions by their own names and docstrings.
"""

from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import JSONResponse

from ..data.images import read_picture
from ..exports import write_prediction
from ..render import legend
from . import later, zero_gpu
from .files import fresh_folder
from .parameters import publish
from .segment_page import INFERENCE, INFERENCES_AT_ONCE


def list_checkpoints() -> list[dict[str, Any]]:
    """List the trained U-Nets that can segment a picture, with what each one finds and how well.

    Returns:
        checkpoints: a dictionary each: name, title, summary, classes, palette (RGB), scores, scored_on (which data).
    """
    try:
        cards = later.checkpoints.offered_cards()
    except later.segmentation.EXPECTED_ERRORS as error:
        raise gr.Error(later.segmentation.plain_words(error), print_exception=False) from error
    return [
        {
            "name": name,
            "title": card.title,
            "summary": card.summary,
            "classes": list(card.task.classes),
            "palette": [list(colour) for colour in card.task.palette],
            "scores": {name: v if v == v else None for name, v in card.scores.items()},
            "scored_on": card.scored_on,
        }
        for name, card in cards.items()
    ]


def segment_picture(
    picture: Path,
    checkpoint: str = "shapes",
    threshold: float | None = None,
    average: bool = False,
) -> tuple[Path, dict[str, Any]]:
    """Segment a picture, or a stack of pictures, with a trained U-Net: each pixel gets a class.

    Args:
        picture: a PNG, JPEG, WebP, GIF, BMP or TIFF file, uploaded first or given by its web address.
        checkpoint: a name from the list of checkpoints, or owner/repo[@revision] on the Hugging Face Hub.
        threshold: a number from 0 to 1, for checkpoints of two classes; if left out, the checkpoint's own best one.
        average: true or false: whether to average over the eight turns and mirrors, which takes eight times as long.

    Returns:
        mask: a file of 8-bit label ids in the checkpoint's palette, as PNG; for a stack a multi-page TIFF.
        description: width, height, pages, seconds, device, notes, and the share and mean confidence of each class.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise gr.Error(
            f"The threshold is {threshold}; give one from 0 to 1, or leave it out.",
            print_exception=False,
        )
    try:
        brought = read_picture(picture)
        predictor = zero_gpu.open_predictor(later.checkpoints.find_offered(checkpoint))
        prediction = predictor.predict(brought.pages, flips=average)
        labels = prediction.labels(threshold)
        (mask,) = write_prediction(fresh_folder(), brought.name, prediction, threshold=threshold)
    except later.segmentation.EXPECTED_ERRORS as error:
        raise gr.Error(later.segmentation.plain_words(error), print_exception=False) from error
    pages, height, width, _ = brought.pages.shape
    reason = later.segmentation.one_class_reason(labels, predictor.card)
    description = {
        "checkpoint": predictor.card.name,
        "width": width,
        "height": height,
        "pages": pages,
        "seconds": round(prediction.seconds, 3),
        "device": prediction.device,
        "notes": [*brought.notes, *prediction.notes, *([reason] if reason else [])],
        "classes": [
            {
                "label": int(entry.label),
                "name": entry.name,
                "colour": list(entry.colour),
                "share": round(entry.share, 6),
                "confidence": round(entry.confidence, 6),
            }
            for entry in legend(labels, prediction.confidence(threshold), prediction.task)
        ],
    }
    return mask, description


def refuse_parameters(request: Request, error: Exception) -> JSONResponse:
    """Say that a parameter is missing or unknown, where Gradio would answer with error 500 alone."""
    if "/gradio_api/call/v2/" not in request.url.path:
        raise error
    reason = str(error).partition(". ")[0]
    sentence = f"{reason}; /gradio_api/openapi.json tells what each endpoint takes."
    return JSONResponse({"error": sentence}, status_code=422)


def build() -> None:
    """Add the endpoints to the current Blocks."""
    publish(list_checkpoints, "checkpoints")
    publish(
        segment_picture,
        "segment",
        concurrency_id=INFERENCE,
        concurrency_limit=INFERENCES_AT_ONCE,
    )
