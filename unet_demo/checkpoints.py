"""A checkpoint is one safetensors file: float16 weights, and in its header all that describes them.

Never a pickle: opening a stranger's file runs none of its code.
"""

import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .bundled import (
    HEADER_KEY,
    HUB_VARIABLE,
    WEIGHTS,
    CheckpointError,
    offered_names,
    read_index,
)
from .hub import (
    INDEX,
    PICKLES,
    HubError,
    fetch_checkpoint,
    looks_like_repo,
    parse_repo,
    sha256_of,
)
from .networks import Network, create_network
from .sentences import sentence, words_of
from .tasks import Task, task_from_dict, task_to_dict

FORMAT = 1
"""Version of the card; a file with a higher one was made by a later program."""

LOGGER = logging.getLogger(__name__)

MAX_MARGIN = 512

MAX_SIDE = 2048
"""Px to which a card may have pictures enlarged, its greatest scale included."""

MAX_SCALES = 8

DTYPES = {"F16", "BF16", "F32", "I64"}
"""What a checkpoint may hold, in safetensors' terms: weights, and the whole numbers that BatchNorm counts."""

SYMMETRIES = ("dihedral", "mirror")
"""What a picture may be turned into and stay one: any of the square's eight, or its mirror image."""


@dataclass(frozen=True)
class Card:
    """All that is needed to rebuild, use and credit a checkpoint.

    ``mean`` and ``std`` normalise pictures in 0..1, per channel. ``margin`` is how many px of
    mirrored picture surround it on its way through the network. ``side`` is the longest side in px
    to which pictures are brought first, since objects were learnt at that size; 0 leaves them.
    Test-time averaging goes over ``symmetry`` (one of SYMMETRIES) and ``scales``, factors of the
    size. ``threshold`` is the best one for a binary task. ``scores`` maps a score's name to its
    value; ``scored_on`` names the data.
    Raises ValueError for a field that is of another type or out of its range.
    """

    name: str
    network: str
    options: Mapping[str, object]
    task: Task
    mean: tuple[float, ...]
    std: tuple[float, ...]
    margin: int = 0
    side: int = 0
    symmetry: str = SYMMETRIES[0]
    scales: tuple[float, ...] = (1.0,)
    threshold: float = 0.5
    title: str = ""
    summary: str = ""
    article: str = ""
    recipe: Mapping[str, object] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    scored_on: str = ""
    licence: str = ""
    credit: str = ""

    def __post_init__(self) -> None:
        for entry in fields(self):
            if entry.type is str and not isinstance(getattr(self, entry.name), str):
                raise ValueError(sentence("its {field} is not text", field=entry.name))
        for name in ("options", "recipe", "scores"):
            if not isinstance(getattr(self, name), Mapping):
                raise ValueError(sentence("its {field} are not names with values", field=name))
        if not all(_is_number(score) for score in self.scores.values()):
            raise ValueError(sentence("a score is not a number"))
        if len(self.mean) not in (1, 3) or len(self.mean) != len(self.std):
            raise ValueError(sentence("mean and std are not those of 1 or 3 channels"))
        if not all(_is_number(v) and math.isfinite(v) for v in (*self.mean, *self.std)):
            raise ValueError(sentence("mean and std are not finite numbers"))
        if min(self.std) <= 0:
            raise ValueError(sentence("std is not above 0"))
        if type(self.margin) is not int or not 0 <= self.margin <= MAX_MARGIN:
            raise ValueError(
                sentence("margin is not a whole number from 0 to {most}", most=MAX_MARGIN)
            )
        if type(self.side) is not int or not 0 <= self.side <= MAX_SIDE:
            raise ValueError(sentence("side is not a whole number from 0 to {most}", most=MAX_SIDE))
        if self.symmetry not in SYMMETRIES:
            raise ValueError(
                sentence("symmetry is not one of {known}", known=", ".join(SYMMETRIES))
            )
        if not self.scales or not all(_is_number(s) and 0.1 <= s <= 10 for s in self.scales):
            raise ValueError(sentence("scales are not numbers from 0.1 to 10"))
        if len(self.scales) > MAX_SCALES:
            raise ValueError(sentence("there are more than {most} scales", most=MAX_SCALES))
        if self.side * max(self.scales) > MAX_SIDE:
            raise ValueError(sentence("side times a scale is more than {most}", most=MAX_SIDE))
        if not _is_number(self.threshold) or not 0 <= self.threshold <= 1:
            raise ValueError(sentence("threshold is not a number from 0 to 1"))

    @property
    def channels(self) -> int:
        """Channels of the pictures that the network takes: 1 (gray) or 3 (RGB)."""
        return len(self.mean)

    def to_json(self) -> str:
        """The card as it stands in a file's header."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps({"format": FORMAT, **values, "task": task_to_dict(self.task)})

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Read a header. Raises CheckpointError if it is from a later version, incomplete or wrong."""
        try:
            values = json.loads(text)
            version = int(values.pop("format"))
            if version > FORMAT:
                raise CheckpointError(
                    sentence(
                        "The checkpoint was made by a later version of unet_demo; update the program."
                    )
                )
            known = {f.name for f in fields(cls)}
            values = {name: value for name, value in values.items() if name in known}
            values["task"] = task_from_dict(values["task"])
            for name in {"mean", "std", "scales"} & values.keys():
                values[name] = tuple(values[name])
            values["options"] = dict(values["options"])
            return cls(**values)
        except CheckpointError:
            raise
        except (
            ValueError, TypeError, KeyError, AttributeError,
            OverflowError, RecursionError,  # of numbers too large, and of lists in lists in lists
        ) as error:  # fmt: skip
            raise CheckpointError(
                sentence(
                    "The checkpoint's description cannot be read ({problem});"
                    " download or train it again.",
                    problem=words_of(error),
                )
            ) from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class Checkpoint:
    """A network with its weights, float32 on the CPU and in evaluation mode, and its card."""

    card: Card
    network: Network


