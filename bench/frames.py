"""Records as pandas frames: the long tidy table for exports, and the wide ones that a report is made from."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from bench.csvs import Frames, read_frames, typed, with_types, write_frames
from bench.datasets.base import Dataset
from bench.plan import Plan
from bench.record import RunRecord

__all__ = [
    "Frames", "cases_frame", "curves_frame", "environment_frame", "errata_frame", "forecasts_frame", "groups_frame",
    "means", "read_frames", "runs_frame", "tidy", "typed", "with_types", "write_frames",
]  # fmt: skip

TIDY = [
    "suite", "case", "task", "dataset", "model", "seed", "data_seed", "device", "backend", "split", "weights",
    "metric", "epoch", "step", "value", "status", "run_id", "environment", "attempt",
]  # fmt: skip
KEY = ["case", "device", "backend", "data_seed", "seed"]
"""Columns that name a run within a report, in every frame that has one row or more a run."""
SPLITS = ("train", "valid", "test")
SAMPLE_WINDOWS = 4
"""Windows of a forecast sample kept in ``forecasts.csv``."""


def tidy(suite_name: str, records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return every number of the records as one long table, one value a row.

    A run without any number (failed, or diverged at once) keeps one row with an empty metric. Curves
    have ``split`` train or valid, an epoch and no ``weights``; throughput and times have neither.
    """
    rows: list[dict[str, Any]] = []
    for record in records:
        shared = {
            "suite": suite_name,
            **_key(record),
            "task": record.task.get("name"),
            "dataset": record.spec.dataset.name,
            "model": record.spec.model.name,
            "status": record.status,
            "run_id": record.run_id,
            "environment": record.environment.digest,
            "attempt": record.attempt,
        }
        values = [*_final_values(record), *_curve_values(record), *_time_values(record)]
        rows.extend(shared | value for value in values or [{}])
    return typed(rows, TIDY)[TIDY]


