"""The long table of every number, for exports, and means for a summary."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from bench import stats
from bench.csvs import typed
from bench.frames.runs import TIMES, final_values, key, number, runs_frame
from bench.record import RunRecord

TIDY = [
    "suite", "case", "task", "dataset", "model", "seed", "data_seed", "device", "backend", "split", "weights",
    "metric", "epoch", "step", "value", "status", "run_id", "environment", "attempt",
]  # fmt: skip


def tidy(suite_name: str, records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return every number of the records as one long table, one value a row.

    A run without any number (failed, or diverged at once) keeps one row with an empty metric. Curves
    have ``split`` train or valid, an epoch and no ``weights``; throughput and times have neither.
    """
    rows: list[dict[str, Any]] = []
    for record in records:
        shared = {
            "suite": suite_name,
            **key(record),
            "task": record.task.get("name"),
            "dataset": record.spec.dataset.name,
            "model": record.spec.model.name,
            "status": record.status,
            "run_id": record.run_id,
            "environment": record.environment.digest,
            "attempt": record.attempt,
        }
        values = [*final_values(record), *_curve_values(record), *_time_values(record)]
        rows.extend(shared | value for value in values or [{}])
    return typed(rows, TIDY)[TIDY]


def means(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row a case, device and backend: its finished runs, their validation scores and throughput.

    As in a report: the geometric mean of errors, the arithmetic one of accuracies, the median of throughputs.
    """
    runs = runs_frame(records)
    runs = runs[runs["status"] == "done"]
    ways: dict[str, Any] = {
        "valid_mse": _geometric,
        "valid_last_time_step_mse": _geometric,
        "valid_accuracy": "mean",
        "windows_per_s": "median",
    }
    shown: Any = {column: way for column, way in ways.items() if column in runs and runs[column].notna().any()}
    groups = runs.groupby(["case", "device", "backend"], sort=False)
    table: pd.DataFrame = groups.agg(shown)
    table.insert(0, "runs", groups.size())
    return table.reset_index()


def _geometric(values: pd.Series) -> float:
    known = values.dropna().astype("float64")
    mean = stats.geometric_mean(known)
    return float(known.mean()) if mean is None else mean


def _curve_values(record: RunRecord) -> Iterable[dict[str, Any]]:
    series = {("train", "loss"): record.curve.train_loss}
    series |= {("valid", metric): values for metric, values in record.curve.valid.items()}
    for (split, metric), values in series.items():
        for epoch, value in enumerate(values, start=1):
            yield {"split": split, "metric": metric, "epoch": epoch, "value": number(value)}


def _time_values(record: RunRecord) -> Iterable[dict[str, Any]]:
    if record.windows_per_s is not None and math.isfinite(record.windows_per_s):
        yield {"metric": "windows_per_s", "value": record.windows_per_s}
    for epoch, seconds in enumerate(record.timing.epoch_s, start=1):
        yield {"metric": "epoch_s", "epoch": epoch, "value": seconds}
    if record.status == "done":
        yield from ({"metric": name, "value": getattr(record.timing, name)} for name in TIMES[:4])
