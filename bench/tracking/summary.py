"""What a sweep's own run says: of its suite before, of its outcome as it goes, and in tables at its end."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import Measurement
from bench.record import FINISHED
from bench.task import Task
from bench.tracking.items import NOTE, Artifact, Item, Metric, Record, Tag, milliseconds
from bench.tracking.notes import NOTE_LENGTH, markdown_table, shorten

if TYPE_CHECKING:
    import pandas as pd

    from bench.plan import Plan

THROUGHPUT = ["case", "device", "backend", "train_windows_per_s", "infer_windows_per_s", "latency_p50_s",
              "latency_p99_s", "processes"]  # fmt: skip
"""Columns of a measurement that a sweep's summary shows."""


@dataclass(frozen=True)
class Summary:
    """The end of a sweep, as `Mirror.finish` takes it."""

    report: Path | None
    description: str
    means: "pd.DataFrame"
    section: str


@dataclass
class Tally:
    """What the records of a sweep say together, as they come.

    Attributes:
        runs: The status of each run id; one that is finished stays so.
        measurements: The good ones, a process each.
        tasks: How many runs with a result and good measurements each case of a task has.
        ended_ms: When the last of them ended; None before there is one.
    """

    runs: dict[str, str] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    tasks: dict[Task, Counter[str]] = field(default_factory=dict)
    ended_ms: int | None = None

    def add(self, record: Record) -> None:
        """Count a record."""
        self.ended_ms = max(self.ended_ms or 0, milliseconds(record.provenance.ended_at))
        if record.task and record.status == "done":
            self.tasks.setdefault(record.task, Counter())[record.spec.case] += 1
        if isinstance(record, Measurement):
            if record.status == "done":
                self.measurements.append(record)
        elif self.runs.get(record.run_id) not in FINISHED or record.status in FINISHED:
            self.runs[record.run_id] = record.status

    def items(self) -> Iterator[Item]:
        """Yield how many runs are done, diverged and failed, as numbers and in words."""
        if not self.runs:
            return
        counts = Counter(status if status in FINISHED else "failed" for status in self.runs.values())
        words = [f"{counts[name]} {name}" for name in ("done", "diverged", "failed") if counts[name]]
        yield Tag("outcome", ", ".join(words))
        for name in ("done", "diverged", "failed"):
            yield Metric(f"sweep/{name}", float(counts[name]), self.ended_ms or 0)

    def throughput(self) -> "pd.DataFrame":
        """Return one row a case, device and backend, in the order of their names: what its processes say together."""
        import pandas as pd

        from bench.frames.measurements import measurement_row
        from bench.frames.selection import newest_processes

        table = pd.DataFrame(map(measurement_row, newest_processes(self.measurements)))[THROUGHPUT]
        table = table.sort_values(["case", "device", "backend"])
        return table.assign(case=[case.rpartition("/")[2] for case in table["case"]])


def summary_items(summary: Summary, tally: Tally) -> Iterator[Item]:
    """Yield the description, and the tables that the UI shows among the artifacts."""
    tables = {"means": summary.means}
    if tally.measurements:
        tables["throughput"] = tally.throughput()
    text = "\n\n".join([summary.description.strip(), *map(markdown_table, tables.values())])
    yield Tag(NOTE, shorten(text, NOTE_LENGTH))
    yield Tag("mlflow.loggedArtifacts", json.dumps([{"path": f"{name}.json", "type": "table"} for name in tables]))
    for name, frame in tables.items():
        content = frame.to_json(orient="split", index=False, date_format="iso", double_precision=15)
        yield Artifact(f"{name}.json", content.encode())


def sweep_params(plan: "Plan") -> dict[str, str]:
    """Return what a sweep's parent run says of its suite.

    All of it follows from the suite's digest: a param that is sent again with another value is refused.
    """
    suite = plan.suite
    told = {
        name: getattr(suite, name)
        for name in ("seeds", "data_seeds", "rank", "devices", "backends", "baseline", "metrics")
    }
    told |= {f"seeds_on.{backend}": seeds for backend, seeds in suite.seeds_on.items()}
    told |= suite.recipe.model_dump(exclude_none=True)
    texts = {name: ", ".join(map(str, v)) if isinstance(v, list) else str(v) for name, v in told.items()}
    return {"suite": suite.name} | {f"suite.{name}": text for name, text in texts.items() if text}
