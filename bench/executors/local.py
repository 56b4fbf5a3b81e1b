"""This machine: one worker process a core or a GPU, each kept at work by a thread of its own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from bench.devices import ALL, default_workers, find_device, find_devices, usable_cores
from bench.errors import BenchError
from bench.executors import LOCAL
from bench.executors.base import Executor, Machines, Setting, executor
from bench.executors.runner import Limits, SlotRunner, Waiting
from bench.executors.seeing import see_backends
from bench.jobs import Event, Job
from bench.measurement import MeasureSpec
from bench.plan import Plan
from bench.process import Slot
from bench.provenance import Environment
from bench.record import RunSpec
from bench.throughput.benchmark import Terms, ThroughputResult, run_throughput


def make_slots(device_specs: Iterable[str], workers: int | None, jobs: int) -> list[Slot]:
    """Return places for workers: one a GPU (`ALL`: on each), the rest of ``workers`` on the CPU, a core each.

    Args:
        device_specs: Devices that the runs ask for; repeats count once.
        workers: How many workers in all; None for one a core, as far as a CPU quota and the free memory allow.
        jobs: No more workers than this are of use.

    Raises:
        BenchError: A device does not exist here, or the GPUs of `ALL` differ.
    """
    cores = usable_cores()
    total = max(1, min(workers or default_workers(len(cores)), jobs))
    named = [(spec, device) for spec in dict.fromkeys(device_specs) for device in find_devices(spec)]
    slots = [Slot("gpu" if spec == ALL else spec, device, None) for spec, device in named if device.kind != "cpu"]
    slots = slots[: max(jobs, 1)]
    for spec, device in named:
        if device.kind == "cpu":
            count = max(1, total - len(slots))
            slots += [Slot(spec, device, cores[i % len(cores)]) for i in range(count)]
    return slots


class LocalExecutor:
    """Runs jobs in worker processes of this machine.

    Args:
        slots: Where workers stand; each serves one backend after the other, as jobs ask for them.
        logs: Folder for what workers print.
        limits: Of each run.
    """

    def __init__(self, slots: Sequence[Slot], logs: Path, limits: Limits | None = None):
        self._slots = slots
        self.logs = logs
        self._limits = limits or Limits()
        self._events: SimpleQueue[Event | _Stop | _SlotDone] = SimpleQueue()

    @property
    def workers(self) -> int:
        """How many runs there are at once."""
        return len(self._slots)

    def stop(self) -> None:
        """End the workers; `run` yields what they had sent before, and ends."""
        self._events.put(_Stop())  # the one put that may interrupt another: see queue.SimpleQueue

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Yield events as workers send them; closing the iterator ends the workers."""
        self.logs.mkdir(parents=True, exist_ok=True)
        specs = {slot.device_spec for slot in self._slots}
        homeless = {job.device for job in jobs} - specs
        if homeless:
            raise BenchError(f"no worker for device {', '.join(sorted(homeless))}; name it in --device")
        waiting = {spec: Waiting(job for job in jobs if job.device == spec) for spec in specs}
        runners = [
            SlotRunner(
                slot,
                waiting[slot.device_spec],
                self._events.put,
                lambda error: self._events.put(_SlotDone(error)),
                self.logs / f"worker-{n}.log",
                self._limits,
            )
            for n, slot in enumerate(self._slots)
        ]
        for runner in runners:
            runner.start()
        try:
            working = len(runners)
            while working:
                event = self._events.get()
                if isinstance(event, _Stop):
                    for runner in runners:
                        runner.stop()
                elif isinstance(event, _SlotDone):
                    working -= 1
                    if event.error is not None:
                        raise event.error
                else:
                    yield event
        finally:
            for runner in runners:
                runner.stop()
            for runner in runners:
                runner.join()


@executor(LOCAL)
class Local(Executor):
    """This machine: a worker a core or a GPU."""

    def check(self, devices: Iterable[str]) -> None:
        """See that this machine has devices."""
        for name in devices:
            find_device(name)

    def environments(self, device: str, backend: str, stack: int) -> list[Environment]:
        """Return the one of this machine; none where it has no such device."""
        try:
            return [find_device(device).environment(backend, stack=stack)]
        except BenchError:  # a report of another machine's records needs none of its devices
            return []

    def see(self, plan: Plan, to_do: Iterable[RunSpec], logs: Path) -> None:
        """See that backends are installed here, and see the GPUs that they have runs to do on."""
        see_backends(plan, to_do, logs / "gpu.log")

    def start(self, jobs: Sequence[Job], setting: Setting) -> LocalExecutor:
        """Return workers for these jobs."""
        every = ALL in setting.devices
        asked = (ALL if every and job.device == "gpu" else job.device for job in jobs)
        return LocalExecutor(make_slots(asked, setting.workers, len(jobs)), setting.logs, setting.limits)

    def machines(self, device: str, backends: Sequence[str], workers: int | None) -> list[Machines]:
        """Return this machine."""
        hands = workers or default_workers(len(usable_cores()))
        return [Machines(tuple(find_device(device).environment(backend) for backend in backends), hands)]

    def measure(self, specs: Sequence[MeasureSpec], kinds: Mapping[str, Machines], terms: Terms) -> ThroughputResult:
        """Measure every spec here."""
        slots = make_slots((spec.device for spec in specs), terms.workers, len(specs))
        return run_throughput(specs, slots, terms)


class _Stop:
    """Asks the executor to end."""


@dataclass(frozen=True)
class _SlotDone:
    error: BaseException | None
