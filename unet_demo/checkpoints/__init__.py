"""Trained networks as files: their cards, how they are read and written, and how they are found."""

from .card import Card, CheckpointError
from .files import (
    WEIGHTS,
    Checkpoint,
    add_to_index,
    find_checkpoint,
    find_offered,
    load_checkpoint,
    offered_cards,
    offered_names,
    open_checkpoint,
    read_card,
    read_index,
    save_checkpoint,
)
from .hub import HUB_VARIABLE, HubError

__all__ = [
    "HUB_VARIABLE",
    "WEIGHTS",
    "Card",
    "Checkpoint",
    "CheckpointError",
    "HubError",
    "add_to_index",
    "find_checkpoint",
    "find_offered",
    "load_checkpoint",
    "offered_cards",
    "offered_names",
    "open_checkpoint",
    "read_card",
    "read_index",
    "save_checkpoint",
]
