"""Two sets of results case by case, on common seeds: by how much each score changed, and whether by chance."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import pandas as pd

from bench.compare.sets import DIGITS, Flat, ResultSet
from bench.errors import BenchError
from bench.metrics.traits import Axis, Direction, Traits
from bench.record import Weights
from bench.registry import close_matches
from bench.stale import changes
from bench.stats import Comparison, Float64, holm, interval, paired_ratio

TOLERANCE = 0.02
"""By how much a case may be worse before that is a regression. Seeds of one case lie 5 to 20 % apart, and so little as
2 % changes no rank in a table; a smaller change that is real is still shown as worse."""
EXACT = 1e-9
"""Scores of a predictor that lie closer than this, relative to each other, differ by rounding in another library."""


class Verdict(StrEnum):
    """What came of one case."""

    SAME = "same bits"
    SAME_DIGITS = "same six digits"
    NO_DIFFERENCE = "no difference found"
    ONE_SEED = "one seed, cannot tell"
    BETTER = "better"
    WORSE = "worse"
    WORSE_PAST = "worse past tolerance"


@dataclass(frozen=True)
class Change:
    """One case in both sets.

    Attributes:
        kind: Kind of device; of A's runs, where the two are held against each other.
        backend: Empty where either side has one alone, so that two backends can be compared.
        metric: The one that is compared. On a log scale changes are ratios of B to A, else differences B less A.
        exact: A predictor: no seed changes its score.
        n: Runs that both sets have a score of.
        units: What the interval is over: those runs, or the data sets where there are several.
        a: Mean in A on the metric's scale (geometric for errors).
        b: In B.
        compared: The change, with its interval.
        worst: That of the run that got worst.
        verdict: What it means.
        specs_differ: ``key: in A -> in B`` for what the numbers depend on.
    """

    case: str
    kind: str
    backend: str
    metric: Traits
    exact: bool
    n: int
    units: int
    a: float
    b: float
    compared: Comparison
    worst: float
    verdict: Verdict
    specs_differ: tuple[str, ...] = ()

    def harm(self, change: float) -> float:
        """Return a change on the metric's scale, turned so that worse is above zero."""
        return self.metric.sign * (_log(change) if self.metric.log else change)


@dataclass(frozen=True)
class Lost:
    """A run with a score in one set and a failure in the other."""

    case: str
    data_seed: int
    seed: int | None
    reason: str

    def __str__(self) -> str:
        seed = "" if self.seed is None else f" seed {self.seed}"
        return f"{self.case}{seed} (data seed {self.data_seed}): {self.reason}"


@dataclass(frozen=True)
class Scores:
    """All of a comparison's scores.

    Attributes:
        changes: One a case that both sets have a score of.
        lost: Runs that have a score in A and failed in B, or have none there that is a finite number.
        gained: The other way round.
        only_a: How many runs of each case are in A alone.
        only_b: In B alone.
        without: Cases of both that no run has a score of in both, by the metric that is compared.
        tested: How many cases Holm's correction is over.
        tolerance: What was allowed.
        rank: Whose weights rank.
    """

    changes: tuple[Change, ...]
    lost: tuple[Lost, ...]
    gained: tuple[Lost, ...]
    only_a: dict[str, int]
    only_b: dict[str, int]
    without: tuple[str, ...]
    tested: int
    tolerance: float
    rank: Weights

    @property
    def regressed(self) -> bool:
        """True where a case is worse past the tolerance, or a run was lost."""
        return bool(self.lost) or any(c.verdict is Verdict.WORSE_PAST for c in self.changes)


