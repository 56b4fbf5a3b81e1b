"""What is installed and found on this machine, each with a verdict and what to do."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Literal

import psutil
from filelock import FileLock, Timeout
from packaging.requirements import Requirement

from bench.cases.base import cases
from bench.devices import Device, device_kinds, usable_cores
from bench.engines.base import engines, load_engine
from bench.environment import backend_version, cpu_model, installed
from bench.errors import BenchError
from bench.lock import LOCK, read_holder
from bench.preflight import python_fault
from bench.process import Slot, begin
from bench.record import Failure
from bench.store import Store
from bench.tracking import safe_uri, tracking_uri

PACKAGE = "sequence-bench"
WARN_FREE, FAIL_FREE = 2**30, 100 * 2**20
"""Free bytes below which a sweep may, or will, run out: a record takes some 20 KB, MLflow's copy a few times that."""
IMPORT_S = 300.0
"""So long a backend may take to be imported; 17 s on a slow machine."""
NAMED = 5
"""Bad records that are named; the rest is counted."""
ANY_DEVICE = Device("any", 0, "", {})
"""What a process uses that no device is hidden from."""

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """One line of the screen.

    Attributes:
        name: What was looked at.
        status: ``fail`` where runs cannot be made or read, ``warn`` where they can, but see ``advice``.
        found: What is there.
        advice: What to do; empty where all is well.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


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
        *check_devices(),
        *check_backends(try_backend or import_backend),
        check_disk(results),
        check_lock(results),
        check_records(Store(results)),
        Check("MLflow", "ok", safe_uri(tracking_uri(results, environ))),
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


def check_packages(required: Iterable[str], version_of: Callable[[str], str] = installed) -> Check:
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
    shown = ", ".join(f"{name} {version_of(name)}" for name in ("keras", "numpy", "mlflow"))
    return Check("packages", "ok", f"{found} ({shown})")


def check_plugins() -> Check:
    """Import every plug-in file."""
    try:
        return Check("cases", "ok", f"{len(cases.names())} registered")
    except BenchError as error:
        return Check("cases", "fail", str(error), "mend or remove the file that it names")


def check_devices() -> list[Check]:
    """Name the processor with the cores that may be used, and the GPUs that NVML knows."""
    cores, load = len(usable_cores()), psutil.getloadavg()[0]
    busy = load > 0.5 * cores
    found = f"{cpu_model()}, {cores} usable core{'s' if cores > 1 else ''}, load {load:.1f}"
    advice = "other work shares the cores: timings will be marked contended" if busy else ""
    rows = [Check("cpu", "warn" if busy else "ok", found, advice)]
    gpus = _gpus()
    names = ", ".join(f"gpu:{d.index} {d.name}" for d in gpus)
    return [*rows, Check("gpu", "ok", names or "none that NVML knows of")]


def check_backends(try_backend: Callable[[str], Backend]) -> list[Check]:
    """Import each backend; where there are GPUs it should see them."""
    return [_check_backend(name, try_backend) for name in engines.names()]


def _check_backend(name: str, try_backend: Callable[[str], Backend]) -> Check:
    row, engine, version = partial(Check, f"backend {name}"), engines.get(name), backend_version(name)
    if not version:
        return row("warn", "not installed", f"its runs need it: pip install {engine.distributions[0]}")
    backend = try_backend(name)
    if backend.fault:
        return row("fail", f"{version} cannot be imported: {backend.fault}", "install it again: make env")
    found = f"{version}, compilation: {engine.jit}, sees {backend.gpus or 'no'} GPU{'s' if backend.gpus > 1 else ''}"
    blind = bool(_gpus()) and not backend.gpus
    return row("warn" if blind else "ok", found, "for the GPU: make bench DEVICE=gpu" if blind else "")


def import_backend(name: str) -> Backend:
    """Import a backend in a process of its own, and count the GPUs that it sees there."""
    with tempfile.TemporaryDirectory() as folder:
        slot = Slot("any", ANY_DEVICE, None, name)
        found = begin(slot, Path(folder) / "log", _count_gpus, name).result(IMPORT_S)
    return Backend(fault=found.reason[:200]) if isinstance(found, Failure) else Backend(gpus=found)


def _count_gpus(name: str) -> int:
    return load_engine(name, ANY_DEVICE.kind).count_gpus()


def check_disk(results: Path, free_of: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free) -> Check:
    """Say how much is free where records go, and whether they can be written."""
    there = next(p for p in (results.absolute(), *results.absolute().parents) if p.exists())
    free = free_of(there)
    found = f"{free / 2**30:.1f} GiB free in {results}" + ("" if there == results.absolute() else " (not made yet)")
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
        with FileLock(results / LOCK, timeout=0):
            return Check("lock", "ok", "free")
    except Timeout:
        return Check("lock", "warn", "held by a process that does not say who it is", "see what is running here")
    except OSError as error:
        return Check("lock", "fail", f"cannot be tried ({error.strerror})", "make the results folder writable")


def check_records(store: Store) -> Check:
    """Read every record and measurement, and name those that are no good."""
    good, bad = store.look()
    if not bad:
        return Check("records", "ok", f"{good} good")
    more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    found = f"{good} good, {len(bad)} bad: {', '.join(path.name for path in bad[:NAMED])}{more}"
    return Check("records", "fail", found, "move the bad ones away and their runs are done again")


def _gpus() -> list[Device]:
    return device_kinds.get("gpu")()
