"""What a throughput measurement is: what one fresh process of a case left, raw rounds and what is derived from them.

Schema history:
    1: first version.
    2: the whole task; ids digest what was set alone.
    3: of one process of several; single calls that shared their core are counted apart; nothing settles.
"""

from statistics import median
from typing import Literal

from bench import versions
from bench.digest import digest
from bench.provenance import Environment, Frozen, Provenance
from bench.record import Failure, PlacedCase, RunSpec
from bench.task import Task

MEASUREMENT_SCHEMA = 3
PROCESSES = 5
"""Fresh processes that a case is measured in; what its speed's interval is made of (see `bench.timing`)."""
INFERENCE_BATCH = 32
"""Windows in a batch of measured inference."""
ROUND_S = 0.1
"""Seconds that a round's work is cut to: a hundred times what a clock tick or a switch of processes takes."""

Kind = Literal["train", "infer"]


class MeasureSpec(PlacedCase):
    """What is measured: no seed, since none changes how long a step takes. Of a predictor, inference alone."""

    @property
    def measure_id(self) -> str:
        """Digest of what was set, versions included."""
        return digest(self.identity)


class Round(Frozen):
    """One timed stretch of equal work.

    Attributes:
        kind: Training steps at the recipe's batch, or forecasts of batches of `INFERENCE_BATCH` windows.
        number: From 0, warm-up rounds included.
        warm_up: Before the first round that counts.
        windows: Windows that went through it.
        wall_s: By `time.perf_counter`, the device synchronised at both ends.
        cpu_s: Process time; None on a GPU, where the process waits.
        energy_j: What the device used meanwhile, the rest of a CPU's package too; None where nothing tells it.
        contended: The round shared its core or its GPU; it was repeated, and is in no summary.
        compilations: Programs compiled inside the clock; 0, or the window was not clean.
        evaluations: Forecasts made inside the clock of a training round; 0, or the window was not clean.
    """

    kind: Kind
    number: int
    warm_up: bool
    windows: int
    wall_s: float
    cpu_s: float | None
    energy_j: float | None = None
    contended: bool
    compilations: int = 0
    evaluations: int = 0

    @property
    def counts(self) -> bool:
        """True where the round is part of the summary."""
        return not (self.warm_up or self.contended)


class Measurement(Frozen):
    """Everything that one process of a case left; `PROCESSES` of them make up what is known of its speed.

    Attributes:
        data_seed: Of the data that was timed.
        task: What its forecasts answer; None where that was not known yet.
        parameters: Numbers in the network; None for a predictor.
        model_bytes: Size of its weights; None for a predictor.
        rounds: All of them, in the order in which they were taken.
        latency_s: Each timed call of one window, in order, of those that had the core or the GPU to themselves.
        latency_contended: How many calls had not; they were repeated.
        build_s: Building the network, in a fresh process; fitting a predictor, the quickest of three tries in process
            time.
        compile_s: Tracing and compiling its epoch and its forecast, in a fresh process.
        peak_memory_bytes: Most memory that a fresh process held, which built, trained an epoch and forecast.
        base_memory_bytes: What that process held with the backend and the data loaded, before it built anything.
    """

    schema_version: int = MEASUREMENT_SCHEMA
    measure_id: str
    attempt: int = 1
    status: Literal["done", "failed"] = "done"
    spec: MeasureSpec
    data_seed: int
    task: Task | None = None
    parameters: int | None = None
    model_bytes: int | None = None
    rounds: tuple[Round, ...] = ()
    latency_s: tuple[float, ...] = ()
    latency_contended: int = 0
    build_s: float | None = None
    compile_s: float | None = None
    peak_memory_bytes: int | None = None
    base_memory_bytes: int | None = None
    failure: Failure | None = None
    environment: Environment
    provenance: Provenance

    @property
    def key(self) -> str:
        """Measure id, environment digest and attempt: the record's file name, never used twice."""
        return f"{self.measure_id}-{self.environment.digest}-{self.attempt}"

    def windows_per_s(self, kind: Kind) -> float | None:
        """Return this process's throughput: windows over seconds of the median round; None where no round counts."""
        speeds = self.speeds(kind)
        return median(speeds) if speeds else None

    def energy_of(self, kind: Kind) -> tuple[float, int]:
        """Return the joules of the counted rounds that tell them, and the windows that went through these."""
        told = [r for r in self.rounds if r.kind == kind and r.counts and r.energy_j is not None]
        return sum(r.energy_j or 0.0 for r in told), sum(r.windows for r in told)

    def speeds(self, kind: Kind) -> list[float]:
        """Return each counted round's windows per second."""
        return [r.windows / r.wall_s for r in self.rounds if r.kind == kind and r.counts]


def measure_spec(run: RunSpec) -> MeasureSpec:
    """Return what is measured for a run's case, device and backend."""
    fields = {name: getattr(run, name) for name in PlacedCase.model_fields if name != "metrics"}
    return MeasureSpec(**fields | {"versions": run.versions | {"throughput": versions.THROUGHPUT}})
