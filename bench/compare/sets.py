"""A set of results as one frame of runs and one of measurements, whether it lies in records or in a report's tables."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bench.digest import digest
from bench.errors import BenchError
from bench.frames.base import read_frame, typed
from bench.frames.measurements import measurement_row
from bench.frames.runs import run_row
from bench.frames.schemas import ABOUT, CASES, ENVIRONMENTS, MEASUREMENTS, METRICS, RECIPE, RUNS, SCORES
from bench.frames.selection import newest_processes
from bench.metrics.base import applicable, monitor
from bench.metrics.traits import Axis, Direction, Scale, Traits
from bench.provenance import Environment
from bench.record import FINISHED, RANKED, RunRecord, Score, Weights
from bench.registry import close_matches
from bench.stale import described, flatten
from bench.store import Store

KEY = ("case", "kind", "backend", "data_seed", "seed")
"""Columns that name a run within one set; ``kind`` is its device without a number."""
DIGITS = 6
"""Significant digits of a report's tables."""
_PLACE = ("case", "data_seed", "model_seed", "device", "backend")
_TABLES = {"runs": RUNS, "scores": SCORES, "metrics": METRICS, "cases": CASES, "environments": ENVIRONMENTS,
           "measurements": MEASUREMENTS}  # fmt: skip
"""What is read of a report."""
Flat = Mapping[str, str]


@dataclass(frozen=True)
class ResultSet:
    """The results of one side of a comparison: one environment a device kind and backend, one record a run.

    Attributes:
        name: How it is called in messages.
        runs: One row a run, finished and failed ones; ``scores`` holds its numbers by the score that ranks, by metric.
        measurements: One row a case, device and backend: what its newest good processes say together.
        metrics: Traits of each task's metrics, by task and name; the one that ``monitors`` chose the best epoch.
        specs: What each case's numbers depend on besides the seeds, keys joined by dots, values as text.
        environments: What each environment digest stands for, values as text.
        whole: True where it was read from records: versions and all digits are known.
        remarks: What was left out, and why.
        rank: Whose weights rank, as a suite says; see `bench.record.RANKED`.
    """

    name: str
    runs: pd.DataFrame
    measurements: pd.DataFrame
    metrics: Mapping[str, Mapping[str, Traits]]
    specs: Mapping[str, Flat]
    environments: Mapping[str, Flat]
    whole: bool
    remarks: tuple[str, ...] = ()
    rank: Weights = "last"

    @property
    def backends(self) -> set[str]:
        """Backends of its trained runs."""
        return set(self.runs.loc[self.runs["seed"].notna(), "backend"])


def rank_of(*folders: Path) -> Weights | None:
    """Return what ranks in the reports among these folders; None where none says it.

    Raises:
        BenchError: Two rank by other weights, or a report cannot be read.
    """
    said: dict[str, Path] = {}
    for folder in folders:
        if (folder / "about.csv").is_file():
            about: dict[str, str] = dict(read_frame(folder / "about.csv", ABOUT).itertuples(index=False))
            said.setdefault(about.get("rank", ""), folder)
    told: list[Weights] = [weights for weights in RANKED if weights in said]
    if len(told) > 1:
        each = " and ".join(f"{said[weights]} ranks by the {weights} epoch" for weights in told)
        raise BenchError(f"{each}; say by which the two are compared, with --rank {' or --rank '.join(told)}")
    return told[0] if told else None


def read_set(
    folder: Path,
    name: str,
    *,
    environment: str = "",
    backend: str = "",
    device: str = "",
    rank: Weights = "last",
) -> ResultSet:
    """Read a results folder, or a report's.

    Of several environments of one device kind and backend the one named is used; where none is named, or the one named
    is of another kind, the one with most finished runs (of equals the latest), on the named one's host if it can be. Of
    several specs of one case the newest is used. What is left out is in ``remarks``.

    Args:
        folder: It holds ``records/`` or ``measurements/``, or it holds ``runs.csv``.
        name: What messages call it.
        environment: An environment's digest, or its beginning; empty for none.
        backend: Only trained runs of this backend; empty for all.
        device: Only trained runs on this kind of device; empty for all.
        rank: Whose weights rank.

    Raises:
        BenchError: No such folder, a file in it cannot be read, or the environment or backend is in none of its runs.
    """
    if any((folder / part).is_dir() for part in ("records", "measurements")):
        return _narrowed(_from_records(Store(folder), name, rank), environment, backend, device)
    if (folder / "runs.csv").is_file():
        return _narrowed(_from_tables(folder, name, rank), environment, backend, device)
    there = "there is no such folder" if not folder.is_dir() else "it holds neither records/ nor runs.csv"
    raise BenchError(f"{folder} is no set of results ({there}); name a results folder, or one that a report is in")


