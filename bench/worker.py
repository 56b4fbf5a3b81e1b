"""The child's side: started for one device and one backend, it runs jobs and sends events to the driver."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from functools import partial
from hashlib import sha256
from multiprocessing.connection import Connection
from typing import Any

from bench import faults
from bench.cases.base import component, make_dataset, make_model
from bench.child_process import RUN_MARK, requests
from bench.datasets.base import Dataset
from bench.datasets.loaded import BadData, Loaded, check_batch, load
from bench.engines.base import NO_ENGINE, Program, load_engine
from bench.environment import now, provenance
from bench.errors import BenchError
from bench.jobs import DataChecked, EpochEnded, Event, Idle, Job, RunEnded, RunStarted
from bench.kept import digest_of as digest_of_kept
from bench.models.base import Network, Predictor
from bench.process import Slot
from bench.record import Failure, LearningCurve, RunRecord, RunSpec, Status, Timing
from bench.scoring import positions_of
from bench.task import Split, Splits
from bench.training import Diverged, Outcome, make_program, predict, train

KEPT_DATASETS = 3
"""Data sets that a worker keeps, the latest ones."""


@dataclass
class Trial:
    """What is known of a run so far; its record is made of this, whatever happened.

    Attributes:
        spent: Seconds outside the training loop, under the names of `Timing`.
        curve: Epochs that a diverged run finished.
        kept: What goes into the file beside the record, as `bench.kept.Kept` writes it.
    """

    spec: RunSpec
    slot: Slot
    started_at: str = field(default_factory=now)
    status: Status = "done"
    failure: Failure | None = None
    splits: Splits | None = None
    data_notes: tuple[str, ...] = ()
    data_digest: str = ""
    noise_floors: dict[str, float] = field(default_factory=dict)
    positions: tuple[int, ...] | None = None
    outcome: Outcome | None = None
    curve: LearningCurve = field(default_factory=LearningCurve)
    spent: dict[str, float] = field(default_factory=dict)
    total_s: float = 0.0
    kept: bytes = b""

    def record(self, *, loaded: bool = False) -> RunRecord:
        """Return the record; without an outcome it says why there is none.

        ``loaded``: this process has what the run's backend needs, so its environment is told as found.
        """
        environment = self.slot.device.environment(self.spec.backend, loaded=loaded)
        fields: dict[str, Any] = {"curve": self.curve, "timing": Timing(total_s=self.total_s)}
        if self.splits is not None:
            fields["task"] = self.splits.valid.task
            splits = {"train": self.splits.train} | self.splits.evaluated()
            fields["windows"] = {name: len(split.x) for name, split in splits.items()}
        if self.outcome is not None:
            fields |= {f.name: getattr(self.outcome, f.name) for f in dataclass_fields(self.outcome)}
            fields["timing"] = self._timing(self.outcome.timing)
            fields["kept"] = digest_of_kept(self.kept) if self.kept else ""
        return RunRecord(
            run_id=self.spec.run_id,
            attempt=1,
            status=self.status,
            spec=self.spec,
            noise_floors=self.noise_floors,
            positions=self.positions,
            data_notes=self.data_notes,
            data_digest=self.data_digest,
            failure=self.failure,
            environment=environment,
            provenance=provenance(self.started_at, now(), self.slot.core, self.slot.device.facts()),
            **fields,
        )

    def _timing(self, timing: Timing) -> Timing:
        """Return the training loop's account with the rest of the run put in."""
        other_s = timing.other_s + self.total_s - timing.total_s - sum(self.spent.values())
        on_cpu = self.slot.device.kind == "cpu"  # on a GPU the process waits, and its own time says nothing
        shared = timing.cpu_over_wall if on_cpu else None
        return timing.model_copy(
            update={**self.spent, "other_s": other_s, "total_s": self.total_s, "cpu_over_wall": shared}
        )


