"""The long table of every number, for exports, and means for a summary."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from bench import stats
from bench.frames.base import typed
from bench.frames.runs import epoch_series, key
from bench.frames.schemas import TIDY, TIMES
from bench.frames.solved import solved_run
from bench.metrics.base import Metric, applicable
from bench.plan import by_place, usual_environment
from bench.record import FINISHED, RunRecord, Weights


def tidy(
    suite_name: str,
    records: Iterable[RunRecord],
    solved: Mapping[str, Mapping[str, float]] | None = None,
    rank: Weights = "last",
) -> pd.DataFrame:
    """Return every number of the records as one long table, one value a row.

    A run without any number (failed, or diverged at once) keeps one row with an empty metric. Curves
    have ``split`` train or valid, an epoch and no ``weights``; throughput and times have neither.

    ``solved`` has, by case, the metrics and their values from which on a task counts as solved. A finished run of a
    network there has a row ``solved``, 1 or 0, of test with the weights that ``rank``, and where validation is there
    after some epoch a row ``steps_until_solved``.
    """
    rows: list[dict[str, Any]] = []
    for record in records:
        shared = {
            "suite": suite_name,
            **key(record),
            "task": record.task.name if record.task else "",
            "dataset": record.spec.dataset.name,
            "model": record.spec.model.name,
            "status": record.status,
            "run_id": record.run_id,
            "environment": record.environment.digest,
            "attempt": record.attempt,
        }
        values = [*_final_values(record), *_curve_values(record), *_time_values(record)]
        values += _solved_values(record, (solved or {}).get(record.spec.case, {}), rank)
        rows.extend(shared | value for value in values or [{}])
    return typed(rows, TIDY)


def means(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row a case, device and backend: its finished runs, their validation scores and throughput.

    As in a report: the mean of each metric on its own scale (geometric for errors), the median of throughputs in the
    environment that most records of a device and backend are of. A metric has a column where some task of the records
    shows it in its leaderboard.
    """
    groups: dict[tuple[str, str, str], list[RunRecord]] = {}
    for record in records:
        if record.status == "done":
            groups.setdefault((record.spec.case, record.spec.device, record.spec.backend), []).append(record)
    finished = [record for group in groups.values() for record in group]
    usual = {place: usual_environment(known) for place, known in by_place(finished).items()}
    rows = []
    for (case, device, backend), mine in groups.items():
        row: dict[str, Any] = {"case": case, "device": device, "backend": backend, "runs": len(mine)}
        task = mine[0].task
        for metric in applicable(task, mine[0].spec.metrics) if task else []:
            if metric.tabled or metric.name in mine[0].spec.metrics:
                row[f"valid {metric.heading}"] = _mean(metric, mine)
        alike = [record for record in mine if record.environment.asked.digest == usual[device, backend]]
        speeds = [record.windows_per_s for record in alike if record.windows_per_s is not None]
        row["windows_per_s"] = float(pd.Series(speeds).median()) if speeds else None
        rows.append(row)
    if not rows:
        return pd.DataFrame(columns=["case", "device", "backend", "runs"])
    table = pd.DataFrame(rows)
    return table[[*(c for c in table.columns if c != "windows_per_s"), "windows_per_s"]].dropna(axis=1, how="all")


def _mean(metric: Metric, records: list[RunRecord]) -> float | None:
    values = [value for record in records if (value := record.score(metric.name)) is not None]
    centre = stats.interval(values, log=metric.suited(values).log)
    return None if centre is None else centre.centre


def _final_values(record: RunRecord) -> Iterator[dict[str, Any]]:
    epochs = {"last": len(record.curve.train_loss) or None, "best": record.best_epoch}
    for score in record.scores:
        yield score._asdict() | {"epoch": epochs[score.weights]}


def _curve_values(record: RunRecord) -> Iterator[dict[str, Any]]:
    for split, metric, values in epoch_series(record):
        for epoch, value in enumerate(values, start=1):
            yield {"split": split, "metric": metric, "epoch": epoch, "value": value}


def _solved_values(record: RunRecord, solved: Mapping[str, float], rank: Weights) -> Iterator[dict[str, Any]]:
    for metric, threshold in solved.items() if record.status in FINISHED and record.spec.recipe else ():
        run = solved_run(record, metric, threshold, rank)
        yield {"split": "test", "weights": rank, "metric": "solved", "value": float(run.on_test)}
        if run.steps is not None:
            yield {"split": "valid", "metric": "steps_until_solved", "value": run.steps}


def _time_values(record: RunRecord) -> Iterator[dict[str, Any]]:
    if record.windows_per_s is not None and math.isfinite(record.windows_per_s):
        yield {"metric": "windows_per_s", "value": record.windows_per_s}
    if record.status == "done":
        yield from ({"metric": name, "value": getattr(record.timing, name)} for name in TIMES[:4])
