"""Shows what a bundled checkpoint does with an example: picture, mask, truth, and what it paints.

The pictures are made when a browser first asks for one, and kept: picture and truth, which checkpoints
share, at ``triples/EXAMPLE/KIND.webp``, the others at ``triples/EXAMPLE/CHECKPOINT/KIND.webp``. All are square.
"""

import io
import threading
from functools import lru_cache
from html import escape

import numpy as np
from PIL import Image, ImageDraw
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..checkpoints import CheckpointError, find_offered, load_checkpoint, read_index
from ..examples import load_example
from ..inference import Predictor
from ..render import colour_mask, to_rgb
from ..tasks import ISBI, SHAPES, VOC, ColourTask, Task
from .server.zero_gpu import DEVICE
from .text import say

SIDE = 320
"""Of what is shown, in px."""

QUALITY = 82
"""WebP's, for pictures; masks lose nothing."""

CLASSES = {
    "shapes": SHAPES.classes,
    "membranes": ISBI.classes,
    "person": VOC.classes,
    "article": SHAPES.classes,
}
"""Examples that are shown → the classes that a checkpoint for them tells apart."""

PERSON = (
    (186, 148), (182, 130), (172, 122), (160, 108), (154, 88), (153, 68), (159, 54), (173, 45),
    (189, 34), (205, 22), (226, 16), (248, 17), (268, 26), (285, 40), (294, 58), (300, 75),
    (301, 94), (296, 110), (286, 124), (275, 135), (268, 136), (264, 152), (256, 166), (256, 173),
    (272, 184), (287, 199), (299, 216), (304, 233), (318, 243), (334, 257), (343, 272), (350, 290),
    (357, 318), (362, 340), (363, 348), (343, 356), (325, 367), (308, 382), (295, 402), (285, 426),
    (279, 452), (277, 478), (278, 511), (36, 511), (30, 490), (26, 466), (24, 440), (21, 416),
    (19, 396), (22, 366), (26, 338), (33, 308), (42, 280), (54, 260), (72, 240), (94, 222),
    (112, 206), (119, 196), (113, 187), (121, 182), (125, 168), (137, 156), (158, 149),
)  # fmt: skip
"""Outline (x, y) in px of the person in the photograph, drawn by hand: nobody published a truth of it."""

_MAKING = threading.Lock()


def figure(
    checkpoint: str, task: Task, language: str, *, example: str = "", painted: bool = False
) -> str:
    """Return picture, mask and truth side by side, as HTML, and what they are; "" where no example suits.

    ``example``: its name, by default the first that suits. ``painted``: with the colours that a
    ColourTask's network paints, before the nearest one of the palette is taken.
    """
    suited = [name for name, classes in CLASSES.items() if classes == task.classes]
    if not suited:
        return ""
    example = example or suited[0]
    told = escape(say(f"triple_of_{example}", language))
    kinds = ("picture", "painted", "mask", "truth") if painted else ("picture", "mask", "truth")
    places = {"picture": example, "truth": example}
    cells = "".join(
        _cell(f"{places.get(kind, f'{example}/{checkpoint}')}/{kind}", kind, told, language)
        for kind in kinds
    )
    return f'<figure class="triple"><div>{cells}</div><figcaption>{told}</figcaption></figure>'


def _cell(path: str, kind: str, told: str, language: str) -> str:
    name = escape(say(f"triple_{kind}", language))
    return (
        f'<div><img src="triples/{escape(path)}.webp" alt="{name}: {told}" loading="lazy"'
        f' width="{SIDE}" height="{SIDE}"><span aria-hidden="true">{name}</span></div>'
    )


@lru_cache
def known(example: str) -> dict[str, bytes]:
    """Return an example's picture and truth: kind → WebP file, SIDE × SIDE."""
    request = load_example(example)
    slice = request.picture.slices[0]
    truth = request.truth.labels[0] if request.truth else person_truth(*slice.shape[:2])
    palette = next(task.palette for task in (SHAPES, ISBI, VOC) if task.classes == CLASSES[example])
    return {
        "picture": _webp(to_rgb(slice), lossless=False),
        "truth": _webp(colour_mask(truth, palette), lossless=True),
    }


@lru_cache(maxsize=32)
def found(checkpoint: str, example: str) -> dict[str, bytes]:
    """Segment an example with a bundled checkpoint; return kind → WebP file, SIDE × SIDE.

    Raises KeyError for a checkpoint that is not bundled or an example that it does not suit,
    CheckpointError for a damaged file.
    """
    if checkpoint not in read_index():
        raise KeyError(checkpoint)
    # Not with segmentation.open_predictor, whose few places belong to visitors' checkpoints.
    predictor = Predictor(load_checkpoint(find_offered(checkpoint)), DEVICE)
    task = predictor.card.task
    if CLASSES[example] != task.classes:
        raise KeyError(example)
    slices = load_example(example).picture.slices[:1]
    mask = colour_mask(predictor.predict(slices).labels()[0], task.palette)
    shown = {"mask": _webp(mask, lossless=True)}
    if isinstance(task, ColourTask):
        shown["painted"] = _webp(predictor.paint(slices)[0], lossless=False)
    return shown


def person_truth(height: int, width: int) -> np.ndarray:
    """Fill the outline of PERSON: label ids uint8 (H, W) of VOC."""
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).polygon(PERSON, fill=VOC.classes.index("person"))
    return np.asarray(mask)


def _webp(pixels: np.ndarray, lossless: bool) -> bytes:
    image = Image.fromarray(pixels)
    how = Image.Resampling.NEAREST if lossless else Image.Resampling.LANCZOS
    buffer = io.BytesIO()
    image.resize((SIDE, SIDE), how).save(buffer, "WEBP", quality=QUALITY, lossless=lossless)
    return buffer.getvalue()


def triples_routes() -> list[Route]:
    """Answer GET of each picture; 404 for what is not shown."""
    places = ("{example}", "{example}/{checkpoint}")
    return [Route(f"/triples/{place}/{{kind}}.webp", _answer) for place in places]


def _answer(request: Request) -> Response:
    """Wait for whoever makes the same pictures: Starlette runs this outside the event loop."""
    asked = request.path_params
    example, checkpoint = asked["example"], asked.get("checkpoint")
    if example not in CLASSES:
        return Response(status_code=404)
    try:
        with _MAKING:
            made = known(example) if checkpoint is None else found(checkpoint, example)
        body = made[asked["kind"]]
    except (KeyError, CheckpointError):
        return Response(status_code=404)
    return Response(body, media_type="image/webp", headers={"cache-control": "max-age=3600"})
