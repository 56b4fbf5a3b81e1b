"""What a run ran on: the environment that can change its numbers, and where it came from."""

import os
import platform
import socket
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import psutil

from bench.engines.base import NO_ENGINE, engines
from bench.errors import BenchError
from bench.extras import version_of
from bench.pasting import brought_by
from bench.provenance import Environment, Gpu, Provenance
from bench.source import source
from bench.variables import CUDA, NUMPY, OTHER_THREADS, THREADS, kept


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


def environment(
    backend: str,
    device: str,
    device_name: str,
    threads: int,
    fixed: Iterable[str] = (),
    *,
    loaded: bool = False,
    stack: int = 1,
    stack_asked: int = 0,
) -> Environment:
    """Describe this process for runs of a backend on a device.

    Args:
        backend: Name of an engine, or `NO_ENGINE` for predictors.
        device: Kind of device, such as ``"cpu"``: two cards of one kind give the same numbers.
        device_name: What the device calls itself.
        threads: Threads that the backend may use; 0 for any number.
        fixed: Names of environment variables that the device fixes for its processes.
        loaded: This process has imported the backend: see how many threads there are, where they are limited.
        stack: Seeds that one program trains.
        stack_asked: Seeds that it was to train, where that was more than memory holds.

    Raises:
        BenchError: There is no such backend.
    """
    engine = None if backend == NO_ENGINE else engines.get(backend)
    return Environment(
        python=".".join(platform.python_version_tuple()[:2]),
        numpy=version_of("numpy"),
        keras=version_of("keras") if engine and engine.keras else "",
        backend=backend,
        backend_version=backend_version(backend),
        device=device,
        device_name=device_name,
        cpu=cpu_model(),
        threads=threads_found(backend) if loaded and threads else threads,
        precision=engine.precision if engine else "float64",
        jit=engine.jit_on.get(device, engine.jit) if engine else "none",
        variables=kept_variables(backend, device, fixed),
        stack=stack,
        stack_asked=stack_asked,
    )


def kept_variables(backend: str, device: str, fixed: Iterable[str] = ()) -> str:
    """Return the variables of this process's environment that can change a backend's numbers, unless they are fixed.

    Raises:
        BenchError: There is no such backend.
    """
    engine = None if backend == NO_ENGINE else engines.get(backend)
    reads = (*NUMPY, *(engine.reads if engine else ()), *(CUDA if device == "gpu" else ()))
    ours = (*THREADS, *OTHER_THREADS, *fixed)
    if engine:
        ours += (*engine.variables, *engine.thread_variables)
    return kept(os.environ, reads, ours)


def threads_found(backend: str) -> int:
    """Return the most threads that a BLAS or OpenMP library of this process has, or that the backend says it has."""
    from threadpoolctl import threadpool_info  # not at the top: a driver needs none of it

    told = 0 if backend == NO_ENGINE else engines.get(backend).threads()
    return max(1, told, *(int(library["num_threads"]) for library in threadpool_info()))


def backend_version(backend: str) -> str:
    """Return the version of what provides a backend here, or an empty text where nothing does.

    Raises:
        BenchError: There is no such backend.
    """
    packages = (backend,) if backend == NO_ENGINE else engines.get(backend).distributions
    return next((v for v in map(version_of, packages) if v), "")


def require(backend: str, beside: Sequence[str] = ()) -> None:
    """See that a backend is installed, for work that needs some others beside it.

    Raises:
        BenchError: It is not; says what installs it.
    """
    if not backend_version(backend):
        command = "" if backend == NO_ENGINE else engines.get(backend).installs.get("cpu", "")
        how = f"; {brought_by(command, beside)}" if command else " in this environment"
        raise BenchError(f"backend {backend} is not installed{how}")


def provenance(started_at: str, ended_at: str, core: int | None, gpu: Gpu | None = None) -> Provenance:
    """Describe where and when a run was made, and on what GPU if it was on one."""
    try:
        load = psutil.getloadavg()[0]
    except OSError:
        load = None
    return Provenance(
        host=socket.gethostname(),
        platform=platform.platform(),
        bench_version=version_of("sequence-bench"),
        git_commit=source().commit,
        no_commit=source().why_none,
        core=core,
        load_1min=load,
        started_at=started_at,
        ended_at=ended_at,
        gpu=gpu,
    )


def now() -> str:
    """Return the time, in UTC, as records write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
