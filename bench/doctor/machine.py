"""What is installed and found on this machine, each with a verdict and what to do."""

import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import psutil
from filelock import Timeout
from packaging.requirements import Requirement

from bench.cases.base import cases
from bench.devices import VISIBLE, Device, device_kinds, gpus_shown, usable_cores
from bench.doctor.check import Check, Status
from bench.doctor.limits import check_limits
from bench.engines.base import NO_ENGINE, engines, load_engine
from bench.environment import backend_version, cpu_model
from bench.errors import BenchError
from bench.extras import REPORT, TRACK, lacking, version_of
from bench.lock import LOCK, lock_of, read_holder
from bench.pasting import installing, pasted
from bench.preflight import python_fault
from bench.process import Slot, begin
from bench.record import Failure
from bench.source import Source, source
from bench.store import Store
from bench.store.folder import advice
from bench.tracking import safe_uri, tracking_uri
from bench.variables import widest

PACKAGE = "sequence-bench"
WARN_FREE, FAIL_FREE = 2**30, 100 * 2**20
"""Free bytes below which a sweep may, or will, run out: a record takes some 20 KB, MLflow's copy a few times that."""
IMPORT_S = 300.0
"""So long a backend may take to be imported; 17 s on a slow machine."""
NAMED = 5
"""Bad records that are named; the rest is counted."""
ANY_DEVICE = Device("any", 0, "", {})
"""What a process uses that no device is hidden from."""


@dataclass(frozen=True)
class Backend:
    """How a backend's import went: how many GPUs it sees, or the last line of what it said instead."""

    gpus: int = 0
    fault: str = ""


def check_machine(
    results: Path,
    *,
    environ: Mapping[str, str] = os.environ,
    try_backend: Callable[[str], Backend] | None = None,
) -> list[Check]:
    """Look at everything a sweep needs here; nothing is changed, and nothing that is bad stops the look.

    Args:
        results: The results folder, which need not be there yet.
        environ: Environment variables.
        try_backend: How a backend is imported; in a process of its own unless given.
    """
    return [
        check_python(sys.version_info[:3]),
        check_packages(requires_of(PACKAGE)),
        check_plugins(),
        check_source(source()),
        *check_devices(),
        *check_limits(len(usable_cores())),
        *check_variables(),
        *check_backends(try_backend or import_backend),
        check_disk(results),
        check_lock(results),
        check_records(Store(results)),
        check_extra(REPORT, "reports", "can be written"),
        check_extra(TRACK, "MLflow", safe_uri(tracking_uri(results, environ))),
    ]


def check_python(version: tuple[int, ...]) -> Check:
    """Hold the interpreter to the versions that are supported."""
    fault = python_fault(version)  # type: ignore[no-untyped-call]
    return Check("Python", "fail" if fault else "ok", ".".join(map(str, version)), fault)


def requires_of(package: str) -> list[str]:
    """Return what an installed package requires, without extras; nothing where it is not installed."""
    try:
        return requires(package) or []
    except PackageNotFoundError:
        return []


def check_packages(required: Iterable[str], version_of: Callable[[str], str] = version_of) -> Check:
    """Hold the installed packages to what this one requires."""
    wanted = [r for r in map(Requirement, required) if r.marker is None or r.marker.evaluate({"extra": ""})]
    lacking = [f"{r.name} (none, needs {r.specifier})" for r in wanted if not version_of(r.name)]
    unfit = [
        f"{r.name} {version_of(r.name)} (needs {r.specifier})"
        for r in wanted
        if version_of(r.name) and not r.specifier.contains(version_of(r.name), prereleases=True)
    ]
    found = f"{len(wanted) - len(lacking) - len(unfit)} of {len(wanted)} required packages fit"
    if lacking or unfit:
        return Check("packages", "fail", f"{found}; not {', '.join([*lacking, *unfit])}", "install them: make env")
    shown = ", ".join(f"{name} {version_of(name)}" for name in ("keras", "numpy"))
    return Check("packages", "ok", f"{found} ({shown})")


def check_extra(extra: str, name: str, found: str) -> Check:
    """Say whether there is what an extra brings; runs are recorded without it."""
    if module := lacking(extra):
        return Check(name, "warn", f"{module} is not installed: runs are recorded all the same", installing(extra))
    return Check(name, "ok", found)


def check_plugins() -> Check:
    """Import every plug-in file."""
    try:
        return Check("cases", "ok", f"{len(cases.names())} registered")
    except BenchError as error:
        return Check("cases", "fail", str(error), "mend or remove the file that it names")


def check_source(found: Source) -> Check:
    """Say which commit records will name."""
    if found.commit:
        return Check("commit", "ok", found.commit.replace("+", " and changes or new files since"))
    return Check("commit", "warn", f"none: {found.why_none}", "records will not say which code made them")


def check_devices() -> list[Check]:
    """Name the processor with the cores that may be used, and the GPUs that NVML knows."""
    cores, load = len(usable_cores()), psutil.getloadavg()[0]
    busy = load > 0.5 * cores
    found = f"{cpu_model()}, {cores} usable core{'s' if cores > 1 else ''}, load {load:.1f}"
    advice = "other work shares the cores: timings will be marked contended" if busy else ""
    rows = [Check("cpu", "warn" if busy else "ok", found, advice)]
    gpus = _gpus()
    names = ", ".join(f"gpu:{d.index} {d.name}{_facts(d)}" for d in gpus)
    return [*rows, Check("gpu", "ok", names or "none that NVML knows of and shows"), *check_choice()]


