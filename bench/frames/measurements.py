"""Frames of throughput measurements: what is derived from each, and its raw rounds."""

from collections.abc import Iterator
from typing import Any

from bench.frames.base import frame
from bench.frames.schemas import MEASUREMENTS, ROUNDS
from bench.frames.selection import Shown
from bench.measurement import Kind, Measurement
from bench.timing import median_interval

KINDS: tuple[Kind, ...] = ("train", "infer")


@frame("measurements", MEASUREMENTS)
def measurements_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a measurement: throughput, latency, compilation, memory, and what proves its window clean."""
    return map(measurement_row, shown.measurements)


def measurement_row(m: Measurement) -> dict[str, Any]:
    """Return a measurement's row."""
    row: dict[str, Any] = {
        **_key(m),
        "task": m.task.name if m.task else "",
        "status": m.status,
        "reason": m.failure.reason if m.failure else "",
        "settled": m.settled,
        "batch_size": m.spec.recipe.batch_size if m.spec.recipe else None,
    }
    for kind in KINDS:
        speeds = m.speeds(kind)
        low, high = median_interval(speeds) or (None, None)
        row |= {
            f"{kind}_windows_per_s": m.windows_per_s(kind),
            f"{kind}_low": low,
            f"{kind}_high": high,
            f"{kind}_rounds": len(speeds),
            f"{kind}_contended": sum(r.contended for r in m.rounds if r.kind == kind and not r.warm_up),
        }
    speed, steps = row["train_windows_per_s"], m.task.input_length if m.task else None
    row |= {
        "train_steps_per_s": speed * steps if speed and steps else None,
        "latency_p50_s": m.latency_percentile_s(50),
        "latency_p99_s": m.latency_percentile_s(99),
        "latency_calls": len(m.latency_s),
        "build_s": m.build_s,
        "compile_s": m.compile_s,
        "peak_memory_bytes": m.peak_memory_bytes,
        "base_memory_bytes": m.base_memory_bytes,
        "parameters": m.parameters,
        "model_bytes": m.model_bytes,
        "compilations_in_clock": sum(r.compilations for r in m.rounds if not r.warm_up),
        "evaluations_in_clock": sum(r.evaluations for r in m.rounds if not r.warm_up),
        "data_seed": m.data_seed,
        "measure_id": m.measure_id,
        "attempt": m.attempt,
        "started_at": m.provenance.started_at,
        "ended_at": m.provenance.ended_at,
        "host": m.provenance.host,
        "git_commit": m.provenance.git_commit,
    }
    return row


@frame("rounds", ROUNDS)
def rounds_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a round, warm-ups and contended ones too."""
    return (
        {
            **_key(m),
            "kind": r.kind,
            "round": r.number,
            "warm_up": r.warm_up,
            "contended": r.contended,
            "n_windows": r.windows,
            "wall_s": r.wall_s,
            "cpu_s": r.cpu_s,
            "compilations": r.compilations,
            "evaluations": r.evaluations,
        }
        for m in shown.measurements
        for r in m.rounds
    )


def _key(measurement: Measurement) -> dict[str, Any]:
    spec = measurement.spec
    return {
        "case": spec.case,
        "device": spec.device,
        "backend": spec.backend,
        "environment": measurement.environment.digest,
    }
