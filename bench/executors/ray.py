"""A cluster of Ray: a task is one job, which asks for a core or a card; Ray places it and begins it again elsewhere.

``RAY_ADDRESS`` names the cluster, as for every program of Ray. Each node has this package and the data where the driver
has them. A task runs its job in a worker of its node, so that records are those of a sweep there.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.devices import find_device
from bench.engines.base import NO_ENGINE
from bench.errors import BenchError
from bench.executors.base import Executor, Setting, executor
from bench.executors.local import LocalExecutor, make_slots
from bench.executors.runner import Limits
from bench.extras import RAY, require
from bench.jobs import Event, Job, RunEnded
from bench.plan import Plan
from bench.provenance import Environment
from bench.record import RunSpec

POLL_S = 0.2
"""How often the driver looks whether it is to stop."""
LOST_S = 300.0
"""So long a node may take to answer what it is."""
LOSSES = 10
"""How often a job may be lost with its node before the sweep ends: then no node is to blame."""


@executor("ray")
class Ray(Executor):
    """A cluster of Ray, by RAY_ADDRESS: a task a job."""

    def check(self, devices: Iterable[str]) -> None:
        """See that the cluster has what devices stand for: cores, and a card where one is asked for."""
        there = _ray().cluster_resources()
        for name in devices:
            kind, _, number = name.partition(":")
            if number not in ("", "0"):
                raise BenchError(f"device {name!r}: Ray chooses the card; write gpu")
            if kind != "cpu" and not there.get("GPU"):
                raise BenchError(f"device {name!r}: no node of the cluster has a GPU that Ray knows of")

    def environments(self, device: str, backend: str, stack: int) -> list[Environment]:
        """Return those of all nodes, each once."""
        found = _on_each_node(_environment, device.partition(":")[0], backend, stack)
        return list({e.digest: e for e in found.values() if e is not None}.values())

    def see(self, plan: Plan, to_do: Iterable[RunSpec], logs: Path) -> None:
        """See that each node has the backends that the runs need."""
        for backend in sorted({spec.backend for spec in to_do} - {NO_ENGINE}):
            for node, found in _on_each_node(_environment, "cpu", backend, 1).items():
                if found is None or not found.backend_version:
                    raise BenchError(f"node {node}: backend {backend} is not installed there")

    def start(self, jobs: Sequence[Job], setting: Setting) -> "RayExecutor":
        """Return what gives these jobs to the cluster."""
        return RayExecutor(setting)


class RayExecutor:
    """Gives jobs to a cluster and yields what they send.

    Args:
        setting: Its ``workers`` is the most tasks at once; None for as many as the cluster has cores.
    """

    def __init__(self, setting: Setting):
        self._setting = setting
        self._stopping = False
        self.workers = setting.workers or max(1, int(_ray().cluster_resources().get("CPU", 1)))
        self.logs = setting.logs

    def stop(self) -> None:
        """End the tasks; `run` ends after what they had sent."""
        self._stopping = True

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Yield events as tasks send them; what a lost node leaves of a job is given to another one."""
        ray, waiting = _ray(), list(reversed(jobs))
        under_way: dict[Any, Job] = {}
        ended: set[str] = set()
        losses: Counter[str] = Counter()
        task = ray.remote(max_retries=0)(_work)
        try:
            while (waiting or under_way) and not self._stopping:
                while waiting and len(under_way) < self.workers:
                    job = waiting.pop()
                    gpus = 0 if job.device == "cpu" else 1
                    options = {"num_returns": "streaming", "num_cpus": 1, "num_gpus": gpus}
                    under_way[task.options(**options).remote(job, str(self.logs), self._setting.limits)] = job
                ready, _ = ray.wait(list(under_way), timeout=POLL_S)
                for sent in ready:
                    job = under_way[sent]
                    try:
                        event = ray.get(next(sent))
                    except StopIteration:
                        del under_way[sent]
                        continue
                    except ray.exceptions.RayError as error:
                        del under_way[sent]
                        left = tuple(spec for spec in job.specs if spec.run_id not in ended)
                        if left:
                            losses[left[0].run_id] += 1
                            if losses[left[0].run_id] > LOSSES:
                                line = " ".join(str(error).split())[:200]
                                raise BenchError(f"case {left[0].case!r} was lost {LOSSES} times: {line}") from None
                            waiting.append(replace(job, specs=left))
                        continue
                    if isinstance(event, RunEnded):
                        ended.add(event.record.run_id)
                    yield event
        finally:
            for sent in under_way:
                ray.cancel(sent, force=True)


def _work(job: Job, logs: str, limits: Limits) -> Iterator[Event]:
    """Run a job in a worker of this node; Ray, and not a core, keeps it from its neighbours."""
    slots = [replace(slot, core=None) for slot in make_slots([job.device], 1, 1)]
    folder = Path(logs) / f"task-{time.time_ns()}"
    yield from LocalExecutor(slots, folder, limits).run([job])


def _environment(kind: str, backend: str, stack: int) -> Environment | None:
    try:
        return find_device(kind).environment(backend, stack=stack)
    except BenchError:
        return None


def _on_each_node(function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Call a function on each node that lives; return what it gives by the node's name.

    Raises:
        BenchError: A node does not answer.
    """
    ray = _ray()
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

    asked = {}
    for node in ray.nodes():
        if node["Alive"]:
            options = {"num_cpus": 0, "scheduling_strategy": On(node["NodeID"], soft=False)}
            asked[node["NodeManagerHostname"]] = ray.remote(**options)(function).remote(*arguments)
    answers = {}
    for name, answer in asked.items():
        try:
            answers[name] = ray.get(answer, timeout=LOST_S)
        except ray.exceptions.RayError as error:
            raise BenchError(f"node {name} does not answer: {' '.join(str(error).split())[:200]}") from None
    return answers


def _ray() -> Any:
    """Return Ray, connected to the cluster that ``RAY_ADDRESS`` names, else to one that it begins here.

    Raises:
        BenchError: It is not installed, or nobody answers at the address.
    """
    require(RAY, "--executor ray")
    import ray

    if not ray.is_initialized():
        try:
            ray.init(log_to_driver=False, configure_logging=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise BenchError(f"no cluster of Ray: {' '.join(str(error).split())[:200]}") from None
    return ray