def means(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row a case and device: its finished runs, their mean validation scores and throughput."""
    runs = runs_frame(records)
    runs = runs[runs["status"] == "done"]
    scores = ("valid_mse", "valid_last_time_step_mse", "valid_accuracy", "windows_per_s")
    shown = [c for c in scores if c in runs and runs[c].notna().any()]
    groups = runs.groupby(["case", "device"], sort=False)
    return pd.concat([groups.size().rename("runs"), groups[shown].mean()], axis=1).reset_index()


def cases_frame(plan: Plan) -> pd.DataFrame:
    """Return one row a case, in the suite's order.

    What a case is asked (``task``, ``target``, ``question``) is known from its records, or from
    another case's with the same dataset; empty where nothing has run. What its dataset says of itself
    stands in ``dataset_about``, ``extra_about``, ``groups_about`` and ``no_group``.
    """
    asked: dict[str, dict[str, Any]] = {}
    for record in plan.records:
        if record.task:
            asked[record.spec.case] = record.task
            asked.setdefault(record.spec.dataset.model_dump_json(), record.task)
    seeds = {(s.case, s.data_seed, s.model_seed) for s in plan.specs}
    rows = []
    for order, case in enumerate(plan.cases):
        spec = next(s for s in plan.specs if s.case == case.name)
        task = asked.get(case.name) or asked.get(spec.dataset.model_dump_json()) or {}
        recipe = case.recipe.model_dump() if case.recipe else {}
        rows.append(
            {
                "order": order,
                "case": case.name,
                "label": case.label,
                "task": task.get("name"),
                "target": task.get("target"),
                "input_length": task.get("input_length"),
                "features": task.get("features"),
                "horizon": task.get("horizon"),
                "question": task.get("question"),
                "n_planned": sum(1 for planned in seeds if planned[0] == case.name),
                "model": case.model.name,
                "model_params": json.dumps(spec.model.params, sort_keys=True),
                "dataset": case.dataset.name,
                "dataset_params": json.dumps(spec.dataset.params, sort_keys=True),
                **_documented(type(case.dataset)),
                "trained": case.model.trained,
                "peeks": getattr(case.model, "peeks", False),
                "batch_dependent": getattr(case.model, "batch_dependent", False),
                "baseline": case.model.name == plan.suite.baseline,
                "noise_floor_mse": case.dataset.noise_floor_mse,
                **{k: recipe.get(k) for k in RECIPE},
                "published_valid_mse": case.published.valid_mse,
                "published_valid_last_time_step_mse": case.published.valid_last_time_step_mse,
                "source": case.published.source,
                "curve": case.published.curve,
            }
        )
    return typed(rows)


def _documented(dataset: type[Dataset]) -> dict[str, str]:
    """Return what a dataset says of itself, of its further test sets and of its groups."""
    own = " ".join((dataset.__dict__.get("__doc__") or "").split()).replace("`", "")
    return {
        "dataset_about": own,
        "extra_about": dataset.extra_note,
        "groups_about": dataset.groups_note,
        "no_group": dataset.no_group,
    }


RECIPE = ("optimizer", "learning_rate", "epochs", "batch_size", "loss", "early_stopping_epochs")


def errata_frame(plan: Plan) -> pd.DataFrame:
    """Return one row a case and erratum: the case's variant of that fault."""
    rows = [
        {"number": e.number, "case": case.name, "variant": e.variant, "fault": e.fault}
        for case in plan.cases
        for e in case.errata
    ]
    return typed(rows, ["number", "case", "variant", "fault"])


def runs_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row a run, failed ones too.

    ``valid_mse`` is after the last epoch, ``valid_mse_best`` at the best epoch's weights; likewise for
    every split and metric. ``valid_mse_step_3`` is the MSE of the third forecast step, after the last epoch.
    """
    rows = []
    for record in records:
        timing = record.timing
        row: dict[str, Any] = {
            **_key(record),
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
        for value in _final_values(record):
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


TIMES = ("total_s", "train_s", "compile_s", "evaluate_s", "build_s", "data_s", "import_s", "other_s")


def curves_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return one row an epoch: training loss, every per-epoch validation metric and the epoch's seconds."""
    rows = []
    for record in records:
        seconds = record.timing.epoch_s
        for i, loss in enumerate(record.curve.train_loss):
            valid = {f"valid_{k}": v[i] for k, v in record.curve.valid.items() if i < len(v)}
            epoch_s = seconds[i] if i < len(seconds) else None
            rows.append({**_key(record), "epoch": i + 1, "train_loss": loss, **valid, "epoch_s": epoch_s})
    return typed(rows, [*KEY, "epoch", "train_loss", "epoch_s"])


def forecasts_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return a few windows with truth and forecast, one value a row, from each case's first seed.

    ``part`` is input, truth or forecast; ``step`` counts from 0, the window's first step, in all three.
    """
    rows = []
    seen: set[tuple[str, str, str]] = set()
    for record in sorted(records, key=lambda r: (r.spec.data_seed, r.spec.model_seed or 0)):
        key = (record.spec.case, record.spec.device, record.spec.backend)
        if record.sample is None or record.status != "done" or key in seen:
            continue
        seen.add(key)
        sample = record.sample
        for i, window in enumerate(sample.window[:SAMPLE_WINDOWS]):
            after = len(sample.x[i])
            parts = {"input": (0, sample.x), "truth": (after, sample.truth), "forecast": (after, sample.forecast)}
            for part, (first, values) in parts.items():
                for step, value in enumerate(values[i], start=first):
                    row = {**_key(record), "window": window, "part": part, "step": step, "value": number(value)}
                    rows.append(row)
    return typed(rows, [*KEY, "window", "part", "step", "value"])


def groups_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """Return accuracy within each group of windows, after the last epoch: one row a run, split and group."""
    rows = []
    for record in records:
        for split, scores in record.scores_last.items():
            windows = scores.get("windows_by_group") or {}
            for name, accuracy in (scores.get("accuracy_by_group") or {}).items():
                group, _, label = name.partition("=")
                row = {"split": split, "group": group, "group_value": number(label), "accuracy": number(accuracy)}
                rows.append({**_key(record), **row, "n_windows": windows.get(name)})
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
                "git_commit": ", ".join(sorted({r.provenance.git_commit[:12] for r in group})),
            }
        )
    return typed(rows, ["environment", "n_runs"])


def number(value: Any) -> float | None:
    """Return a score as a float; records keep infinities and NaN as text."""
    return None if value is None else float(value)


def _key(record: RunRecord) -> dict[str, Any]:
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


def _final_values(record: RunRecord) -> Iterable[dict[str, Any]]:
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
