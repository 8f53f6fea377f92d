"""Several processes that train one network together: each works on its share of every batch.

``accelerate launch`` starts them, on the GPUs or CPUs of one machine or of several, and Hugging Face
Accelerate connects them. A single process, the ordinary case, does not import Accelerate.
"""

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import torch
from torch import Tensor, distributed, nn

from ..devices import pick_device
from ..networks import Network
from . import RunError

PATIENCE = timedelta(hours=2)
"""How long processes wait for one another; validation, in the main one alone, takes long."""


@dataclass(frozen=True)
class Processes:
    """One process of a training: its rank, the number of processes, and its own device."""

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def main(self) -> bool:
        """Whether this process validates, logs and writes for all."""
        return self.rank == 0

    def share(self, length: int) -> slice:
        """Return this process's share of ``length`` pictures; shares differ by one picture at most."""
        return slice(
            self.rank * length // self.count,
            (self.rank + 1) * length // self.count,
        )

    def average(self, tensors: Sequence[Tensor], weight: float) -> None:
        """Replace each float32 tensor, in place, by its mean over the processes, weighted by ``weight``.

        The tensors are on ``device``. Afterwards they are equal in all processes, to the last bit.
        """
        if self.count == 1:
            return
        parts = [tensor.detach().flatten() * weight for tensor in tensors]
        flat = torch.cat([*parts, torch.tensor([weight], device=self.device)])
        distributed.all_reduce(flat)
        means = (flat[:-1] / flat[-1]).split([part.numel() for part in parts])
        with torch.no_grad():
            for tensor, mean in zip(tensors, means, strict=True):
                tensor.copy_(mean.view(tensor.shape))

    def from_main(self, value: float) -> float:
        """Return the main process's value; the values of the others are ignored."""
        if self.count == 1:
            return value
        message = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(message, src=0)
        return message.item()

    def agree(self, value: float) -> bool:
        """Return whether every process gives the same value."""
        if self.count == 1:
            return True
        extremes = torch.tensor([value, -value], dtype=torch.float64, device=self.device)
        distributed.all_reduce(extremes, distributed.ReduceOp.MAX)
        highest, minus_lowest = extremes.tolist()
        return highest == -minus_lowest

    def join_batch_norm(self, network: Network) -> Network:
        """Return the network with BatchNorms that take their statistics over all shares of a batch.

        Torch does that on GPUs only. On CPUs each process normalises with the statistics of its own
        share, as with a smaller batch; only the running statistics are averaged.
        """
        if self.count == 1 or self.device.type == "cpu":
            return network
        return cast(Network, nn.SyncBatchNorm.convert_sync_batchnorm(network))


def join_processes(device: torch.device) -> Processes:
    """Connect to the other processes that were launched with this one, if any.

    Each gets a GPU of its own, or computes on the CPU if ``device`` is the CPU. Raises RunError
    when Accelerate is missing or one GPU is named for all, DeviceError for more processes than GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        _refuse_a_launch_of_one()
        return Processes(device=device)
    try:
        # Imported here: a single process trains without it.
        from accelerate import PartialState
        from accelerate.utils import parse_flag_from_env
    except ImportError as error:
        raise RunError(
            "Training with several processes needs Hugging Face Accelerate, which is not installed;"
            " run pip install accelerate, or start one process alone."
        ) from error
    on_cpu = device.type == "cpu" or parse_flag_from_env("ACCELERATE_USE_CPU")
    if not on_cpu:
        if device.index is not None:
            raise RunError(
                f"Several processes each take a GPU of their own, so {str(device)!r} cannot be the"
                " one for all; use --device cuda, or leave it out."
            )
        pick_device(f"cuda:{os.environ['LOCAL_RANK']}")
    state = PartialState(cpu=on_cpu, timeout=PATIENCE)
    atexit.register(state.destroy_process_group)
    return Processes(state.process_index, state.num_processes, state.device)


def _refuse_a_launch_of_one() -> None:
    """Raise RunError where Accelerate was asked for several CPU processes: it starts only one."""
    several_wanted = "ACCELERATE_USE_CPU" in os.environ and "MASTER_ADDR" in os.environ
    if several_wanted and "WORLD_SIZE" not in os.environ:
        raise RunError(
            "accelerate launch started one process instead of several, as it does on CPUs; launch"
            " with --multi_gpu instead of --cpu, and give this program --device cpu."
        )
