"""The child's side: started for one device and one core, it runs jobs and sends events to the driver."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.cases.base import make_dataset, make_model
from bench.environment import environment, provenance
from bench.jobs import EpochEnded, Event, Job, RunEnded, RunStarted, Slot
from bench.models.base import Network, Predictor
from bench.record import Component, Environment, Failure, RunRecord, RunSpec, Status
from bench.task import Splits
from bench.training import Diverged, Outcome, make_program, predict, train

BACKEND_VARIABLES = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


class Worker:
    """What one worker process keeps between jobs."""

    def __init__(self, slot: Slot, send: Callable[[Event], None]):
        self.slot = slot
        self.send = send
        self._data: dict[tuple[str, int], tuple[Splits, str]] = {}
        self._import_s: float | None = None

    def run(self, job: Job) -> None:
        """Run every spec of a job, in order, and send what happens."""
        program = None
        for spec in job.specs:
            self.send(RunStarted(spec))
            started_at, started = _now(), time.perf_counter()
            extra: dict[str, float] = {}
            splits: Splits | None = None
            outcome: Outcome | None = None
            status: Status = "done"
            failure = None
            data_digest = ""
            floor = None
            try:
                dataset = make_dataset(spec.dataset.name, spec.dataset.params)
                model = make_model(spec.model.name, spec.model.params)
                floor = dataset.noise_floor_mse
                (splits, data_digest), extra["data_s"] = self._splits(spec.dataset, spec.data_seed)
                if isinstance(model, Predictor):
                    outcome = predict(model, splits)
                else:
                    assert isinstance(model, Network)
                    assert spec.recipe is not None
                    assert spec.model_seed is not None
                    extra["import_s"] = self._import_backend(spec.backend)
                    if program is None:
                        program = make_program(spec.backend, model, spec.recipe, splits)
                        extra["build_s"] = program.build_s
                    outcome = train(model, spec.recipe, splits, program, spec.model_seed, self._progress(spec))
            except Diverged as error:
                status, failure = "diverged", Failure(reason=str(error))
            except Exception as error:  # a run that raises is a record, and the next run goes on
                details = "".join(traceback.format_exc().splitlines(keepends=True)[-15:])
                reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                status, failure = "failed", Failure(reason=reason[:300], details=details)
            total = time.perf_counter() - started
            self.send(
                RunEnded(
                    make_record(
                        spec,
                        self.slot,
                        status,
                        started_at,
                        outcome=outcome,
                        failure=failure,
                        splits=splits,
                        floor=floor,
                        data_digest=data_digest,
                        extra=extra,
                        total_s=total,
                    )
                )
            )
        if program is not None:
            program.close()

    def _progress(self, spec: RunSpec) -> Callable[[int, int], None]:
        run_id = spec.run_id
        return lambda epoch, epochs: self.send(EpochEnded(run_id, epoch, epochs))

    def _splits(self, dataset: Component, data_seed: int) -> tuple[tuple[Splits, str], float]:
        """Return the splits, their digest and the seconds that making them took (0 if kept)."""
        key = (dataset.model_dump_json(), data_seed)
        if key in self._data:
            return self._data[key], 0.0
        started = time.perf_counter()
        splits = make_dataset(dataset.name, dataset.params).load(data_seed)
        if len(self._data) >= 3:
            self._data.pop(next(iter(self._data)))
        self._data[key] = splits, digest_of(splits)
        return self._data[key], time.perf_counter() - started

    def _import_backend(self, backend: str) -> float:
        """Import keras on its backend; return the seconds the first time, then 0."""
        if self._import_s is not None:
            return 0.0
        started = time.perf_counter()
        os.environ["KERAS_BACKEND"] = backend
        import keras

        keras.config.set_floatx("float32")
        self._import_s = time.perf_counter() - started
        return self._import_s


def slot_environment(spec: RunSpec, slot: Slot) -> Environment:
    """Return the environment of a run in a slot: known without importing the backend."""
    if spec.backend == "numpy":
        return environment("numpy", "cpu", "", 1)
    name = "" if slot.device.kind == "cpu" else slot.device.name
    return environment(spec.backend, slot.device.kind, name, slot.threads)


def make_record(
    spec: RunSpec,
    slot: Slot,
    status: Status,
    started_at: str,
    *,
    outcome: Outcome | None = None,
    failure: Failure | None = None,
    splits: Splits | None = None,
    floor: float | None = None,
    data_digest: str = "",
    extra: dict[str, float] | None = None,
    total_s: float = 0.0,
) -> RunRecord:
    """Put together what a run left; without an outcome, a record of why there is none."""
    fields: dict[str, Any] = {}
    if splits is not None:
        task = splits.valid.task
        fields["task"] = {
            "name": task.name,
            "target": str(task.target),
            "input_length": task.input_length,
            "features": task.features,
            "horizon": task.horizon,
            "question": task.question,
        }
    if outcome is not None:
        spent = {k: v for k, v in (extra or {}).items() if v}
        rest = total_s - outcome.timing.total_s - sum(spent.values())
        timing = outcome.timing.model_copy(
            update={**spent, "other_s": outcome.timing.other_s + rest, "total_s": total_s}
        )
        fields |= {
            "scores_last": outcome.scores_last,
            "scores_best": outcome.scores_best,
            "best_epoch": outcome.best_epoch,
            "curve": outcome.curve,
            "sample": outcome.sample,
            "parameters": outcome.parameters,
            "train_windows": outcome.train_windows,
            "timing": timing,
        }
    return RunRecord(
        run_id=spec.run_id,
        attempt=1,
        status=status,
        spec=spec,
        noise_floor_mse=floor,
        data_digest=data_digest,
        failure=failure,
        environment=slot_environment(spec, slot),
        provenance=provenance(started_at, _now(), slot.core),
        **fields,
    )


def digest_of(splits: Splits) -> str:
    """Return a digest of every array of a data set."""
    total = sha256()
    for split in (splits.train, splits.valid, splits.test, *splits.extra.values()):
        total.update(split.x.tobytes())
        total.update(split.y.tobytes())
    return total.hexdigest()[:16]


_worker: Worker | None = None


def start(slot: Slot, connection: Connection, log: Path) -> None:
    """Set up this process: its log, its device, its core, and a watch on the driver.

    Called by the pool in each new process before it takes work.
    """
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.environ.update(BACKEND_VARIABLES | slot.device.variables)
    if slot.threads:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
                 "TF_NUM_INTEROP_THREADS")  # fmt: skip
        os.environ.update({name: str(slot.threads) for name in names})
    if slot.core is not None and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {slot.core})
    threading.Thread(target=_leave_with_driver, daemon=True).start()
    lock = threading.Lock()

    def send(event: Event) -> None:
        with lock:
            connection.send(event)

    _worker = Worker(slot, send)


def run_job(job: Job) -> None:
    """Run a job in this process's worker."""
    assert _worker is not None
    _worker.run(job)


def _leave_with_driver() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(3)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
