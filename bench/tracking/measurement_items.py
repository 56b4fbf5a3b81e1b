"""What a throughput measurement becomes in MLflow: pure generators of items.

Sections: ``throughput/``, ``latency/`` and ``cost/`` (one value each), ``round/`` (one value a counted round).
"""

from collections.abc import Iterator

from bench.measurement import INFERENCE_BATCH, Measurement, Round
from bench.record import to_json
from bench.tracking.items import (
    Artifact,
    Item,
    Metric,
    Tag,
    failure_tags,
    milliseconds,
    place_tags,
    source_tags,
    spec_params,
)


def measurement_name(measurement: Measurement) -> str:
    """Return a title such as ``seq2seq_gru · throughput``; what is not the usual is added."""
    spec = measurement.spec
    parts = [spec.case.rpartition("/")[2], "throughput"]
    if spec.device != "cpu":
        parts.append(spec.device)
    if measurement.attempt > 1:
        parts.append(f"attempt {measurement.attempt}")
    return " · ".join(parts)


def measurement_items(measurement: Measurement) -> Iterator[Item]:
    """Yield all that a measurement becomes; the same one yields the same items, times included."""
    yield from spec_params(measurement.spec, data_seed=measurement.data_seed, infer_batch_size=INFERENCE_BATCH)
    yield from summary_metrics(measurement)
    yield from round_metrics(measurement)
    yield from tags(measurement)
    yield Artifact("record.json", to_json(measurement).encode())


def summary_metrics(measurement: Measurement) -> Iterator[Metric]:
    """Yield speeds, latencies, costs and sizes, dated at the end; what was not measured is left out.

    Time steps per second are windows per second times the task's input length.
    """
    train = measurement.windows_per_s("train")
    steps = measurement.task.get("input_length")
    rounds = measurement.rounds
    numbers = {
        "throughput/train_windows_per_s": train,
        "throughput/train_steps_per_s": train * steps if train and isinstance(steps, int) else None,
        "throughput/infer_windows_per_s": measurement.windows_per_s("infer"),
        "throughput/contended_rounds": sum(r.contended for r in rounds) if rounds else None,
        "latency/p50_s": measurement.latency_percentile_s(50),
        "latency/p99_s": measurement.latency_percentile_s(99),
        "cost/build_s": measurement.build_s,
        "cost/compile_s": measurement.compile_s,
        "cost/peak_memory_bytes": measurement.peak_memory_bytes,
        "cost/base_memory_bytes": measurement.base_memory_bytes,
        "cost/parameters": measurement.parameters,
        "cost/model_bytes": measurement.model_bytes,
    }
    end_ms = milliseconds(measurement.provenance.ended_at)
    for key, value in numbers.items():
        if value is not None:
            yield Metric(key, float(value), end_ms)


def round_metrics(measurement: Measurement) -> Iterator[Metric]:
    """Yield each counted round's windows per second, at the round's number."""
    end_ms = milliseconds(measurement.provenance.ended_at)
    for each in measurement.rounds:
        if each.counts:
            yield Metric(f"round/{each.kind}_windows_per_s", speed(each), end_ms, each.number)


def speed(each: Round) -> float:
    """Return a round's windows per second."""
    return each.windows / each.wall_s


def tags(measurement: Measurement) -> Iterator[Tag]:
    """Yield what a measurement is found by, and a description where it failed."""
    yield Tag("measure_id", measurement.measure_id)
    yield Tag("status", measurement.status)
    yield from place_tags(measurement.environment, measurement.task)
    if measurement.status == "done":
        yield Tag("settled", "yes" if measurement.settled else "no")
    yield from source_tags(measurement.provenance.git_commit)
    yield from failure_tags(measurement.status, measurement.failure)
