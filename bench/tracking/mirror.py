"""Sends records to a tracker from one background thread, and never holds up or fails a sweep.

The records on disk are the truth. A run in the tracker is found by its record's key and says in a
tag whether all of it arrived, so that whatever is sent again adds nothing and mends what is half-sent.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.record import FINISHED, RunRecord
from bench.tracking.client import MlflowTracker, Tracker, safe_uri
from bench.tracking.items import NOTE, Artifact, Item, Param, Tag, milliseconds, record_items, run_name, source_tags

if TYPE_CHECKING:
    import pandas as pd

    from bench.plan import Plan

KIND, SWEEP, KEY, SENT = "bench.kind", "bench.sweep", "bench.record_key", "bench.sent"
FAILURES_TO_GIVE_UP = 2
NOTE_LENGTH = 5000
HINT = "the records are safe, and `bench sync` or the next run of the suite sends them"


_REASONS = {"Connection refused": "connection refused", "timed out": "no answer in time"}
"""What hides in the long texts of requests and MLflow."""


@dataclass(frozen=True)
class Outcome:
    """How many records arrived, were there already, and are still missing in the tracker."""

    sent: int
    present: int
    missing: int


@dataclass(frozen=True)
class _Summary:
    report: Path | None
    description: str
    means: "pd.DataFrame"


class Mirror:
    """Mirrors a sweep: one parent run, and below it a run for each record.

    A record that the experiment holds already, under this or an earlier sweep, is not sent again.
    After two failures in a row nothing more is tried. `close` says so in one warning.

    Args:
        uri: Of the tracking server or file, as `tracking_uri` returns it.
        experiment: Its name: the suite's.
        sweep: The sweep's id; a resumed sweep goes on under its own parent run.
        params: What the parent run says of the suite, as `sweep_params` returns it.
        warn: Called with the one warning.
        tracker: In place of MLflow at ``uri``.
    """

    def __init__(
        self,
        uri: str,
        experiment: str,
        sweep: str,
        *,
        params: Mapping[str, str] | None = None,
        warn: Callable[[str], None] = print,
        tracker: Tracker | None = None,
    ):
        self._uri = uri
        self._experiment = experiment
        self._sweep = sweep
        self._params = dict(params or {})
        self._warn = warn
        self._tracker = tracker or MlflowTracker(uri)
        self._queue: SimpleQueue[RunRecord | _Summary | None] = SimpleQueue()
        self._unsent: list[RunRecord | _Summary] = []
        self._opened = False
        self._parent_id = ""
        self._parent_was_finished = False
        self._parent_ended = False
        self._ended_ms: int | None = None
        self._failures = 0
        self._reason = ""
        self._accepted = self._sent = self._present = self._summaries = 0
        self._stop = threading.Event()
        self._closed: Outcome | None = None
        self._thread = threading.Thread(target=self._work, name="mlflow-mirror", daemon=True)
        self._thread.start()

    def send(self, record: RunRecord) -> None:
        """Queue a record; return at once."""
        self._accepted += 1
        self._queue.put(record)

    def finish(self, report_folder: Path | None, description_markdown: str, means: "pd.DataFrame") -> None:
        """Queue the end of the sweep; return at once.

        Args:
            report_folder: Goes below ``report/`` of the parent run; None for no report.
            description_markdown: The opening; a table of ``means`` follows it.
            means: One row a case, its name in the first column; the index is not shown.
        """
        self._summaries += 1
        self._queue.put(_Summary(report_folder, description_markdown, means))

    def close(self, timeout_s: float | None = 30.0) -> Outcome:
        """Wait for what is queued, ``timeout_s`` at most; warn once if any of it did not arrive."""
        if self._closed:
            return self._closed
        self._queue.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._stop.set()
            self._reason = self._reason or "it took too long"
        missing = self._accepted - self._sent - self._present
        self._closed = Outcome(self._sent, self._present, missing)
        if missing or self._summaries > 0:
            what = f"{missing} of {self._accepted} records were" if missing else "the sweep's summary was"
            self._warn(f"MLflow at {safe_uri(self._uri)}: {what} not sent ({self._reason}); {HINT}")
        return self._closed

    def _work(self) -> None:
        self._try(self._open)  # the first start of a database takes seconds: begin before the first record
        while (task := self._queue.get()) is not None:
            if not self._try(partial(self._handle, task)):
                self._unsent.append(task)
        for task in self._unsent:
            self._try(partial(self._handle, task))
        if self._parent_id and not self._parent_ended:
            self._try(self._leave)

    def _try(self, action: Callable[[], None]) -> bool:
        """Run one action unless two failed in a row, or `close` waits no longer."""
        if self._failures >= FAILURES_TO_GIVE_UP or self._stop.is_set():
            return False
        try:
            action()
        except Exception as error:
            self._failures += 1
            self._reason = _explain(error, self._uri)
            return False
        self._failures = 0
        return True

    def _handle(self, task: RunRecord | _Summary) -> None:
        self._open()
        if isinstance(task, _Summary):
            self._send_summary(task)
            self._summaries -= 1
        elif send_record(self._tracker, task, self._sweep, lambda: self._parent(task)):
            self._sent += 1
        else:
            self._present += 1
        if isinstance(task, RunRecord):
            self._ended_ms = max(self._ended_ms or 0, milliseconds(task.provenance.ended_at))

    def _open(self) -> None:
        if not self._opened:
            self._tracker.open(self._experiment)
            self._opened = True

    def _parent(self, first: RunRecord | None) -> str:
        """Return the parent run's id; found or made when something is to be put below it."""
        if not self._parent_id:
            tracker, marks = self._tracker, {KIND: "sweep", SWEEP: self._sweep}
            found = tracker.find(marks)
            self._parent_was_finished = found is not None and found.tags.get(SENT) == "yes"
            start_ms = milliseconds(first.provenance.started_at) if first else self._ended_ms or 0
            parent_id = (
                found.run_id if found else tracker.create(f"sweep {self._sweep}", start_ms, marks | {SENT: "no"})
            )
            tracker.set_status(parent_id, "RUNNING")
            items: list[Item] = [*(Param(key, value) for key, value in self._params.items())]
            items += source_tags(first.provenance.git_commit if first else "")
            tracker.log(parent_id, items)
            self._parent_id = parent_id
        return self._parent_id

    def _send_summary(self, summary: _Summary) -> None:
        parent_id = self._parent(None)
        note = shorten(f"{summary.description.strip()}\n\n{markdown_table(summary.means)}", NOTE_LENGTH)
        listed = json.dumps([{"path": "means.json", "type": "table"}])
        means = summary.means.to_json(orient="split", index=False, date_format="iso", double_precision=15)
        marks: list[Item] = [
            Tag(NOTE, note),
            Tag("mlflow.loggedArtifacts", listed),
            Artifact("means.json", means.encode()),
        ]
        self._tracker.log(parent_id, marks)
        if summary.report and summary.report.is_dir():
            self._tracker.log_folder(parent_id, summary.report, "report")
        self._tracker.describe(note)
        self._tracker.set_status(parent_id, "FINISHED", self._ended_ms)
        self._tracker.log(parent_id, [Tag(SENT, "yes")])
        self._parent_ended = True

    def _leave(self) -> None:
        """End the parent of a sweep that was cut short, or that was complete before."""
        status = "FINISHED" if self._parent_was_finished else "KILLED"
        self._tracker.set_status(self._parent_id, status, self._ended_ms)


