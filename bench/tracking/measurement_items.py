"""What a throughput measurement, one process of a case, becomes in MLflow: pure generators of items.

Sections: ``throughput/``, ``latency/`` and ``cost/`` (one value each), ``round/`` (one value a counted round).
"""

from collections.abc import Iterator

from bench.measurement import INFERENCE_BATCH, Measurement
from bench.tracking.items import Item, Metric, Tag, milliseconds, shared_items, title

SECTIONS = {
    "throughput/": ("train_windows_per_s", "train_steps_per_s", "infer_windows_per_s"),
    "latency/": ("latency_p50_s", "latency_p99_s"),
    "cost/": ("build_s", "compile_s", "peak_memory_bytes", "base_memory_bytes", "parameters", "model_bytes"),
}
"""Columns of a measurement's row, by section."""


def measurement_name(measurement: Measurement) -> str:
    """Return a title such as ``seq2seq_gru · throughput``; what is not the usual is added."""
    return title(measurement, "throughput")


def measurement_items(measurement: Measurement) -> Iterator[Item]:
    """Yield all that a measurement becomes; the same one yields the same items, times included."""
    yield from shared_items(measurement, data_seed=measurement.data_seed, infer_batch_size=INFERENCE_BATCH)
    yield Tag("measure_id", measurement.measure_id)
    yield from _metrics(measurement)


def _metrics(measurement: Measurement) -> Iterator[Metric]:
    """Yield speeds, latencies, costs and sizes, and each counted round's speed; what was not measured is left out."""
    from bench.frames.measurements import measurement_row  # not at the top: pandas and scipy take a second

    end_ms, row = milliseconds(measurement.provenance.ended_at), measurement_row([measurement])
    for section, columns in SECTIONS.items():
        for column in columns:
            if row[column] is not None:
                yield Metric(section + column.removeprefix("latency_"), float(row[column]), end_ms)
    if rounds := measurement.rounds:
        yield Metric("throughput/contended_rounds", float(sum(r.contended for r in rounds)), end_ms)
    for each in rounds:
        if each.counts:
            yield Metric(f"round/{each.kind}_windows_per_s", each.windows / each.wall_s, end_ms, each.number)
