"""Frames of throughput measurements: what each case's processes say together, and their raw rounds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from bench import stats, timing
from bench.frames.base import frame
from bench.frames.schemas import MEASUREMENTS, ROUNDS
from bench.frames.selection import Shown, newest_processes
from bench.measurement import Kind, Measurement

KINDS: tuple[Kind, ...] = ("train", "infer")
FRESH = ("build_s", "compile_s", "peak_memory_bytes", "base_memory_bytes", "parameters", "model_bytes")
"""What a fresh process is asked for; of several, the median."""


@frame("measurements", MEASUREMENTS)
def measurements_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a case, device and backend: throughput, latency, compilation, memory, and what proves it clean."""
    return map(measurement_row, newest_processes(shown.measurements))


def measurement_row(processes: Sequence[Measurement]) -> dict[str, Any]:
    """Return the row of what the processes of one case, device, backend and environment say together."""
    last = processes[-1]
    spec, calls = last.spec, [seconds for m in processes for seconds in m.latency_s]
    row: dict[str, Any] = {
        **_key(last),
        "task": last.task.name if last.task else "",
        "status": last.status,
        "reason": last.failure.reason if last.failure else "",
        "processes": sum(m.status == "done" for m in processes),
        "batch_size": spec.recipe.batch_size if spec.recipe else None,
    }
    for kind in KINDS:
        row |= {f"{kind}_{name}": value for name, value in _speed(processes, kind).items()}
    speed, steps = row["train_windows_per_s"], last.task.input_length if last.task else None
    return row | {
        "train_steps_per_s": speed * steps if speed and steps else None,
        "latency_p50_s": float(np.percentile(calls, 50)) if calls else None,
        "latency_p99_s": float(np.percentile(calls, 99)) if calls else None,
        "latency_calls": len(calls),
        "latency_contended": sum(m.latency_contended for m in processes),
        **{name: _middle(processes, name) for name in FRESH},
        "compilations_in_clock": sum(r.compilations for m in processes for r in m.rounds if not r.warm_up),
        "evaluations_in_clock": sum(r.evaluations for m in processes for r in m.rounds if not r.warm_up),
        "data_seed": last.data_seed,
        "measure_id": last.measure_id,
        "started_at": min(m.provenance.started_at for m in processes),
        "ended_at": last.provenance.ended_at,
        "host": _each(processes, lambda m: m.provenance.host),
        "git_commit": _each(processes, lambda m: m.provenance.git_commit),
    }


def unsettled(row: Mapping[str, Any]) -> list[Kind]:
    """Return the kinds of round that a row timed, whose speed has no interval or one wider than `timing.WIDEST`."""
    found = []
    for kind in KINDS:
        speed, low, high = (row[f"{kind}_{name}"] for name in ("windows_per_s", "low", "high"))
        shared = row[f"{kind}_contended"]  # it may be all of them
        timed = not pd.isna(speed) or not (pd.isna(shared) or shared == 0)
        if timed and (pd.isna(high) or (high - low) / speed > timing.WIDEST):
            found.append(kind)
    return found


def _speed(processes: Sequence[Measurement], kind: Kind) -> dict[str, Any]:
    """Return the speed of a kind of round over processes, how many rounds it rests on, and how they drift."""
    speeds = [found for m in processes if (found := m.speeds(kind))]
    interval = stats.interval([median(found) for found in speeds])
    drift = timing.drift(speeds)
    joules, windows = map(sum, zip(*(m.energy_of(kind) for m in processes), strict=True))
    return {
        "windows_per_s": interval.centre if interval else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "rounds": sum(map(len, speeds)),
        "contended": sum(r.contended for m in processes for r in m.rounds if r.kind == kind and not r.warm_up),
        "drift": drift.change if drift else None,
        "drift_p": drift.p_value if drift else None,
        "j_per_window": joules / windows if windows else None,
    }


def _middle(processes: Sequence[Measurement], name: str) -> float | None:
    """Return the median of a number over processes: of two middle ones the lower, so that whole ones stay whole."""
    known = sorted(value for m in processes if (value := getattr(m, name)) is not None)
    return known[(len(known) - 1) // 2] if known else None


def _each(processes: Sequence[Measurement], of: Callable[[Measurement], str]) -> str:
    """Return a text of each process, each once."""
    return ", ".join(sorted({of(m) for m in processes}))


@frame("rounds", ROUNDS, long=True)
def rounds_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a round, warm-ups and contended ones too."""
    return (
        {
            **_key(m),
            "kind": r.kind,
            "process": m.attempt,
            "round": r.number,
            "warm_up": r.warm_up,
            "contended": r.contended,
            "n_windows": r.windows,
            "wall_s": r.wall_s,
            "cpu_s": r.cpu_s,
            "energy_j": r.energy_j,
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
