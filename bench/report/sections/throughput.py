"""How fast each model is: measured alone by the throughput lane, else as the accuracy runs found it."""

import numpy as np
import pandas as pd

from bench import timing
from bench.measurement import INFERENCE_BATCH
from bench.report.markdown import NONE, count, escape, score, seconds, table, thousands
from bench.report.sections.base import section
from bench.report.summary import Results, Row

MIB, KIB = 2**20, 2**10


@section("throughput", "Throughput", order=70)
def throughput_table(results: Results) -> tuple[str, list[str]] | None:
    """Return what the lane measured, then the accuracy runs' throughput of the rows that it did not measure."""
    measured = [r for r in results.rows if r.measurement is not None]
    runs = [r for r in results.rows if len(r.speeds) and not _trains(r)]
    failed = _failed(results)
    parts, notes = [], []
    if measured:
        parts.append(_measured_table(measured))
        notes += [*_dirty(measured), *_conditions(measured, results.frames["rounds"])]
    if failed:
        notes.append(f"**Measurements without a result:** {'; '.join(failed)}.")
    if runs:
        if measured:
            parts.append(f"Not measured alone, so from the accuracy runs: {count(len(runs), 'row')}.")
        parts.append(_runs_table(runs))
        notes.append(
            "Training windows per second, the median over epochs after the first, then over uncontended runs where "
            "there are some, over all runs (c) otherwise. A run counts as contended where its CPU time was under 98 % "
            "of wall time in training, or unknown, as on a GPU. Evaluation and compilation are not in it. Compare rows "
            "of one environment alone."
        )
    return ("\n\n".join(parts), notes) if parts or notes else None


def _trains(row: Row) -> bool:
    """Return whether its training throughput was measured alone."""
    return row.measured("train_windows_per_s") is not None


def _measured_table(rows: list[Row]) -> str:
    def order(row: Row) -> tuple[str, str, str, float, float]:
        train, infer = (row.measured(f"{kind}_windows_per_s") or 0.0 for kind in ("train", "infer"))
        return _text(row, "environment"), row.device, row.backend, -train, -infer

    headers = [
        "environment", "model", "device, backend", "training windows/s [95 %]", "time steps/s",
        f"inference windows/s, batch {INFERENCE_BATCH} [95 %]", "latency p50, ms", "p99, ms", "compilation, s",
        "peak memory, MiB (above base)", "parameters", "model, KiB", "rounds: training, inference (left out)",
        "settled", "in the clock", "measurement",
    ]  # fmt: skip
    return table(headers, [_cells(row) for row in sorted(rows, key=order)], text_columns=3, text_last=True)


def _cells(row: Row) -> list[str]:
    compile_s, parameters = row.measured("compile_s"), row.measured("parameters")
    return [
        f"`{escape(_text(row, 'environment'))}`",
        escape(row.name),
        f"{escape(row.device)}, {escape(row.backend)}",
        _speed(row, "train"),
        thousands(row.measured("train_steps_per_s")),
        _speed(row, "infer"),
        _milliseconds(row.measured("latency_p50_s")),
        _milliseconds(row.measured("latency_p99_s")),
        NONE if compile_s is None else seconds(compile_s),
        _memory(row),
        NONE if parameters is None else f"{parameters:,.0f}",
        score(_over(row.measured("model_bytes"), KIB), 3),
        _rounds(row),
        "**unstable**" if row.unsettled else "yes",
        _in_clock(row) or "0",
        f"`{escape(_text(row, 'measure_id'))}`",
    ]


def _speed(row: Row, kind: str) -> str:
    """Return the median round's windows per second, with its interval where there are rounds enough for one."""
    centre, low, high = (row.measured(f"{kind}_{name}") for name in ("windows_per_s", "low", "high"))
    if centre is None:
        return NONE
    return thousands(centre) + (f" [{thousands(low)}, {thousands(high)}]" if low and high else "")


def _milliseconds(value: float | None) -> str:
    return NONE if value is None else score(1000 * value, 3)


def _memory(row: Row) -> str:
    peak, base = row.measured("peak_memory_bytes"), row.measured("base_memory_bytes")
    if peak is None:
        return NONE
    return thousands(peak / MIB) + (f" ({thousands((peak - base) / MIB)})" if base is not None else "")


def _rounds(row: Row) -> str:
    """Return how many rounds count, of each kind that was timed, and how many contended ones are left out."""
    kinds = [kind for kind in ("train", "infer") if row.measured(f"{kind}_windows_per_s") is not None]
    counted = [f"{row.measured(f'{kind}_rounds') or 0:.0f}" if kind in kinds else NONE for kind in ("train", "infer")]
    contended = sum(row.measured(f"{kind}_contended") or 0 for kind in ("train", "infer"))
    return ", ".join(counted) + f" ({contended:.0f})"


