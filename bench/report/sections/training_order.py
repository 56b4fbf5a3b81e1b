"""Whether the order of the trained models at a part of their epochs is the order at the end, and who still improves."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from bench import stats
from bench.report.markdown import NONE, count, escape, table
from bench.report.rows import independent, is_error
from bench.report.sections.base import section
from bench.report.summary import Ground, Results, Row

SHARES = {0.25: "a quarter", 0.5: "half", 1.0: "all"}
"""Shares of a run's epochs at which the models are ranked, in words."""
RUN = ["data_seed", "seed"]
"""Columns that name a row's run."""
STEEP = 0.01
"""A model still improves where its error falls by more than this share an epoch."""


@dataclass(frozen=True)
class Course:
    """How a trained row came to its score.

    Attributes:
        epochs: Fewest and most epochs of its runs.
        scores: Mean validation score at each share of the epochs: geometric for errors, arithmetic for accuracy. A
            share is left out where it is not a whole epoch in some run.
        rate: Mean change an epoch of the log error late in training, with its 95 % t interval over seeds.
    """

    row: Row
    epochs: tuple[int, int]
    scores: dict[float, float]
    rate: stats.Interval | None

    @property
    def improving(self) -> bool | None:
        """Whether the error still falls, surely and by over 1 % an epoch; None where one seed has no spread."""
        if self.rate is None or self.rate.high is None:
            return None
        return self.rate.high < 0 and self.rate.centre < math.log1p(-STEEP)


def run_curves(results: Results, row: Row, column: str) -> pd.DataFrame:
    """Return a row's finished runs, by data seed and seed, over their epochs from 1 on; NaN after a run's last."""
    curves = results.frames["curves"]
    if column not in curves or not len(row.done):
        return pd.DataFrame()
    own = row.of(curves).set_index(RUN)
    own = own[own.index.isin(row.by_seed.index) & own[column].notna()]
    if own.empty:
        return pd.DataFrame()
    wide = own.set_index("epoch", append=True)[column].astype("float64").unstack("epoch")
    return wide.reindex(columns=range(1, int(wide.columns.max()) + 1))


def score_at(runs: pd.DataFrame, share: float, *, log: bool) -> float | None:
    """Return the mean over seeds of each run's score at a share of its epochs; None where a run has none there.

    Args:
        runs: As `run_curves` returns them.
        share: Of each run's own epochs, rounded down to a whole one.
        log: Geometric mean; arithmetic without.
    """
    known = [run[~np.isnan(run)] for run in runs.to_numpy(dtype=np.float64, na_value=np.nan)]
    places = [math.floor(share * len(run)) for run in known]
    if not places or min(places) < 1:
        return None
    values = [run[place - 1] for place, run in zip(places, known, strict=True)]
    centre = stats.interval(independent(pd.Series(values, index=runs.index), log=log), log=log)
    return centre.centre if centre else None


def late_rate(runs: pd.DataFrame) -> stats.Interval | None:
    """Return the change an epoch of the log error over the last quarter of each run's epochs, at least its last two.

    Each run's rate is the slope of a least-squares line through the logs, from three quarters of its epochs to its
    last; over seeds they give a mean and a 95 % t interval. None where no run has two epochs with a positive error.
    """
    if runs.empty:
        return None
    epochs = runs.columns.to_numpy(dtype=np.float64)
    errors = runs.to_numpy(dtype=np.float64, na_value=np.nan)
    rates = pd.Series([_slope(epochs[~np.isnan(e)], e[~np.isnan(e)]) for e in errors], index=runs.index)
    return stats.interval(independent(rates, log=False), log=False)


def _slope(epochs: stats.Float64, errors: stats.Float64) -> float:
    """Return the slope of the logs over the last quarter of a run's epochs; NaN below two positive errors."""
    first = max(math.floor(0.75 * len(errors)), 1) - 1
    x, y = epochs[first:], errors[first:]
    x, y = x[y > 0], y[y > 0]
    if len(y) < 2:
        return math.nan
    x = x - x.mean()
    return float(x @ np.log(y) / (x @ x))


def courses(results: Results, ground: Ground) -> list[Course]:
    """Return the courses of a ground's ranked trained rows, best at the end first; none of a row without a curve."""
    error = "valid_cross_entropy" if ground.is_label else ground.column
    made = []
    for row in (r for r in ground.ranked if r.trained):
        runs = run_curves(results, row, ground.column)
        log = is_error(ground.column)
        scores = {share: value for share in SHARES if (value := score_at(runs, share, log=log)) is not None}
        if 1.0 in scores:
            lengths = runs.notna().sum(axis=1)
            rate = late_rate(runs if error == ground.column else run_curves(results, row, error))
            made.append(Course(row, (int(lengths.min()), int(lengths.max())), scores, rate))
    return made


def ranks(ground: Ground, found: list[Course], share: float) -> dict[str, int]:
    """Return the ranks at a share of the epochs, by name; models with one score share the better rank."""
    there = {c.row.name: c.scores[share] for c in found if share in c.scores}
    sign = -1 if ground.is_label else 1
    places = scipy_stats.rankdata([sign * v for v in there.values()], method="min")
    return {name: int(place) for name, place in zip(there, places, strict=True)}