class Worker:
    """What one worker process keeps between jobs."""

    def __init__(self, slot: Slot, send: Callable[[Event | Idle], None]):
        self.slot = slot
        self.send = send
        self._data: dict[tuple[str, int], tuple[Loaded, str] | BadData] = {}
        self._imported = False
        self._program: Program | None = None
        self._trained_on: Split | None = None

    def run(self, job: Job) -> None:
        """Run every spec of a job, in order, and send what happens."""
        for spec in job.specs:
            self.send(RunStarted(spec))
            with contextlib.suppress(OSError):  # a full disk costs a log, not a run
                print(f"{RUN_MARK} {spec.run_id} {spec.case}", flush=True)
            trial, started = Trial(spec, self.slot), time.perf_counter()
            try:
                self._try(trial)
                assert trial.outcome is not None
                trial.kept = trial.outcome.kept.to_bytes()
            except Diverged as error:
                trial.status, trial.failure, trial.curve = "diverged", Failure(reason=str(error)), error.curve
            except BadData as error:
                trial.status, trial.failure = "failed", error.failure
                self.send(DataChecked(spec, fault=str(error)))
            except BaseException as error:  # a run that raises, or asks to exit, is a record, and the next run goes on
                trial.status, trial.failure = "failed", Failure.of(error)
            trial.total_s = time.perf_counter() - started
            faults.point("worker.ran")
            loaded = self._imported if spec.backend != NO_ENGINE else True
            record = trial.record(loaded=loaded and self.slot.serves(spec.backend))
            self.send(RunEnded(record, trial.kept))
            faults.point("worker.sent")
        if self._program is not None:
            self._program.close()
            self._program = None

    def _try(self, trial: Trial) -> None:
        """Make or reuse the data and the program, train and evaluate; fill in the trial on the way.

        Raises:
            BenchError: The run asks for a backend that this process was not started for.
        """
        spec = trial.spec
        if not self.slot.serves(spec.backend):
            raise BenchError(f"this worker serves {self.slot.backend}, not {spec.backend}; give the run another worker")
        dataset = make_dataset(spec.dataset.name, spec.dataset.all_params)
        model = make_model(spec.model.name, spec.model.all_params)
        trial.noise_floors = dict(dataset.noise_floors)
        self._load(trial, dataset)
        assert trial.splits is not None
        if spec.recipe is not None:
            check_batch(dataset, trial.splits, spec.recipe.batch_size)
        trial.positions = positions_of(model, trial.splits.valid.task)
        if isinstance(model, Predictor):
            trial.outcome = predict(model, trial.splits, spec.metrics)
            return
        assert isinstance(model, Network)
        assert spec.recipe is not None
        assert spec.model_seed is not None
        self._import_backend(trial)
        if self._program is None:
            self._program = make_program(spec.backend, model, spec.recipe, trial.splits)
            trial.spent["build_s"] = self._program.build_s
        elif self._trained_on is not trial.splits.train:
            self._program.use(trial.splits.train)
        self._trained_on = trial.splits.train
        progress = partial(self._progress, spec.run_id)
        trial.outcome = train(model, spec.recipe, trial.splits, self._program, spec.model_seed, progress, spec.metrics)

    def _progress(self, run_id: str, epoch: int, epochs: int) -> None:
        self.send(EpochEnded(run_id, epoch, epochs))

    def _load(self, trial: Trial, dataset: Dataset) -> None:
        """Put in the data set, made now or kept from an earlier run.

        Raises:
            BadData: No run can use them.
            BenchError: A file that the data come from is another than the one that was planned with.
        """
        planned, data_seed = trial.spec.dataset, trial.spec.data_seed
        if component(dataset).contents != planned.contents:
            raise BenchError(f"dataset {planned.name!r}: its file has changed since the run was planned; run it again")
        key = (planned.model_dump_json(), data_seed)
        if key not in self._data:
            started = time.perf_counter()
            if len(self._data) >= KEPT_DATASETS:
                self._data.pop(next(iter(self._data)))
            try:
                loaded = load(dataset, data_seed)
                self._data[key] = loaded, digest_of(loaded.splits)
                if loaded.warnings:
                    self.send(DataChecked(trial.spec, warnings=loaded.warnings))
            except BadData as error:
                self._data[key] = error
            trial.spent["data_s"] = time.perf_counter() - started
        kept = self._data[key]
        if isinstance(kept, BadData):
            raise kept
        loaded, trial.data_digest = kept
        trial.splits, trial.data_notes = loaded.splits, loaded.warnings

    def _import_backend(self, trial: Trial) -> None:
        """Import the backend, the first time.

        Raises:
            BenchError: The worker was started for a GPU that the backend does not see.
        """
        if not self._imported:
            started = time.perf_counter()
            load_engine(trial.spec.backend, self.slot.device.kind)
            self._imported = True
            trial.spent["import_s"] = time.perf_counter() - started


def digest_of(splits: Splits) -> str:
    """Return a digest of every array of a data set."""
    total = sha256()
    for split in (splits.train, splits.valid, splits.test, *splits.extra.values()):
        total.update(split.x.tobytes())
        total.update(split.y.tobytes())
        if split.mask is not None:
            total.update(split.mask.tobytes())
    return total.hexdigest()[:16]


def work(connection: Connection, slot: Slot) -> None:
    """Be the worker of a process: run jobs as they come, and say `Idle` before each and after the last."""
    worker = Worker(slot, connection.send)
    worker.send(Idle())
    for job in requests(connection):
        worker.run(job)
        worker.send(Idle())