def send_record(tracker: Tracker, record: RunRecord, sweep: str, parent: Callable[[], str]) -> bool:
    """Send a record, or the rest of a half-sent one; return False if all of it was there already."""
    found = tracker.find({KEY: record.key})
    if found and found.tags.get(SENT) == "yes":
        return False
    marks = {KIND: "run", SWEEP: sweep, KEY: record.key, SENT: "no", "mlflow.parentRunId": parent()}
    start_ms = milliseconds(record.provenance.started_at)
    run_id = found.run_id if found else tracker.create(run_name(record), start_ms, marks)
    tracker.log(run_id, record_items(record))
    status = "FINISHED" if record.status in FINISHED else "FAILED"
    tracker.set_status(run_id, status, milliseconds(record.provenance.ended_at))
    tracker.log(run_id, [Tag(SENT, "yes")])
    return True


def sweep_params(plan: "Plan") -> dict[str, str]:
    """Return what a sweep's parent run says of its suite."""
    suite = plan.suite
    params = {
        "suite": suite.name,
        "suite.cases": str(len(plan.cases)),
        "suite.runs": str(len(plan.specs)),
        "suite.seeds": ", ".join(map(str, suite.seeds)),
        "suite.data_seeds": ", ".join(map(str, suite.data_seeds)),
        "suite.devices": ", ".join(suite.devices),
        "suite.backends": ", ".join(suite.backends),
        "suite.baseline": suite.baseline,
    }
    overrides = suite.recipe.model_dump(exclude_none=True)
    return params | {f"suite.{key}": str(value) for key, value in overrides.items()}


def markdown_table(means: "pd.DataFrame") -> str:
    """Return a frame as a Markdown table: four digits, thousands separated, nothing for no number."""
    head = [str(column) for column in means.columns]
    numeric = [pd_type.kind in "iuf" for pd_type in means.dtypes]
    rule = ["---:" if number else "---" for number in numeric]
    rows = [[_cell(value) for value in row] for row in means.itertuples(index=False)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def _cell(value: object) -> str:
    if value is None or value != value:  # NaN differs from itself
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value).replace("|", "\\|")


def shorten(text: str, length: int) -> str:
    """Return whole lines of a text, ``length`` characters at most, and say where it goes on."""
    if len(text) <= length:
        return text
    more = "\n\n(The report has the rest.)"
    return text[: length - len(more)].rpartition("\n")[0] + more


def _explain(error: Exception, uri: str) -> str:
    """Return an error as one short line without the URI's secrets."""
    text = str(error)
    for told, short in _REASONS.items():
        if told in text:
            return short
    line = next(iter(text.splitlines()), "")
    parts = urlsplit(uri)
    for secret in (parts.netloc.rpartition("@")[0], parts.query):
        line = line.replace(secret, "...") if secret else line
    return f"{type(error).__name__}: {line:.160}" if line else type(error).__name__
