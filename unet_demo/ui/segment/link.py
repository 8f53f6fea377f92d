"""The Segment page's settings in an address: a checkpoint, an example, and how they are shown."""

from collections.abc import Mapping
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
from ...render import View
from ...segmentation import SegmentRequest
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
            "slice": Slice(""),
        }

    def read(self, query: Mapping[str, str]) -> AddressSettings:
        """Read what the address names, with an example and a checkpoint that suit each other."""
        if not set(self.parameters) & set(query):
            return AddressSettings()
        first = {name: one for name, one in self.parameters.items() if name != "slice"}
        asked = read(query, first)
        checkpoints = checkpoints_of_examples()
        wanted = asked.values.get("checkpoint")
        suited = [name for name, checkpoint in checkpoints.items() if checkpoint == wanted]
        example = asked.values.get("example", (*suited, *checkpoints)[0])
        page = read(query, {"slice": Slice(example)})
        values = {"checkpoint": checkpoints[example], **asked.values, **page.values}
        warnings = asked.warnings + page.warnings
        if "threshold" in values and is_bundled_without_threshold(values["checkpoint"]):
            del values["threshold"]
            warnings = (*warnings, threshold_refused(query))
        return AddressSettings({**values, "example": example}, warnings)


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


def is_bundled_without_threshold(checkpoint: str) -> bool:
    """Tell whether it is a bundled one of more than two classes; what others are shows once they are there."""
    if checkpoint not in read_index():
        return False
    try:
        card = read_card(find_offered(checkpoint))
    except CheckpointError:  # whoever opens it is told what is wrong
        return False
    return card.task.kind != "binary"


def threshold_refused(query: Mapping[str, str]) -> UrlWarning:
    """Say why the address's threshold was left out, where the checkpoint has none."""
    return refused(InvalidValue("binary"), given(query, ["threshold"]))


def checkpoints_of_examples() -> dict[str, str]:
    """Map the names of the examples that are offered to that of the checkpoint that knows each."""
    return {example.name: example.checkpoint for example in offered_examples()}


def example_of(picture: Picture) -> str | None:
    """Return the name of the example that a picture is; None for one that a visitor brought."""
    name = picture.name
    is_one = name in checkpoints_of_examples() and load_example(name).picture is picture
    return name if is_one else None
