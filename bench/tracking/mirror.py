"""Sends records to a tracker from one background thread, and never holds up or fails a sweep.

The records on disk are the truth. Whatever is sent again adds nothing and mends what is half-sent.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.tracking.client import MlflowTracker, Refused, Tracker
from bench.tracking.database import Unusable
from bench.tracking.items import NOTE, Param, Record, Tag, milliseconds, source_tags
from bench.tracking.models import ServedModel
from bench.tracking.sending import KIND, SENT, SWEEP, send_model, send_record
from bench.tracking.summary import Summary, Tally, summary_items
from bench.tracking.uris import explain, safe_uri
from bench.tracking.views import views

if TYPE_CHECKING:
    import pandas as pd

FAILURES_TO_GIVE_UP = 2
Task = Record | Summary | ServedModel


@dataclass(frozen=True)
class Outcome:
    """How many records arrived, were there already, and are still missing in the tracker."""

    sent: int
    present: int
    missing: int


class Mirror:
    """Mirrors a sweep: one parent run, and below it a run for each record of a run and of a measurement.

    A record that the experiment holds already, under this or an earlier sweep, is not sent again.
    After two failures in a row, or one that somebody has to mend, nothing more is tried; one that the
    tracker refuses is left out and stops no other. `close` says so in one warning.

    Args:
        uri: Of the tracking server or file, as `tracking_uri` returns it.
        experiment: Its name: the suite's.
        sweep: The sweep's id; a resumed sweep goes on under its own parent run.
        params: What the parent run says of the suite, as `sweep_params` returns it.
        warn: Called with the one warning.
        tracker: In place of MLflow at ``uri``.
        again: The command that sends what did not arrive.
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
        again: str = "bench sync",
    ):
        self._again = again
        self._uri = uri
        self._experiment = experiment
        self._sweep = sweep
        self._params = dict(params or {})
        self._warn = warn
        self._again = again
        self._tracker = tracker or MlflowTracker(uri, warn)
        self._queue: SimpleQueue[Task | None] = SimpleQueue()
        self._unsent: list[Task] = []
        self._opened = False
        self._parent_id = ""
        self._parent_was_finished = False
        self._parent_ended = False
        self._tally = Tally()
        self._failures = 0
        self._reason = ""
        self._unusable: Unusable | None = None
        self._accepted = self._sent = self._present = self._summaries = self._models = 0
        self._stop = threading.Event()
        self._closed: Outcome | None = None
        self._thread = threading.Thread(target=self._work, name="mlflow-mirror", daemon=True)
        self._thread.start()

    def send(self, record: Record) -> None:
        """Queue a record; return at once."""
        self._accepted += 1
        self._queue.put(record)

    def send_model(self, served: ServedModel) -> None:
        """Queue a network with its weights, whose record was sent before; return at once."""
        self._models += 1
        self._queue.put(served)

    def finish(
        self, report_folder: Path | None, description_markdown: str, means: "pd.DataFrame", section: str = "valid"
    ) -> None:
        """Queue the end of the sweep; return at once.

        Args:
            report_folder: Goes below ``report/`` of the parent run; None for no report.
            description_markdown: The opening; a table of ``means``, and one of measurements, follow it.
            means: One row a case, its name in the first column; the index is not shown.
            section: Of the score that ranks: ``valid`` or ``test_best``.
        """
        self._summaries += 1
        self._queue.put(Summary(report_folder, description_markdown, means, section))

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
        if missing or self._summaries > 0 or self._models > 0:
            rest = "the sweep's summary was" if self._summaries > 0 else f"{self._models} models were"
            what = f"{missing} of {self._accepted} records were" if missing else rest
            if error := self._unusable:
                then = "&&" if error.command else "- then"
                text = f"not sent, and the records are safe; {error} {then} {self._again}"
            else:
                again = f"`{self._again}` or the next run of the suite sends them"
                text = f"not sent ({self._reason or 'the mirror ended early'}); the records are safe, and {again}"
            self._warn(f"MLflow at {safe_uri(self._uri)}: {what} {text}")
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
        """Run one action unless two failed in a row, or `close` waits no longer; False to try it again."""
        if self._failures >= FAILURES_TO_GIVE_UP or self._stop.is_set():
            return False
        try:
            action()
        except Refused as error:  # it works: trying again changes nothing, and the next may well be taken
            self._reason = explain(error, self._uri)
        except Unusable as error:
            self._failures = FAILURES_TO_GIVE_UP
            self._unusable = error
            return False
        except Exception as error:
            self._failures += 1
            self._reason = explain(error, self._uri)
            return False
        self._failures = 0
        return True

    def _handle(self, task: Task) -> None:
        if isinstance(task, Record):
            self._tally.add(task)
        self._open()
        if isinstance(task, ServedModel):
            self._send_model(task)
        elif isinstance(task, Summary):
            self._send_summary(task)
            self._summaries -= 1
        elif send_record(self._tracker, task, self._sweep, lambda: self._parent(task)):
            self._sent += 1
        else:
            self._present += 1

    def _open(self) -> None:
        if not self._opened:
            self._tracker.open(self._experiment)
            self._opened = True

    def _parent(self, first: Record | None) -> str:
        """Return the parent run's id; found or made when something is to be put below it."""
        if not self._parent_id:
            tracker, marks = self._tracker, {KIND: "sweep", SWEEP: self._sweep}
            found = tracker.find(marks)
            self._parent_was_finished = found is not None and found.tags.get(SENT) == "yes"
            start_ms = milliseconds(first.provenance.started_at) if first else self._tally.ended_ms or 0
            parent_id = (
                found.run_id if found else tracker.create(f"sweep {self._sweep}", start_ms, marks | {SENT: "no"})
            )
            tracker.set_status(parent_id, "RUNNING")
            tracker.log(parent_id, source_tags(first.provenance.git_commit if first else ""))
            if self._params:
                with suppress(Refused):  # another version may have said it in other words, and a param stays as it is
                    tracker.log(parent_id, [Param(key, value) for key, value in self._params.items()])
            self._parent_id = parent_id
        return self._parent_id

    def _send_model(self, served: ServedModel) -> None:
        try:
            send_model(self._tracker, served)
        except BenchError as error:  # its data are not here: nothing that the tracker could mend
            self._warn(f"the model of {served.record.spec.case} was not sent to MLflow: {error}")
        self._models -= 1

    def _send_summary(self, summary: Summary) -> None:
        parent_id = self._parent(None)
        items = [*summary_items(summary, self._tally), *self._tally.items()]
        self._tracker.log(parent_id, items)
        if summary.report and summary.report.is_dir():
            self._tracker.log_folder(parent_id, summary.report, "report")
        note = [item for item in items if isinstance(item, Tag) and item.key == NOTE]
        self._tracker.tag_experiment([*note, *views(self._tally.tasks, summary.section, self._tally.ended_ms or 0)])
        self._tracker.set_status(parent_id, "FINISHED", self._tally.ended_ms)
        self._tracker.log(parent_id, [Tag(SENT, "yes")])
        self._parent_ended = True

    def _leave(self) -> None:
        """End the parent of a sweep that was cut short, or that was complete before."""
        self._tracker.log(self._parent_id, self._tally.items())
        status = "FINISHED" if self._parent_was_finished else "KILLED"
        self._tracker.set_status(self._parent_id, status, self._tally.ended_ms)
