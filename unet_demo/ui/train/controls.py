"""The Train page's controls, and the settings that they stand for."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components import Component

from ...data.shapes import SceneOptions
from ...live.settings import (
    CONTROLS,
    PRESETS,
    Control,
    Limits,
    LiveSettings,
    SettingsError,
)
from ...messages import in_full, sentence
from ..text import ENGLISH, t

FIRST_PRESET = "random"
"""The quickest to show something."""

EXPERIMENT = (("network", "width", "skips", "batch_norm"),)
"""The network: what a person compares runs by. Rows of controls, as on the page."""

METHOD = (
    ("optimiser", "loss", "schedule"),
    ("rate", "steps"),
    ("batch", "seed"),
    ("initialisation", "clip"),
)
"""How it is trained."""

DATA = (
    ("source",),
    ("count_least", "count_most"),
    ("radius_least", "radius_most"),
    ("size", "noise", "blur"),
    ("clue", "overlap", "rotated"),
)
"""What it is trained on."""

SOURCES = ("scenes", "article")
"""What a run's pictures are: random scenes, or the article's own one."""

SCENE_SETTINGS = tuple(name for name, one in CONTROLS.items() if one.path[0] == "scenes")
"""What the article's one picture knows nothing of."""


def described(key: str) -> dict[str, Any]:
    """Return label, info and id of a control."""
    return {
        "label": t(f"train_{key}"),
        "info": t(f"train_{key}_info"),
        "elem_id": key.replace("_", "-"),
    }


def named(key: str, values: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """Pair choices with a text of their own, where there is one."""
    texts = {value: f"train_{key}_{value}" for value in values}
    return [(t(text) if text in ENGLISH else str(value), value) for value, text in texts.items()]


def preset_control() -> gr.Dropdown:
    """Make the choice of where to start from."""
    return gr.Dropdown(
        named("preset", tuple(PRESETS)), value=FIRST_PRESET, filterable=False, **described("preset")
    )


def lay_out(
    rows: tuple[tuple[str, ...], ...], values: Mapping[str, Any], limits: Limits, **options: Any
) -> dict[str, Component]:
    """Make the components of rows of controls, by name, with these values; ``options`` are the rows'."""
    made: dict[str, Component] = {}
    for row in rows:
        with gr.Row(**options):
            for name in row:
                made[name] = component_of(name, values[name], limits)
    return made


def component_of(name: str, value: Any, limits: Limits) -> Component:
    """Make a control's component, with this value."""
    if name == "source":
        return gr.Radio(named(name, SOURCES), value=value, **described(name))
    control = CONTROLS[name]
    if control.choices:
        return gr.Dropdown(
            named(name, control.choices), value=value, filterable=False, min_width=150,
            **described(name),
        )  # fmt: skip
    if control.least is None:
        return gr.Checkbox(value, min_width=200, **described(name))
    if name == "seed":
        return gr.Number(value, step=1, min_width=150, **described(name))
    least, most = control.range(limits)
    if name == "rate":
        least, most = math.log10(least), math.log10(most)
    return gr.Slider(least, most, value, step=control.step, min_width=200, **described(name))


def values_of(settings: LiveSettings) -> dict[str, Any]:
    """Return the controls' values for some settings; the article's picture has the scenes' defaults."""
    values = {name: control.value(settings) for name, control in CONTROLS.items()}
    source = "scenes" if settings.scenes else "article"
    return {"source": source, **values, "rate": math.log10(settings.rate)}


def settings_of(values: Mapping[str, Any]) -> LiveSettings:
    """Return the settings that the controls stand for.

    Raises SettingsError where one was left empty, or is between two numbers that can be chosen.
    """
    kept: dict[str, Any] = {}
    scenes: dict[str, Any] = {}
    for name, control in CONTROLS.items():
        value = checked(control, values[name])
        match control.path:
            case ("scenes", str(field)):
                scenes[field] = value
            case ("scenes", str(field), 0):
                scenes[field] = (value,)
            case ("scenes", str(field), _):
                scenes[field] += (value,)
            case (str(field),):
                kept[field] = value
    kept["rate"] = float(f"{10 ** values['rate']:.3g}")
    return LiveSettings(
        scenes=SceneOptions(**scenes) if values["source"] == "scenes" else None, **kept
    )


def checked(control: Control, value: Any) -> Any:
    """Check a control's value. Raises SettingsError where it is missing, or no whole number but should be."""
    if value is None:
        what = control.words or control.name
        raise SettingsError(sentence("The field {field!r} is empty; fill it in.", field=what))
    if not control.whole:
        return value
    if value != int(value):
        raise SettingsError(
            sentence(
                "The {what} is {given}; choose a whole number.",
                what=control.words, given=in_full(value),
            )
        )  # fmt: skip
    return int(value)


def preset_values(name: str, limits: Limits) -> dict[str, Any]:
    """Return the controls' values for a preset, within the limits of this machine."""
    preset = PRESETS[name]
    return values_of(replace(preset, steps=min(preset.steps, limits.steps)))
