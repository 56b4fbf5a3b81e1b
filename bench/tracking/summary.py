"""What a sweep's own run says: of its suite before, of its outcome as it goes, and in tables at its end."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measurement import Measurement
from bench.record import FINISHED
from bench.tracking.items import NOTE, Artifact, Item, Metric, Tag, milliseconds
from bench.tracking.notes import NOTE_LENGTH, markdown_table, shorten
from bench.tracking.sending import Record

if TYPE_CHECKING:
    import pandas as pd

    from bench.plan import Plan


@dataclass(frozen=True)
class Summary:
    """The end of a sweep, as `Mirror.finish` takes it."""

    report: Path | None
    description: str
    means: "pd.DataFrame"


@dataclass
class Tally:
    """What the records of a sweep say together, as they come.

    Attributes:
        runs: The status of each run id; one that is finished stays so.
        measurements: The last good measurement of each case, device and backend.
        ended_ms: When the last of them ended; None before there is one.
    """

    runs: dict[str, str] = field(default_factory=dict)
    measurements: dict[tuple[str, str, str], Measurement] = field(default_factory=dict)
    ended_ms: int | None = None

    def add(self, record: Record) -> None:
        """Count a record."""
        self.ended_ms = max(self.ended_ms or 0, milliseconds(record.provenance.ended_at))
        if isinstance(record, Measurement):
            if record.status == "done":
                self.measurements[record.spec.case, record.spec.device, record.spec.backend] = record
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
        """Return one row a measurement, in the order of their names."""
        import pandas as pd

        rows = [_throughput_row(self.measurements[key]) for key in sorted(self.measurements)]
        return pd.DataFrame(rows)


def _throughput_row(measurement: Measurement) -> dict[str, Any]:
    spec = measurement.spec
    return {
        "case": spec.case.rpartition("/")[2],
        "device": spec.device,
        "backend": spec.backend,
        "train_windows_per_s": measurement.windows_per_s("train"),
        "infer_windows_per_s": measurement.windows_per_s("infer"),
        "latency_p50_s": measurement.latency_percentile_s(50),
        "latency_p99_s": measurement.latency_percentile_s(99),
        "settled": "yes" if measurement.settled else "no",
    }


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
    params = {
        "suite": suite.name,
        "suite.seeds": suite.seeds if isinstance(suite.seeds, str) else ", ".join(map(str, suite.seeds)),
        "suite.data_seeds": ", ".join(map(str, suite.data_seeds)),
        "suite.devices": ", ".join(suite.devices),
        "suite.backends": ", ".join(suite.backends),
        "suite.baseline": suite.baseline,
    }
    overrides = suite.recipe.model_dump(exclude_none=True)
    return params | {f"suite.{key}": str(value) for key, value in overrides.items()}
