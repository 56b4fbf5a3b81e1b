"""A cluster of Ray: a task is one job, which asks for a core or a card; Ray places it, and the driver alone records.

Each node has this package and the data where the driver has them, or gets them by ``--runtime-env``.
"""

import json
import os
import socket
import tempfile
import time
import tomllib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bench.devices import find_device
from bench.engines.base import NO_ENGINE
from bench.errors import BenchError
from bench.executors.base import Executor, Machines, Setting, executor
from bench.executors.ray_cluster import Cluster, Measures, Spared, Work
from bench.executors.ray_node import Driver, Waits
from bench.executors.ray_served import Answer, Ask, Done, Fault, Stop, serve
from bench.extras import RAY, require
from bench.jobs import Event, Job
from bench.measurement import Measurement, MeasureSpec
from bench.plan import Plan
from bench.process import Died, Process, Slot
from bench.provenance import Environment
from bench.record import RunSpec
from bench.throughput.benchmark import LeftOut, Terms, ThroughputResult

VARIABLE, ANY = "RAY_ADDRESS", "auto"
CONNECT_S = 5.0
"""So long it may take until somebody takes a call at an address."""
JOIN_S = 90.0
"""So long the cluster may take then to let a driver in, and to send what a runtime environment holds."""
POLL_S = 0.2
STOP_S = 10.0
"""So long tasks may take to end when they are told to."""


@executor("ray")
@dataclass(frozen=True)
class Ray(Executor):
    """A cluster of Ray, by --address or RAY_ADDRESS: a task a job; --runtime-env sends code and data to its nodes.

    Attributes:
        address: ``HOST:PORT`` of its head; ``"auto"`` for the one that runs on this machine.
        runtime_env: A file of JSON or TOML with what Ray calls a runtime environment; empty for none.
    """

    address: str = ""
    runtime_env: str = ""

    takes: ClassVar[dict[str, str]] = {"--address": "address", "--runtime-env": "runtime_env"}

    @property
    def _link(self) -> "Link":
        return _link(self.address or os.environ.get(VARIABLE) or ANY, self.runtime_env, str(Path.cwd()))

    def check(self, devices: Iterable[str]) -> None:
        """See that the cluster has what devices stand for: cores, and a card where one is asked for."""
        there = self._link.ask(Cluster.resources)
        for name in devices:
            kind, _, number = name.partition(":")
            if number not in ("", "0"):
                raise BenchError(f"device {name!r}: Ray chooses the card; write gpu")
            if kind != "cpu" and not there.get("GPU"):
                raise BenchError(f"device {name!r}: no node of the cluster has a GPU that Ray knows of")

    def environments(self, device: str, backend: str, stack: int) -> list[Environment]:
        """Return those of all nodes, each once."""
        found: list[Environment] = self._link.ask(Cluster.environments, device.partition(":")[0], backend, stack)
        return found

    def see(self, plan: Plan, to_do: Iterable[RunSpec], logs: Path) -> None:
        """See that each node has this package, and the backends and the data that the runs need."""
        specs = list(to_do)
        backends = sorted({spec.backend for spec in specs} - {NO_ENGINE})
        datasets = {json.dumps(s.dataset.identity, sort_keys=True): s.dataset for s in specs}
        self._link.ask(Cluster.see, backends, list(datasets.values()))

    def start(self, jobs: Sequence[Job], setting: Setting) -> "RayExecutor":
        """Return what gives these jobs to the cluster."""
        return RayExecutor(self._link, setting)

    def machines(self, device: str, backends: Sequence[str], workers: int | None) -> list[Machines]:
        """Return its nodes, by kind."""
        found: list[Machines] = self._link.ask(Cluster.machines, device, backends, workers)
        return found

    def measure(self, specs: Sequence[MeasureSpec], kinds: Mapping[str, Machines], terms: Terms) -> ThroughputResult:
        """Measure every spec, each on a whole node; see `Cluster.measure`.

        Raises:
            BenchError: The cluster is gone.
        """
        result = ThroughputResult(len(specs))
        asked = Measures(specs, kinds, terms.data_seed, str(terms.logs), terms.workers)
        for event in self._link.events(asked, terms.stop):
            if isinstance(event, Measurement):
                result.take(event, terms)
            elif isinstance(event, Spared):
                result.total -= event.number
            elif isinstance(event, Waits):
                if terms.on_wait:
                    terms.on_wait(event.holder)
            else:
                result.left_out += event.number if isinstance(event, LeftOut) else 0
                terms.on_event(event)
        result.interrupted = terms.stop()
        return result


