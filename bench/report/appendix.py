"""The tables after those of the tasks: floors, errata, throughput, failures, environments, run ids."""

import numpy as np
import pandas as pd

from bench.report.markdown import NONE, count, escape, score, table, thousands
from bench.report.summary import Results


def floors_table(results: Results) -> tuple[str, list[str]]:
    """Return what no forecast, the baseline and the best closed form reach on every ground."""
    rows = []
    for ground in results.grounds:
        if ground.is_label:
            continue
        cells = [escape(ground.title), score(ground.floor)]
        for row in (ground.baseline, ground.untrained, ground.ranked[0] if ground.ranked else None):
            cells.append(f"{score(row.mean(ground.column))} ({escape(row.name)})" if row else NONE)
        rows.append(cells)
    headers = ["table", "noise floor", "baseline", "best untrained", "leader"]
    note = "The floor is the variance of the noise in the target, below which no forecast's expected MSE can go."
    return table(headers, rows), [note]


def throughput_table(results: Results) -> tuple[str, list[str]]:
    """Return training throughput and seconds of every trained row, with its environment."""
    rows = []
    trained = [r for r in results.rows if len(r.speeds)]
    for row in sorted(trained, key=lambda r: (r.device, r.backend, -float(np.median(r.speeds)))):
        speeds = row.speeds
        rows.append(
            [
                escape(row.name),
                f"{escape(row.device)}, {escape(row.backend)}",
                ", ".join(f"`{e}`" for e in sorted(set(row.timed["environment"]))),
                thousands(float(np.median(speeds))) + (" (c)" if row.contended else ""),
                f"{thousands(float(speeds.min()))} to {thousands(float(speeds.max()))}",
                f"{int(row.done['contended'].fillna(True).sum())} of {len(row.done)}",
                _seconds(row.done["train_s"].median()),
                _seconds(row.done["compile_s"].max()),
                _seconds(row.done["total_s"].median()),
            ]
        )
    headers = ["model", "device, backend", "environment", "windows/s", "range", "contended runs"]
    headers += ["training s (median)", "compilation s (max)", "run s (median)"]
    note = (
        "Training windows per second, the median over epochs after the first, then over uncontended runs where there "
        "are some, over all runs (c) otherwise. A run is contended where its CPU time was under 98 % of wall time in "
        "training. Evaluation and compilation are not in it. Compare rows of one environment alone."
    )
    return table(headers, rows, text_columns=3), [note]


def failures_table(results: Results) -> tuple[str, list[str]]:
    """Return the runs that failed, diverged or crashed, with their reasons, and how many never ran."""
    runs = results.failures
    labels = dict(zip(results.frames["cases"]["case"], results.frames["cases"]["label"], strict=True))
    rows = [
        [
            escape(labels.get(r["case"], r["case"])),
            escape(r["case"]),
            _seed(r),
            r["device"],
            r["status"],
            escape(r["reason"]),
        ]
        for _, r in runs.iterrows()
    ]
    absent = results.n_planned - len(results.frames["runs"])
    notes = [f"{count(absent, 'planned run')} not recorded yet in this environment."] if absent else []
    if not rows:
        return ("None." if not absent else "No recorded run failed."), notes
    return table(["model", "case", "seed", "device", "status", "reason"], rows, text_columns=6), notes


def run_ids(results: Results) -> str:
    """Return the record behind every table row: case, seeds and run ids."""
    rows = []
    for row in results.rows:
        ids = [f"{_seed(r)}: `{r['run_id']}`" for _, r in row.runs.sort_values(["data_seed", "seed"]).iterrows()]
        rows.append([escape(row.name), f"`{row.case}`", escape(row.device), ", ".join(ids)])
    return table(["model", "case", "device", "seed: run id"], rows, text_columns=4)


def environments(results: Results) -> str:
    """Return one line an environment."""
    frame = results.frames["environments"]
    columns = {
        "environment": "environment",
        "device": "device",
        "device_name": "device name",
        "cpu": "CPU",
        "threads": "threads",
        "backend": "backend",
        "backend_version": "version",
        "keras": "Keras",
        "numpy": "NumPy",
        "python": "Python",
        "precision": "precision",
        "jit": "compiler",
        "platform": "platform",
        "git_commit": "commit",
        "n_runs": "runs",
    }
    known = [c for c in columns if c in frame and (frame[c].astype(str) != "").any()]
    rows = [[escape(r[c]) or NONE for c in known] for _, r in frame.iterrows()]
    return table([columns[c] for c in known], rows, text_columns=len(known))


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _seed(run: pd.Series) -> str:
    return str(run["seed"]) if pd.notna(run["seed"]) else "exact"
