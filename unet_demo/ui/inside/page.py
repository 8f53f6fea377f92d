"""The page "Look inside": a picture, a checkpoint, and a topic at a time of what the network does with it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from ...devices import threads_released
from ...examples import EXAMPLES, load_example, offered_examples
from ...inside.subject import Subject, look_inside
from ...segmentation import EXPECTED_ERRORS, plain_words
from ..components.figures import figures
from ..components.history import restored_query, settings
from ..components.u import u
from ..html import QUICK, Update, alert, hint, note
from ..segment.session import Session, Sessions
from ..segment.views import menu
from ..text import say, t, t_name
from .link import OF_SEGMENT, InsideLink
from .topic import Look
from .topics import TOPICS


class InsidePage:
    """The page's components, and what happens when they are used; ``sessions`` are the Segment page's."""

    def __init__(self, tab: gr.Tab, sessions: Sessions, names: Sequence[str]) -> None:
        self.sessions = sessions
        self.names = tuple(names)
        with gr.Column(elem_classes="inside-page"):
            with gr.Row(elem_classes="inside-head"):
                self._lay_out_head()
                self.status = gr.HTML(
                    hint("loading"), elem_id="inside-status", elem_classes="status", min_height=0
                )
            self.topic = gr.Radio(
                [(t(f"inside_topic_{name}"), name) for name in TOPICS],
                value=next(iter(TOPICS)), label=t("inside_topic"), show_label=False,
                elem_id="inside-topic", elem_classes="strip", min_width=0,
            )  # fmt: skip
            with gr.Row(elem_classes="inside-body"):
                with gr.Column(elem_classes="inside-aside", min_width=0):
                    self._lay_out_aside()
                with gr.Column(elem_classes="inside-shown", min_width=0):
                    self.u = u(elem_id="inside-u", visible=False)
                    self.figures = figures(elem_id="inside-figures")
        self.opened = gr.State(False)
        self.told = settings(elem_id="inside-told")
        controls = {name: one for ours in self.controls.values() for name, one in ours.items()}
        head = {"topic": self.topic, "example": self.example, "checkpoint": self.checkpoint}
        self.inputs: dict[str, Component] = {**head, **controls}
        self.link = InsideLink(self.controls)
        self._wire(tab)

    def _lay_out_head(self) -> None:
        self.example = gr.Dropdown(
            [(t("inside_of_segment"), OF_SEGMENT)]
            + [(t_name("example", one.caption), one.name) for one in offered_examples()],
            value=OF_SEGMENT, filterable=False, label=t("inside_example"), elem_id="inside-example",
            min_width=0,
        )  # fmt: skip
        self.checkpoint = gr.Dropdown(
            [(t("inside_of_picture"), OF_SEGMENT), *((name, name) for name in self.names)],
            value=OF_SEGMENT, filterable=False, label=t("inside_checkpoint"),
            elem_id="inside-checkpoint", min_width=0,
        )  # fmt: skip

    def _lay_out_aside(self) -> None:
        self.idea = gr.HTML(elem_id="inside-idea")
        self.columns: dict[str, gr.Column] = {}
        self.controls: dict[str, dict[str, Component]] = {}
        for name, topic in TOPICS.items():
            with gr.Column(visible=name == self.topic.value, min_width=0) as self.columns[name]:
                self.controls[name] = dict(topic.controls())
        self.measured = gr.HTML(elem_id="inside-measured")

    def _wire(self, tab: gr.Tab) -> None:
        inputs = list(self.inputs.values())
        outputs = [
            *inputs, *self.columns.values(), self.u, self.figures, self.idea, self.measured, self.status,
            self.told,
        ]  # fmt: skip
        opened = [self.opened, *inputs]
        tab.select(self.on_open, opened, [self.opened, *outputs], **QUICK)
        # Not a file's "change", which tells of the page's own settings, too.
        used = [
            getattr(one, event)
            for one in self.inputs.values()
            for event in (("upload", "clear") if isinstance(one, gr.File) else ("input",))
        ]
        gr.on(used, self.on_use, inputs, outputs, **QUICK)
        for shown in (self.u, self.figures):
            shown.pick(self.on_pick, inputs, outputs, **QUICK)
        self._outputs = outputs

    def follow(self, steps: gr.HTML) -> None:
        """Have the page follow the history's ``steps``; of what it shows, ``told`` tells."""
        steps.restored_inside(self.on_restored, steps, self._outputs, **QUICK)

    def on_open(self, request: gr.Request, opened: bool, *values: Any) -> Update:
        """Show what the address names, the first time; later on what was shown, of what Segment has now."""
        asked = self._named(values) if opened else self.link.all_values(request.query_params)
        menus = {self.checkpoint: self._menu(self.sessions.visitor(request), asked["checkpoint"])}
        return {self.opened: True, **self._set(asked), **self._look(asked, request), **menus}

    def on_use(self, request: gr.Request, *values: Any) -> Update:
        """A control moved."""
        return self._look(self._named(values), request)

    def on_pick(self, event: gr.EventData, request: gr.Request, *values: Any) -> Update:
        """Something was picked in what is shown, which stands for a control."""
        picked = {name: value for name, value in event._data.items() if name in self.inputs}
        return {**self._set(picked), **self._look(self._named(values) | picked, request)}

    def on_restored(self, step: dict[str, Any], request: gr.Request) -> Update:
        """Show what an address of before names."""
        asked = self.link.all_values(restored_query(step))
        return {**self._set(asked), **self._look(asked, request)}

    def _named(self, values: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self.inputs, values, strict=True))

    def _set(self, values: dict[str, Any]) -> Update:
        return {self.inputs[name]: value for name, value in values.items()}

    def _menu(self, session: Session, value: str) -> gr.Dropdown:
        """List the checkpoints in the visitor's language; theirs go by file or repository."""
        language = session.language
        titles = [(label.split("\n")[0], name) for label, name in menu(self.names, language)]
        own = [(name, name) for name in session.files]
        first = (say("inside_of_picture", language), OF_SEGMENT)
        return gr.Dropdown(choices=[first, *titles, *own], value=value)

    @threads_released()
    def _look(self, values: dict[str, Any], request: gr.Request) -> Update:
        """Show a topic. What is wrong is said, and what was shown stays."""
        session = self.sessions.visitor(request)
        language, topic = session.language, TOPICS[values["topic"]]
        update: Update = {
            **{column: gr.Column(visible=name == topic.name) for name, column in self.columns.items()},
            self.idea: f"<p>{say(f'inside_idea_{topic.name}', language)}</p>",
            self.told: self.link.told(values),
        }  # fmt: skip
        try:
            subject = self._subject(session, values["example"], values["checkpoint"])
            ours = {name: values[name] for name in self.controls[topic.name]}
            look = Look(subject, ours, language)
            shown = topic.show(look)
        except EXPECTED_ERRORS as error:
            return {**update, self.status: alert(plain_words(error), language)}
        # Only what moves: a control that the visitor has moved on meanwhile stays.
        moved = {name: one for name, one in shown.moved.items() if one != values[name]}
        return {
            **update,
            **self._set(moved),
            self.told: self.link.told({**values, **moved}),
            self.u: gr.HTML(value=shown.u, visible=shown.u is not None),
            self.figures: shown.figures,
            self.measured: shown.told,
            self.status: note(
                say("inside_of", language, title=look.title(subject.card), side=subject.side)
            ),
        }

    def _subject(self, session: Session, example: str, checkpoint: str) -> Subject:
        """Take the picture and the checkpoint that are chosen: Segment's own, or that which knows an example."""
        latest = session.result.request if session.result else None
        first = latest or load_example(EXAMPLES[0].name)
        request = first if example == OF_SEGMENT else load_example(example)
        wanted: str | Path = request.checkpoint if checkpoint == OF_SEGMENT else checkpoint
        slice = session.view.slice if request is latest else 1
        return look_inside(request, session.locate(wanted), slice)
