"""What a run ran on: the environment that can change its numbers, and where it came from."""

import platform
import socket
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from bench.engines.base import NO_ENGINE, engines
from bench.record import Environment, Provenance


@cache
def cpu_model() -> str:
    """Return the processor's model name, with what tells it from others of that name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = fields.get("model name", platform.machine())
    detail = f" (family {fields['cpu family']} model {fields['model']})" if "cpu family" in fields else ""
    return name + detail


@cache
def installed(package: str) -> str:
    """Return the installed version of a package, or an empty text."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def environment(backend: str, device: str, device_name: str, threads: int) -> Environment:
    """Describe this process for runs of a backend on a device.

    Args:
        backend: Name of an engine, or `NO_ENGINE` for predictors.
        device: Kind of device, such as ``"cpu"``: two cards of one kind give the same numbers.
        device_name: What the device calls itself.
        threads: Threads that the backend may use.

    Raises:
        BenchError: There is no such backend.
    """
    engine = None if backend == NO_ENGINE else engines.get(backend)
    return Environment(
        python=".".join(platform.python_version_tuple()[:2]),
        numpy=installed("numpy"),
        keras=installed("keras") if engine and engine.keras else "",
        backend=backend,
        backend_version=backend_version(backend),
        device=device,
        device_name=device_name,
        cpu=cpu_model(),
        threads=threads,
        precision=engine.precision if engine else "float64",
        jit=engine.jit if engine else "none",
    )


def backend_version(backend: str) -> str:
    """Return the version of what provides a backend here, or an empty text where nothing does.

    Raises:
        BenchError: There is no such backend.
    """
    packages = (backend,) if backend == NO_ENGINE else engines.get(backend).distributions
    return next((v for v in map(installed, packages) if v), "")


@cache
def git_commit() -> str:
    """Return the commit of the working tree, with ``+`` when it is changed; empty outside git."""
    root = Path(__file__).parent.parent
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        dirty = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "bench", "suites")
    except (OSError, subprocess.SubprocessError):
        return ""
    return head + ("+" if dirty else "")


def provenance(started_at: str, ended_at: str, core: int | None) -> Provenance:
    """Describe where and when a run was made."""
    try:
        load = psutil.getloadavg()[0]
    except OSError:
        load = None
    return Provenance(
        host=socket.gethostname(),
        platform=platform.platform(),
        bench_version=installed("sequence-bench"),
        git_commit=git_commit(),
        core=core,
        load_1min=load,
        started_at=started_at,
        ended_at=ended_at,
    )


def now() -> str:
    """Return the time, in UTC, as records write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()