def save_checkpoint(path: Path, network: Network, card: Card) -> None:
    """Write float16 weights and the card, atomically. Integer buffers keep their type."""
    tensors = {
        name: (t.half() if t.is_floating_point() else t).detach().cpu().contiguous()
        for name, t in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(tensors, partial, metadata={HEADER_KEY: card.to_json()})
    os.replace(partial, path)


def read_card(path: Path) -> Card:
    """The card alone, without the weights. Raises CheckpointError."""
    return _open(path)[0]


def load_checkpoint(path: Path) -> Checkpoint:
    """Rebuild a network, strictly: every weight must be there, none too many, each of its shape.

    Raises CheckpointError when the file is not a checkpoint of this program, or is damaged, or its
    weights could not do what its card says.
    """
    card, tensors = _open(path, weights=True)
    try:
        # Without memory at first: whatever size a stranger's header asks for, only the weights
        # that are really in the file take any.
        with torch.device("meta"):
            network = create_network(card.network, **card.options)
        network.load_state_dict(tensors, strict=True, assign=True)
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(
            sentence(
                "The weights in {file} do not fit the network that its header names;"
                " download or train the checkpoint again.",
                file=path.name,
            )
        ) from error
    if network.in_channels != card.channels:
        raise CheckpointError(
            sentence(
                "{file} normalises {channels} channels, but its network takes {taken};"
                " train it again.",
                file=path.name, channels=card.channels, taken=network.in_channels,
            )
        )  # fmt: skip
    if network.out_channels < card.task.outputs:
        raise CheckpointError(
            sentence(
                "{file} needs {outputs} outputs for its classes, but its network has {given};"
                " train it again.",
                file=path.name, outputs=card.task.outputs, given=network.out_channels,
            )
        )  # fmt: skip
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise CheckpointError(
            sentence("{file} holds weights that are not numbers; train it again.", file=path.name)
        )
    return Checkpoint(card, network.eval())


def _refuse_pickle(name: str) -> None:
    """Raise CheckpointError for the name of a file that PyTorch pickled."""
    if name.lower().endswith(PICKLES):
        raise CheckpointError(
            sentence(
                "{file} is a PyTorch pickle, which can run any code and is never opened: give a"
                " .safetensors file of this program, or read it with torch.load(…,"
                " weights_only=True) and write one with unet_demo.checkpoints.save_checkpoint.",
                file=name,
            )
        )


def _open(path: Path, weights: bool = False) -> tuple[Card, dict[str, torch.Tensor]]:
    _refuse_pickle(path.name)
    if not path.is_file():
        raise CheckpointError(
            sentence("There is no checkpoint file {file!r}; check its path.", file=path.name)
        )
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(HEADER_KEY)
            names = file.keys() if weights and header else []
            if not DTYPES.issuperset(file.get_slice(name).get_dtype() for name in names):
                raise CheckpointError(
                    sentence(
                        "The weights in {file} are no float16, bfloat16 or float32 numbers;"
                        " save them as such.",
                        file=path.name,
                    )
                )
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            sentence(
                "{file} is not a complete safetensors file; download or copy it again.",
                file=path.name,
            )
        ) from error
    if header is None:
        raise CheckpointError(
            sentence(
                "{file} is a safetensors file, but not a checkpoint of unet_demo:"
                " its header does not describe a network of this program.",
                file=path.name,
            )
        )
    tensors = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    return Card.from_json(header), tensors


