"""The words between a driver and its workers: jobs go out, events come back as they happen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.record import RunRecord, RunSpec


@dataclass(frozen=True)
class Job:
    """Runs of one case on one device and backend, which share one compiled program.

    Attributes:
        specs: The runs.
        stack: So many of them that program trains together.
        weights: Their weights are wanted.
    """

    specs: tuple[RunSpec, ...]
    stack: int = 1
    weights: bool = False

    @property
    def device(self) -> str:
        """The device that all its runs ask for."""
        return self.specs[0].device

    @property
    def backend(self) -> str:
        """The backend that all its runs ask for."""
        return self.specs[0].backend


@dataclass(frozen=True)
class RunStarted:
    """A worker began a run, or a stack of runs.

    Attributes:
        spec: Of the run.
        beside: Of those that train together with it.
    """

    spec: RunSpec
    beside: tuple[RunSpec, ...] = ()

    @property
    def specs(self) -> tuple[RunSpec, ...]:
        """All of them."""
        return (self.spec, *self.beside)


@dataclass(frozen=True)
class EpochEnded:
    """A run has ``epoch`` of ``epochs`` behind it; of a stack, one speaks for all."""

    run_id: str
    epoch: int
    epochs: int


@dataclass(frozen=True)
class RunEnded:
    """A run is over; its record is not stored yet.

    Attributes:
        kept: What goes into the file beside the record; empty for nothing.
        weights: Those of its best epoch, as a file has them; empty for none.
    """

    record: RunRecord
    kept: bytes = b""
    weights: bytes = b""


@dataclass(frozen=True)
class DataChecked:
    """A worker has looked at the data of a run, and has something to say of them.

    Attributes:
        spec: Of the run.
        fault: Why it cannot use them, the reason of its failure; empty where it can.
        warnings: What it can use but which says little; once a worker.
    """

    spec: RunSpec
    fault: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackHalved:
    """A stack was too wide for the device's memory: its runs are begun again, ``stack`` at a time."""

    spec: RunSpec
    stack: int


@dataclass(frozen=True)
class NoRoom:
    """Nothing is there that could run what is left: ``line`` says what is missing. The sweep waits for it."""

    line: str


@dataclass(frozen=True)
class Idle:
    """A worker waits for a job: it has just been set up, or has done one."""


Event = RunStarted | EpochEnded | DataChecked | StackHalved | NoRoom | RunEnded


def make_jobs(
    specs: Sequence[RunSpec], stack_of: Callable[[RunSpec], int] = lambda _: 1, *, weights: bool = False
) -> list[Job]:
    """Group runs into jobs, predictors first: they are done in no time and give the first rows.

    Runs of a network go together over all data seeds, since they share its compiled program, which trains as many of
    them at once as ``stack_of`` says. ``weights``: those of networks are wanted.
    """

    def shared(spec: RunSpec) -> tuple[str, int | None, str, str]:
        alone = spec.data_seed if spec.model_seed is None else None
        return (spec.case, alone, spec.device, spec.backend)

    groups = [tuple(group) for _, group in groupby(specs, key=shared)]
    jobs = [Job(group, stack_of(group[0]), weights) for group in groups]
    return sorted(jobs, key=lambda job: job.specs[0].model_seed is not None)
