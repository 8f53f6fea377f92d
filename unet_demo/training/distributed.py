"""Several processes that train one network together: each works on its share of every batch.

``accelerate launch`` starts them, on the GPUs or the CPUs of one machine or of several, and Hugging
Face Accelerate introduces them to each other. A process alone, the ordinary case, needs none of
that: it shares nothing, waits for nobody and does not import Accelerate.
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

PATIENCE = timedelta(hours=2)
"""How long processes wait for one another; the main one validates alone, which takes its time."""


class LaunchError(ValueError):
    """One plain sentence on why the processes that were launched cannot train together."""


@dataclass(frozen=True)
class Processes:
    """The processes of one training, as one of them sees it: its number, their count, its device."""

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def main(self) -> bool:
        """Whether this one validates, logs and writes for all."""
        return self.rank == 0

    def share(self, length: int) -> slice:
        """The part of ``length`` pictures that this process works on; parts differ by one at most."""
        return slice(
            self.rank * length // self.count,
            (self.rank + 1) * length // self.count,
        )

    def average(self, tensors: Sequence[Tensor], weight: float) -> None:
        """Replace each float32 tensor, in place, by its mean over the processes, each of its ``weight``.

        The tensors lie on ``device``; afterwards they are the same everywhere, to the last bit.
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
        """The main process's value; what the others give does not count."""
        if self.count == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(told, src=0)
        return told.item()

    def agree(self, value: float) -> bool:
        """Whether every process gives the same value."""
        if self.count == 1:
            return True
        extremes = torch.tensor([value, -value], dtype=torch.float64, device=self.device)
        distributed.all_reduce(extremes, distributed.ReduceOp.MAX)
        highest, minus_lowest = extremes.tolist()
        return highest == -minus_lowest

    def join_batch_norm(self, network: Network) -> Network:
        """The network, its BatchNorms computing their statistics over all shares of a batch.

        Torch can do that on GPUs only. On CPUs each process normalises by its own share's
        statistics, as it would with a smaller batch; only the running ones are averaged.
        """
        if self.count == 1 or self.device.type == "cpu":
            return network
        return cast(Network, nn.SyncBatchNorm.convert_sync_batchnorm(network))


def launched_rank() -> int:
    """This process's number among those that a launcher started, 0 for one that was started alone."""
    return int(os.environ.get("RANK", 0))


def join_processes(device: torch.device) -> Processes:
    """Meet the other processes that were launched with this one, if there are any.

    Each gets a GPU of its own, or computes on the CPU if that is the ``device`` asked for. Raises
    LaunchError when that cannot be, DeviceError for more processes than GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        _refuse_a_launch_of_one()
        return Processes(device=device)
    try:
        # Imported here: a single process trains without it.
        from accelerate import PartialState
        from accelerate.utils import parse_flag_from_env
    except ImportError as error:
        raise LaunchError(
            "Training with several processes needs Hugging Face Accelerate, which is not installed;"
            " run pip install accelerate, or start one process alone."
        ) from error
    on_cpu = device.type == "cpu" or parse_flag_from_env("ACCELERATE_USE_CPU")
    if not on_cpu:
        if device.index is not None:
            raise LaunchError(
                f"Several processes each take a GPU of their own, so {str(device)!r} cannot be the"
                " one for all; use --device cuda, or leave it out."
            )
        pick_device(f"cuda:{os.environ['LOCAL_RANK']}")
    state = PartialState(cpu=on_cpu, timeout=PATIENCE)
    atexit.register(state.destroy_process_group)
    return Processes(state.process_index, state.num_processes, state.device)


def _refuse_a_launch_of_one() -> None:
    """Accelerate starts only one process on a CPU, however many are asked for, and says nothing."""
    several_wanted = "ACCELERATE_USE_CPU" in os.environ and "MASTER_ADDR" in os.environ
    if several_wanted and "WORLD_SIZE" not in os.environ:
        raise LaunchError(
            "accelerate launch started one process instead of several, as it does on CPUs; launch"
            " with --multi_gpu instead of --cpu, and give this program --device cpu."
        )