def standing_for(results: ResultSet, kind: str) -> ResultSet:
    """Return the set with its trained runs called runs on another kind of device, to be held against such."""
    runs, speeds = (
        frame.assign(kind=frame["kind"].where(frame["backend"] == "numpy", kind))
        for frame in (results.runs, results.measurements)
    )
    return replace(results, runs=runs, measurements=speeds)


def _from_records(store: Store, name: str, rank: Weights) -> ResultSet:
    """Return all that a store holds."""
    records, measurements = store.read(), store.read_measurements()
    flat = [_spec(record) for record in records]
    digests = [digest(dict(spec)) for spec in flat]
    metrics: dict[str, dict[str, Traits]] = {}
    for task, named in dict.fromkeys((r.task, r.spec.metrics) for r in records if r.task):
        chose = monitor(task).name
        known = {m.name: replace(m, monitors=m.name == chose) for m in applicable(task, named)}
        metrics[task.name] = {**metrics.get(task.name, {}), **known}
    return ResultSet(
        name,
        _kinds(typed(map(run_row, records), RUNS)).assign(
            spec=digests, scores=[_ranked(record.scores, rank) for record in records]
        ),
        _kinds(typed(map(measurement_row, newest_processes(measurements)), MEASUREMENTS)),
        metrics,
        dict(zip(digests, flat, strict=True)),
        {
            e.digest: _texts(e.model_dump())
            for e in [r.environment for r in records] + [m.environment for m in measurements]
        },
        whole=True,
        rank=rank,
    )


def _from_tables(folder: Path, name: str, rank: Weights) -> ResultSet:
    """Return all that the tables beside a report hold."""
    tables = {table: read_frame(folder / f"{table}.csv", schema) for table, schema in _TABLES.items()}
    scores: dict[str, list[Score]] = {}
    for run_id, *score in tables["scores"].itertuples(index=False):
        scores.setdefault(run_id, []).append(Score(*score))
    metrics: dict[str, dict[str, Traits]] = {}
    for row in tables["metrics"].to_dict("records"):
        metrics.setdefault(row["task"], {})[row["metric"]] = _traits(row)
    runs = _kinds(tables["runs"])
    return ResultSet(
        name,
        runs.assign(spec=runs["case"], scores=[_ranked(scores.get(run_id, []), rank) for run_id in runs["run_id"]]),
        _kinds(tables["measurements"]),
        metrics,
        {row["case"]: _spec_of_row(row) for row in tables["cases"].to_dict("records")},
        {
            row["environment"]: _texts({field: row[field] for field in Environment.model_fields})
            for row in tables["environments"].to_dict("records")
        },
        whole=False,
        rank=rank,
    )


def _narrowed(whole: ResultSet, environment: str, backend: str, device: str) -> ResultSet:
    """Keep what is asked for: one environment a device kind and backend, one spec a case, one record a run."""
    name, runs, speeds = whole.name, whole.runs, whole.measurements
    digests = sorted({*runs["environment"], *speeds["environment"]})
    wanted = [d for d in digests if environment and d.startswith(environment)]
    if environment and len(wanted) != 1:
        raise BenchError(f"{name} has no one environment {environment!r}; {close_matches(environment, digests)}")
    backends = sorted({*runs.loc[runs["seed"].notna(), "backend"], *speeds["backend"]} - {"numpy"})
    if backend and backend not in backends:
        raise BenchError(f"{name} has no run of backend {backend!r}; {close_matches(backend, backends)}")
    runs, speeds = (_only(_only(frame, "backend", backend), "kind", device) for frame in (runs, speeds))
    runs, remarks = _one_environment(runs, name, wanted)
    kept = set(runs["environment"])
    told = {d: whole.environments.get(d, {}).get("variables") for d in sorted(kept)}
    remarks += [f"{name}: environment {d} had {variables} set" for d, variables in told.items() if variables]
    mine = speeds["environment"].isin(kept | set(wanted)) if kept else speeds["environment"].notna()
    speeds = speeds[mine & (speeds["status"] != "failed")].sort_values("ended_at")
    speeds = speeds.drop_duplicates(["case", "kind", "backend"], keep="last")
    runs, left_out = _one_spec(runs)
    if left_out:
        remarks.append(f"{name}: {left_out} runs of earlier specs are left out; each case is taken at its newest")
    specs = {str(case): whole.specs[spec] for case, spec in zip(runs["case"], runs["spec"], strict=True)
             if spec in whole.specs}  # fmt: skip
    return replace(whole, runs=_one_record(runs), measurements=speeds, specs=specs, remarks=tuple(remarks))


