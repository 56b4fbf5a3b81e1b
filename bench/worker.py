"""The child's side: started for one device and one backend, it runs jobs and sends events to the driver."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from multiprocessing.connection import Connection

from bench import faults
from bench.cases.base import component, make_dataset, make_model
from bench.child_process import RUN_MARK, requests
from bench.datasets.base import Dataset
from bench.datasets.loaded import BadData, Loaded, check_batch, load
from bench.engines.base import NO_ENGINE, Engine, Program, Stack, load_engine
from bench.errors import BenchError
from bench.jobs import DataChecked, EpochEnded, Event, Idle, Job, RunEnded, RunStarted, StackHalved
from bench.kept import weights_to_bytes
from bench.models.base import Network, Predictor
from bench.process import Slot
from bench.scoring import positions_of
from bench.stacked_training import Lane, train_together
from bench.task import Split, Splits
from bench.training import Diverged, Outcome, make_program, predict, train
from bench.trial import Trial
from bench.windows import parts

KEPT_DATASETS = 3
"""Data sets that a worker keeps, the latest ones."""


class _TooWide(Exception):
    """Memory does not hold a stack."""


class Worker:
    """What one worker process keeps between jobs."""

    def __init__(self, slot: Slot, send: Callable[[Event | Idle], None]):
        self.slot = slot
        self.send = send
        self._data: dict[tuple[str, int], tuple[Loaded, str] | BadData] = {}
        self._engine: Engine | None = None
        self._program: Program | None = None
        self._stack: Stack | None = None
        self._trained_on: Split | None = None

    def run(self, job: Job) -> None:
        """Run every spec of a job, in order, one by one or in stacks, and send what happens."""
        left, stack, asked = list(job.specs), job.stack, 0
        while left:
            trials = [Trial(spec, self.slot, stack=stack, stack_asked=asked) for spec in left[:stack]]
            self.send(RunStarted(trials[0].spec, tuple(trial.spec for trial in trials[1:])))
            with contextlib.suppress(OSError):  # a full disk costs a log, not a run
                for trial in trials:
                    print(f"{RUN_MARK} {trial.spec.run_id} {trial.spec.case}", flush=True)
            try:
                self._run(trials, weights=job.weights)
            except _TooWide:
                stack, asked = stack // 2, job.stack
                self.send(StackHalved(trials[0].spec, stack))
            else:
                left = left[len(trials) :]
        self._close()

    def _run(self, trials: list[Trial], *, weights: bool = False) -> None:
        """Run one spec, or several together, and send their records, with their weights where these are wanted.

        Raises:
            _TooWide: Memory does not hold so many; nothing was sent of them.
        """
        started = time.perf_counter()
        for trial in trials:
            with self._caught(trial):
                self._prepare(trial)
        ready = [trial for trial in trials if trial.model is not None]
        if trials[0].stack == 1:
            for trial in ready:
                with self._caught(trial):
                    self._train(trial)
        else:
            self._train_together(ready)
        for trial in trials:
            if trial.outcome is not None:
                with self._caught(trial):
                    trial.kept = trial.outcome.kept.to_bytes()
                    if weights and trial.outcome.weights:
                        trial.weights = weights_to_bytes(trial.outcome.weights)
        shares = ready or trials
        spent = {name: sum(t.spent.get(name, 0.0) for t in shares) for t in shares for name in t.spent}
        total_s = time.perf_counter() - started
        for trial in shares:
            trial.total_s, trial.spent = total_s / len(shares), {name: s / len(shares) for name, s in spent.items()}
        for trial in trials:
            faults.point("worker.ran")
            loaded = self._engine is not None if trial.spec.backend != NO_ENGINE else True
            record = trial.record(loaded=loaded and self.slot.serves(trial.spec.backend))
            self.send(RunEnded(record, trial.kept, trial.weights))
            faults.point("worker.sent")

    @contextlib.contextmanager
    def _caught(self, trial: Trial) -> Iterator[None]:
        """Make a failure of the run of what is raised within, or asks to exit, so that the next run goes on."""
        try:
            yield
        except BaseException as error:
            self._fail(trial, error)

    def _fail(self, trial: Trial, error: BaseException) -> None:
        trial.fail(error)
        if isinstance(error, BadData):
            self.send(DataChecked(trial.spec, fault=str(error)))

    def _prepare(self, trial: Trial) -> None:
        """Make or reuse the data, and make the model; fill in the trial on the way.

        Raises:
            BadData: No run can use them.
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
        trial.model = model

    def _train(self, trial: Trial) -> None:
        """Make or reuse the program, train and evaluate, or fit; fill in the trial on the way."""
        spec, splits = trial.spec, trial.splits
        assert splits is not None
        if isinstance(trial.model, Predictor):
            trial.outcome = predict(trial.model, splits, spec.metrics)
            return
        assert isinstance(trial.model, Network)
        assert spec.recipe is not None
        assert spec.model_seed is not None
        self._import_backend(trial)
        if self._program is None:
            self._program = make_program(spec.backend, trial.model, spec.recipe, splits)
            trial.spent["build_s"] = self._program.build_s
        elif self._trained_on is not splits.train:
            self._program.use(splits.train)
        self._trained_on = splits.train
        progress = partial(self._progress, spec.run_id)
        trial.outcome = train(trial.model, spec.recipe, splits, self._program, spec.model_seed, progress, spec.metrics)

    def _train_together(self, trials: list[Trial]) -> None:
        """Train a stack of runs of one case, or several where their data have unlike shapes; fill in the trials.

        Raises:
            _TooWide: Memory does not hold it.
        """
        alike: dict[object, list[Trial]] = {}
        for trial in trials:
            alike.setdefault(_shapes(trial), []).append(trial)
        too_wide = False
        for group in alike.values():
            try:
                for trial, outcome in zip(group, self._stacked(group), strict=True):
                    if isinstance(outcome, Diverged):
                        trial.fail(outcome)
                    else:
                        trial.outcome = outcome
            except BaseException as error:
                too_wide = too_wide or (self._engine is not None and self._engine.lacks_memory(error))
                for trial in group:
                    self._fail(trial, error)
        if too_wide:  # said only here, where the error holds none of the memory any more
            self._close()
            raise _TooWide

    def _stacked(self, trials: list[Trial]) -> list[Outcome | Diverged]:
        """Make or reuse the stack, train and evaluate; return what each run gave."""
        first = trials[0]
        spec, model, recipe, splits = first.spec, first.model, first.spec.recipe, first.splits
        assert isinstance(model, Network)
        assert recipe is not None
        assert splits is not None
        engine = self._import_backend(first)
        if self._stack is None:
            self._stack = engine.make_stack(model, recipe, splits.train.task, splits.valid.task, first.stack)
            first.spent["build_s"] = self._stack.build_s
        lanes = [Lane(t.spec.model_seed, t.splits) for t in trials if t.splits and t.spec.model_seed is not None]
        heard: set[int] = set()

        def progress(lane: int, epoch: int, epochs: int) -> None:
            if epoch not in heard:
                heard.add(epoch)
                self._progress(trials[lane].spec.run_id, epoch, epochs)

        return train_together(model, recipe, lanes, self._stack, progress, spec.metrics)

    def _close(self) -> None:
        """Let go of what was compiled for a case."""
        for held in (self._program, self._stack):
            if held is not None:
                held.close()
        self._program = self._stack = None

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

    def _import_backend(self, trial: Trial) -> Engine:
        """Import the backend, the first time, and return its engine.

        Raises:
            BenchError: The worker was started for a GPU that the backend does not see.
        """
        if self._engine is None:
            started = time.perf_counter()
            self._engine = load_engine(trial.spec.backend, self.slot.device.kind)
            trial.spent["import_s"] = time.perf_counter() - started
        return self._engine


def _shapes(trial: Trial) -> object:
    """Return what the data of a stack's lanes have in common."""
    assert trial.splits is not None
    splits = {"train": trial.splits.train} | trial.splits.evaluated()
    return tuple(
        (name, *(tuple(p.shape for p in parts(each)) for each in (split.x, split.y)), split.mask is None)
        for name, split in splits.items()
    )


def digest_of(splits: Splits) -> str:
    """Return a digest of every array of a data set."""
    total = sha256()
    for split in (splits.train, splits.valid, splits.test, *splits.extra.values()):
        for array in (*parts(split.x), *parts(split.y), *([] if split.mask is None else [split.mask])):
            total.update(array.tobytes())
    return total.hexdigest()[:16]


def work(connection: Connection, slot: Slot) -> None:
    """Be the worker of a process: run jobs as they come, and say `Idle` before each and after the last."""
    worker = Worker(slot, connection.send)
    worker.send(Idle())
    for job in requests(connection):
        worker.run(job)
        worker.send(Idle())