def compare_scores(a: ResultSet, b: ResultSet, *, metric: str = "", tolerance: float = TOLERANCE) -> Scores:
    """Compare two sets on the runs that both have: same case, seeds and kind of device.

    Compared is the score that ranks: of each task's metric that chooses the best epoch, or of the one named. Each
    case gets the mean change from A to B, seed by seed, on the metric's scale (the ratio of errors, the difference
    of shares) with Student's 95 % interval; where there are several data sets, model seeds are averaged within
    each. A case is better or worse, by the metric's direction, where Holm's correction over all cases whose scores
    changed at all still finds it so, and worse past tolerance where the change also exceeds ``1 + tolerance``, or
    ``tolerance`` for a difference. A predictor is exact: any run of it that is worse past the tolerance counts,
    without a test. Where either set is a report's tables, scores are compared to six digits.

    Raises:
        BenchError: The two have no run in common, or none of these has a score by the metric that is named.
    """
    keys = _keys(a, b)
    pairs = a.runs.merge(b.runs, on=keys, how="outer", suffixes=("_a", "_b"), indicator="side")
    both = pairs[pairs["side"] == "both"]
    if not len(both):
        raise BenchError(
            f"{a.name} and {b.name} have no run in common ({_cases(a)} and {_cases(b)}); "
            "runs match by case, seeds and kind of device: see --device and --backend-a"
        )
    places = ["case", "kind", *(["backend"] if "backend" in keys else [])]
    rounded = not (a.whole and b.whole)
    compared, without = [], []
    lost: list[Lost] = []
    gained: list[Lost] = []
    for (case, *_), rows in both.groupby(places, sort=False):
        name = _metric(rows, a, b, metric)
        rows = _with_scores(_with_scores(rows, "a", name), "b", name)
        change = _change(rows, name, rounded)
        lost += _lost(rows, "a", "b")
        gained += _lost(rows, "b", "a")
        if change is not None:
            compared.append(replace(change, specs_differ=_specs_differ(a, b, change.case)))
        else:
            without.append(str(case))
    if metric and not compared:
        known = {m.name for results in (a, b) for task in results.metrics.values() for m in task.values() if _ranks(m)}
        raise BenchError(
            f"no case has a score by metric {metric!r} in both {a.name} and {b.name}; "
            f"{close_matches(metric, sorted(known - {metric}))}"
        )
    changes, tested = _judged(compared, tolerance, rounded)
    order = {case: i for i, case in enumerate(dict.fromkeys([*a.runs["case"], *b.runs["case"]]))}
    return Scores(
        changes=tuple(sorted(changes, key=lambda c: order[c.case])),
        lost=tuple(lost),
        gained=tuple(gained),
        only_a=_count(pairs, "left_only"),
        only_b=_count(pairs, "right_only"),
        without=tuple(without),
        tested=tested,
        tolerance=tolerance,
        rank=a.rank,
    )


def differing(a: Flat, b: Flat) -> tuple[str, ...]:
    """Return ``key: in a -> in b`` for the keys whose values differ."""
    return changes(a, b, absent="none")


def _specs_differ(a: ResultSet, b: ResultSet, case: str) -> tuple[str, ...]:
    """Return what differs between a case's specs, of what both sets know: tables hold no versions."""
    specs = [dict(results.specs.get(case, {})) for results in (a, b)]
    if not all(specs):
        return ()
    if not (a.whole and b.whole):
        in_tables = [{key for key in spec if key.startswith(("dataset.", "model.", "recipe."))} for spec in specs]
        kept = set().union(*in_tables) - {"dataset.version", "model.version"}
        specs = [{key: value for key, value in spec.items() if key in kept} for spec in specs]
    return differing(*specs)


def _keys(a: ResultSet, b: ResultSet) -> list[str]:
    """Return the columns that runs match by; the backend is one of them where a set has several."""
    several = max(len(a.backends), len(b.backends)) > 1
    return ["case", "kind", *(["backend"] if several else []), "data_seed", "seed"]


def _metric(rows: pd.DataFrame, a: ResultSet, b: ResultSet, name: str) -> Traits | None:
    """Return the metric by which a case is compared; None where its task has none."""
    tasks = [
        results.metrics.get(task, {}) for results, side in ((a, "a"), (b, "b")) for task in set(rows[f"task_{side}"])
    ]
    found = (m for task in tasks for m in task.values() if (m.name == name if name else m.monitors))
    return next(filter(_ranks, found), None)


def _ranks(metric: Traits) -> bool:
    """Return whether a metric gives one number, of which more or less is better."""
    return metric.axis is Axis.NONE and metric.direction is not Direction.NONE


