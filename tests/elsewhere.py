"""An executor that runs nothing: other machines that answer at once, each with an environment of its own."""

from dataclasses import dataclass, field
from typing import ClassVar

from bench.devices import find_device
from bench.executors.base import Executor, Machines, executors
from bench.jobs import EpochEnded, RunEnded, RunStarted
from bench.throughput.benchmark import LeftOut, MachineLost, ThroughputResult
from tests.fakes import fake_measurement, fake_record

LOGS = "what was printed elsewhere"


def environment_of(backend, cpu="Other CPU"):
    return find_device("cpu").environment(backend).model_copy(update={"cpu": cpu})


def record_of(spec, cpu="Other CPU", **changes):
    """Return a record of a spec, as a machine with another processor gives it."""
    made = fake_record(spec.case, spec.model_seed)
    fields = {"spec": spec, "run_id": spec.run_id, "environment": environment_of(spec.backend, cpu)}
    return made.model_copy(update=fields | changes)


@dataclass
class Answering:
    """Runs that end as soon as they are begun, each on the next of some machines."""

    cpus: tuple[str, ...]
    setting: object
    stop_after: int | None = None
    status: str = "done"
    stopped: bool = False
    closed: bool = False
    workers: int = 64

    @property
    def logs(self):
        return LOGS

    def stop(self):
        self.stopped = True

    def run(self, jobs):
        try:
            for n, spec in enumerate(spec for job in jobs for spec in job.specs):
                if n == self.stop_after:
                    self.stop()
                if self.stopped:
                    return
                yield RunStarted(spec)
                yield EpochEnded(spec.run_id, 1, 1)
                yield RunEnded(record_of(spec, self.cpus[n % len(self.cpus)], status=self.status))
        finally:
            self.closed = True


@dataclass
class Elsewhere(Executor):
    """Machines by the names of their processors."""

    cpus: tuple[str, ...] = ("Other CPU",)
    options: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    started: list = field(default_factory=list)
    address: str = ""
    measuring: bool = False
    losing: int = 0

    takes: ClassVar = {"--address": "address"}

    def check(self, devices):
        self.asked.append(("check", *devices))

    def environments(self, device, backend, stack):
        return [environment_of(backend, cpu) for cpu in self.cpus]

    def see(self, plan, to_do, logs):
        self.asked.append(("see", len(to_do)))

    def start(self, jobs, setting):
        self.started.append(Answering(self.cpus, setting, **self.options))
        return self.started[-1]

    def machines(self, device, backends, workers):
        each = dict.fromkeys(self.cpus) if self.measuring else ()
        return [Machines(tuple(environment_of(b, cpu) for b in backends), named="a whole node") for cpu in each]

    def measure(self, specs, kinds, terms):
        result = ThroughputResult(len(specs))
        if self.losing:
            terms.on_event(MachineLost("node lost (12345678) is lost"))
            terms.on_event(LeftOut(self.losing))
            result.left_out = self.losing
        for spec in specs[self.losing :]:
            one = next(e for e in kinds[spec.device].environments if e.backend == spec.backend)
            result.take(fake_measurement(spec, one), terms)
        return result


def registered(monkeypatch, **fields):
    """Register such an executor as ``elsewhere`` for the length of a test."""
    made = Elsewhere(**fields)
    monkeypatch.setattr(Elsewhere, "name", "elsewhere")
    executors.names()
    monkeypatch.setitem(executors._entries, "elsewhere", made)
    monkeypatch.setitem(executors._origins, "elsewhere", __name__)
    return made
