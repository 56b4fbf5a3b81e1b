"""A cluster of Ray as a driver's link sees it: what its nodes are, and the work that is given to them.

A task whose node is lost is not begun anew by Ray, which would run again what has ended: what is left of its job is
given out again here.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from bench.errors import BenchError
from bench.executors import ray_node
from bench.executors.base import Machines
from bench.executors.ray_node import Driver, Waits
from bench.executors.runner import Limits
from bench.jobs import Event, Job, NoRoom, RunEnded
from bench.measurement import Measurement, MeasureSpec
from bench.provenance import Environment
from bench.record import Component
from bench.throughput.benchmark import LeftOut, MachineLost, passes

POLL_S = 0.1
"""How often it looks whether it is to stop."""
LOOK_S = 2.0
"""How often it asks how many cores the cluster has."""
NODE_S = 120.0
"""So long a node may take to answer what it is."""
DEAD_S = 60.0
"""So long the cluster may take to find out that a node is lost."""
LOSSES = 10
"""How often a job may be lost with its node before the sweep ends: then no node is to blame."""


@dataclass(frozen=True)
class Work:
    """Asks to run jobs, answered by events and then by `Done`; meanwhile it can be asked, and told to `Stop`."""

    jobs: Sequence[Job]
    logs: str
    limits: Limits
    workers: int | None


@dataclass(frozen=True)
class Measures:
    """Asks to measure throughput, answered as `Work`, by measurements and what was in their way."""

    specs: Sequence[MeasureSpec]
    kinds: Mapping[str, Machines]
    data_seed: int
    logs: str
    workers: int | None


@dataclass(frozen=True)
class Spared:
    """So many processes are not measured, since their cases failed before."""

    number: int


MeasureEvent = Measurement | Waits | MachineLost | Spared | LeftOut


class Gone(Exception):
    """The cluster no longer answers."""


@dataclass
class Cluster:
    """A cluster as it is seen from here.

    Attributes:
        ray: The library, connected.
        driver: What tasks take over.
        environments_of: What a node told of itself, by its number and what was asked; it is asked once.
    """

    ray: Any
    driver: Driver
    environments_of: dict[tuple[Any, ...], Environment | None] = field(default_factory=dict)

    @property
    def head(self) -> str:
        """The address of its head."""
        return str(self.ray.get_runtime_context().gcs_address)

    def resources(self) -> dict[str, float]:
        """Return how much it has of each resource, such as ``"CPU"``."""
        found: dict[str, float] = self.ray.cluster_resources()
        return found

    def environments(self, kind: str, backend: str, stack: int) -> list[Environment]:
        """Return those that runs have on its nodes, each once; of a node that is lost, too, if it was asked before."""
        known = self._environments(self.ray.nodes(), kind, backend, stack)
        return list({e.digest: e for e in known if e is not None}.values())

    def machines(self, device: str, backends: Sequence[str], workers: int | None) -> list[Machines]:
        """Return the nodes that have a device and these backends, by kind; one without a core of its own is none."""
        kinds: dict[tuple[str, ...], Machines] = {}
        for node, found in self._whole(device, backends):
            here = Machines(found, min(workers or cores_of(node), cores_of(node)))
            known = kinds.setdefault(here.digests, replace(here, number=0))
            hands, number = min(known.workers, here.workers), known.number + 1
            named = f"{number} whole node{'s' * (number > 1)}"
            kinds[here.digests] = replace(known, workers=hands, number=number, named=named)
        return list(kinds.values())

    def see(self, backends: Sequence[str], datasets: Sequence[Component]) -> None:
        """See that each node has the package, backends and data that runs need.

        Raises:
            BenchError: One lacks something; the message names it.
        """
        nodes = self.ray.nodes()
        names = {n["NodeID"]: n["NodeManagerHostname"] for n in nodes}
        alive = [n for n in nodes if n["Alive"]]
        for node, lack in self._on_each(alive, ray_node.lacks, backends, datasets).items():
            if lack:
                raise BenchError(f"node {names[node]} ({node[:8]}): {lack}")

    def work(self, asked: Work, told: Callable[[], bool]) -> Iterator[Event]:
        """Yield events as tasks send them; what a lost node leaves of a job is given to another one.

        Args:
            asked: The jobs.
            told: Whether it is to stop.

        Raises:
            BenchError: A job was lost again and again, or a node lacks what it needs.
        """
        ray, waiting = self.ray, list(reversed(asked.jobs))
        under_way: dict[Any, Job] = {}
        ended: set[str] = set()
        losses: Counter[str] = Counter()
        room, looked, lacking = 1, float("-inf"), ""
        task = ray.remote(max_retries=0)(ray_node.work)
        try:
            while (waiting or under_way) and not told():
                if time.monotonic() > looked + LOOK_S:  # nodes come and go
                    there, looked = self.resources(), time.monotonic()
                    room = asked.workers or max(1, int(there.get("CPU", 1)))
                    lacked, lacking = lacking, _lacking(there, [*waiting, *under_way.values()])
                    if lacking and lacking != lacked:
                        yield NoRoom(f"no node of the cluster has a {lacking} now; the runs go on when one joins")
                while waiting and len(under_way) < room:
                    job = waiting.pop()
                    gpus = 0 if job.device == "cpu" else 1
                    options = {"num_returns": "streaming", "num_cpus": 1, "num_gpus": gpus}
                    sent = task.options(**options).remote(self.driver, job, asked.logs, asked.limits)
                    under_way[sent] = job
                for sent in ray.wait(list(under_way), timeout=POLL_S)[0]:
                    try:
                        event = ray.get(next(sent))
                    except StopIteration:
                        del under_way[sent]
                    except ray.exceptions.RayError as error:
                        waiting += self._left(under_way.pop(sent), ended, losses, error)
                    else:
                        if isinstance(event, RunEnded):
                            ended.add(event.record.run_id)
                        yield event
        finally:
            for sent in under_way:
                with suppress(Exception):
                    ray.cancel(sent, force=True)

    def _left(self, job: Job, ended: set[str], losses: Counter[str], error: Exception) -> list[Job]:
        """Return what is left of the job of a lost task, one job or none, and count the loss.

        Raises:
            BenchError: It was lost too often, or its node lacked what it needs.
            Gone: This machine's own part of the cluster has ended.
        """
        self._see_connected(error)
        if isinstance(cause := getattr(error, "cause", None), BenchError):
            raise BenchError(str(cause)) from None
        left = tuple(spec for spec in job.specs if spec.run_id not in ended)
        if not left:
            return []
        losses[left[0].run_id] += 1
        if losses[left[0].run_id] > LOSSES:
            raise BenchError(f"case {left[0].case!r} was lost {LOSSES} times: {line_of(error)}") from None
        return [replace(job, specs=left)]

    def measure(self, asked: Measures, told: Callable[[], bool]) -> Iterator[MeasureEvent]:
        """Yield measurements as tasks send them, device by device; arguments and errors as of `work`.

        A task is a pass over all cases, so that each case has a process on each node, and takes a node of the kind
        whole. What a lost node leaves of its pass is given to another one, as long as there is one.
        """
        for device in dict.fromkeys(spec.device for spec in asked.specs):
            ours = [spec for spec in asked.specs if spec.device == device]
            stopped = yield from self._measure(device, ours, asked, told)
            if stopped:
                return

    def _measure(
        self, device: str, specs: Sequence[MeasureSpec], asked: Measures, told: Callable[[], bool]
    ) -> Generator[MeasureEvent, None, bool]:
        """Yield the measurements of one device; return whether it was stopped."""
        ray, waiting, stopped = self.ray, deque(passes(specs)), False
        free: deque[Any] = deque()
        if kind := asked.kinds.get(device):
            there = self._whole(device, [each.backend for each in kind.environments])
            free.extend(node for node, found in there if Machines(found).digests == kind.digests)
        under_way: dict[Any, tuple[Any, list[MeasureSpec]]] = {}
        failed: set[str] = set()
        task = ray.remote(max_retries=0)(ray_node.measure)
        try:
            while (under_way or (waiting and free)) and not (stopped := told()):
                while waiting and free:
                    part = waiting.popleft()
                    left = [spec for spec in part if spec.measure_id not in failed]
                    if len(left) < len(part):
                        yield Spared(len(part) - len(left))
                    if not left:
                        continue
                    node = free.popleft()
                    workers = min(asked.workers or cores_of(node), cores_of(node))
                    options = {"num_returns": "streaming", **whole_of(node, device)}
                    sent = task.options(**options).remote(self.driver, left, asked.data_seed, asked.logs, workers)
                    under_way[sent] = node, left
                for sent in ray.wait(list(under_way), timeout=POLL_S)[0] if under_way else []:
                    node, left = under_way[sent]
                    try:
                        message = ray.get(next(sent))
                    except StopIteration:
                        del under_way[sent]
                        free.append(node)
                    except ray.exceptions.RayError as error:
                        del under_way[sent]
                        self._see_connected(error)
                        cause = getattr(error, "cause", None)
                        lost = f"node {node['NodeManagerHostname']} ({node['NodeID'][:8]}) is lost: {line_of(error)}"
                        yield MachineLost(str(cause) if isinstance(cause, BenchError) else lost)
                        waiting.extendleft([left] if left else [])
                    else:
                        if isinstance(message, Measurement):
                            left[:] = [spec for spec in left if spec.measure_id != message.measure_id]
                            failed |= {message.measure_id} if message.status == "failed" else set()
                        yield message
            left_out = [spec for part in waiting for spec in part if spec.measure_id not in failed]
            if left_out and not stopped:
                yield LeftOut(len(left_out))
        finally:
            for sent in under_way:
                with suppress(Exception):
                    ray.cancel(sent, force=True)
        return stopped

    def _environments(self, nodes: Sequence[Any], kind: str, backend: str, stack: int) -> list[Environment | None]:
        """Return the environment of each of these nodes; None where it has none, or is lost and was never asked."""
        asked = kind, backend, stack
        new = [n for n in nodes if n["Alive"] and (n["NodeID"], *asked) not in self.environments_of]
        for node, found in self._on_each(new, ray_node.environment_here, *asked).items():
            self.environments_of[node, *asked] = found
        return [self.environments_of.get((n["NodeID"], *asked)) for n in nodes]

    def _whole(self, device: str, backends: Sequence[str]) -> list[tuple[Any, tuple[Environment, ...]]]:
        """Return the nodes that have a core and a device, and what the environments of these backends are there."""
        kind = device.partition(":")[0]
        needs = {"CPU"} if kind == "cpu" else {"CPU", "GPU"}
        nodes = [n for n in self.ray.nodes() if n["Alive"] and all(n["Resources"].get(name, 0) >= 1 for name in needs)]
        told = [self._environments(nodes, kind, backend, 1) for backend in backends]
        each = zip(*told, strict=True) if told else ((),) * len(nodes)
        return [(node, tuple(e for e in found if e)) for node, found in zip(nodes, each, strict=True) if all(found)]

    def _on_each(self, nodes: Sequence[Any], function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Call a function on each of these nodes; return what it gives by the node's number.

        Raises:
            BenchError: A node that lives does not answer.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        ray, asked, answers = self.ray, {}, {}
        for node in nodes:
            options = {"num_cpus": 0, "scheduling_strategy": On(node["NodeID"], soft=False)}
            asked[node["NodeID"]] = ray.remote(**options)(function).remote(self.driver, *arguments)
        for node in nodes:
            number = node["NodeID"]
            try:
                answers[number] = ray.get(asked[number], timeout=NODE_S)
            except ray.exceptions.RayError as error:
                self._see_connected(error)
                if not self._is_lost(number, error):
                    name = node["NodeManagerHostname"]
                    raise BenchError(f"node {name} ({number[:8]}) does not answer: {line_of(error)}") from None
        return answers

    def _is_lost(self, number: str, error: Exception) -> bool:
        """Return whether a node that gave no answer is no more; the cluster may take a while to say so."""
        until = time.monotonic() + (0 if isinstance(error, self.ray.exceptions.RayTaskError) else DEAD_S)
        while any(n["NodeID"] == number and n["Alive"] for n in self.ray.nodes()):
            if time.monotonic() > until:
                return False
            time.sleep(POLL_S)
        return True

    def _see_connected(self, error: Exception) -> None:
        """Raise Gone where this machine's own part of the cluster has ended."""
        if isinstance(error, self.ray.exceptions.LocalRayletDiedError):
            raise Gone("this machine's node of it has ended")


def _lacking(there: Mapping[str, float], jobs: Sequence[Job]) -> str:
    """Return what a cluster has none of and each of these jobs asks for; empty where some can be run."""
    if there.get("CPU", 0) < 1:
        return "core"
    return "GPU" if there.get("GPU", 0) < 1 and all(job.device != "cpu" for job in jobs) else ""


def cores_of(node: Any) -> int:
    """Return how many cores a node has."""
    return int(node["Resources"]["CPU"])


def whole_of(node: Any, device: str) -> dict[str, Any]:
    """Return the options of a task that has all cores of a node, and all its cards where the device is one."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    cards = 0 if device == "cpu" else node["Resources"]["GPU"]
    on = On(node["NodeID"], soft=False)
    return {"num_cpus": node["Resources"]["CPU"], "num_gpus": cards, "scheduling_strategy": on}


def line_of(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
