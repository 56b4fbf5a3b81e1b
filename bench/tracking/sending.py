"""Sends one record, of a run or of a measurement: once, and the rest of it where it got there in part.

A record is found in the tracker by its key, and says in a tag whether all of it arrived.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.faults import point
from bench.measurement import Measurement
from bench.record import FINISHED, RunRecord
from bench.tracking.client import Tracker
from bench.tracking.items import Item, Tag, milliseconds
from bench.tracking.measurement_items import measurement_items, measurement_name
from bench.tracking.run_items import record_items, run_name

KIND, SWEEP, KEY, SENT = "bench.kind", "bench.sweep", "bench.record_key", "bench.sent"
"""Tags: ``run``, ``measurement`` or ``sweep``; the sweep that sent it; the record's key; ``yes`` once all arrived."""
PARENT = "mlflow.parentRunId"

Record = RunRecord | Measurement


@dataclass(frozen=True)
class Entry:
    """What a record is in the tracker: a run of its own, by its kind and name."""

    kind: str
    name: str
    finished: bool
    items: Iterable[Item]


def entry(record: Record) -> Entry:
    """Return what a record is in the tracker; its items are made as they are asked for."""
    if isinstance(record, Measurement):
        return Entry("measurement", measurement_name(record), record.status == "done", measurement_items(record))
    return Entry("run", run_name(record), record.status in FINISHED, record_items(record))


def send_record(tracker: Tracker, record: Record, sweep: str, parent: Callable[[], str]) -> bool:
    """Send a record, or the rest of a half-sent one; return False if all of it was there already.

    Args:
        tracker: Where to.
        record: What.
        sweep: The sweep's id.
        parent: Returns the id of the sweep's run; asked only where something is to be sent.
    """
    found = tracker.find({KEY: record.key})
    if found and found.tags.get(SENT) == "yes":
        return False
    made = entry(record)
    marks = {KIND: made.kind, SWEEP: sweep, KEY: record.key, SENT: "no", PARENT: parent()}
    start_ms = milliseconds(record.provenance.started_at)
    run_id = found.run_id if found else tracker.create(made.name, start_ms, marks)
    point("mirror.created")
    tracker.log(run_id, made.items)
    point("mirror.logged")
    tracker.set_status(run_id, "FINISHED" if made.finished else "FAILED", milliseconds(record.provenance.ended_at))
    point("mirror.before_sent_tag")
    tracker.log(run_id, [Tag(SENT, "yes")])
    return True
