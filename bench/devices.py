"""Devices by name: which there are, and what a worker's environment must say to use one."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.engines.base import NO_ENGINE
from bench.environment import cpu_model, environment
from bench.errors import BenchError
from bench.limits import processors, room_for
from bench.nvml import facts
from bench.preflight import visible_gpus
from bench.provenance import Environment, Gpu
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

    def environment(self, backend: str, *, loaded: bool = False, stack: int = 1, stack_asked: int = 0) -> Environment:
        """Describe runs of a backend on this device; known without importing the backend.

        A process that has imported it (``loaded``) says how many threads it has found, in place of how many it may use.
        One that trains seeds together says in stacks of how many, and how many were asked for where that was more.

        Raises:
            BenchError: There is no such backend.
        """
        if backend == NO_ENGINE:
            return environment(NO_ENGINE, "cpu", "", 1, loaded=loaded)
        name = "" if self.kind == "cpu" else self.name
        return environment(
            backend, self.kind, name, self.threads, self.variables, loaded=loaded, stack=stack, stack_asked=stack_asked
        )

    def facts(self) -> Gpu | None:
        """Return what NVML says of a GPU just now; None of another device, or where it says nothing."""
        return facts(self.variables[VISIBLE]) if self.kind == "gpu" and VISIBLE in self.variables else None


FindDevices = Callable[[], list[Device]]
device_kinds: Registry[FindDevices] = Registry("device")

ALL = "all"
"""Every GPU: runs on any of them are runs on ``gpu``."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The environment variable by which a scheduler says which GPUs are a process's own."""
HIDE_GPUS = {VISIBLE: "-1"}
SHOW_GPU = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "NVIDIA_TF32_OVERRIDE": "0"}
"""Number GPUs as NVML does, and compute in float32 as the record says."""
WORKER_BYTES = 1_000_000_000
"""What a worker may hold in memory."""


@device_kinds.register("cpu")
def find_cpus() -> list[Device]:
    """Return the CPU; its cores are shared out among workers."""
    return [Device("cpu", 0, cpu_model(), HIDE_GPUS)]


@device_kinds.register("gpu")
def find_gpus() -> list[Device]:
    """Return the NVIDIA GPUs that NVML knows of and ``CUDA_VISIBLE_DEVICES`` shows, numbered in that order."""
    return gpus_shown(os.environ.get(VISIBLE))


def gpus_shown(chosen: str | None) -> list[Device]:
    """Return the NVIDIA GPUs that a value of ``CUDA_VISIBLE_DEVICES`` shows; None shows all.

    Numbers in it count in PCI order, as NVML and ``nvidia-smi`` do. A worker gets its card by UUID, which means the
    same card under every order.
    """
    import pynvml

    if os.environ.get("NVIDIA_VISIBLE_DEVICES") == "void" and not any(Path("/dev").glob("nvidia[0-9]*")):
        return []  # a container that was given no card
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        cards, parts = _cards(pynvml, parts=bool(chosen and chosen.strip().startswith("MIG-")))
    finally:
        pynvml.nvmlShutdown()
    shown = visible_gpus(list(cards), list(parts), chosen)  # type: ignore[no-untyped-call]
    names = cards | parts
    return [Device("gpu", n, names[uuid], SHOW_GPU | {VISIBLE: uuid}) for n, uuid in enumerate(shown)]


def _cards(pynvml: Any, *, parts: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Return names by UUID: of the cards and, where they are asked for, of the parts (MIG) of divided ones."""

    def text(value: bytes | str) -> str:
        return value.decode() if isinstance(value, bytes) else value

    whole: dict[str, str] = {}
    divided: dict[str, str] = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        card = pynvml.nvmlDeviceGetHandleByIndex(index)
        try:
            uuid = text(pynvml.nvmlDeviceGetUUID(card))
        except (AttributeError, pynvml.NVMLError):  # a driver that does not tell: its number is a name too
            uuid = str(index)
        whole[uuid] = text(pynvml.nvmlDeviceGetName(card))
        if not parts:
            continue
        with suppress(pynvml.NVMLError):
            for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(card)):
                with suppress(pynvml.NVMLError):  # a place that holds none
                    part = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(card, number)
                    divided[text(pynvml.nvmlDeviceGetUUID(part))] = text(pynvml.nvmlDeviceGetName(part))
    return whole, divided


def find_devices(spec: str) -> list[Device]:
    """Return the devices that ``cpu``, ``gpu:1`` or ``all`` names: `ALL` is every GPU, and these are all alike.

    Raises:
        BenchError: Not such a name, this machine has no such device, or its GPUs differ.
    """
    if spec != ALL:
        return [find_device(spec)]
    found = _devices("gpu", spec)
    names = sorted({device.name for device in found})
    if len(names) > 1:
        raise BenchError(
            f"device {ALL!r}: the GPUs here differ ({', '.join(names)}), and unlike ones share no column; name one of "
            f"gpu:0 to gpu:{len(found) - 1}, or show alike ones with {VISIBLE}"
        )
    return found


def find_device(spec: str) -> Device:
    """Return the device that ``cpu``, ``gpu`` or ``gpu:1`` names; of ``all`` the first.

    Raises:
        BenchError: Not such a name, or this machine has no such device.
    """
    if spec == ALL:
        return find_devices(spec)[0]
    kind, colon, number = spec.partition(":")
    if colon and kind in device_kinds.names() and not number.isdecimal():
        raise BenchError(f"device {spec!r}: expected a number after the colon, as in {kind}:0")
    devices = _devices(kind, spec)
    index = int(number) if colon else 0
    if index >= len(devices):
        raise BenchError(f"device {spec!r}: this machine has {len(devices)} {kind}, numbered from 0{_shown(kind)}")
    return devices[index]


def _devices(kind: str, asked: str) -> list[Device]:
    """Return the devices of a kind, one at least.

    Raises:
        BenchError: There is no such kind, or none of it for what was ``asked``.
    """
    if found := device_kinds.get(kind)():
        return found
    raise BenchError(
        f"device {asked!r}: this machine has no {kind} that its driver knows of{_shown(kind)}; use --device cpu"
    )


def _shown(kind: str) -> str:
    """Return what a scheduler shows of the GPUs, in brackets; empty of another kind, or where it says nothing."""
    return f" ({VISIBLE} is {os.environ[VISIBLE]!r})" if kind == "gpu" and VISIBLE in os.environ else ""


def usable_cores() -> list[int]:
    """Return the processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(psutil.cpu_count() or 1))


def default_workers(cores: int) -> int:
    """Return how many workers so many cores can have: as a CPU quota keeps busy, and as memory holds; one at least."""
    return min(processors(cores), room_for(WORKER_BYTES))
