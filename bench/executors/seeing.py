"""Whether backends are installed on this machine and see its GPUs, found out before anything runs."""

from collections.abc import Iterable
from pathlib import Path

from bench.devices import find_device
from bench.engines.base import load_engine
from bench.environment import require
from bench.errors import BenchError
from bench.plan import Plan
from bench.process import Slot, begin
from bench.record import Failure, RunSpec

IMPORT_S = 300.0
"""So long a backend may take to be imported and to see a GPU."""


def see_backends(plan: Plan, to_do: Iterable[RunSpec], log: Path) -> None:
    """See that each backend of a plan is installed, and that it sees the GPUs that it has runs to do on.

    Args:
        plan: All of it.
        to_do: Runs of it; only where there are some on a GPU is their backend imported, in a process of its own.
        log: Where that process prints.

    Raises:
        BenchError: A backend is missing or sees no GPU, so that its runs would fail one by one.
    """
    backends = sorted({spec.backend for spec in plan.specs})
    for backend in backends:
        require(backend, backends)
    for name, backend in dict.fromkeys((spec.device, spec.backend) for spec in to_do):
        device = find_device(name)
        if device.kind == "gpu":
            log.parent.mkdir(exist_ok=True)
            found = begin(Slot(name, device, None, backend), log, load_engine, backend, device.kind).result(IMPORT_S)
            if isinstance(found, Failure):
                raise BenchError(found.reason.removeprefix(f"{BenchError.__name__}: "))
