"""The Train page's settings in an address: a preset, and whatever differs from it."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..choices import VALIDATION_SEED
from ..live.settings import PRESETS, Limits, SettingsError
from .link import (
    GENERAL,
    Choice,
    Number,
    Parameter,
    Power,
    Unfit,
    Wish,
    given,
    parameter_of,
    read,
    refused,
    write,
)
from .train_controls import FIRST_PRESET, preset_values, settings_of

RANGES = (("count_least", "count_most"), ("radius_least", "radius_most"))
"""Settings of which the first is not above the second."""

WORK = ("source", "width", "size", "batch")
"""Settings that together say how much work a step is."""


class TrainLink:
    """Reads and writes the Train page's part of an address; ``controls`` say what can be set."""

    def __init__(self, controls: Mapping[str, Any], limits: Limits) -> None:
        self.limits = limits
        own: dict[str, Parameter] = {
            "rate": Power(
                *(getattr(controls["rate"], end) for end in ("minimum", "maximum", "step"))
            ),
            "noise": Number(controls["noise"].minimum, controls["noise"].maximum),
            "seed": Number(0, VALIDATION_SEED - 1, 1),
        }
        self.settings = {
            name: own.get(name) or parameter_of(control) for name, control in controls.items()
        }
        self.parameters: dict[str, Parameter] = {"preset": Choice(tuple(PRESETS)), **self.settings}

    def read(self, query: Mapping[str, str]) -> Wish:
        """The preset and every control's value, or nothing where the address names none of them."""
        asked = read(query, self.parameters)
        if not asked.values:
            return asked
        preset = asked.values.get("preset", FIRST_PRESET)
        usual = preset_values(preset, self.limits)
        values = {"preset": preset, **usual, **asked.values}
        refusals = list(asked.refusals)
        for wish, names in self._clashes(usual, values):
            values |= {name: usual[name] for name in names}
            named = [name for name in names if name in asked.values]
            refusals.append(refused(Unfit(wish), given(query, named)))
        return Wish(values, tuple(refusals))

    def write(self, preset: str, values: Mapping[str, Any]) -> str:
        """The query that brings these settings back."""
        settings = {"page": "train", "preset": preset, **values}
        usual = preset_values(preset, self.limits)
        return write(settings, usual, {**GENERAL, **self.parameters})

    def _clashes(
        self, usual: Mapping[str, Any], values: Mapping[str, Any]
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What is wrong with settings that are right one by one, and which they are."""
        for least, most in RANGES:
            if values[least] > values[most]:
                yield "order", (least, most)
        try:
            self.limits.check(settings_of({**usual, **{name: values[name] for name in WORK}}))
        except SettingsError:
            yield "work", WORK
