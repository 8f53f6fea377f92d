"""Gradio's Blocks, where what nobody foresaw is told, and no more is kept of a visitor than is needed."""

from collections import ChainMap
from copy import copy
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

from ..text import DEFAULT_LANGUAGE, language_of
from .places import Places
from .unforeseen import told

AT_ONCE = 4
"""Events of a function that run at once, unless it names a group of its own."""

LONGEST_MESSAGE = 4000
"""Characters of an error: Gradio's own quote what was sent."""


class Demo(gr.Blocks):
    """The demo's pages as one Blocks."""

    async def process_api(self, *args: Any, **named: Any) -> dict[str, Any]:
        """Do as Gradio does; an error that is no gr.Error becomes one, with an id. Raises gr.Error."""
        try:
            return await super().process_api(*args, **named)
        except gr.Error as error:
            error.print_exception = False
            # Half a character of what was sent cannot be sent back, nor need all of it be.
            words = str(error.message)[:LONGEST_MESSAGE]
            error.message = words.encode("utf-8", "replace").decode()
            raise
        except Exception as error:
            request = named.get("request")
            language = language_of(request) if isinstance(request, gr.Request) else DEFAULT_LANGUAGE
            raise gr.Error(told(error, language), print_exception=False) from None

    def wait_in_line(self) -> None:
        """Have events wait in our own rooms, and nothing run past them."""
        self.queue(api_open=False, default_concurrency_limit=AT_ONCE)
        self._queue = Places(self, AT_ONCE)


MOST_STATES = 2000
"""Sessions whose Gradio state is kept: what a page's components were changed to."""


class State(SessionState):
    """A session's changed components and its gr.States.

    Without all components' last values: Gradio would keep them, pictures included, for links of its own.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        super().__init__(_NoBlocks(blocks))  # type: ignore[arg-type]
        self.blocks_config = copy(blocks.default_config)
        self.blocks_config.blocks = ChainMap({}, blocks.default_config.blocks)  # type: ignore[assignment]
        self.blocks_config.fns = blocks.default_config.fns

    def __setitem__(self, key: int, value: Any) -> None:
        """Keep a component, or the value of a gr.State."""
        if isinstance(self.blocks_config.blocks.get(key), gr.State):
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Keep nothing."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Keep nothing."""


class _NoBlocks:
    """A Blocks as if it had none, of which SessionState would copy what they are laid out with."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self.blocks: dict[int, Any] = {}
        self.default_config = blocks.default_config


class States(StateHolder):
    """The sessions' states; of too many the one that was not used for the longest goes."""

    def __init__(self, demo: gr.Blocks) -> None:
        super().__init__()
        self.set_blocks(demo)
        self.capacity = MOST_STATES

    def __getitem__(self, session_id: str) -> SessionState:
        """Return a session's state, new if need be."""
        if session_id not in self.session_data:
            self.session_data[session_id] = State(self.blocks)
        return super().__getitem__(session_id)