def check_choice() -> list[Check]:
    """Say what a choice of GPUs hides, and whether it can be meant in two ways; nothing where it does neither."""
    chosen, cards = os.environ.get(VISIBLE), gpus_shown(None)
    if chosen is None or not cards:
        return []
    shown, row = gpus_shown(chosen), partial(Check, VISIBLE)
    found = f"{chosen!r} shows {len(shown)} of {len(cards)} cards"
    numbers = chosen.strip()[:1].isdecimal() and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"
    if numbers and len({card.name for card in cards}) > 1:
        return [row("warn", found, "numbers count in PCI order here, which is not CUDA's own; UUIDs leave no doubt")]
    return [row("ok" if shown else "warn", found, "" if shown else "unset it, or name a card, for runs on a GPU")]


def check_variables() -> list[Check]:
    """Name what a user has set that can change numbers, for each backend that is installed."""
    found = [
        device.environment(backend).variables
        for backend in (NO_ENGINE, *(name for name in engines.names() if backend_version(name)))
        for device in (*device_kinds.get("cpu")(), *_gpus())
    ]
    advice = "runs with them are told from runs without; unset them unless they are meant"
    return [Check("variables", "warn", f"can change numbers: {text}", advice) for text in widest(found)]


def check_backends(try_backend: Callable[[str], Backend]) -> list[Check]:
    """Import each backend that is installed, of which one is enough; where there are GPUs it should see them."""
    return [_check_backend(name, try_backend) for name in engines.names()]


def _check_backend(name: str, try_backend: Callable[[str], Backend]) -> Check:
    row, engine, version = partial(Check, f"backend {name}"), engines.get(name), backend_version(name)
    if not version:
        command = engine.installs.get("cpu", f"pip install {engine.distributions[0]}")
        another = any(map(backend_version, engines.names()))
        return row("ok" if another else "warn", "not installed", f"its runs need it: {pasted(command)}")
    backend = try_backend(name)
    if backend.fault:
        again = pasted(engine.installs.get("cpu", "make env"))
        return row("fail", f"{version} cannot be imported: {backend.fault}", f"install it again: {again}")
    found = f"{version}, compilation: {engine.jit}, sees {backend.gpus or 'no'} GPU{'s' if backend.gpus > 1 else ''}"
    blind = bool(_gpus()) and not backend.gpus
    advice = f"for the GPU: {pasted(engine.installs['gpu'])}" if blind and "gpu" in engine.installs else ""
    return row("warn" if blind else "ok", found, advice)


def import_backend(name: str) -> Backend:
    """Import a backend in a process of its own, and count the GPUs that it sees there."""
    with tempfile.TemporaryDirectory() as folder:
        slot = Slot("any", ANY_DEVICE, None, name)
        try:
            found = begin(slot, Path(folder) / "log", _count_gpus, name).result(IMPORT_S)
        except OSError as error:  # a limit on processes, say
            found = Failure.of(error)
    return Backend(fault=found.reason[:200]) if isinstance(found, Failure) else Backend(gpus=found)


def _count_gpus(name: str) -> int:
    return load_engine(name, ANY_DEVICE.kind).count_gpus()


def free_bytes(path: Path) -> float:
    """Return how many bytes are free; infinity where the file system does not say."""
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return math.inf
    return usage.free if usage.total else math.inf


def check_disk(results: Path, free_of: Callable[[Path], float] = free_bytes) -> Check:
    """Say how much is free where records go, and whether they can be written."""
    there = next(p for p in (results.absolute(), *results.absolute().parents) if os.path.exists(p))  # noqa: PTH110
    free = free_of(there)
    room = f"{free / 2**30:.1f} GiB free" if math.isfinite(free) else "unknown room"
    found = f"{room} in {results}" + ("" if there == results.absolute() else " (not made yet)")
    if not (there.is_dir() and os.access(there, os.W_OK)):
        return Check(
            "results", "fail", f"{there} cannot be written", "make it writable, or name another with --results"
        )
    status: Status = "fail" if free < FAIL_FREE else "warn" if free < WARN_FREE else "ok"
    return Check("results", status, found, "" if status == "ok" else "free some space, or name another with --results")


def check_lock(results: Path) -> Check:
    """Say who holds the results folder."""
    holder = read_holder(results)
    if holder is not None:
        return Check("lock", "ok", f"held by {holder}", "another sweep here waits for it")
    if not (results / LOCK).exists():
        return Check("lock", "ok", "free")
    try:
        with lock_of(results).acquire(timeout=0):
            return Check("lock", "ok", "free")
    except Timeout:
        return Check("lock", "warn", "held by a process that does not say who it is", "see what is running here")
    except OSError as error:
        return Check("lock", "fail", f"cannot be tried ({error.strerror})", "make the results folder writable")


def check_records(store: Store) -> Check:
    """Read every record and measurement, and name those that are no good."""
    folders = store.look()
    good = sum(len(folder.records) for folder in folders)
    if unreadable := [each for folder in folders for each in folder.unreadable]:
        path, error = unreadable[0]
        found = f"{good} good, {len(unreadable)} that cannot be read: {path} ({error.strerror})"
        return Check("records", "fail", found, advice(path, error))
    bad = [path for folder in folders for path, _ in folder.bad]
    if not bad:
        return Check("records", "ok", f"{good} good")
    more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    found = f"{good} good, {len(bad)} bad: {', '.join(path.name for path in bad[:NAMED])}{more}"
    return Check("records", "fail", found, "move the bad ones away and their runs are done again")


def _facts(device: Device) -> str:
    """Return what NVML says of a GPU, as far as it says it."""
    if (card := device.facts()) is None:
        return ""
    size = f", {card.memory_bytes / 2**30:.0f} GiB" if card.memory_bytes else ""
    busy = "" if card.utilisation_percent is None else f", {card.utilisation_percent} % busy"
    return f", driver {card.driver or 'unknown'}{size}{busy}"


def _gpus() -> list[Device]:
    return device_kinds.get("gpu")()
