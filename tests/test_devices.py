"""Where the arithmetic runs."""

import subprocess
import sys

import pytest
import torch

from unet_demo import devices
from unet_demo.devices import (
    DEVICE_VARIABLE,
    DeviceError,
    fast_dtype,
    faster_precision,
    leave_cores_free,
    pick_device,
    usable_cores,
)


def test_the_named_device_comes_before_the_environments(monkeypatch):
    monkeypatch.setenv(DEVICE_VARIABLE, "toaster")
    assert pick_device("cpu") == torch.device("cpu")


def test_the_environments_device_comes_before_a_gpu(monkeypatch):
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    assert pick_device() == torch.device("cpu")


def test_without_either_a_gpu_is_taken_if_there_is_one(monkeypatch):
    monkeypatch.delenv(DEVICE_VARIABLE)
    assert pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_that_torch_does_not_know_is_refused():
    with pytest.raises(DeviceError, match=r"no device 'toaster'; use cpu, cuda or cuda:1\."):
        pick_device("toaster")


@pytest.mark.parametrize("name", ["mps", "meta"])
def test_a_device_that_is_neither_cpu_nor_cuda_is_refused(name):
    with pytest.raises(DeviceError, match=f"not compute on the device '{name}'; use cpu, cuda or"):
        pick_device(name)


def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(DeviceError, match=r"no GPU 'cuda:99'"):
        pick_device("cuda:99")


def test_bfloat16_is_taken_only_where_the_hardware_computes_in_it():
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    assert fast_dtype(torch.device("cpu")) == (torch.bfloat16 if native else torch.float32)


@pytest.mark.parametrize("faster", ["float32", "bfloat16"])
def test_training_takes_the_precision_in_which_a_convolution_took_less_time(monkeypatch, faster):
    now = [0.0]

    class Slow(torch.nn.Conv2d):
        def forward(self, maps):
            half = torch.is_autocast_enabled("cpu")
            now[0] += 1 if half == (faster == "bfloat16") else 2
            return maps

    monkeypatch.setattr("unet_demo.devices.fast_dtype", lambda device: torch.bfloat16)
    monkeypatch.setattr("unet_demo.devices.time.perf_counter", lambda: now[0])
    monkeypatch.setattr("torch.nn.Conv2d", Slow)
    assert faster_precision.__wrapped__(torch.device("cpu")) == faster


def test_hardware_without_bfloat16_is_not_measured(monkeypatch):
    monkeypatch.setattr("unet_demo.devices.fast_dtype", lambda device: torch.float32)
    monkeypatch.setattr("torch.nn.Conv2d", None)
    assert faster_precision.__wrapped__(torch.device("cpu")) == "float32"


def test_the_demo_leaves_cores_to_the_server_unless_told_how_many_to_use(monkeypatch):
    before = torch.get_num_threads()
    try:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        monkeypatch.setattr(devices, "usable_cores", lambda: 8)
        leave_cores_free()
        assert torch.get_num_threads() == 6
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        monkeypatch.setattr(devices, "usable_cores", lambda: 4)
        leave_cores_free()
        assert torch.get_num_threads() == 6
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "250000 100000\n"}, 3),
        ({"cpu.max": "5000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_cores_are_those_of_the_process_and_of_its_container(monkeypatch, tmp_path, files, cores):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr(devices, "CGROUP", tmp_path)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert usable_cores() == cores


COMPUTED = """
import os, time, torch
from unet_demo.devices import threads_released

def count():
    return len(os.listdir("/proc/self/task"))

def compute():
    torch.nn.functional.conv2d(torch.ones(1, 8, 256, 256), torch.ones(8, 8, 3, 3))

torch.set_num_threads(3)
alone = count()
compute()
print(count() - alone)
with threads_released():
    compute()
until = time.monotonic() + 60
while count() > alone and time.monotonic() < until:
    time.sleep(0.01)
print(count() - alone)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux does")
def test_threads_that_help_to_compute_end_with_what_they_help_with():
    done = subprocess.run([sys.executable, "-c", COMPUTED], capture_output=True, text=True)
    assert done.stdout.split() == ["2", "0"], done.stderr
