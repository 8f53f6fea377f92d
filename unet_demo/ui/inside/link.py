"""The settings of the page "Look inside" in an address: a topic, a picture, a checkpoint, the topic's controls."""

from collections.abc import Mapping
from typing import Any

from gradio.components import Component

from ...checkpoints import CheckpointError, find_offered, offered_names, read_card, read_index
from ...checkpoints.hub import looks_like_repo
from ...examples import offered_examples
from ..link import AddressSettings, Choice, Parameter, parameter_of, read
from ..segment.link import CheckpointName, ExampleName
from .topics import TOPICS

OF_SEGMENT = "segment"
"""The picture, or the checkpoint, that the Segment page has."""


class InsideLink:
    """Reads and writes the page's part of an address; ``controls``: topic → name → component."""

    def __init__(self, controls: Mapping[str, Mapping[str, Component]]) -> None:
        self.controls = {
            topic: {name: parameter_of(one) for name, one in ours.items() if sayable(one)}
            for topic, ours in controls.items()
        }
        self.defaults = {
            name: one.value
            for ours in controls.values()
            for name, one in ours.items()
            if sayable(one)
        }
        self.unsayable = {
            topic: [name for name, one in ours.items() if not sayable(one)]
            for topic, ours in controls.items()
        }
        self.parameters: dict[str, Parameter] = {
            "topic": Choice(tuple(TOPICS)),
            "example": ExampleName(),
            "checkpoint": CheckpointName(),
            **{name: one for ours in self.controls.values() for name, one in ours.items()},
        }

    def read(self, query: Mapping[str, str]) -> AddressSettings:
        """Read what the address names."""
        return read(query, self.parameters)

    def all_values(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a value for everything: what the address names, else what the page begins with.

        A checkpoint without an example gets the first that shows what it knows.
        """
        asked = self.read(query).values
        first = {
            "topic": next(iter(TOPICS)),
            "example": known_example(asked["checkpoint"]) if "checkpoint" in asked else OF_SEGMENT,
            "checkpoint": OF_SEGMENT,
        }
        none = {name: None for names in self.unsayable.values() for name in names}
        return {**first, **none, **self.defaults, **asked}

    def told(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Say what belongs into the address of what is shown, as history.js takes it."""
        picture, checkpoint = values["example"], values["checkpoint"]
        travels = checkpoint in offered_names() or looks_like_repo(checkpoint)
        return {
            "page": "inside",
            "values": {
                "topic": values["topic"],
                "example": None if picture == OF_SEGMENT else picture,
                "checkpoint": checkpoint if travels else None,
                **{name: values[name] for name in self.defaults},
            },
            "defaults": {
                "topic": next(iter(TOPICS)),
                **self.defaults,
                **{
                    name: None
                    for topic, ours in self.controls.items()
                    for name in ours
                    if topic != values["topic"]
                },
            },
            "incomplete": picture == OF_SEGMENT
            or not (travels or checkpoint == OF_SEGMENT)
            or any(values[name] for name in self.unsayable[values["topic"]]),
        }


def known_example(checkpoint: str) -> str:
    """Return the first example of a bundled checkpoint's classes; OF_SEGMENT where there is none."""
    try:
        classes = (
            read_card(find_offered(checkpoint)).task.classes if checkpoint in read_index() else ()
        )
    except CheckpointError:  # whoever opens it is told what is wrong
        classes = ()
    known = (one.name for one in offered_examples() if one.task.classes == classes)
    return next(known, OF_SEGMENT)


def sayable(component: Component) -> bool:
    """Tell whether an address can say a component's value."""
    try:
        parameter_of(component)
    except TypeError:
        return False
    return True
