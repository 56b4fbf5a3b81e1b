"""Sends one record, of a run or of a measurement: once, and the rest of it where it got there in part.

A record is found in the tracker by its key, and says in a tag whether all of it arrived.
"""

from collections.abc import Callable

from bench.faults import point
from bench.measurement import Measurement
from bench.record import FINISHED
from bench.tracking.client import Tracker
from bench.tracking.items import Record, Tag, milliseconds
from bench.tracking.measurement_items import measurement_items, measurement_name
from bench.tracking.models import ServedModel
from bench.tracking.run_items import record_items, run_name

KIND, SWEEP, KEY, SENT = "bench.kind", "bench.sweep", "bench.record_key", "bench.sent"
"""Tags: ``run``, ``measurement`` or ``sweep``; the sweep that sent it; the record's key; ``yes`` once all arrived."""
NAME = "bench.name"
"""Tag with a case's name without its source, by which runs are grouped where that is enough."""
ORDER = "bench.order"
"""Tag by which the first page of a long list has each case: measurements, exact runs, then seed by seed."""
MODEL = "bench.model"
"""Tag of a run whose network was sent with its weights: the model's id."""
PARENT = "mlflow.parentRunId"


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
    if isinstance(record, Measurement):
        kind, name, items = "measurement", measurement_name(record), measurement_items(record)
    else:
        kind, name, items = "run", run_name(record), record_items(record)
    marks = {KIND: kind, SWEEP: sweep, KEY: record.key, SENT: "no", PARENT: parent()}
    marks |= {NAME: short_name(record.spec.case), ORDER: _order(record)}
    run_id = found.run_id if found else tracker.create(name, milliseconds(record.provenance.started_at), marks)
    point("mirror.created")
    tracker.log(run_id, items)
    point("mirror.logged")
    status = "FINISHED" if record.status in FINISHED else "FAILED"
    tracker.set_status(run_id, status, milliseconds(record.provenance.ended_at))
    point("mirror.before_sent_tag")
    tracker.log(run_id, [Tag(SENT, "yes")])
    return True


def send_model(tracker: Tracker, served: ServedModel) -> None:
    """Send a network with its weights to the run of its record, which is there; nothing where it has it already.

    Raises:
        BenchError: The data, of which an example is taken, are not there.
    """
    found = tracker.find({KEY: served.record.key})
    if found and MODEL not in found.tags:
        tracker.log(found.run_id, [Tag(MODEL, tracker.log_model(found.run_id, served))])


def short_name(case: str) -> str:
    """Return a case's name without its source."""
    return case.rpartition("/")[2]


def _order(record: Record) -> str:
    if isinstance(record, Measurement):
        return "0"
    seed = record.spec.model_seed
    return "1" if seed is None else f"2 {seed:012d} {record.spec.data_seed:012d}"
