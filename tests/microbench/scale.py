"""What many runs cost the driver: run in a process of its own, so that the most memory it held is theirs.

``python -m tests.microbench.scale RUNS FOLDER`` prints a JSON of seconds of CPU and of memory. The runs are fakes: 64
workers that answer at once, with records as long as those of a short training. Where the folder has records already,
they are read: what a report alone costs is seen by calling this twice.

``python -m tests.microbench.scale RUNS FOLDER lag`` prints how far behind the answers store, mirror and report are.
"""

import json
import resource
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np

from bench.cases.in_place import InPlaceCase
from bench.commands import Selection
from bench.devices import find_device
from bench.estimates import pace_of, remaining_s
from bench.jobs import Event, Job, RunEnded, make_jobs
from bench.plan import Plan
from bench.record import RunRecord, RunSpec, Score
from bench.stale import find_stale
from bench.store import Store
from bench.suite import Suite
from bench.sweep import run_sweep
from bench.tracking import Mirror, sweep_params
from bench.tracking.items import Item, Tag
from bench.tracking.sending import KEY, SENT
from tests import plugins  # noqa: F401  # registers the data
from tests.fakes import fake_record

WORKERS = 64
SEEDS_A_CASE = 100


def suite_of(runs: int) -> Suite:
    """Return a suite of so many runs: cases of a hundred seeds each, and a baseline."""
    cases = [
        InPlaceCase(
            name=f"scale/{n:04}", dataset="test_ramps", model="linear",
            recipe={"learning_rate": 0.001 * (n + 1), "epochs": 20}, label=f"linear {n:04}",
        )
        for n in range(max(1, runs // SEEDS_A_CASE))
    ]  # fmt: skip
    naive = InPlaceCase(name="scale/naive", dataset="test_ramps", model="naive")
    seeds = list(range(min(runs, SEEDS_A_CASE)))
    return Suite(name="scale", cases=[naive, *cases], seeds=seeds, data_seeds=[1], throughput=False)


class Answering:
    """An executor whose workers answer at once."""

    workers = WORKERS
    logs = Path()

    def __init__(self, plan: Plan) -> None:
        self._cases = {case.name: case for case in plan.cases}
        self._templates: dict[str, RunRecord] = {}

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        for job in jobs:
            for spec in job.specs:
                yield RunEnded(self._record(spec))

    def stop(self) -> None:
        """Nothing runs."""

    def _record(self, spec: RunSpec) -> RunRecord:
        """Return a record of a spec: all alike but for the scores."""
        if spec.case not in self._templates:
            made = fake_record(spec.case, 1, mse=0.01, mae=0.1)
            changes = {"task": self._cases[spec.case].task, "environment": find_device("cpu").environment(spec.backend)}
            self._templates[spec.case] = made.model_copy(update=changes)
        factor = float(np.random.default_rng([spec.model_seed or 0, len(spec.case)]).lognormal(sigma=0.1))
        known = self._templates[spec.case]
        scores = tuple(Score(*s[:-1], s.value * factor) for s in known.scores)
        return known.model_copy(update={"spec": spec, "run_id": spec.run_id, "scores": scores})


class Nowhere:
    """Mirrors nothing."""

    def send(self, record: RunRecord) -> None:
        """Do nothing."""


class Clocked(Answering):
    """Notes when each answer comes: 64 at once, and then a worker's next as soon as its last was taken."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self.answered: dict[str, float] = {}

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        due = deque([time.process_time()] * WORKERS)
        for event in super().run(jobs):
            if isinstance(event, RunEnded):
                self.answered[event.record.run_id] = due.popleft()
            yield event
            due.append(time.process_time())


class InMemory:
    """A tracker that keeps nothing; notes when all of a record has arrived, by its key."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}

    def open(self, experiment: str) -> None:
        """Do nothing."""

    def tag_experiment(self, tags: Iterable[Tag]) -> None:
        """Do nothing."""

    def find(self, tags: Mapping[str, str]) -> None:
        """Find nothing."""

    def create(self, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        return tags.get(KEY, name)

    def log(self, run_id: str, items: Iterable[Item]) -> None:
        if Tag(SENT, "yes") in list(items):
            self.arrived[run_id] = time.process_time()

    def log_folder(self, run_id: str, folder: Path, path: str) -> None:
        """Do nothing."""

    def set_status(self, run_id: str, status: str, end_ms: int | None = None) -> None:
        """Do nothing."""


def lag(runs: int, folder: Path) -> dict[str, float]:
    """Return by how many CPU seconds of this process store, mirror and report lag behind the answers of 64 workers.

    In the median and at most; of the report until tables that hold the run are written, as they are while a sweep runs.
    What MLflow itself takes is not in it.
    """
    suite = suite_of(runs)
    chosen = Selection("lag", suite, suite, folder / "results", folder / "reports")
    store, tracker = Store(chosen.results), InMemory()
    store.prepare()
    plan = chosen.plan(store, records=[])
    workers, stored, written = Clocked(plan), dict[str, float](), list[tuple[float, float]]()
    mirror = Mirror("", suite.name, suite.digest, params=sweep_params(plan), tracker=tracker)

    class Sink:
        def send(self, record: RunRecord) -> None:
            stored[record.key] = time.process_time()
            mirror.send(record)

    def refresh() -> None:
        began = time.process_time()
        chosen.write_report(chosen.plan(store), figures=False, provisional=True)
        written.append((began, time.process_time()))

    sweep = run_sweep(make_jobs(plan.specs), workers, store, Sink(), refresh=refresh, now=time.process_time)
    refresh()  # the report comes at the end of the sweep, and does not wait for the mirror
    outcome = mirror.close(None)
    assert (sweep.recorded, outcome.sent) == (len(plan.specs), len(plan.specs))
    answered = {record.key: workers.answered[record.run_id] for record in sweep.records}
    shown = {key: next(ended for began, ended in written if began >= stored[key]) for key in answered}
    lags = {
        name: [at[key] - answered[key] for key in answered]
        for name, at in (("store", stored), ("mirror", tracker.arrived), ("report", shown))
    }
    return {f"{name}, {word}": of(lags[name]) for name in lags for word, of in (("median", median), ("most", max))}


def measure(runs: int, folder: Path, upto: str = "") -> dict[str, float]:
    """Return what each step cost, in seconds of CPU, and the most memory of all of them, in bytes."""
    cost: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        cost[f"{name}_s"] = round(time.process_time() - began, 3)
        cost[f"{name}_peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    suite = suite_of(runs)
    chosen = Selection("scale", suite, suite, folder / "results", folder / "reports")
    store = Store(chosen.results)
    if not store.folder.exists():
        store.prepare()
        with step("plan"):
            plan = chosen.plan(store, records=[])
            missing = plan.missing
        with step("sweep"):
            sweep = run_sweep(make_jobs(missing), Answering(plan), store, Nowhere())
        assert sweep.recorded == len(plan.specs)
        del sweep, plan, missing
    with step("read"):
        records = store.read()
    with step("bench_plan"):
        plan = chosen.plan(store, records=records)
        plan.states({s.spec.run_id for s in find_stale(plan.missing, records)})
        remaining_s(plan.missing, pace_of(records, chosen.reports), WORKERS)
    assert len(plan.done) == len(plan.specs)
    with step("tables"):
        chosen.write_report(plan, figures=False, provisional=True)
    if upto == "tables":
        return cost
    with step("report"):
        chosen.write_report(plan)
    return cost


if __name__ == "__main__":
    what = lag if sys.argv[3:] == ["lag"] else measure
    print(json.dumps(what(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3 + (what is lag) :])))