def order_kept(found: list[Course], share: float) -> tuple[float, int] | None:
    """Return Kendall's tau-b between the order at a share of the epochs and at all, and over how many models.

    None below two models that have both, and where one score is all there is.

    Source: Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945).
    """
    both = [(c.scores[share], c.scores[1.0]) for c in found if share in c.scores]
    if len(both) < 2:
        return None
    tau = float(scipy_stats.kendalltau(*zip(*both, strict=True)).statistic)
    return None if math.isnan(tau) else (tau, len(both))


def agrees(tau: float) -> str:
    """Return in words how an order with this Kendall's tau stands to another."""
    if tau > 1 - 1e-9:
        return "is"
    steps = {0.8: "agrees with", 0.5: "largely agrees with", 0.2: "partly agrees with", -0.2: "says little of"}
    return next((words for least, words in steps.items() if tau >= least), "runs against")


@section("training_order", "Was the order settled before the end?", order=40)
def training_order_table(results: Results) -> tuple[str, list[str]] | None:
    """Return every trained model's rank at a quarter, half and all of its epochs, and whether it still improves."""
    lines, notes = [], []
    for ground in results.grounds:
        found = courses(results, ground)
        if not found:
            continue
        places = {share: ranks(ground, found, share) for share in SHARES}
        for c in sorted(found, key=lambda c: places[1.0][c.row.name]):
            at = [str(places[share].get(c.row.name, NONE)) for share in SHARES]
            name = escape(c.row.name)
            lines.append([escape(ground.title), name, _epochs(c), *at, _fall(c.rate), _still(c)])
        if len(found) > 1:
            notes.append(f"**{escape(ground.title)}.** {_orders(ground, found)}")
    if not lines:
        return None
    headers = ["table", "model", "epochs", *(f"rank at {100 * share:.0f} %" for share in SHARES)]
    headers += ["fall an epoch, %", "still improving"]
    rule = (
        "Ranked by the mean over seeds of the validation score after that share of each run's epochs, rounded down (– "
        "where that is no epoch); models with one score share a rank. *Fall an epoch* is how much the validation "
        "error (of labels, the cross entropy) falls over the last quarter of the epochs, at least the last two: the "
        "slope of a least-squares line through the logs, one a seed, and the mean [95 % t interval] of these. *Still "
        f"improving*: that interval leaves 0 out and the mean fall is over {100 * STEEP:.0f} % an epoch; *no* where "
        "the whole interval lies below that, *unclear* else."
    )
    return table(headers, lines, text_columns=2), [rule, *notes]


def _orders(ground: Ground, found: list[Course]) -> str:
    """Return who leads at each share, how far the orders agree, and how many changes of place these seeds confirm."""
    sentences = [_leading(ground, found)]
    for share, words in list(SHARES.items())[:-1]:
        kept = order_kept(found, share)
        if kept:
            sentences.append(
                f"The order at {words} of the epochs {agrees(kept[0])} the final one: tau = {kept[0]:.2f} "
                f"({count(kept[1], 'model')})."
            )
    swapped = _swapped(found, 0.5)
    if swapped:
        apart = sum(pair in ground.apart for pair in swapped)
        sentences.append(
            f"{count(len(swapped), 'pair')} {'changes' if len(swapped) == 1 else 'change'} places after half of the "
            f"epochs, of which these seeds tell {apart or 'none'} apart at the end."
        )
    return " ".join(sentences)


def _leading(ground: Ground, found: list[Course]) -> str:
    leaders: dict[str, list[str]] = {}
    for share, words in SHARES.items():
        first = [escape(name) for name, place in ranks(ground, found, share).items() if place == 1]
        if first:
            who = f"{' and '.join(first)} lead{'s' if len(first) == 1 else ''}"
            leaders.setdefault(who, []).append(f"at {words}")
    parts = [f"{who} {', '.join(when[:-1])}{' and ' if when[:-1] else ''}{when[-1]}" for who, when in leaders.items()]
    return f"{'; '.join(parts)} of the epochs."


def _swapped(found: list[Course], share: float) -> list[frozenset[str]]:
    """Return the pairs of models whose order at a share of the epochs is not that at the end."""
    both = [c for c in found if share in c.scores]
    return [
        frozenset((a.row.name, b.row.name))
        for i, a in enumerate(both)
        for b in both[i + 1 :]
        if (a.scores[share] - b.scores[share]) * (a.scores[1.0] - b.scores[1.0]) < 0
    ]


def _epochs(course: Course) -> str:
    low, high = course.epochs
    return str(low) if low == high else f"{low} to {high}"


def _fall(rate: stats.Interval | None) -> str:
    if rate is None:
        return NONE
    centre = _percent(rate.centre)
    if rate.low is None or rate.high is None:
        return centre
    return f"{centre} [{_percent(rate.high)}, {_percent(rate.low)}]"


def _percent(rate: float) -> str:
    """Return a change of the log an epoch as the percentage by which the error falls; no negative zero."""
    text = f"{-100 * math.expm1(rate):.1f}"
    return "0.0" if text == "-0.0" else text


def _still(course: Course) -> str:
    """Return whether a model still improved at the end: yes, no, or that these seeds cannot say."""
    if course.improving is None:
        return NONE
    if course.improving:
        return "yes"
    rate = course.rate
    return "no" if rate and rate.low is not None and -math.expm1(rate.low) < STEEP else "unclear"
