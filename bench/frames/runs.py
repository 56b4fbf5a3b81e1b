"""Frames of what runs left: scores, curves, forecasts, environments."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from bench.frames.base import frame, repeated
from bench.frames.schemas import CURVES, ENVIRONMENTS, FORECASTS, RETRIES, RUNS, SCORES, TIMES
from bench.frames.scores import MOST_STEPS, shown_steps
from bench.frames.selection import Shown
from bench.metrics.traits import Axis
from bench.record import RunRecord, Score

SPLITS = ("train", "valid", "test")


@frame("runs", RUNS)
def runs_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row a run, failed ones too."""
    return map(run_row, shown.records)


def run_row(record: RunRecord) -> dict[str, Any]:
    """Return a run's row."""
    timing = record.timing
    return {
        **key(record),
        "status": record.status,
        "reason": record.failure.reason if record.failure else "",
        "task": record.task.name if record.task else "",
        "windows": _windows(record),
        "positions": _positions(record),
        "parameters": record.parameters,
        "train_windows": record.train_windows,
        "epochs_run": len(record.curve.train_loss) or None,
        "best_epoch": record.best_epoch,
        "windows_per_s": record.windows_per_s,
        "contended": record.contended if timing.epoch_s else None,
        "cpu_over_wall": timing.cpu_over_wall,
        **{k: getattr(timing, k) for k in TIMES},
        "run_id": record.run_id,
        "environment": record.environment.digest,
        "attempt": record.attempt,
        "data_digest": record.data_digest,
        "data_notes": "; ".join(record.data_notes),
        "started_at": record.provenance.started_at,
        "ended_at": record.provenance.ended_at,
        "host": record.provenance.host,
        "git_commit": record.provenance.git_commit,
    }


@frame("scores", SCORES, long=True, large=True)
def scores_rows(shown: Shown) -> pd.DataFrame:
    """Return one row a number that a metric gave."""
    runs = [record.run_id for record in shown.records]
    known: dict[tuple[str, ...], int] = {}
    counts, which, values = [], array("q"), array("d")
    for record in shown.records:
        scores = _shown_scores(record)
        counts.append(len(scores))
        which.extend(known.setdefault(score[:-1], len(known)) for score in scores)
        values.extend(score.value for score in scores)
    places = np.asarray(which)
    named = {name: repeated([key[i] for key in known], places) for i, name in enumerate(Score._fields[:-1])}
    return pd.DataFrame(
        {"run_id": repeated(runs, np.repeat(np.arange(len(runs)), counts)), **named, "value": np.asarray(values)}
    )


def _shown_scores(record: RunRecord) -> Sequence[Score]:
    """Return a record's scores, of many forecast steps those of `shown_steps`."""
    if record.task is None or record.task.horizon <= MOST_STEPS:
        return record.scores
    steps = {*map(str, shown_steps(record.task.horizon))}
    return [score for score in record.scores if score.axis != Axis.STEP or score.index in steps]


@frame("curves", CURVES, long=True, large=True)
def curves_rows(shown: Shown) -> pd.DataFrame:
    """Return one row a number of an epoch."""
    known: dict[tuple[str, str], int] = {}
    runs, counts, kinds, values = [], [], [], array("d")
    for record in shown.records:
        for split, metric, series in epoch_series(record):
            runs.append(record.run_id)
            counts.append(len(series))
            kinds.append(known.setdefault((split, metric), len(known)))
            values.extend(series)
    place = np.repeat(np.arange(len(runs)), counts)
    kind = np.array(kinds, np.int64)[place]
    first = np.cumsum([0, *counts])[:-1]
    return pd.DataFrame(
        {
            "run_id": repeated(runs, place),
            "epoch": np.arange(len(place)) - first[place] + 1,
            "split": repeated([split for split, _ in known], kind),
            "metric": repeated([metric for _, metric in known], kind),
            "value": np.asarray(values),
        }
    )


def epoch_series(record: RunRecord) -> Iterator[tuple[str, str, list[float]]]:
    """Yield split, metric and one value an epoch: training loss, validation metrics, then the epochs' seconds."""
    yield "train", "loss", record.curve.train_loss
    for metric, values in record.curve.valid.items():
        yield "valid", metric, values
    yield "train", "epoch_s", record.timing.epoch_s


@frame("forecasts", FORECASTS, long=True)
def forecasts_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield a few windows with truth and forecast, one value a row, from each case's first seed."""
    seen: set[tuple[str, str, str]] = set()
    for record in sorted(shown.records, key=lambda r: (r.spec.data_seed, r.spec.model_seed or 0)):
        place = (record.spec.case, record.spec.device, record.spec.backend)
        if place in seen or record.status != "done" or (sample := record.sample) is None:
            continue
        seen.add(place)
        for i, window in enumerate(sample.window):
            after = len(sample.x[i])
            parts = {"input": (0, sample.x), "truth": (after, sample.truth), "forecast": (after, sample.forecast)}
            if sample.low:
                parts |= {"low": (after, sample.low), "high": (after, sample.high)}
            for part, (first, values) in parts.items():
                for step, value in enumerate(values[i], start=first):
                    yield {"run_id": record.run_id, "window": window, "part": part, "step": step, "value": value}


@frame("retries", RETRIES)
def retries_rows(shown: Shown) -> Iterator[dict[str, Any]]:
    """Yield one row an attempt that gave no result, of a run that was tried again."""
    for record in shown.retried:
        yield {
            **key(record),
            "attempt": record.attempt,
            "status": record.status,
            "reason": record.failure.reason if record.failure else "",
            "run_id": record.run_id,
            "ended_at": record.provenance.ended_at,
        }


@frame("environments", ENVIRONMENTS)
def environments_rows(shown: Shown) -> Iterable[dict[str, Any]]:
    """Return one row an environment, with the host, platform and commits of its records."""
    kept: dict[str, list[RunRecord]] = {}
    for record in shown.records:
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
                "git_commit": ", ".join(sorted({r.provenance.commit_in_words for r in group})),
            }
        )
    return rows


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


def _positions(record: RunRecord) -> str:
    """Return in words the positions that a model forecasts at which leaves some out: ``3, 5, ..., 49``."""
    at = record.positions
    if at is None:
        return ""
    steps = {b - a for a, b in pairwise(at)}
    if len(at) > 3 and len(steps) == 1:
        return f"{at[0]}, {at[1]}, ..., {at[-1]}"
    return ", ".join(map(str, at)) or "none"
