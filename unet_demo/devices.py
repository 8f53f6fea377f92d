"""Chooses device, threads and precision."""

import ctypes
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import torch

from .environment import DEVICE_TYPES, DEVICE_VARIABLE
from .messages import sentence

CONVOLUTIONS = 5
"""Timings of each precision; the fastest counts, since the first includes preparations."""


class DeviceError(ValueError):
    """One plain sentence on a device that is missing or that this program does not use."""


def pick_device(name: str | None = None) -> torch.device:
    """Return device ``name``, else UNET_DEMO_DEVICE's, else a CUDA GPU if there is one, else the CPU.

    Raises DeviceError for a name that torch does not know, another type of device, or a missing GPU.
    """
    name = (
        name or os.environ.get(DEVICE_VARIABLE) or ("cuda" if torch.cuda.is_available() else "cpu")
    )
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(
            sentence("There is no device {device!r}; use cpu, cuda or cuda:1.", device=name)
        ) from error
    if device.type not in DEVICE_TYPES:
        raise DeviceError(
            sentence(
                "This program does not compute on the device {device!r}; use cpu, cuda or cuda:1.",
                device=name,
            )
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            sentence(
                "This machine has no GPU {device!r} that torch can use; use --device cpu, or leave"
                " it out.",
                device=name,
            )
        )
    return device


def leave_cores_free() -> None:
    """Leave two CPU cores to the server and the browser, unless OMP_NUM_THREADS says otherwise.

    The threads of a convolution wait for the slowest one: where each core has a thread, any other
    program slows down all. On 4 cores, with a browser open, a run took 3.9 steps a second with two
    threads and 3.7 with three. At least two threads compute.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        cores = usable_cores()
        torch.set_num_threads(max(min(cores, 2), cores - 2))


PAUSE = 1
"""omp_pause_soft of OpenMP's omp.h."""


def release_threads() -> None:
    """End the threads that helped this one to compute; others help it when it computes again.

    OpenMP keeps some for each thread that ever computed. Once they are more than the cores, GNU's has
    all of them sleep after each layer, and not only those that have nothing to do: on 2 cores, a
    training on Train made 3.4 steps a second beside them, and 4.1 without; on Teach 9.5 and 15.
    """
    with suppress(OSError, AttributeError):  # another OpenMP, or none
        ctypes.CDLL("libgomp.so.1", os.RTLD_NOLOAD).omp_pause_resource_all(PAUSE)


@contextmanager
def threads_released() -> Iterator[None]:
    """Do :func:`release_threads` at the end: around what computes in a thread that then waits."""
    try:
        yield
    finally:
        release_threads()


CGROUP = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Return how many cores this process may use: those that it may run on, within a container's quota."""
    own = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    return max(1, math.ceil(min(len(own), _quota())))


def usable_memory() -> int:
    """Return how many bytes of memory this machine, or this container, has."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = CGROUP / "memory.max"
    told = limit.read_text().strip() if limit.is_file() else ""
    return min(whole, int(told)) if told.isdecimal() else whole


ARENAS = 2
"""Places from which the C library gives memory: by itself it makes eight a core, for threads that work at once."""

_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's malloc.h."""


def share_free_memory() -> None:
    """Have all threads use what any of them has freed. Call it before there are many.

    With 38 clients a server grows by 10 % in two minutes without, and by nothing with it, at the same speed.
    """
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").mallopt(_ARENA_MAX, ARENAS)


def return_free_memory() -> None:
    """Give memory that is free back to the machine, where the C library can: it keeps what a network had."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _quota() -> float:
    """Return a container's quota in cores, infinite for none; of either version of Linux's cgroups."""
    try:
        if (CGROUP / "cpu.max").is_file():
            quota, period = (CGROUP / "cpu.max").read_text().split()
        else:
            quota, period = (
                (CGROUP / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
            )
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    except (OSError, ValueError):  # no container, no Linux, or "max"
        return math.inf


def fast_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the hardware computes in it, else float32, which is faster there."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        native = device.type == "cpu" and has
    return torch.bfloat16 if native else torch.float32


@cache
def faster_precision(device: torch.device) -> str:
    """Return "bfloat16" if a 3×3 convolution, forward and backward, is faster in it, else "float32".

    Measured once for each device: hardware with bfloat16 is not faster in every version of torch.
    Other hardware, which would take many times as long, is not measured.
    """
    if fast_dtype(device) is torch.float32:
        return "float32"
    convolution = torch.nn.Conv2d(64, 64, 3, padding=1).to(
        device, memory_format=torch.channels_last
    )  # type: ignore[call-overload]
    maps = torch.ones(4, 64, 64, 64, device=device, requires_grad=True).to(
        memory_format=torch.channels_last
    )
    seconds = {"float32": math.inf, "bfloat16": math.inf}
    for _ in range(CONVOLUTIONS):  # in turns, so that other load on the machine affects both
        for precision in seconds:
            begun = time.perf_counter()
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                convolution(maps).float().sum().backward()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds[precision] = min(seconds[precision], time.perf_counter() - begun)
    return min(seconds, key=lambda precision: seconds[precision])


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turn the RuntimeError that torch raises when the CPU's memory is full into a MemoryError.

    A GPU's torch.OutOfMemoryError stays as it is.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" not in str(error):
            raise
        raise MemoryError from error
