"""Reads, writes and finds checkpoints: safetensors files of float16 weights, with a card in the header.

They are found by name, path or repository: the bundled ones, and those on the Hub. Never pickles:
opening a stranger's file runs no code.
"""

import json
import logging
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..messages import sentence
from ..networks import Network, create_network
from ..networks.smp import SmpNetwork
from ..saving import replacing
from .card import PREFIX, Card, CheckpointError, smp_card
from .hub import (
    CHECKPOINT_FILE,
    CONFIG,
    HUB_VARIABLE,
    INDEX,
    MALFORMED,
    PICKLES,
    HubError,
    fetch_checkpoint,
    list_checkpoints,
    looks_like_repo,
    parse_repo,
    sha256_of,
)

HEADER_KEY = "unet_demo"
"""Key of a checkpoint's card in the safetensors metadata."""

DTYPES = {"F16", "BF16", "F32", "I64"}
"""Types of tensors in a checkpoint, in safetensors' terms: weights, and BatchNorm's step counters."""

MAX_HEADER = 2 * 2**20
"""Bytes that name a file's tensors: the largest network that can be opened here takes a tenth of it."""

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "weights"

WEIGHTS = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "weights"
"""Folder of the bundled checkpoints: in the installed package, or at the top of a clone."""


@dataclass(frozen=True)
class Checkpoint:
    """A card, and its network in evaluation mode with float32 weights on the CPU."""

    card: Card
    network: Network


