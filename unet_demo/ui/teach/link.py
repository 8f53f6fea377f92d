"""The settings of the Teach page in an address: a picture of ours, and what the network starts from."""

from collections.abc import Mapping
from typing import Any

from ...checkpoints import offered_names
from ...teach.examples import EXAMPLES
from ..link import AddressSettings, Choice, Parameter, read

FIRST = "coins"
"""The example that the page opens with."""

RANDOM = "random"
"""What a network starts from: random weights; else a checkpoint's name."""


class TeachLink:
    """Reads and writes the page's part of an address."""

    def __init__(self) -> None:
        self.parameters: dict[str, Parameter] = {
            "picture": Choice(tuple(EXAMPLES)),
            "start": Choice((RANDOM, *offered_names())),
        }

    def read(self, query: Mapping[str, str]) -> AddressSettings:
        """Read what the address names."""
        return read(query, self.parameters)

    def all_values(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a value for everything: what the address names, else what the page begins with."""
        return {"picture": FIRST, "start": RANDOM, **self.read(query).values}

    def told(self, picture: str, start: str) -> dict[str, Any]:
        """Say what belongs into the address, as history.js takes it; ``picture``: "" for one's own."""
        return {
            "page": "teach",
            "values": {"picture": picture or None, "start": start},
            "defaults": {"picture": FIRST, "start": RANDOM},
            "incomplete": not picture,
        }
