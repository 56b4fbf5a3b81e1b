"""Who else uses a GPU, by NVML."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.devices import VISIBLE, find_gpus


def processes_on_gpu(index: int) -> int:
    """Return how many processes compute on a GPU; numbered as `bench.devices` does."""
    with _gpu(index) as (pynvml, handle):
        return len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle))


def free_on_gpu(index: int) -> int:
    """Return the free bytes of a GPU's memory."""
    with _gpu(index) as (pynvml, handle):
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)


@contextmanager
def _gpu(index: int) -> Iterator[tuple[Any, Any]]:
    import pynvml

    uuid = find_gpus()[index].variables[VISIBLE]
    pynvml.nvmlInit()
    try:
        yield pynvml, pynvml.nvmlDeviceGetHandleByUUID(uuid)
    finally:
        pynvml.nvmlShutdown()