class RayExecutor:
    """Gives jobs to a cluster and yields what they send.

    Args:
        link: To the cluster.
        setting: Its ``workers`` is the most tasks at once; None for as many as the cluster has cores.
    """

    def __init__(self, link: "Link", setting: Setting):
        self._link, self._setting = link, setting
        self._stopping = False
        self.workers = setting.workers or max(1, int(link.ask(Cluster.resources).get("CPU", 1)))
        self.logs = setting.logs

    def stop(self) -> None:
        """End the tasks; `run` ends after what they had sent."""
        self._stopping = True

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Yield events as tasks send them; what a lost node leaves of a job is given to another one.

        Raises:
            BenchError: The cluster is gone, or a job is lost again and again.
        """
        setting = self._setting
        asked = Work(list(jobs), str(self.logs), setting.limits, setting.workers)
        return self._link.events(asked, lambda: self._stopping)


class Link:
    """A driver's hold on the process that speaks to Ray.

    Attributes:
        sent: What came of work while something else was asked.

    Raises:
        BenchError: Nobody answers at the address, or the cluster does not take this machine.
    """

    def __init__(self, address: str, runtime_env: dict[str, Any]):
        self.address = address
        self.sent: deque[Any] = deque()
        if address != ANY:
            _call(address)
        self._folder = tempfile.TemporaryDirectory(prefix="bench-ray-")
        slot = Slot("cpu", find_device("cpu"), None)
        log = Path(self._folder.name) / "ray.log"
        self.process = Process(slot, log, serve, address, runtime_env, Driver.here(moved="working_dir" in runtime_env))
        try:
            self.receive(JOIN_S)
        except BenchError:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self.process.alive

    def ask(self, method: Any, *arguments: Any) -> Any:
        """Return what a method of `Cluster` does.

        Raises:
            BenchError: It raises one, or the cluster is gone.
        """
        self.process.send(Ask(method, arguments))
        while not isinstance(message := self.receive(), Answer):
            self.sent.append(message)
        return message.value

    def events(self, asked: Work | Measures, stopping: Callable[[], bool]) -> Iterator[Any]:
        """Yield what comes of work until it is done, or is told to stop and has had `STOP_S` to do so.

        Raises:
            BenchError: It cannot be done, or the cluster is gone.
        """
        self.process.send(asked)
        told_at, open_ = float("inf"), True
        try:
            while open_:
                if told_at == float("inf") and stopping():
                    told_at = time.monotonic()
                    self.process.send(Stop())
                if time.monotonic() > told_at + STOP_S:
                    return
                if self.sent or self.process.poll(POLL_S):
                    message = self.next()
                    open_ = not isinstance(message, Done)
                    if open_:
                        yield message
                    elif message.line:
                        raise BenchError(message.line)
        finally:
            if open_:  # the process ends, and with it, by Ray, what it had begun
                self.close()

    def next(self) -> Any:
        """Return what comes next of work; raises as `receive`."""
        return self.sent.popleft() if self.sent else self.receive()

    def receive(self, limit_s: float | None = None) -> Any:
        """Return the next message.

        Raises:
            BenchError: It is a fault, there was none in ``limit_s``, or the process is gone, and so is the cluster.
        """
        try:
            message = self.process.receive(limit_s)
        except TimeoutError:
            raise BenchError(
                f"no cluster of Ray answers at {self.address} within {limit_s:g} s; "
                "name the head of one by --address HOST:PORT"
            ) from None
        except Died as died:
            message = Fault(str(died), gone=True)
        if not isinstance(message, Fault):
            return message
        if not message.gone:
            raise BenchError(message.line)
        self.close()
        raise BenchError(
            f"the cluster of Ray at {self.address} is lost ({message.line}); what ended is recorded, "
            "and when it answers again the same command goes on"
        )

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self._folder.cleanup()


def _call(address: str) -> None:
    """See that somebody answers at an address.

    Raises:
        BenchError: Nobody does within `CONNECT_S`, or it is none.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in address:
        raise BenchError(
            f"address {address!r}: expected HOST:PORT of a cluster's head, as ray start prints it, on a node of it"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BenchError(
            f"nobody answers at {address} ({reason}); name the head of a running cluster of Ray by --address HOST:PORT"
        ) from None


def read_runtime_env(file: str) -> dict[str, Any]:
    """Return a runtime environment, by the suffix of its file.

    Raises:
        BenchError: It cannot be read, or is no table.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
        read = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BenchError(
            f"--runtime-env {file}: cannot be read ({error.strerror}); name a file of TOML or JSON"
        ) from None
    except ValueError as error:
        raise BenchError(f"--runtime-env {file}: no TOML, or JSON where its name ends so ({error})") from None
    if not isinstance(read, dict):
        raise BenchError(f"--runtime-env {file}: expected a table with keys such as working_dir")
    return read


_links: dict[tuple[str, ...], Link] = {}


def _link(*named: str) -> Link:
    """Return the link to a cluster, as long as it lives: there is one at a time.

    Args:
        named: Its address, the file of the runtime environment, and the folder that is worked in.
    """
    require(RAY, "--executor ray")
    found = _links.get(named)
    if found is None or not found.alive:
        for other in _links.values():
            other.close()
        _links.clear()
        address, file, _ = named
        found = _links[named] = Link(address, read_runtime_env(file) if file else {})
    return found
