"""The Train page's controls, and the settings that they stand for."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components import Component

from ...data.shapes import SceneOptions
from ...live.settings import (
    BOUNDS,
    PRESETS,
    RATES,
    SMALLEST_SIZE,
    WIDTHS,
    WORDS,
    Limits,
    LiveSettings,
    SettingsError,
)
from ...messages import in_full, sentence
from ...networks import NETWORKS
from ...networks.base import GRID
from ...tasks import LOSSES
from ...training.loop import OPTIMISERS
from ..text import t

FIRST_PRESET = "random"
"""The quickest to show something."""

SCENE_SETTINGS = (
    "size", "count_least", "count_most", "radius_least", "radius_most", "noise", "blur", "overlap",
    "clue", "rotated",
)  # fmt: skip
"""What the article's one picture knows nothing of."""


def described(key: str) -> dict[str, Any]:
    """Label and info of a control."""
    return {"label": t(f"train_{key}"), "info": t(f"train_{key}_info")}


def named(key: str, values: tuple[str, ...]) -> list[tuple[Any, str]]:
    """Choices with a text of their own."""
    return [(t(f"train_{key}_{value}"), value) for value in values]


def preset_control() -> gr.Radio:
    """Where to start from."""
    return gr.Radio(
        named("preset", tuple(PRESETS)), value=FIRST_PRESET, elem_id="preset", **described("preset")
    )


def experiment_controls(values: Mapping[str, Any]) -> dict[str, Component]:
    """The network: what a person compares runs by."""
    with gr.Row(elem_id="train-experiment"):
        network = gr.Dropdown(
            list(NETWORKS), value=values["network"], filterable=False, min_width=160,
            elem_id="network", **described("network"),
        )  # fmt: skip
        width = gr.Dropdown(
            list(WIDTHS), value=values["width"], filterable=False, min_width=120,
            elem_id="width", **described("width"),
        )  # fmt: skip
        skips = gr.Checkbox(values["skips"], elem_id="skips", min_width=200, **described("skips"))
        batch_norm = gr.Checkbox(
            values["batch_norm"], elem_id="batch-norm", min_width=200, **described("batch_norm")
        )
    return {"network": network, "width": width, "skips": skips, "batch_norm": batch_norm}


def training_controls(values: Mapping[str, Any], limits: Limits) -> dict[str, Component]:
    """How it is trained."""
    with gr.Row():
        optimiser = gr.Dropdown(
            list(OPTIMISERS), value=values["optimiser"], filterable=False, min_width=150,
            elem_id="optimiser", **described("optimiser"),
        )  # fmt: skip
        loss = gr.Dropdown(
            named("loss", LOSSES), value=values["loss"], filterable=False, min_width=150,
            elem_id="loss", **described("loss"),
        )  # fmt: skip
        schedule = gr.Dropdown(
            named("schedule", ("constant", "cosine")), value=values["schedule"], filterable=False,
            min_width=150, elem_id="schedule", **described("schedule"),
        )  # fmt: skip
    with gr.Row():
        lowest, highest = (math.log10(rate) for rate in RATES)
        rate = gr.Slider(
            lowest, highest, values["rate"], step=0.25, min_width=220, elem_id="rate",
            **described("rate"),
        )  # fmt: skip
        steps = gr.Slider(
            1, limits.steps, values["steps"], step=1, min_width=220, elem_id="steps",
            **described("steps"),
        )  # fmt: skip
    with gr.Row():
        batch = gr.Slider(
            1, limits.batch, values["batch"], step=1, min_width=220, elem_id="batch",
            **described("batch"),
        )  # fmt: skip
        seed = gr.Number(
            values["seed"], step=1, min_width=150, elem_id="seed",
            **described("seed"),
        )  # fmt: skip
    return {
        "optimiser": optimiser, "loss": loss, "schedule": schedule, "rate": rate, "steps": steps,
        "batch": batch, "seed": seed,
    }  # fmt: skip