def _change(rows: pd.DataFrame, metric: Traits | None, rounded: bool) -> Change | None:
    """Return a case's change, its verdict still open; None where no run has a finite score in both sets."""
    known = rows[np.isfinite(rows["a"]) & np.isfinite(rows["b"])]
    if metric is None or not len(known):
        return None
    metric = metric.suited([*known["a"], *known["b"]])
    a, b = (_digits(known[side].to_numpy(float), rounded) for side in "ab")
    units_a, units_b = a, b
    seeds = known["data_seed"].to_numpy()
    if len(set(seeds)) > 1:
        units_a, units_b = (
            np.array([_mean(v[seeds == seed], metric.log) for seed in dict.fromkeys(seeds)]) for v in (a, b)
        )
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        each = np.where(a == b, float(metric.log), b / a if metric.log else b - a)
    change = Change(
        case=str(rows["case"].iloc[0]),
        kind=str(rows["kind"].iloc[0]),
        backend=str(rows["backend"].iloc[0]) if "backend" in rows else "",
        metric=metric,
        exact=bool(known["seed"].isna().all()),
        n=len(known),
        units=len(units_a),
        a=_mean(a, metric.log),
        b=_mean(b, metric.log),
        compared=paired_ratio(units_b, units_a, log=metric.log),
        worst=math.nan,
        verdict=Verdict.SAME if np.array_equal(a, b) else Verdict.NO_DIFFERENCE,
    )
    known_changes = (float(value) for value in each if not np.isnan(value))
    return replace(change, worst=max(known_changes, key=change.harm, default=math.nan))


def _judged(changes: list[Change], tolerance: float, rounded: bool) -> tuple[list[Change], int]:
    p_values = {
        i: c.compared.p_value
        for i, c in enumerate(changes)
        if c.verdict is not Verdict.SAME and not c.exact and c.compared.p_value is not None
    }
    found = holm(p_values)
    judged = [replace(c, verdict=_verdict(c, i in found, tolerance, rounded)) for i, c in enumerate(changes)]
    return judged, len(p_values)


def _verdict(change: Change, found: bool, tolerance: float, rounded: bool) -> Verdict:
    harm = change.harm(change.compared.ratio)
    if change.verdict is Verdict.SAME:
        return Verdict.SAME_DIGITS if rounded else Verdict.SAME
    if change.exact:
        worst = change.harm(change.worst)
        harm = worst if worst > EXACT else harm
        found = abs(harm) > EXACT
    elif change.units < 2:
        return Verdict.ONE_SEED
    if not found or math.isnan(harm):
        return Verdict.NO_DIFFERENCE
    if harm <= 0:
        return Verdict.BETTER
    return Verdict.WORSE_PAST if harm > (math.log1p(tolerance) if change.metric.log else tolerance) else Verdict.WORSE


def _digits(values: Float64, rounded: bool) -> Float64:
    return np.array([float(f"{v:.{DIGITS}g}") for v in values]) if rounded else values


def _mean(values: Float64, log: bool) -> float:
    """Return the mean on the scale of a metric."""
    found = interval(values, log=log)
    return found.centre if found else math.nan


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -math.inf


def _with_scores(rows: pd.DataFrame, side: str, metric: Traits | None) -> pd.DataFrame:
    """Put in each run's score in a set, NaN where it has none, and whether it has one that is no finite number."""
    name = metric.name if metric else ""
    known = zip(rows[f"status_{side}"], rows[f"scores_{side}"], strict=True)
    values = [scores.get(name) if status == "done" else None for status, scores in known]
    odd = [value is not None and not math.isfinite(value) for value in values]
    made = rows.copy()
    made[side], made[f"odd_{side}"] = np.array(values, dtype=np.float64), odd
    return made


def _lost(rows: pd.DataFrame, had: str, lacks: str) -> list[Lost]:
    """Return the runs that have a score in one set and failed in the other, or lost it there to what is no number."""
    done = rows[f"status_{lacks}"] == "done"
    gone = np.isfinite(rows[had]) & rows[f"odd_{lacks}"]
    found = rows[(rows[f"status_{had}"] == "done") & (~done | gone)]
    return [
        Lost(
            str(r["case"]),
            int(r["data_seed"]),
            None if pd.isna(r["seed"]) else int(r["seed"]),
            "its score is no finite number"
            if r[f"status_{lacks}"] == "done"
            else ", ".join(filter(None, (r[f"status_{lacks}"], r[f"reason_{lacks}"]))),
        )
        for r in found.to_dict("records")
    ]


def _count(pairs: pd.DataFrame, side: str) -> dict[str, int]:
    return dict(Counter(str(case) for case in pairs.loc[pairs["side"] == side, "case"]))


def _cases(results: ResultSet) -> str:
    names = list(dict.fromkeys(results.runs["case"]))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") or "no runs"
