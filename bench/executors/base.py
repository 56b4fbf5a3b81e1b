"""What a sweep needs of an executor, and what an executor is: where jobs can be run, one file each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, Self, TypeVar

from bench.errors import BenchError
from bench.executors.runner import Limits
from bench.jobs import Event, Job
from bench.measurement import MeasureSpec
from bench.pasting import Option
from bench.plan import Plan
from bench.provenance import Environment
from bench.record import RunSpec
from bench.registry import Registry
from bench.throughput.benchmark import Terms, ThroughputResult


@dataclass(frozen=True)
class Setting:
    """How a command wants its jobs run.

    Attributes:
        devices: As the suite names them.
        logs: A folder for what workers print.
        workers: Runs at once; None for as many as the executor finds room for.
        limits: Of each run.
    """

    devices: tuple[str, ...]
    logs: Path
    workers: int | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Machines:
    """Machines of one kind, each of which can be held whole to measure throughput.

    Attributes:
        environments: That processes have there on one device, one of each backend that was asked for.
        workers: Cases that prepare at once on one of them, as far as is known beforehand.
        number: How many there are.
        named: What they are called.
    """

    environments: tuple[Environment, ...]
    workers: int = 1
    number: int = 1
    named: str = "this machine"

    @property
    def digests(self) -> tuple[str, ...]:
        """What names the kind."""
        return tuple(environment.digest for environment in self.environments)


class Running(Protocol):
    """An executor that was given its setting.

    Attributes:
        workers: How many runs it has room for at once.
        logs: Where what workers print can be read.
    """

    @property
    def workers(self) -> int: ...  # noqa: D102

    @property
    def logs(self) -> Path: ...  # noqa: D102

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Yield events until every run of every job has ended; closing the iterator stops the work.

        When the iterator has ended, however it did, nothing of it runs any more.
        """

    def stop(self) -> None:
        """End the work: no run is begun any more, and the iterator ends after what is done already.

        A signal handler calls this, so it must return at once and take no lock.
        """


class Executor:
    """Where jobs can be run. A subclass is a plug-in.

    Attributes:
        name: What ``--executor`` calls it.
        takes: Options of a command that are its own, such as ``--address``, each with the field that holds it.
    """

    name = ""
    takes: ClassVar[Mapping[str, str]] = {}

    def told(self, options: Iterable[Option]) -> Self:
        """Return it as options of a command want it.

        Raises:
            BenchError: It takes no such option.
        """
        given = dict(options)
        for option in given:
            if option not in self.takes:
                also = f"; it takes {', '.join(self.takes)}" if self.takes else ""
                raise BenchError(f"executor {self.name} takes no {option}{also}")
        return type(self)(**{self.takes[option]: value for option, value in given.items()}) if given else self

    def check(self, devices: Iterable[str]) -> None:
        """See that devices, as a suite names them, are there.

        Raises:
            BenchError: One is not.
        """
        raise NotImplementedError

    def environments(self, device: str, backend: str, stack: int) -> Iterable[Environment]:
        """Return the environments that runs can have there; none where there is no such device.

        Args:
            device: As a suite names it.
            backend: Name of an engine, or of none.
            stack: Seeds in one program.
        """
        raise NotImplementedError

    def see(self, plan: Plan, to_do: Iterable[RunSpec], logs: Path) -> None:
        """See that what a plan needs is installed there, before anything runs.

        Args:
            plan: All of it.
            to_do: Its runs that are to be made now.
            logs: Where what is tried for that prints.

        Raises:
            BenchError: Something is missing, so that its runs would fail one by one.
        """
        raise NotImplementedError

    def start(self, jobs: Sequence[Job], setting: Setting) -> Running:
        """Return what runs these jobs; nothing is started before `Running.run`.

        Raises:
            BenchError: There is no room for them.
        """
        raise NotImplementedError

    def machines(self, device: str, backends: Sequence[str], workers: int | None) -> list[Machines]:
        """Return the machines that throughput can be measured on, by kind; none where it measures none.

        Args:
            device: As a suite names it.
            backends: Names of engines, or of none, that each of them is to have.
            workers: Cases that are to prepare at once; None for as many as there is room for.
        """
        return []

    def measure(self, specs: Sequence[MeasureSpec], kinds: Mapping[str, Machines], terms: Terms) -> ThroughputResult:
        """Measure every spec, each on a machine that is held whole meanwhile; as `run_throughput`.

        Args:
            specs: What to measure, each as often as processes of it are wanted.
            kinds: The machines of each device, of `machines`; no others are used.
            terms: How it is wanted; its store and sink are called here alone.
        """
        raise NotImplementedError


executors: Registry[Executor] = Registry("executor", "bench.executors")

E = TypeVar("E", bound=type[Executor])


def executor(name: str) -> Callable[[E], E]:
    """Register an `Executor` subclass as ``--executor NAME``."""

    def decorate(cls: E) -> E:
        cls.name = name
        executors.add(name, cls(), cls)
        return cls

    return decorate
