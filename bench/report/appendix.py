"""The tables after those of the tasks: floors, errata, throughput, failures, environments, run ids."""

import numpy as np
import pandas as pd

from bench import stats
from bench.report.markdown import NONE, count, duration, escape, score, spread, table, thousands
from bench.report.summary import Results, Row, recipe_difference


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
    headers = ["", "noise floor", "baseline", "best untrained", "leader"]
    note = "The floor is the variance of the noise in the target, below which no forecast's expected MSE can go."
    return table(headers, rows), [note]


def errata_table(results: Results) -> tuple[str, list[str]]:
    """Return each fault's variants, with scores and the ratio to the corrected variant."""
    lines, faults = [], {}
    for number, row, variant, fault, ratio in errata_rows(results):
        faults[number] = fault
        cells = [str(number), escape(row.name), escape(variant), recipe_difference(row, {}) if row.trained else "none"]
        cells[3] = cells[3].replace("optimizer ", "")
        scores = [
            spread(row.summary(c), exact=not row.trained)
            for c in ("valid_mse", "valid_last_time_step_mse", "valid_mse_odd_positions")
        ]
        lines.append([*cells, *scores, NONE if ratio is None else f"{ratio:.2f}"])
    headers = ["no.", "case", "variant", "recipe", "valid MSE", "last-step MSE", "MSE on 3::2", "× corrected"]
    notes = [f"{number}. {escape(fault)}." for number, fault in faults.items()]
    notes.append("The last column is the ratio of geometric mean validation MSEs, this variant over the corrected one.")
    return table(headers, lines, text_columns=4), notes


def errata_rows(results: Results) -> list[tuple[int, Row, str, str, float | None]]:
    """Return number, row, variant, fault and ratio to the corrected variant (None for itself or without one)."""
    errata = results.frames["errata"].sort_values("number", kind="stable")
    found = []
    for _, erratum in errata.iterrows():
        same = errata[(errata["number"] == erratum["number"]) & (errata["variant"] == "corrected")]
        for row in (r for r in results.rows if r.case == erratum["case"]):
            ratio = None
            if erratum["variant"] != "corrected":
                reference = corrected(results, row, set(same["case"]))
                ours = stats.geometric_mean(row.values("valid_mse"))
                theirs = stats.geometric_mean(reference.values("valid_mse")) if reference else None
                ratio = ours / theirs if ours and theirs else None
            found.append((int(erratum["number"]), row, erratum["variant"], erratum["fault"], ratio))
    return found


def corrected(results: Results, row: Row, cases: set[str]) -> Row | None:
    """Return the row to hold a faulty one against: same device and backend, same model where there is one."""
    rows = [r for r in results.rows if r.case in cases and (r.device, r.backend) == (row.device, row.backend)]
    same = [r for r in rows if r.info["model"] == row.info["model"]]
    return next(iter(same or rows), None)


def throughput_table(results: Results) -> tuple[str, list[str]]:
    """Return training throughput and seconds of every trained row, with its environment."""
    rows = []
    trained = [r for r in results.rows if r.trained and len(r.seeds("windows_per_s"))]
    for row in sorted(trained, key=lambda r: (r.device, r.backend, -float(np.median(r.seeds("windows_per_s"))))):
        speeds = row.seeds("windows_per_s")
        rows.append(
            [
                escape(row.name),
                f"{escape(row.device)}, {escape(row.backend)}",
                ", ".join(f"`{e}`" for e in sorted(set(row.done["environment"]))),
                thousands(float(np.median(speeds))),
                f"{thousands(float(speeds.min()))} to {thousands(float(speeds.max()))}",
                f"{int(row.done['contended'].fillna(True).sum())} of {len(row.done)}",
                f"{row.mean('train_s'):.1f}",
                f"{row.done['compile_s'].max():.1f}",
                f"{row.mean('total_s'):.1f}",
            ]
        )
    headers = ["model", "device, backend", "environment", "windows/s", "range", "contended", "training s"]
    headers += ["compilation s (max)", "run s"]
    note = (
        "Training windows per second, the median over epochs after the first, then over runs; evaluation and "
        "compilation are not in it. Compare rows of one environment alone."
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


def total_time(results: Results) -> str:
    """Return the sum of all runs' wall-clock time in words."""
    return duration(float(results.frames["runs"]["total_s"].sum()))


def _seed(run: pd.Series) -> str:
    return str(run["seed"]) if pd.notna(run["seed"]) else "exact"
