"""The Segment page's settings in an address: a checkpoint, an example, and how they are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...checkpoints import (
    CheckpointError,
    find_offered,
    offered_names,
    read_card,
    read_index,
)
from ...checkpoints.hub import looks_like_repo
from ...data.images import Picture
from ...examples import load_example, offered_examples
from ...render import LAYERS, View
from ...segmentation import SegmentRequest
from ...tasks import Task
from ..components.viewer import MOST_ZOOM
from ..link import (
    AddressSettings,
    Choice,
    InvalidValue,
    Number,
    Parameter,
    UrlWarning,
    given,
    parameter_of,
    read,
    refused,
)


class CheckpointName:
    """A bundled checkpoint's name, or owner/repo[@revision] on the Hugging Face Hub."""

    def read(self, text: str) -> str:
        """Whether there is such a repository shows when it is asked for."""
        if text not in offered_names() and not looks_like_repo(text):
            raise InvalidValue("checkpoint", choices=", ".join(offered_names()))
        return text

    def write(self, value: str) -> str:
        return value


class ExampleName:
    """An example's name; which ones are offered may change while the page is served."""

    def read(self, text: str) -> str:
        return Choice(tuple(checkpoints_of_examples())).read(text)

    def write(self, value: str) -> str:
        return value


class SegmentLink:
    """Read and write the Segment page's part of an address; ``controls`` say what can be set."""

    def __init__(self, controls: Mapping[str, Any]) -> None:
        self.parameters: dict[str, Parameter] = {
            "checkpoint": CheckpointName(),
            "example": ExampleName(),
            **{name: parameter_of(control) for name, control in controls.items()},
            "layer": Choice(LAYERS),
            "zoom": Number(1, MOST_ZOOM),
            **of_example(""),
        }

    def read(self, query: Mapping[str, str]) -> AddressSettings:
        """Read what the address names, with an example and a checkpoint that suit each other."""
        if not set(self.parameters) & set(query):
            return AddressSettings()
        later = of_example("")
        first = {name: one for name, one in self.parameters.items() if name not in later}
        asked = read(query, first)
        checkpoints = checkpoints_of_examples()
        wanted = asked.values.get("checkpoint")
        suited = [name for name, checkpoint in checkpoints.items() if checkpoint == wanted]
        example = asked.values.get("example", (*suited, *checkpoints)[0])
        place = read(query, of_example(example))
        values = {
            "checkpoint": checkpoints[example], **asked.values, **place.values, "example": example,
        }  # fmt: skip
        task = bundled_task(values["checkpoint"])
        unfit = task_refuses(values, task, query) if task else {}
        seen = {name: value for name, value in values.items() if name not in unfit}
        return AddressSettings(seen, asked.warnings + place.warnings + tuple(unfit.values()))


UNKNOWN = 0.0
"""A checkpoint's own threshold before it has been opened: none has this."""


def told(request: SegmentRequest, view: View | None, own_threshold: float | None) -> dict[str, Any]:
    """Say what belongs into the address of what is segmented, as history.js takes it.

    ``view`` is None where the page goes on to show what it shows.
    """
    example = example_of(request.picture)
    travels = request.name in offered_names() or looks_like_repo(request.name)
    usual = View()
    return {
        "page": "segment",
        "values": {
            "checkpoint": request.name if travels else None,
            "example": example,
            **({"slice": view.slice} if view else {}),
            "flips": request.tta,
            **({"threshold": view.threshold} if view else {}),
        },
        "defaults": {
            "slice": usual.slice if example else None,
            "flips": False,
            "threshold": own_threshold,
            "opacity": usual.opacity,
            "style": usual.style,
            **({} if example else dict.fromkeys(("layer", "zoom", "x", "y"))),
        },
        "incomplete": example is None or not travels,
    }


class Slice:
    """Which slice of an example is shown, from 1."""

    def __init__(self, example: str) -> None:
        self.example = example

    def read(self, text: str) -> int:
        slices = load_example(self.example).picture.slices
        if len(slices) == 1 and text != "1":
            stacks = [example.name for example in offered_examples() if example.first_slice]
            raise InvalidValue("slices", choices=", ".join(stacks))
        return int(Number(1, len(slices), 1).read(text))

    def write(self, value: float) -> str:
        return str(int(value))


@dataclass(frozen=True)
class Pixel:
    """How far a pixel of an example is from its left (``axis`` 2) or its top (1), from 0."""

    example: str
    axis: int

    def read(self, text: str) -> int:
        size = load_example(self.example).picture.slices.shape[self.axis]
        return int(Number(0, size - 1, 1).read(text))

    def write(self, value: float) -> str:
        return str(int(value))


def of_example(example: str) -> dict[str, Parameter]:
    """Map the settings that depend on the example to how they are written."""
    return {"slice": Slice(example), "x": Pixel(example, 2), "y": Pixel(example, 1)}


def bundled_task(checkpoint: str) -> Task | None:
    """Return what a bundled checkpoint knows; what others do shows once they are there."""
    if checkpoint not in read_index():
        return None
    try:
        return read_card(find_offered(checkpoint)).task
    except CheckpointError:  # whoever opens it is told what is wrong
        return None


def task_refuses(
    asked: Mapping[str, Any], task: Task, query: Mapping[str, str]
) -> dict[str, UrlWarning]:
    """Map the settings in ``asked`` that a checkpoint of this task does not have to why they are left out."""
    truth = load_example(asked["example"]).truth
    wish = {}
    if "threshold" in asked and task.kind != "binary":
        wish["threshold"] = "binary"
    if asked.get("layer") == "painted" and task.kind != "colour":
        wish["layer"] = "painted"
    if asked.get("layer") == "errors" and (truth is None or truth.classes != task.classes):
        wish["layer"] = "truth"
    return {name: refused(InvalidValue(one), given(query, [name])) for name, one in wish.items()}


def checkpoints_of_examples() -> dict[str, str]:
    """Map the names of the examples that are offered to that of the checkpoint that knows each."""
    return {example.name: example.checkpoint for example in offered_examples()}


def example_of(picture: Picture) -> str | None:
    """Return the name of the example that a picture is; None for one that a visitor brought."""
    name = picture.name
    is_one = name in checkpoints_of_examples() and load_example(name).picture is picture
    return name if is_one else None
