"""What is done on a node of a cluster: it says what it is and what it lacks, and runs jobs as a sweep there would."""

import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue

import bench
from bench.cases.base import component, make_dataset
from bench.devices import default_workers, find_device, usable_cores
from bench.engines.base import NO_ENGINE
from bench.environment import backend_version
from bench.errors import BenchError
from bench.executors.local import LocalExecutor, make_slots
from bench.executors.runner import Limits
from bench.extras import version_of
from bench.jobs import Event, Job
from bench.lock import Holder
from bench.measurement import Measurement, MeasureSpec
from bench.provenance import Environment
from bench.record import Component
from bench.registry import PLUGINS
from bench.throughput.benchmark import Terms, run_throughput


@dataclass(frozen=True)
class Driver:
    """What of a driver its tasks take over.

    Attributes:
        folder: It works in; a node that has it, too, works there, so that paths mean the same. Empty where Ray is told
            which folder to work in.
        plugins: Modules that it was told to import.
        code: Digest of its package.
        command: What was typed, by which others who wait for a node's machine are told who holds it.
    """

    folder: str
    plugins: str
    code: str
    command: tuple[str, ...]

    @classmethod
    def here(cls, *, moved: bool = False) -> "Driver":
        """Return this process's; ``moved`` where Ray is told which folder to work in."""
        return cls("" if moved else str(Path.cwd()), os.environ.get(PLUGINS, ""), code(), tuple(sys.argv))

    def enter(self) -> None:
        """Be like it, as far as this node allows."""
        if self.plugins:
            os.environ[PLUGINS] = self.plugins
        sys.argv = list(self.command)
        with suppress(OSError):
            os.chdir(self.folder or ".")


@cache
def code() -> str:
    """Return the version of this package and eight digits of its code."""
    summed, folder = sha256(), Path(bench.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        summed.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return f"{version_of('sequence-bench') or 'no version'}, code {summed.hexdigest()[:8]}"


def environment_here(driver: Driver, kind: str, backend: str, stack: int) -> Environment | None:
    """Return the environment that runs have on this node; None where it has no such device."""
    driver.enter()
    try:
        return find_device(kind).environment(backend, stack=stack)
    except BenchError:
        return None


def lacks(driver: Driver, backends: Sequence[str], datasets: Sequence[Component]) -> str:
    """Return what this node lacks to run what a driver asks for, and what to do, in one line; empty for nothing."""
    driver.enter()
    if code() != driver.code:
        return (
            f"it has another sequence-bench ({code()}) than this machine ({driver.code}); "
            "install the same, or send it: --runtime-env"
        )
    try:
        for backend in backends:
            if not backend_version(backend):
                return f"backend {backend} is not installed there"
        for data in datasets:
            if component(make_dataset(data.name, data.params)).contents != data.contents:
                return f"dataset {data.name!r}: a file there has other content than here; copy it there"
    except BenchError as error:
        return str(error)
    return ""


def work(driver: Driver, job: Job, logs: str, limits: Limits) -> Iterator[Event]:
    """Run a job in a worker of this node; Ray, and not a core, keeps it from its neighbours.

    Raises:
        BenchError: This node, which may have come after all others were seen, lacks what it needs.
    """
    _see(driver, [job.backend], [job.specs[0].dataset])
    slots = [replace(slot, core=None) for slot in make_slots([job.device], 1, 1)]
    yield from LocalExecutor(slots, _folder(logs), limits).run([job])


@dataclass(frozen=True)
class Waits:
    """A node's machine is held by another benchmark, of this process where it says so."""

    holder: Holder | None


def measure(
    driver: Driver, specs: Sequence[MeasureSpec], data_seed: int, logs: str, workers: int
) -> Iterator[Measurement | Waits]:
    """Measure each of these once, as the benchmark of this node's machine does, and yield what it gives.

    Args:
        driver: Who asks, and alone stores.
        specs: Of one device; the task has the whole node meanwhile.
        data_seed: Of the data that are timed.
        logs: Folder for what processes print.
        workers: Cases that prepare at once.

    Raises:
        BenchError: This node lacks what it needs.
    """
    datasets = {spec.dataset.model_dump_json(): spec.dataset for spec in specs}
    _see(driver, [spec.backend for spec in specs], list(datasets.values()))
    hands = min(workers, default_workers(len(usable_cores())))
    slots = make_slots([specs[0].device], hands, len(specs))
    sent = _Sent()
    terms = Terms(data_seed, sent, sent, _folder(logs), on_wait=lambda holder: sent.put(Waits(holder)))
    with ThreadPoolExecutor(1) as pool:
        measured = pool.submit(run_throughput, specs, slots, terms)
        measured.add_done_callback(lambda _: sent.put(None))
        while (message := sent.get()) is not None:
            yield message
        measured.result()


class _Sent(SimpleQueue[Measurement | Waits | None]):
    """Takes measurements for the driver, which stores them."""

    def write_measurement(self, measurement: Measurement) -> Measurement:
        """Store nothing here."""
        return measurement

    def send(self, measurement: Measurement) -> None:
        """Give it to the driver."""
        self.put(measurement)


def _see(driver: Driver, backends: Sequence[str], datasets: Sequence[Component]) -> None:
    """See that this node, which may have come after all others were seen, has what it needs.

    Raises:
        BenchError: It has not.
    """
    lack = lacks(driver, sorted(set(backends) - {NO_ENGINE}), datasets)
    if lack:
        raise BenchError(f"node {socket.gethostname()}: {lack}")


def _folder(logs: str) -> Path:
    """Return a new folder for logs: where the driver has them, or where this node lets us write."""
    folder = Path(logs) / f"task-{os.getpid()}-{time.time_ns()}"
    try:
        folder.mkdir(parents=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="bench-task-"))
    return folder
