"""How fast each model is, measured alone by the throughput benchmark; and how to measure it where it was not."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd

from bench import stats, timing
from bench.frames.measurements import KINDS
from bench.frames.schemas import RECIPE
from bench.measurement import INFERENCE_BATCH, PROCESSES
from bench.record import LEAST_CPU_SHARE
from bench.report.markdown import NONE, count, escape, lines_of, paragraphs, score, seconds, thousands
from bench.report.parts import section
from bench.report.results import Results
from bench.report.rows import LISTED, Row, names

MIB, KIB = 2**20, 2**10
LEVEL = 0.05
APART = ", **told apart**"
WORDS = {"train": "training", "infer": "inference"}
SAME_PROGRAM = ["task", "model", "model_params", "dataset", "dataset_params",
                *(name for name in RECIPE if name != "learning_rate")]  # fmt: skip
"""What two cases share that run one program on data of one shape: a learning rate is an argument of it."""


@section("throughput", "Throughput", order=70)
def throughput_table(results: Results) -> tuple[str, list[str]] | None:
    """Return what the benchmark measured; where it measured nothing, how to have it measured."""
    measured = [r for r in results.rows if r.measurement is not None]
    failed = _failed(results)
    same = _same_programs(results.frames["rounds"], measured)
    few = [r for r in measured if (r.measured("processes") or 0) < PROCESSES]
    told = any(row.measured(f"{kind}_j_per_window") is not None for row in measured for kind in KINDS)
    notes = paragraphs(
        "throughput",
        measured=measured,
        trained=any(r.trained for r in results.rows),
        dirty=[f"{escape(r.name)} ({text})" for r in measured if (text := _in_clock(r))],
        unsettled=[f"{escape(r.name)} ({_unsettled(r)})" for r in measured if r.unsettled and r not in few],
        few=escape(names(few, LISTED)),
        drifting=_drifting(measured),
        same=same,
        apart=[text for text in same if APART in text],
        cpu=any(r.device.startswith("cpu") for r in measured),
        gpu=any(not r.device.startswith("cpu") for r in measured),
        energy=ENERGY.partition(":")[0] if told else "",
        length=_length(results.frames["rounds"]),
        timing=timing,
        processes=PROCESSES,
        share=f"{100 * LEAST_CPU_SHARE:g}",
        failed=failed,
    )
    if not notes:
        return None
    columns = {name: cell for name, cell in MEASURED.items() if told or name != ENERGY}
    return lines_of(columns, sorted(measured, key=_place), text=3, last=True) if measured else "", notes


def _place(row: Row) -> tuple[str, str, str, float, float]:
    """Return where a measured row stands: by environment, device and backend, the fastest first."""
    train, infer = (row.measured(f"{kind}_windows_per_s") or 0.0 for kind in KINDS)
    return _text(row, "environment"), row.device, row.backend, -train, -infer


def _text(row: Row, column: str) -> str:
    """Return a text of the row's measurement."""
    assert row.measurement is not None
    return escape(row.measurement[column])


def _number(column: str, show: Callable[[float], str]) -> Callable[[Row], str]:
    """Return a column of a measured number; what was not measured has none."""
    return lambda row: NONE if (value := row.measured(column)) is None else show(value)


def _speed(kind: str) -> Callable[[Row], str]:
    """Return a column of windows per second, with its interval where processes are enough for one."""

    def cell(row: Row) -> str:
        centre, low, high = (row.measured(f"{kind}_{name}") for name in ("windows_per_s", "low", "high"))
        return thousands(centre) + (f" [{thousands(low)}, {thousands(high)}]" if low and high else "")

    return cell


def _joules(row: Row) -> str:
    """Return the energy of a thousand windows, of training and of inference."""
    each = [row.measured(f"{kind}_j_per_window") for kind in KINDS]
    return ", ".join(NONE if value is None else score(1000 * value, 3) for value in each)


def _milliseconds(value: float) -> str:
    return score(1000 * value, 3)


def _memory(row: Row) -> str:
    peak, base = row.measured("peak_memory_bytes"), row.measured("base_memory_bytes")
    if peak is None:
        return NONE
    return thousands(peak / MIB) + (f" ({thousands((peak - base) / MIB)})" if base is not None else "")


def _rounds(row: Row) -> str:
    """Return how many rounds of each kind count, and how many contended rounds and calls are left out."""
    timed = [kind for kind in KINDS if row.measured(f"{kind}_windows_per_s") is not None]
    counted = [f"{row.measured(f'{kind}_rounds') or 0:.0f}" if kind in timed else NONE for kind in KINDS]
    contended = sum(row.measured(f"{kind}_contended") or 0 for kind in KINDS)
    return ", ".join(counted) + f" ({contended:.0f}, {row.measured('latency_contended') or 0:.0f})"


def _unsettled(row: Row) -> str:
    """Return which of its speeds are known only roughly, in words; empty for none."""
    return ", ".join(WORDS[kind] for kind in row.unsettled)


