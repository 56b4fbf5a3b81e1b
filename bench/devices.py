"""Devices by name: which there are, and what a worker's environment must say to use one."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from bench.engines.base import NO_ENGINE
from bench.environment import cpu_model, environment
from bench.errors import BenchError
from bench.record import Environment
from bench.registry import Registry


@dataclass(frozen=True)
class Device:
    """One device that a worker can be started for.

    Attributes:
        kind: ``"cpu"`` or ``"gpu"``.
        index: Which of its kind.
        name: What it calls itself.
        variables: Environment variables that give it, and no other, to a worker.
    """

    kind: str
    index: int
    name: str
    variables: dict[str, str]

    @property
    def threads(self) -> int:
        """Threads that a backend may use in one worker; 0 for as many as it likes."""
        return 1 if self.kind == "cpu" else 0

    def environment(self, backend: str) -> Environment:
        """Describe runs of a backend on this device; known without importing the backend.

        Raises:
            BenchError: There is no such backend.
        """
        if backend == NO_ENGINE:
            return environment(NO_ENGINE, "cpu", "", 1)
        return environment(backend, self.kind, "" if self.kind == "cpu" else self.name, self.threads)


FindDevices = Callable[[], list[Device]]
device_kinds: Registry[FindDevices] = Registry("device")

HIDE_GPUS = {"CUDA_VISIBLE_DEVICES": "-1"}
SHOW_GPU = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "NVIDIA_TF32_OVERRIDE": "0"}
"""Number GPUs as NVML does, and compute in float32 as the record says."""


@device_kinds.register("cpu")
def find_cpus() -> list[Device]:
    """Return the CPU; its cores are shared out among workers."""
    return [Device("cpu", 0, cpu_model(), HIDE_GPUS)]


@device_kinds.register("gpu")
def find_gpus() -> list[Device]:
    """Return the NVIDIA GPUs that NVML knows of."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        found = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(index))
            label = name.decode() if isinstance(name, bytes) else name
            found.append(Device("gpu", index, label, SHOW_GPU | {"CUDA_VISIBLE_DEVICES": str(index)}))
        return found
    finally:
        pynvml.nvmlShutdown()


def find_device(spec: str) -> Device:
    """Return the device that ``cpu``, ``gpu`` or ``gpu:1`` names.

    Raises:
        BenchError: Not such a name, or this machine has no such device.
    """
    kind, colon, number = spec.partition(":")
    devices = device_kinds.get(kind)()
    if colon and not number.isdecimal():
        raise BenchError(f"device {spec!r}: expected a number after the colon, as in {kind}:0")
    if not devices:
        raise BenchError(f"device {spec!r}: this machine has no {kind} that its driver knows of; use --device cpu")
    index = int(number) if colon else 0
    if index >= len(devices):
        raise BenchError(f"device {spec!r}: this machine has {len(devices)} {kind}, numbered from 0")
    return devices[index]


def usable_cores() -> list[int]:
    """Return the processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(psutil.cpu_count() or 1))
