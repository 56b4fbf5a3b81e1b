"""What NVML says of one GPU: who computes on it, what is free, and what it is while a run ends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bench.provenance import Gpu


@contextmanager
def card(uuid: str) -> Iterator[tuple[Any, Any]]:
    """Yield NVML and its handle of a card, or of a part of one (MIG).

    Args:
        uuid: Of it; its number where its driver tells no other name.

    Raises:
        pynvml.NVMLError: The driver does not answer, or knows of no such card.
    """
    import pynvml

    pynvml.nvmlInit()
    try:
        by_number = uuid.isdecimal()
        yield (
            pynvml,
            (pynvml.nvmlDeviceGetHandleByIndex(int(uuid)) if by_number else pynvml.nvmlDeviceGetHandleByUUID(uuid)),
        )
    finally:
        pynvml.nvmlShutdown()


def facts(uuid: str) -> Gpu | None:
    """Return what a card is and does just now, each fact as far as its driver tells it; None where it tells nothing."""
    import pynvml

    def told(ask: Callable[[], Any]) -> Any:
        with suppress(pynvml.NVMLError, AttributeError):
            answer = ask()
            return answer.decode() if isinstance(answer, bytes) else answer
        return None

    with suppress(pynvml.NVMLError), card(uuid) as (nvml, handle):
        memory = told(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        busy = told(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        return Gpu(
            name=told(lambda: nvml.nvmlDeviceGetName(handle)) or "",
            driver=told(nvml.nvmlSystemGetDriverVersion) or "",
            memory_bytes=getattr(memory, "total", None),
            memory_used_bytes=getattr(memory, "used", None),
            utilisation_percent=getattr(busy, "gpu", None),
            core_clock_mhz=told(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
            memory_clock_mhz=told(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)),
        )
    return None
