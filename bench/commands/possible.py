"""What can be done on this machine of what a command asks, found out before anything runs."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from bench.commands.selection import Selection
from bench.devices import find_device
from bench.engines.base import load_engine
from bench.environment import require
from bench.errors import BenchError
from bench.extras import REPORT, TRACK, lacking
from bench.pasting import installing
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


def possible(track: bool, report: bool, chosen: Selection, console: Console) -> tuple[bool, bool]:
    """Return whether the records can be sent and reported, as is asked; say in a line each how to do it later."""
    if track and (module := lacking(TRACK)):
        track = False
        _say(console, f"{module} is not installed here, so nothing is mirrored", "sync", "sends them", TRACK, chosen)
    if report and (module := lacking(REPORT)):
        report = False
        _say(console, f"{module} is not installed here, so no report is written", "report", "writes it", REPORT, chosen)
    return track, report


def _say(console: Console, lack: str, verb: str, does: str, extra: str, chosen: Selection) -> None:
    how = f"{chosen.command(verb)} {does} where it is: {installing(extra)}"
    console.print(f"{lack}; the records are kept, and {how}")
