"""The Train page's settings in an address: a preset, and whatever differs from it."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ...live.settings import CONTROLS, PRESETS, RANGES, Control, Limits, SettingsError
from ..link import (
    GENERAL,
    AddressSettings,
    Choice,
    InvalidValue,
    Number,
    Parameter,
    Power,
    Switch,
    UrlWarning,
    given,
    read,
    refused,
)
from .controls import FIRST_PRESET, SCENE_SETTINGS, SOURCES, preset_values, settings_of

WORK = ("source", "width", "size", "batch")
"""Settings that together say how much work a step is."""

SCALE: dict[str, Parameter] = {"scale": Choice(("linear", "log"))}
"""The chart's own: its script reads it, and tells history.js of it (chart.js)."""

TELL = """(...told) => {
  const values = Object.fromEntries(%(names)s.map((name, number) => [name, told[number]]));
  const defaults = %(defaults)s[values.preset];
  if (typeof values.rate === "number") values.rate = Number((10 ** values.rate).toPrecision(3));
  if (values.source === "article") for (const name of %(idle)s) defaults[name] = null;
  const detail = { page: "train", values, defaults };
  document.dispatchEvent(new CustomEvent("settings", { detail }));
}"""
"""A rate stands on the page as its power of ten, and the article's picture has no settings of scenes."""


def parameter(control: Control, limits: Limits) -> Parameter:
    """Say how a control's value is written in an address."""
    if control.choices:
        return Choice(control.choices)
    if control.least is None:
        return Switch()
    least, most = control.range(limits)
    if control.name == "rate":
        return Power(math.log10(least), math.log10(most), control.step)
    return Number(least, most, control.step if control.whole else 0)


class TrainLink:
    """Reads and writes the Train page's part of an address."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.settings: dict[str, Parameter] = {
            "preset": Choice(tuple(PRESETS)),
            "source": Choice(SOURCES),
            **{name: parameter(control, limits) for name, control in CONTROLS.items()},
        }
        self.parameters = {**self.settings, **SCALE}

    def read(self, query: Mapping[str, str]) -> AddressSettings:
        """Return the preset and every control's value, or no value where the address names none of them."""
        settings = self._read_settings(query)
        others = read(query, SCALE).warnings + tuple(self._unseen(query))
        return AddressSettings(settings.values, settings.warnings + others)

    def autostart(self, query: Mapping[str, str]) -> bool:
        """Tell whether the address asks for a run at once, and for the page that shows it."""
        asked = read(query, GENERAL).values
        return asked.get("autostart", False) and asked.get("page") == "train"

    def script(self) -> str:
        """Return JavaScript that tells history.js of the values of ``settings``, in their order."""
        defaults = {
            preset: {
                name: self.settings[name].write(value)
                for name, value in preset_values(preset, self.limits).items()
            }
            for preset in PRESETS
        }
        return TELL % {
            "names": json.dumps(list(self.settings)),
            "defaults": json.dumps(defaults),
            "idle": json.dumps(SCENE_SETTINGS),
        }

    def _read_settings(self, query: Mapping[str, str]) -> AddressSettings:
        asked = read(query, self.settings)
        if not asked.values:
            return asked
        preset = asked.values.get("preset", FIRST_PRESET)
        defaults = preset_values(preset, self.limits)
        values = {"preset": preset, **defaults, **asked.values}
        warnings = list(asked.warnings)
        for wish, names in self._clashes(defaults, values):
            named = [name for name in names if name in asked.values]
            values |= {name: defaults[name] for name in names}
            if named:
                warnings.append(refused(InvalidValue(wish), given(query, named)))
        return AddressSettings(values, tuple(warnings))

    def _unseen(self, query: Mapping[str, str]) -> Iterator[UrlWarning]:
        """Warn where nobody would see the run that is to start by itself."""
        wanted = read(query, GENERAL).values.get("autostart", False)
        if wanted and not self.autostart(query):
            yield refused(InvalidValue("autostart"), given(query, ["autostart"]))

    def _clashes(
        self, defaults: Mapping[str, Any], values: Mapping[str, Any]
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield what is wrong with settings that are valid one by one, and which they are.

        What was wrong before has been put right in ``values``.
        """
        if values["source"] == "article":
            yield "scenes", SCENE_SETTINGS
        for most, least in RANGES.items():
            if values[least] > values[most]:
                yield "order", (least, most)
        try:
            self.limits.check(settings_of({**defaults, **{name: values[name] for name in WORK}}))
        except SettingsError:
            yield "work", WORK
