"""A tracker in memory, and records to send it: what tests of the mirror need."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench.measurement import Measurement, Round, measure_spec
from bench.record import Failure, RunRecord, Score
from bench.tracking import Mirror, Outcome
from bench.tracking.client import Run
from bench.tracking.items import Item, Record, Tag
from tests.fakes import ENVIRONMENT, TASKS, fake_case, fake_record, fake_spec

MEANS = pd.DataFrame({"case": ["rnn", "naive"], "valid MSE": [0.003, 0.02], "windows_per_s": [40_000.0, None]})
EXPERIMENT, SWEEP = "chapter15", "chapter15-ab12cd34"


def sync(made: Iterable[Record], uri: str, experiment: str, sweep: str, **options: Any) -> Outcome:
    """Send what is missing and wait for it, as the verb does."""
    mirror = Mirror(uri, experiment, sweep, **options)
    for record in made:
        mirror.send(record)
    return mirror.close(None)


class FakeTracker:
    """Keeps runs in memory; raises at the calls whose numbers are listed, from 1, or at every call."""

    def __init__(self, fail_at: Iterable[int] = (), always: bool = False):
        self.fail_at, self.always = set(fail_at), always
        self.calls: list[str] = []
        self.runs: dict[str, dict[str, object]] = {}
        self.experiment_tags: dict[str, str] = {}

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.always or len(self.calls) in self.fail_at:
            raise ConnectionError("refused by http://user:secret@host")

    def open(self, experiment: str) -> None:
        self._call("open")

    def tag_experiment(self, tags: Iterable[Tag]) -> None:
        self._call("tag_experiment")
        self.experiment_tags |= {tag.key: tag.value for tag in tags}

    def find(self, tags: Mapping[str, str]) -> Run | None:
        self._call("find")
        found = [i for i, r in self.runs.items() if tags.items() <= r["tags"].items()]
        return Run(found[0], self.runs[found[0]]["tags"]) if found else None

    def create(self, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        self._call("create")
        run_id = f"run{len(self.runs)}"
        self.runs[run_id] = {"name": name, "tags": dict(tags), "items": set(), "status": "RUNNING"}
        return run_id

    def log(self, run_id: str, items: Iterable[Item]) -> None:
        self._call("log")
        run = self.runs[run_id]
        for item in items:
            run["items"].add(item)
            if isinstance(item, Tag):
                run["tags"][item.key] = item.value

    def log_folder(self, run_id: str, folder: Path, path: str) -> None:
        self._call("log_folder")

    def set_status(self, run_id: str, status: str, end_ms: int | None = None) -> None:
        self._call("set_status")
        self.runs[run_id]["status"] = status

    def of_kind(self, kind: str) -> list[dict[str, object]]:
        return [r for r in self.runs.values() if r["tags"]["bench.kind"] == kind]


def send(tracker: FakeTracker, records: Iterable[Record], finish: bool = False) -> tuple[Outcome, list[str]]:
    warnings: list[str] = []
    mirror = Mirror("http://user:secret@host/?token=x", EXPERIMENT, SWEEP, warn=warnings.append, tracker=tracker)
    for record in records:
        mirror.send(record)
    if finish:
        mirror.finish(None, "Opening.", MEANS)
    return mirror.close(60), warnings


def records(n: int = 3) -> list[RunRecord]:
    return [fake_record("fake/rnn", seed) for seed in range(n)]


def fake_measurement(
    case: str = "fake/gru", *, task: str = "every_step", reason: str = "", **change: Any
) -> Measurement:
    """Return a measurement of three counted rounds, or a failed one where it has a reason."""
    spec = measure_spec(fake_spec(fake_case(case, task=task)))
    shared: dict[str, Any] = {
        "measure_id": spec.measure_id,
        "spec": spec,
        "data_seed": 42,
        "task": TASKS[task],
        "environment": ENVIRONMENT,
        "provenance": fake_record().provenance,
    }
    if reason:
        return Measurement(**shared, status="failed", failure=Failure(reason=reason))
    walls = [(0.9, True, False), (0.2, False, False), (0.5, False, True), (0.1, False, False), (0.4, False, False)]
    rounds = [
        Round(kind="train", number=n, warm_up=warm, windows=320, wall_s=wall, cpu_s=wall, contended=contended)
        for n, (wall, warm, contended) in enumerate(walls)
    ]
    infer = Round(kind="infer", number=0, warm_up=False, windows=32, wall_s=0.01, cpu_s=0.01, contended=False)
    numbers: dict[str, Any] = {
        "parameters": 1000,
        "model_bytes": 4000,
        "rounds": (*rounds, infer),
        "latency_s": tuple(0.001 * n for n in range(1, 101)),
        "build_s": 0.3,
        "compile_s": 1.8,
        "peak_memory_bytes": 500_000_000,
        "base_memory_bytes": 400_000_000,
    }
    return Measurement(**shared | numbers | change)


HOSTILE = [
    "a|b",
    "`code` ```",
    "line\nbreak # heading",
    "nul\0",
    "x" * 300,
    "🤖 emoji",
    "../../etc/passwd",
    "..",
    "/absolute",
    "",
    " ",
    "<script>alert(1)</script>",
    "$math$ and \\frac$",
    'it\'s "quoted"',
    "[link](http://host) **bold** _it_",
]
"""Names that a plug-in or a record's text may hold."""


def hostile_record(name: str) -> RunRecord:
    """Return a record in which everything that has a name has this one."""
    record = fake_record()
    params = {name: name, "nested": {name: 1, name + "2": name}}
    spec = record.spec.model_copy(
        update={
            "case": name,
            "dataset": record.spec.dataset.model_copy(update={"name": name, "params": params}),
            "model": record.spec.model.model_copy(update={"name": name, "params": params}),
        }
    )
    scores = [
        Score(name, weights, *score)
        for weights in ("last", "best")
        for score in (
            (name, "", "", 1.0),
            ("groups", "", name, 1.0),
            ("groups", name, "3", 2.0),
            ("groups", "a", name, 3.0),
            ("groups", "a", "9" * 30, 3.0),
            ("targets", "target", name, 4.0),
            ("nan", "", "", float("nan")),
        )
    ]
    curve = record.curve.model_copy(update={"valid": {name: record.curve.train_loss}})
    change = {
        "run_id": spec.run_id,
        "spec": spec,
        "task": replace(record.task, name=name),
        "data_digest": "d" * 16,
        "scores": tuple(scores),
        "curve": curve,
        "failure": Failure(reason=name, details=name),
    }
    return record.model_copy(update=change)


def with_data(record: RunRecord) -> RunRecord:
    """Return a record with a digest of its data."""
    return record.model_copy(update={"data_digest": "d" * 16})
