"""What scripts can call: ``/segment`` and ``/checkpoints``."""

from typing import Any

import gradio as gr

from ..checkpoints import find_offered, read_card, read_index
from ..data.images import read_picture
from ..exports import write_prediction
from ..render import legend
from ..segmentation import EXPECTED_ERRORS, one_class_reason, open_predictor
from .files import fresh_folder
from .segment_page import INFERENCE, INFERENCES_AT_ONCE


def list_checkpoints() -> list[dict[str, Any]]:
    """The bundled checkpoints: name, title, summary, classes, palette (RGB), scores and their data."""
    cards = [read_card(find_offered(name)) for name in read_index()]
    return [
        {
            "name": card.name,
            "title": card.title,
            "summary": card.summary,
            "classes": list(card.task.classes),
            "palette": [list(colour) for colour in card.task.palette],
            "scores": {name: v if v == v else None for name, v in card.scores.items()},
            "scored_on": card.scored_on,
        }
        for card in cards
    ]


def segment(
    picture: str | None,
    checkpoint: str = "shapes",
    threshold: float | None = None,
    average: bool = False,
) -> tuple[str, dict[str, Any]]:
    """Segment one picture file (or stack).

    Args:
        picture: a PNG, JPEG, WebP, GIF, BMP or TIFF file.
        checkpoint: a bundled name, or owner/repo[@revision] on the Hugging Face Hub.
        threshold: for a binary checkpoint, 0 to 1; its own best one if left out.
        average: average over the eight turns and mirrors (eight times the work).

    Returns:
        The mask file (8-bit label ids in the checkpoint's palette; a stack is a multi-page TIFF)
        and a description: width, height, pages, seconds, device, notes, and each class's share
        and mean confidence.
    """
    if picture is None:
        raise gr.Error(
            "There is no picture; send a file as the first argument.", print_exception=False
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise gr.Error(
            f"The threshold is {threshold}; give one from 0 to 1, or leave it out.",
            print_exception=False,
        )
    try:
        brought = read_picture(picture)
        predictor = open_predictor(find_offered(checkpoint))
        prediction = predictor.predict(brought.pages, flips=average)
    except EXPECTED_ERRORS as error:
        raise gr.Error(str(error), print_exception=False) from error
    labels = prediction.labels(threshold)
    (mask,) = write_prediction(fresh_folder(), brought.name, prediction, threshold=threshold)
    pages, height, width, _ = brought.pages.shape
    reason = one_class_reason(labels, predictor.card)
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
    return str(mask), description


def build() -> None:
    """Add the endpoints to the current Blocks; their components are not drawn."""
    gr.api(list_checkpoints, api_name="checkpoints")
    with gr.Row(visible=False):
        picture = gr.File(label="Picture")
        checkpoint = gr.Textbox("shapes", label="Checkpoint")
        threshold = gr.Number(None, label="Threshold")
        average = gr.Checkbox(False, label="Average over turns and mirrors")
        mask, description = gr.File(label="Mask"), gr.JSON(label="Description")
        gr.Button().click(
            segment,
            [picture, checkpoint, threshold, average],
            [mask, description],
            api_name="segment",
            concurrency_id=INFERENCE,
            concurrency_limit=INFERENCES_AT_ONCE,
        )
