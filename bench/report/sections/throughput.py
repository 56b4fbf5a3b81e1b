"""How fast each model is: measured alone by the throughput benchmark, else as the accuracy runs found it."""

from collections.abc import Callable

import pandas as pd

from bench import timing
from bench.measurement import INFERENCE_BATCH
from bench.record import LEAST_CPU_SHARE
from bench.report.markdown import NONE, count, escape, lines_of, paragraphs, score, seconds, thousands
from bench.report.parts import section
from bench.report.results import Results
from bench.report.rows import Row

MIB, KIB = 2**20, 2**10
KINDS = ("train", "infer")


@section("throughput", "Throughput", order=70)
def throughput_table(results: Results) -> tuple[str, list[str]] | None:
    """Return what the benchmark measured, then the accuracy runs' throughput of the rows that it did not measure."""
    measured = [r for r in results.rows if r.measurement is not None]
    runs = [r for r in results.rows if len(r.speeds) and not r.alone]
    failed = _failed(results)
    if not (measured or runs or failed):
        return None
    parts = []
    if measured:
        parts.append(lines_of(MEASURED, sorted(measured, key=_place), text=3, last=True))
    if runs:
        if measured:
            parts.append(f"Not measured alone, so from the accuracy runs: {count(len(runs), 'row')}.")
        runs.sort(key=lambda r: (r.device, r.backend, -(r.speed or 0)))
        parts.append(lines_of(OF_RUNS, runs, text=3))
    notes = paragraphs(
        "throughput",
        dirty=[f"{escape(r.name)} ({text})" for r in measured if (text := _in_clock(r))],
        unstable=[escape(r.name) for r in measured if r.unsettled],
        cpu=any(r.device.startswith("cpu") for r in measured),
        gpu=any(not r.device.startswith("cpu") for r in measured),
        length=_length(results.frames["rounds"]),
        timing=timing,
        share=f"{100 * LEAST_CPU_SHARE:g}",
        failed=failed,
        runs=runs,
    )
    return "\n\n".join(parts), notes


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
    """Return a column of the median round's windows per second, with its interval where rounds are enough for one."""

    def cell(row: Row) -> str:
        centre, low, high = (row.measured(f"{kind}_{name}") for name in ("windows_per_s", "low", "high"))
        return thousands(centre) + (f" [{thousands(low)}, {thousands(high)}]" if low and high else "")

    return cell


def _milliseconds(value: float) -> str:
    return score(1000 * value, 3)


def _memory(row: Row) -> str:
    peak, base = row.measured("peak_memory_bytes"), row.measured("base_memory_bytes")
    if peak is None:
        return NONE
    return thousands(peak / MIB) + (f" ({thousands((peak - base) / MIB)})" if base is not None else "")


def _rounds(row: Row) -> str:
    """Return how many rounds count, of each kind that was timed, and how many contended ones are left out."""
    timed = [kind for kind in KINDS if row.measured(f"{kind}_windows_per_s") is not None]
    counted = [f"{row.measured(f'{kind}_rounds') or 0:.0f}" if kind in timed else NONE for kind in KINDS]
    contended = sum(row.measured(f"{kind}_contended") or 0 for kind in KINDS)
    return ", ".join(counted) + f" ({contended:.0f})"


def _in_clock(row: Row) -> str:
    """Return what ran inside the clock but should not have; empty for a clean window."""
    numbers = {noun: int(row.measured(f"{noun}s_in_clock") or 0) for noun in ("compilation", "evaluation")}
    return ", ".join(count(number, noun) for noun, number in numbers.items() if number)


MEASURED: dict[str, Callable[[Row], str]] = {
    "environment": lambda row: f"`{_text(row, 'environment')}`",
    "model": lambda row: escape(row.name),
    "device, backend": lambda row: f"{escape(row.device)}, {escape(row.backend)}",
    "training windows/s [95 %]": _speed("train"),
    "time steps/s": _number("train_steps_per_s", thousands),
    f"inference windows/s, batch {INFERENCE_BATCH} [95 %]": _speed("infer"),
    "latency p50, ms": _number("latency_p50_s", _milliseconds),
    "p99, ms": _number("latency_p99_s", _milliseconds),
    "compilation, s": _number("compile_s", seconds),
    "peak memory, MiB (above base)": _memory,
    "parameters": _number("parameters", "{:,.0f}".format),
    "model, KiB": _number("model_bytes", lambda value: score(value / KIB, 3)),
    "rounds: training, inference (left out)": _rounds,
    "settled": lambda row: "**unstable**" if row.unsettled else "yes",
    "in the clock": lambda row: f"**{text}**" if (text := _in_clock(row)) else "0",
    "measurement": lambda row: f"`{_text(row, 'measure_id')}`",
}
"""Columns of what was measured alone."""
OF_RUNS: dict[str, Callable[[Row], str]] = {
    "model": MEASURED["model"],
    "device, backend": MEASURED["device, backend"],
    "environment": lambda row: ", ".join(f"`{e}`" for e in sorted(set(row.timed["environment"]))),
    "windows/s": lambda row: thousands(row.speed) + " (c)" * row.contended,
    "range": lambda row: f"{thousands(float(row.speeds.min()))} to {thousands(float(row.speeds.max()))}",
    "contended runs": lambda row: f"{int(row.done['contended'].fillna(True).sum())} of {len(row.done)}",
    "training s (median)": lambda row: seconds(row.done["train_s"].median()),
    "compilation s (max)": lambda row: seconds(row.done["compile_s"].max()),
    "run s (median)": lambda row: seconds(row.done["total_s"].median()),
}
"""Columns of what the accuracy runs found."""


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