def add_to_index(path: Path) -> None:
    """Enter a checkpoint file into the index.json beside it (or renew its entry)."""
    entries = read_index(path.parent)
    entries[path.stem] = {
        "file": path.name,
        "sha256": sha256_of(path),
        "bytes": path.stat().st_size,
    }
    text = json.dumps({"checkpoints": entries}, indent=2) + "\n"
    (path.parent / INDEX).write_text(text, encoding="utf-8")


def find_checkpoint(text: str) -> Path:
    """The file that a person at the keyboard means: a path, or what :func:`find_offered` finds.

    Raises CheckpointError or HubError, each with one plain sentence.
    """
    path = os.path.expanduser(text.strip())
    _refuse_pickle(os.path.basename(path))
    if os.path.isfile(path):
        return Path(path)
    if path.endswith(".safetensors"):
        raise CheckpointError(
            sentence("There is no file {file!r}; check the path of the checkpoint.", file=text)
        )
    if os.path.isfile(f"{path}.safetensors") and path not in read_index(WEIGHTS):
        raise CheckpointError(
            sentence(
                "There is no checkpoint {asked!r} (did you mean '{name}.safetensors'?).",
                asked=text, name=text.strip(),
            )
        )  # fmt: skip
    if os.sep in path and os.path.isdir(path):
        raise CheckpointError(
            sentence("{folder!r} is a folder; give the .safetensors file inside it.", folder=text)
        )
    return find_offered(text)


def find_offered(text: str) -> Path:
    """What a visitor may ask for: a bundled name, a name in UNET_DEMO_HUB_REPO, owner/repo[@revision].

    Never a path of the server's. Raises CheckpointError or HubError, each with one plain sentence.
    """
    text = text.strip()
    index = read_index(WEIGHTS)
    if text in index:
        return _verified(WEIGHTS / str(index[text]["file"]), str(index[text]["sha256"]))
    if looks_like_repo(text):
        repo, revision = parse_repo(text)
        return fetch_checkpoint(repo, revision=revision)
    _refuse_pickle(text)
    hub = os.environ.get(HUB_VARIABLE)
    if hub:
        repo, revision = parse_repo(hub)
        return fetch_checkpoint(repo, text, revision)
    raise CheckpointError(
        sentence(
            "There is no checkpoint {asked!r}; use one of {known}, a .safetensors file,"
            " or owner/repo on the Hugging Face Hub.",
            asked=text, known=", ".join(index),
        )
    )  # fmt: skip


def offered_cards() -> dict[str, Card]:
    """name → card of what may be asked for by name; the files of the Hub's are downloaded for that.

    One that can't be had is left out, and the log says why. Raises CheckpointError where the list
    of the bundled ones is damaged.
    """
    cards = {}
    for name in offered_names(WEIGHTS):
        try:
            cards[name] = read_card(find_offered(name))
        except (HubError, CheckpointError) as error:
            LOGGER.warning("The checkpoint %r is not offered: %s", name, error)
    return cards


def _verified(path: Path, sha256: str) -> Path:
    if not path.is_file():
        raise CheckpointError(
            sentence(
                "The bundled file {file} is missing; clone or install the program again.",
                file=path.name,
            )
        )
    if sha256_of(path) != sha256:
        raise CheckpointError(
            sentence(
                "The bundled file {file} is not the one that was published (its SHA-256 differs);"
                " clone or install the program again.",
                file=path.name,
            )
        )
    return path


def open_checkpoint(text: str) -> Checkpoint:
    """Find and load a checkpoint; see :func:`find_checkpoint`."""
    return load_checkpoint(find_checkpoint(text))


__all__ = [
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