def _in_clock(row: Row) -> str:
    """Return what ran inside the clock but should not have, in bold; empty for a clean window."""
    found = []
    for column, noun in (("compilations_in_clock", "compilation"), ("evaluations_in_clock", "evaluation")):
        if number := int(row.measured(column) or 0):
            found.append(count(number, noun))
    return f"**{', '.join(found)}**" if found else ""


def _over(value: float | None, unit: int) -> float | None:
    return None if value is None else value / unit


def _text(row: Row, column: str) -> str:
    """Return a text of the row's measurement."""
    return "" if row.measurement is None else str(row.measurement.get(column, ""))


def _dirty(rows: list[Row]) -> list[str]:
    """Return a warning that names every measurement whose window was not clean."""
    dirty = [f"{escape(r.name)} ({_in_clock(r).strip('*')})" for r in rows if _in_clock(r)]
    text = "**Not clean: something was compiled or evaluated inside the clock, so these numbers are too low:** "
    return [f"{text}{'; '.join(dirty)}."] if dirty else []


def _conditions(rows: list[Row], rounds: pd.DataFrame) -> list[str]:
    """Return how these numbers were taken, and how to read the columns."""
    cpu, gpu = (any(r.device.startswith("cpu") is on_cpu for r in rows) for on_cpu in (True, False))
    unstable = [escape(r.name) for r in rows if r.unsettled]
    place = " and ".join(["each CPU process on one pinned core"] * cpu + ["one process at work on the GPU"] * gpu)
    shared = " or ".join(
        [f"with less CPU time than {100 * timing.LEAST_CPU_SHARE:g} % of wall time (it shared its core)"] * cpu
        + ["with another's process on its GPU"] * gpu
    )
    notes = [
        f"Measured alone on the machine, under an exclusive lock, {place}. The rounds of all models are taken in turn, "
        f"each of equal work{_length(rounds)}, the first {timing.WARM_UP_ROUNDS} of each for warm-up. A model has "
        f"settled from {timing.LEAST_ROUNDS} counted rounds on, once the distribution-free 95 % interval of their "
        f"median is narrower than {100 * timing.WIDEST:g} % of it; after {timing.CAP_ROUNDS} without that it is "
        f"**unstable**. A round {shared} is left out and repeated. Latency is of one window, over "
        f"{timing.LATENCY_CALLS:,} calls. Compilation and memory are of a fresh process; memory above base is what the "
        "model added to backend and data.",
        "*In the clock* counts compilations and evaluations inside timed rounds: 0 in a clean window. Predictors have "
        "no training to time. Compare rows of one environment alone. Raw rounds stand in `rounds.csv`, the record of a "
        "measurement in `results/measurements/<measurement>-*.json`.",
    ]
    if unstable:
        notes.insert(0, f"Unstable: {', '.join(unstable)}.")
    return notes


def _length(rounds: pd.DataFrame) -> str:
    """Return how long the counted rounds took; empty where none is known."""
    if not len(rounds):
        return ""
    counted = rounds[~(rounds["warm_up"] | rounds["contended"]).fillna(True).astype(bool)]
    return f" ({score(float(counted['wall_s'].median()), 2)} s in the median)" if len(counted) else ""


def _failed(results: Results) -> list[str]:
    """Return the measurements that ended without a result, each with its reason."""
    frame = results.frames["measurements"]
    if "status" not in frame:
        return []
    names = {(r.case, r.device, r.backend): r.name for r in results.rows}
    found = []
    for _, m in frame[frame["status"] != "done"].iterrows():
        name = names.get((m["case"], m["device"], m["backend"]), m["case"])
        reason = "" if pd.isna(m["reason"]) else escape(m["reason"])
        place = f"{escape(m['device'])}, {escape(m['backend'])}, `{escape(m['measure_id'])}`"
        found.append(f"{escape(name)} ({place}): {reason or 'no reason recorded'}")
    return found


def _runs_table(rows: list[Row]) -> str:
    cells = []
    for row in sorted(rows, key=lambda r: (r.device, r.backend, -float(np.median(r.speeds)))):
        speeds = row.speeds
        cells.append(
            [
                escape(row.name),
                f"{escape(row.device)}, {escape(row.backend)}",
                ", ".join(f"`{e}`" for e in sorted(set(row.timed["environment"]))),
                thousands(float(np.median(speeds))) + (" (c)" if row.contended else ""),
                f"{thousands(float(speeds.min()))} to {thousands(float(speeds.max()))}",
                f"{int(row.done['contended'].fillna(True).sum())} of {len(row.done)}",
                seconds(row.done["train_s"].median()),
                seconds(row.done["compile_s"].max()),
                seconds(row.done["total_s"].median()),
            ]
        )
    headers = ["model", "device, backend", "environment", "windows/s", "range", "contended runs"]
    headers += ["training s (median)", "compilation s (max)", "run s (median)"]
    return table(headers, cells, text_columns=3)
