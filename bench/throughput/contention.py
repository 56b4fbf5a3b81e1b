"""Who else uses a GPU, by NVML."""

from bench.devices import VISIBLE, find_gpus
from bench.nvml import card


def processes_on_gpu(index: int) -> int:
    """Return how many processes compute on a GPU; numbered as `bench.devices` does."""
    with card(_uuid(index)) as (pynvml, handle):
        return len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle))


def free_on_gpu(index: int) -> int:
    """Return the free bytes of a GPU's memory."""
    with card(_uuid(index)) as (pynvml, handle):
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)


def _uuid(index: int) -> str:
    return find_gpus()[index].variables[VISIBLE]