def data_controls(values: Mapping[str, Any], limits: Limits) -> dict[str, Component]:
    """What it is trained on."""
    controls: dict[str, Component] = {
        "source": gr.Radio(
            named("source", ("scenes", "article")), value=values["source"], elem_id="source",
            **described("source"),
        )
    }  # fmt: skip
    for row in (
        {f"count_{end}": (*BOUNDS["count"], 1) for end in ("least", "most")},
        {f"radius_{end}": (*BOUNDS["radius"], 0.01) for end in ("least", "most")},
        {
            "size": (SMALLEST_SIZE, limits.size, GRID),
            "noise": (*BOUNDS["noise"], 1),
            "blur": (*BOUNDS["blur"], 0.25),
        },
    ):
        with gr.Row():
            for name, (least, most, step) in row.items():
                controls[name] = gr.Slider(
                    least, most, values[name], step=step, min_width=200,
                    elem_id=name.replace("_", "-"), **described(name),
                )  # fmt: skip
    with gr.Row():
        for name in ("clue", "overlap", "rotated"):
            controls[name] = gr.Checkbox(
                values[name], elem_id=name, min_width=200, **described(name)
            )
    return controls


def values_of(settings: LiveSettings) -> dict[str, Any]:
    """What the controls show for some settings; the article's picture leaves the scenes' as they begin."""
    scenes = settings.scenes or SceneOptions()
    return {
        "source": "scenes" if settings.scenes else "article",
        "count_least": scenes.count[0],
        "count_most": scenes.count[1],
        "radius_least": scenes.radius[0],
        "radius_most": scenes.radius[1],
        "size": scenes.size,
        "noise": scenes.noise,
        "blur": scenes.blur,
        "overlap": scenes.overlap,
        "clue": scenes.colour_is_clue,
        "rotated": scenes.rotated,
        "network": settings.network,
        "width": settings.width,
        "skips": settings.skips,
        "batch_norm": settings.batch_norm,
        "optimiser": settings.optimiser,
        "rate": math.log10(settings.rate),
        "schedule": settings.schedule,
        "loss": settings.loss,
        "batch": settings.batch,
        "steps": settings.steps,
        "seed": settings.seed,
    }


def settings_of(values: Mapping[str, Any]) -> LiveSettings:
    """The settings that the controls stand for.

    Raises SettingsError where one was left empty, or is between two numbers that can be chosen.
    """
    for name, value in values.items():
        if value is None:
            raise SettingsError(
                sentence("The field {field!r} is empty; fill it in.", field=WORDS.get(name, name))
            )
    scenes = SceneOptions(
        size=whole(values, "size"),
        count=(whole(values, "count_least"), whole(values, "count_most")),
        radius=(values["radius_least"], values["radius_most"]),
        overlap=values["overlap"],
        colour_is_clue=values["clue"],
        noise=values["noise"],
        blur=values["blur"],
        rotated=values["rotated"],
    )
    return LiveSettings(
        scenes=scenes if values["source"] == "scenes" else None,
        network=values["network"],
        width=int(values["width"]),
        skips=values["skips"],
        batch_norm=values["batch_norm"],
        optimiser=values["optimiser"],
        rate=float(f"{10 ** values['rate']:.3g}"),
        schedule=values["schedule"],
        loss=values["loss"],
        batch=whole(values, "batch"),
        steps=whole(values, "steps"),
        seed=whole(values, "seed"),
    )


def whole(values: Mapping[str, Any], name: str) -> int:
    """A control's value. Raises SettingsError where it is no whole number."""
    value = values[name]
    if value != int(value):
        raise SettingsError(
            sentence(
                "The {what} is {given}; choose a whole number.",
                what=WORDS[name], given=in_full(value),
            )
        )  # fmt: skip
    return int(value)


def preset_values(name: str, limits: Limits) -> dict[str, Any]:
    """The controls' values for a preset, within the limits of this machine."""
    preset = PRESETS[name]
    return values_of(replace(preset, steps=min(preset.steps, limits.steps)))
