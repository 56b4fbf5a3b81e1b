"""Frames of what runs left: scores, curves, forecasts, groups, environments."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from bench.csvs import typed
from bench.record import RunRecord

KEY = ["case", "device", "backend", "data_seed", "seed"]
"""Columns that name a run within a report, in every frame that has one row or more a run."""
SPLITS = ("train", "valid", "test")
TIMES = ("total_s", "train_s", "compile_s", "evaluate_s", "build_s", "data_s", "import_s", "other_s")


def runs_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row a run, failed ones too.

    ``valid_mse`` is after the last epoch, ``valid_mse_best`` at the best epoch's weights; likewise for
    every split and metric. ``valid_mse_step_3`` is the MSE of the third forecast step, after the last epoch.
    """
    rows = []
    for record in records:
        timing = record.timing
        row: dict[str, Any] = {
            **key(record),
            "status": record.status,
            "reason": record.failure.reason if record.failure else "",
            "task": record.task.get("name"),
            "target": record.task.get("target"),
            "horizon": record.task.get("horizon"),
            "question": record.task.get("question"),
            "parameters": record.parameters,
            "train_windows": record.train_windows,
            "windows": _windows(record),
            "epochs_run": len(record.curve.train_loss) or None,
            "best_epoch": record.best_epoch,
        }
        for value in final_values(record):
            if "_by_group" in str(value["metric"]) or (value["step"] and value["weights"] == "best"):
                continue
            name = f"{value['split']}_{value['metric']}".replace("mse_per_step", "mse_step")
            step = f"_{value['step']}" if value["step"] else ""
            row[name + step + ("_best" if value["weights"] == "best" else "")] = value["value"]
        row |= {
            "windows_per_s": record.windows_per_s,
            "contended": record.contended if timing.epoch_s else None,
            "cpu_over_wall": timing.cpu_over_wall,
            **{k: getattr(timing, k) for k in TIMES},
            "run_id": record.run_id,
            "environment": record.environment.digest,
            "attempt": record.attempt,
            "data_digest": record.data_digest,
            "started_at": record.provenance.started_at,
            "ended_at": record.provenance.ended_at,
            "host": record.provenance.host,
            "git_commit": record.provenance.git_commit,
        }
        rows.append(row)
    return typed(rows, [*KEY, "status", "reason", "valid_mse", "valid_last_time_step_mse"])


def retries_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row an attempt that gave no result, of a run that was tried again."""
    rows = [
        {
            **key(record),
            "attempt": record.attempt,
            "status": record.status,
            "reason": record.failure.reason if record.failure else "",
            "run_id": record.run_id,
            "ended_at": record.provenance.ended_at,
        }
        for record in records
    ]
    return typed(rows, [*KEY, "attempt", "status", "reason", "run_id", "ended_at"])


def curves_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row an epoch: training loss, every per-epoch validation metric and the epoch's seconds."""
    rows = []
    for record in records:
        seconds = record.timing.epoch_s
        for i, loss in enumerate(record.curve.train_loss):
            valid = {f"valid_{k}": v[i] for k, v in record.curve.valid.items() if i < len(v)}
            epoch_s = seconds[i] if i < len(seconds) else None
            rows.append({**key(record), "epoch": i + 1, "train_loss": loss, **valid, "epoch_s": epoch_s})
    return typed(rows, [*KEY, "epoch", "train_loss", "epoch_s"])


def forecasts_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return a few windows with truth and forecast, one value a row, from each case's first seed.

    ``part`` is input, truth or forecast; ``step`` counts from 0, the window's first step, in all three.
    """
    rows = []
    seen: set[tuple[str, str, str]] = set()
    for record in sorted(records, key=lambda r: (r.spec.data_seed, r.spec.model_seed or 0)):
        place = (record.spec.case, record.spec.device, record.spec.backend)
        if record.sample is None or record.status != "done" or place in seen:
            continue
        seen.add(place)
        sample = record.sample
        for i, window in enumerate(sample.window):
            after = len(sample.x[i])
            parts = {"input": (0, sample.x), "truth": (after, sample.truth), "forecast": (after, sample.forecast)}
            for part, (first, values) in parts.items():
                for step, value in enumerate(values[i], start=first):
                    row = {**key(record), "window": window, "part": part, "step": step, "value": number(value)}
                    rows.append(row)
    return typed(rows, [*KEY, "window", "part", "step", "value"])


def groups_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return accuracy within each group of windows, after the last epoch: one row a run, split and group."""
    rows = []
    for record in records:
        for split, scores in record.scores_last.items():
            accuracies, windows = scores.get("accuracy_by_group"), scores.get("windows_by_group")
            if not isinstance(accuracies, dict) or not isinstance(windows, dict):
                continue
            for name, accuracy in accuracies.items():
                group, _, label = name.partition("=")
                row = {"split": split, "group": group, "group_value": number(label), "accuracy": number(accuracy)}
                rows.append({**key(record), **row, "n_windows": windows.get(name)})
    return typed(rows, [*KEY, "split", "group", "group_value", "accuracy", "n_windows"])


def environment_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row an environment, with the host, platform and commits of its records."""
    kept: dict[str, list[RunRecord]] = {}
    for record in records:
        kept.setdefault(record.environment.digest, []).append(record)
    rows = []
    for name, group in kept.items():
        known = [r for r in group if r.status == "done"] or group
        rows.append(
            {
                "environment": name,
                "n_runs": len(group),
                **known[0].environment.model_dump(),
                "host": ", ".join(sorted({r.provenance.host for r in group})),
                "platform": known[0].provenance.platform,
                "bench_version": ", ".join(sorted({r.provenance.bench_version for r in group})),
                "git_commit": ", ".join(sorted({r.provenance.git_commit for r in group})),
            }
        )
    return typed(rows, ["environment", "n_runs"])


def number(value: Any) -> float | None:
    """Return a score as a float; records keep infinities and NaN as text."""
    return None if value is None else float(value)


def key(record: RunRecord) -> dict[str, Any]:
    """Return the columns that name a run."""
    spec = record.spec
    return {
        "case": spec.case,
        "device": spec.device,
        "backend": spec.backend,
        "data_seed": spec.data_seed,
        "seed": spec.model_seed,
    }


def _windows(record: RunRecord) -> str:
    """Return how many windows each split holds, in words: train first, further test sets last."""
    order = [*SPLITS, *sorted(set(record.windows) - set(SPLITS))]
    return ", ".join(f"{record.windows[s]:,} {s.replace('_', ' ')}" for s in order if s in record.windows)


def final_values(record: RunRecord) -> Iterable[dict[str, Any]]:
    """Yield every score of the last and of the best weights, one value a row of the tidy table."""
    epochs = len(record.curve.train_loss) or None
    for weights, scores, epoch in (
        ("last", record.scores_last, epochs),
        ("best", record.scores_best, record.best_epoch),
    ):
        for split, metrics in scores.items():
            place = {"split": split, "weights": weights, "epoch": epoch}
            for metric, value in metrics.items():
                if isinstance(value, Mapping):
                    for group, part in value.items():
                        yield place | {"metric": f"{metric}[{group}]", "step": None, "value": number(part)}
                elif isinstance(value, list):
                    for step, part in enumerate(value, start=1):
                        yield place | {"metric": metric, "step": step, "value": number(part)}
                else:
                    yield place | {"metric": metric, "step": None, "value": number(value)}