def _only(frame: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    """Keep trained rows with a value; predictors have no backend or device of their own."""
    return frame[(frame[column] == value) | (frame["backend"] == "numpy")] if value else frame


def _one_environment(runs: pd.DataFrame, name: str, wanted: list[str]) -> tuple[pd.DataFrame, list[str]]:
    hosts = set(runs.loc[runs["environment"].isin(wanted), "host"])
    kept, remarks = [runs.iloc[:0]], []
    for (kind, backend), rows in runs.groupby(["kind", "backend"], sort=False):
        finished = Counter(rows.loc[rows["status"].isin(FINISHED), "environment"])
        newest = rows.groupby("environment")["ended_at"].max().to_dict()
        near = set(rows.loc[rows["host"].isin(hosts), "environment"])
        named = set(newest) & set(wanted)
        chosen = max(newest, key=lambda d: (d in named, d in near, finished[d], newest[d]))
        kept.append(rows[rows["environment"] == chosen])
        others = [f"{d} ({finished[d]})" for d in newest if d != chosen]
        if others and not named:
            remarks.append(
                f"{name}: environment {chosen} ({finished[chosen]} finished runs) stands for {backend} on {kind}; "
                f"left out: {', '.join(others)}"
            )
    return pd.concat(kept), remarks


def _one_spec(runs: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Keep the spec of each case's newest run."""
    newest = runs.sort_values("ended_at").groupby(["case", "kind", "backend"])["spec"].transform("last")
    mine = runs["spec"] == newest.reindex(runs.index)
    return runs[mine], int((~mine & runs["status"].isin(FINISHED)).sum())


def _one_record(runs: pd.DataFrame) -> pd.DataFrame:
    """Keep each run's newest record, a finished one before any that failed later."""
    order = runs.assign(finished=runs["status"].isin(FINISHED)).sort_values(["finished", "ended_at"], kind="stable")
    return order.drop_duplicates(list(KEY), keep="last").drop(columns="finished").sort_index()


def _kinds(frame: pd.DataFrame) -> pd.DataFrame:
    """Put in the kind of each row's device."""
    return frame.assign(kind=frame["device"].str.partition(":")[0] if len(frame) else frame["device"])


def _ranked(scores: Iterable[Score], rank: Weights) -> Any:
    """Return what is compared: one number over the split that ranks, with the weights that do, by metric."""
    return {s.metric: s.value for s in scores if (s.split, s.weights, s.axis) == (*RANKED[rank], "")}


def _traits(row: Mapping[Any, Any]) -> Traits:
    return Traits(
        name=row["metric"],
        heading=row["heading"],
        direction=Direction(row["direction"]),
        scale=Scale(row["scale"]),
        axis=Axis(row["axis"]),
        unit=row["unit"],
        monitors=bool(row["monitors"]),
    )


def _spec(record: RunRecord) -> dict[str, str]:
    return _texts({key: value for key, value in described(record.spec).items() if key not in _PLACE})


def _spec_of_row(row: Mapping[Any, Any]) -> dict[str, str]:
    """Return what a report's table of cases says of a spec, under the spec's own keys."""
    recipe = {key: row.get(key) for key in RECIPE}
    parts = {k: {"name": row[k], "params": json.loads(row[f"{k}_params"] or "{}")} for k in ("dataset", "model")}
    return _texts(flatten({**parts, "recipe": recipe}))


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that say something as text, so that what a table holds equals what a record holds."""
    return {key: str(value) for key, value in fields.items() if not _nothing(value)}


def _nothing(value: Any) -> bool:
    return value is None or value == "" or (not isinstance(value, list) and bool(pd.isna(value)))