def save_checkpoint(path: Path, network: Network, card: Card) -> None:
    """Write float16 weights and the card as a whole; integer buffers keep their type. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write_bytes(_packed(network, card))


def bundle_checkpoint(path: Path, network: Network, card: Card) -> None:
    """Write a checkpoint and its entry in the index.json beside it. Raises OSError.

    Whoever is killed meanwhile leaves the old file or the new one, and an index that takes it.
    """
    old = read_index(path.parent).get(path.stem, {})
    with replacing(path) as file:
        file.write_bytes(_packed(network, card))
        _list(path, file, replaced=old.get("sha256", ""))
    add_to_index(path)


def _packed(network: Network, card: Card) -> bytes:
    tensors = {
        name: (t.half() if t.is_floating_point() else t).detach().cpu().contiguous()
        for name, t in network.state_dict().items()
    }
    return save(tensors, metadata={HEADER_KEY: card.to_json()})


def read_card(path: Path) -> Card:
    """Read the card alone, without the weights. Raises CheckpointError."""
    return _open(path)[0]


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a card and its network; the file must hold exactly the network's weights.

    Raises CheckpointError when the file is not a checkpoint of this program or is damaged, or when
    its weights do not fit its card.
    """
    card, tensors = _open(path, weights=True)
    try:
        # "meta" allocates nothing: a stranger's header may name a huge network, but only the
        # weights that are in the file take memory.
        with torch.device("meta"):
            network = create_network(card.network, **card.options)
        network.load_state_dict(tensors, strict=True, assign=True)
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(
            sentence(
                "The weights in {file} do not fit the network that they are described as;"
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
    if isinstance(network, SmpNetwork):
        _try_out(network.eval(), path)
    return Checkpoint(card, network.eval())


def _try_out(network: SmpNetwork, path: Path) -> None:
    """Raise CheckpointError where a network can be built as its maker says, but not used."""
    try:
        network.try_out()
    except ValueError as error:
        raise CheckpointError(
            sentence(
                "The network of {file} cannot work with the settings in its {config}; choose"
                " another one.",
                file=path.name, config=CONFIG,
            )
        ) from error  # fmt: skip


def refuse_pickle(name: str) -> None:
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
    refuse_pickle(path.name)
    if not path.is_file():
        raise CheckpointError(
            sentence("There is no checkpoint file {file!r}; check its path.", file=path.name)
        )
    if _header_bytes(path) > MAX_HEADER:
        raise CheckpointError(
            sentence(
                "{file} lists more tensors than any network that is opened here; choose another one.",
                file=path.name,
            )
        )
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(HEADER_KEY)
            config = _config_beside(path) if header is None else None
            names = file.keys() if weights and (header or config) else []
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
    tensors = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    if config is not None:
        return smp_card(config), {PREFIX + name: tensor for name, tensor in tensors.items()}
    if header is None:
        raise CheckpointError(
            sentence(
                "{file} is a safetensors file, but not a checkpoint of unet_demo:"
                " its header does not describe a network of this program.",
                file=path.name,
            )
        )
    return Card.from_json(header), tensors


def _header_bytes(path: Path) -> int:
    """Return how long a safetensors file says that its header is, but no more than it holds."""
    with path.open("rb") as file:
        return min(int.from_bytes(file.read(8), "little"), path.stat().st_size)


def _config_beside(path: Path) -> bytes | None:
    """Read the config.json beside weights of segmentation-models-pytorch, which have no card."""
    config = path.with_name(CONFIG)
    return config.read_bytes() if config.is_file() else None


def read_index(directory: Path = WEIGHTS) -> dict[str, dict[str, object]]:
    """Read an index.json: name → {"file", "sha256", "bytes"} of the bundled checkpoints, in its order.

    A damaged entry becomes one that fits no file: asking for that checkpoint raises, and the others
    still work. Raises CheckpointError where the whole index cannot be read.
    """
    path = directory / INDEX
    if not path.is_file():
        return {}
    try:
        listed = json.loads(path.read_bytes())["checkpoints"]
        return {name: _entry(name, item) for name, item in listed.items()}
    except (*MALFORMED, OSError) as error:
        raise CheckpointError(
            sentence(
                "The list of the bundled checkpoints, {file}, is damaged;"
                " clone or install the program again.",
                file=INDEX,
            )
        ) from error


def _entry(name: str, item: object) -> dict[str, object]:
    if (
        isinstance(item, dict)
        and isinstance(item.get("sha256"), str)
        and CHECKPOINT_FILE.fullmatch(str(item.get("file")))
    ):
        return item
    return {"file": f"{name}.safetensors", "sha256": "", "bytes": 0}


def add_to_index(path: Path) -> None:
    """Add a checkpoint file to the index.json beside it, or update its entry. Raises OSError."""
    _list(path, path)


def _list(path: Path, file: Path, **more: object) -> None:
    """List a checkpoint whose bytes stand in ``file``.

    ``replaced``: SHA-256 of the file that is there and is taken, too, until these bytes are.
    """
    entries = read_index(path.parent)
    size = file.stat().st_size
    entries[path.stem] = {"file": path.name, "sha256": sha256_of(file), "bytes": size, **more}
    text = json.dumps({"checkpoints": entries}, indent=2) + "\n"
    with replacing(path.parent / INDEX) as index:
        index.write_text(text, encoding="utf-8")


def read_titles(directory: Path = WEIGHTS) -> dict[str, str]:
    """Read name → title of the bundled checkpoints; a damaged file's title is its name."""
    files = {name: directory / str(entry["file"]) for name, entry in read_index(directory).items()}
    return {name: _title(file) or name for name, file in files.items()}


def _title(file: Path) -> str:
    try:
        with safe_open(file, framework="numpy") as opened:
            return str(json.loads(opened.metadata()[HEADER_KEY])["title"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return ""


HUB_SECONDS = 60
"""Seconds for which the list of UNET_DEMO_HUB_REPO, or a failure to get it, is cached."""

LOGGER = logging.getLogger(__name__)


def offered_names(directory: Path = WEIGHTS) -> list[str]:
    """List the names of all checkpoints: the bundled ones, then those of UNET_DEMO_HUB_REPO.

    Asks that repository once in HUB_SECONDS. If that fails, logs why and lists the bundled ones alone.
    """
    names = list(read_index(directory))
    hub = os.environ.get(HUB_VARIABLE)
    if hub:
        listed = names_on_hub(hub, int(time.monotonic() / HUB_SECONDS))
        names += [name for name in listed if name not in names]
    return names


@lru_cache(maxsize=1)
def names_on_hub(hub: str, period: int) -> tuple[str, ...]:
    """Ask owner/repo[@revision] for its names, once in each ``period``; none if that fails."""
    try:
        return tuple(list_checkpoints(*parse_repo(hub)))
    except HubError as error:
        LOGGER.warning("%s is set, but gives no checkpoints: %s", HUB_VARIABLE, error)
        return ()


def find_checkpoint(text: str) -> Path:
    """Find the file for a path or for a name of :func:`find_offered`; for people at this machine.

    Raises CheckpointError or HubError, each with one plain sentence.
    """
    path = os.path.expanduser(text.strip())
    refuse_pickle(os.path.basename(path))
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
    """Find the file for a bundled name, a name in UNET_DEMO_HUB_REPO, or owner/repo[@revision].

    For visitors, who may not name a path on the server. Raises CheckpointError or HubError, each
    with one plain sentence.
    """
    text = text.strip()
    index = read_index(WEIGHTS)
    if text in index:
        return _verified(WEIGHTS, index[text])
    if looks_like_repo(text):
        repo, revision = parse_repo(text)
        return fetch_checkpoint(repo, revision=revision)
    refuse_pickle(text)
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
    """Read name → card of all :func:`offered_names`; downloads the files of those on the Hub.

    Leaves out what cannot be read, and logs why. Raises CheckpointError where the bundled
    checkpoints' index is damaged.
    """
    cards = {}
    for name in offered_names(WEIGHTS):
        try:
            cards[name] = read_card(find_offered(name))
        except (HubError, CheckpointError) as error:
            LOGGER.warning("The checkpoint %r is not offered: %s", name, error)
    return cards


def _verified(folder: Path, entry: dict[str, object]) -> Path:
    path = folder / str(entry["file"])
    if not path.is_file():
        raise CheckpointError(
            sentence(
                "The bundled file {file} is missing; clone or install the program again.",
                file=path.name,
            )
        )
    if sha256_of(path) not in (entry["sha256"], entry.get("replaced")):
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