def _drift(row: Row) -> str:
    """Return the change of each kind of round from a process's first to its last, bold where that is no chance."""

    def cell(kind: str) -> str:
        change, p_value = row.measured(f"{kind}_drift"), row.measured(f"{kind}_drift_p")
        if change is None or p_value is None:
            return NONE
        text = f"{100 * change:+.1f} %"
        return f"**{text}**" if p_value < LEVEL else text

    return ", ".join(map(cell, KINDS))


def _drifting(measured: list[Row]) -> dict[str, int]:
    """Return of all speeds how many were tested for drift, how many drift at 5 %, and how many by Holm's correction."""
    found = {(r.place, k): p for r in measured for k in KINDS if (p := r.measured(f"{k}_drift_p")) is not None}
    alone = sum(p < LEVEL for p in found.values())
    return {"tested": len(found), "alone": alone, "together": len(stats.holm(found, 1 - LEVEL))}


def _same_programs(rounds: pd.DataFrame, measured: list[Row]) -> list[str]:
    """Return what each pair of rows gives that run one program under two names, for each kind of round."""
    found = []
    for a, b in combinations(measured, 2):
        alike = (a.device, a.backend, _text(a, "environment")) == (b.device, b.backend, _text(b, "environment"))
        if not (alike and a.trained and _program(a) == _program(b)):
            continue
        for kind in KINDS:
            ratio = stats.ratio(*(stats.Sample(_medians(rounds, row, kind), exact=False) for row in (a, b)))
            if ratio is not None and ratio.low is not None and ratio.high is not None:
                ends = f"× {ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
                apart = "" if ratio.low <= 1 <= ratio.high else APART
                found.append(f"{escape(a.name)} over {escape(b.name)}, {WORDS[kind]}: {ends}{apart}")
    return found


def _program(row: Row) -> list[object]:
    """Return what tells a row's program from others."""
    return ["" if pd.isna(row.info[name]) else row.info[name] for name in SAME_PROGRAM]


def _medians(rounds: pd.DataFrame, row: Row, kind: str) -> stats.Float64:
    """Return the windows per second of each process's median round."""
    ours = rounds[(rounds["case"] == row.case) & (rounds["device"] == row.device) & (rounds["backend"] == row.backend)]
    counted = ours[(ours["kind"] == kind) & ~(ours["warm_up"] | ours["contended"]).fillna(True).astype(bool)]
    speeds = counted["n_windows"].astype(float) / counted["wall_s"]
    return speeds.groupby(counted["process"]).median().to_numpy(dtype=np.float64)


def _in_clock(row: Row) -> str:
    """Return what ran inside the clock but should not have; empty for a clean window."""
    numbers = {noun: int(row.measured(f"{noun}s_in_clock") or 0) for noun in ("compilation", "evaluation")}
    return ", ".join(count(number, noun) for noun, number in numbers.items() if number)


ENERGY = "J/1,000 windows: training, inference"

MEASURED: dict[str, Callable[[Row], str]] = {
    "environment": lambda row: f"`{_text(row, 'environment')}`",
    "model": lambda row: escape(row.name),
    "device, backend": lambda row: f"{escape(row.device)}, {escape(row.backend)}",
    "training windows/s [95 %]": _speed("train"),
    "time steps/s": _number("train_steps_per_s", thousands),
    f"inference windows/s, batch {INFERENCE_BATCH} [95 %]": _speed("infer"),
    "drift: training, inference": _drift,
    "latency p50, ms": _number("latency_p50_s", _milliseconds),
    "p99, ms": _number("latency_p99_s", _milliseconds),
    ENERGY: _joules,
    "compilation, s": _number("compile_s", seconds),
    "peak memory, MiB (above base)": _memory,
    "parameters": _number("parameters", "{:,.0f}".format),
    "model, KiB": _number("model_bytes", lambda value: score(value / KIB, 3)),
    "processes": _number("processes", "{:.0f}".format),
    "rounds: training, inference (left out, calls left out)": _rounds,
    "settled": lambda row: f"**not {text}**" if (text := _unsettled(row)) else "yes",
    "in the clock": lambda row: f"**{text}**" if (text := _in_clock(row)) else "0",
    "measurement": lambda row: f"`{_text(row, 'measure_id')}`",
}
"""Columns of what was measured alone."""


def _length(rounds: pd.DataFrame) -> str:
    """Return the seconds that the counted rounds took in the median; empty where none is known."""
    counted = rounds[~(rounds["warm_up"] | rounds["contended"]).fillna(True).astype(bool)]
    return score(float(counted["wall_s"].median()), 2) if len(counted) else ""


def _failed(results: Results) -> list[str]:
    """Return the measurements that ended without a result, each with its reason."""
    frame = results.frames["measurements"]
    names = {r.place: r.name for r in results.rows}
    found = []
    for _, m in frame[frame["status"] != "done"].iterrows():
        name = names.get((m["case"], m["device"], m["backend"]), m["case"])
        place = f"{escape(m['device'])}, {escape(m['backend'])}, `{escape(m['measure_id'])}`"
        found.append(f"{escape(name)} ({place}): {escape(m['reason']) or 'no reason recorded'}")
    return found
