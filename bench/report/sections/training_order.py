"""Whether the order of the trained models at a part of their epochs is the order at the end, and who still improves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bench import stats
from bench.metrics.traits import Traits
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape, fixed, listed, paragraphs, table
from bench.report.parts import section
from bench.report.results import Curve, Results
from bench.report.rows import Row
from bench.report.sections.orders import agrees, lead, places, tau

SHARES = {0.25: "a quarter", 0.5: "half", 1.0: "all"}
"""Shares of a run's epochs at which the models are ranked, in words."""
STEEP = 0.01
"""A model still improves where its error falls by more than this share an epoch."""


@dataclass(frozen=True)
class Course:
    """How a trained row came to its score.

    Attributes:
        epochs: Fewest and most epochs of its runs.
        scores: Mean validation score at each share of the epochs, on the metric's scale: geometric for errors. A share
            is left out where it is not a whole epoch in some run.
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


def run_curves(results: Results, row: Row, metric: str, split: str = "valid") -> pd.DataFrame:
    """Return a row's finished runs over their epochs from 1 on; NaN after a run's last.

    They are indexed by run id, in order of their seeds; empty where none has a value.
    """
    key = "run_curves", row.place, metric, split
    if key not in results.asked:
        results.asked[key] = _run_curves(results.curves.get((split, metric), {}), row)
    found: pd.DataFrame = results.asked[key]
    return found


def _run_curves(curves: Mapping[str, Curve], row: Row) -> pd.DataFrame:
    own = {run: curves[run] for run in row.ids if run in curves}
    if not own:
        return pd.DataFrame()
    values = np.full((len(own), max(curve.epochs.max() for curve in own.values())), np.nan)
    for line, curve in zip(values, own.values(), strict=True):
        line[curve.epochs - 1] = curve.values
    return pd.DataFrame(values, list(own), range(1, values.shape[1] + 1))


def score_at(runs: pd.DataFrame, share: float, *, log: bool) -> float | None:
    """Return the mean over seeds of each run's score at a share of its epochs; None where a run has none there.

    Args:
        runs: As `run_curves` returns them.
        share: Of each run's own epochs, rounded down to a whole one.
        log: Geometric mean; arithmetic without.
    """
    finished = [run[~np.isnan(run)] for run in runs.to_numpy()]
    last = [math.floor(share * len(run)) for run in finished]
    if min(last, default=0) < 1:
        return None
    centre = stats.interval([run[epoch - 1] for run, epoch in zip(finished, last, strict=True)], log=log)
    return centre.centre if centre else None


def late_rate(runs: pd.DataFrame) -> stats.Interval | None:
    """Return the change an epoch of the log error over the last quarter of each run's epochs, at least its last two.

    Each run's rate is the slope of a least-squares line through the logs, from three quarters of its epochs to its
    last; over seeds they give a mean and a 95 % t interval. None where no run has two epochs with a positive error.
    """
    if runs.empty:
        return None
    epochs, errors = runs.columns.to_numpy(float), runs.to_numpy()
    number = np.cumsum(~np.isnan(errors), axis=1)
    late = (errors > 0) & np.isfinite(errors) & (number >= np.maximum(np.floor(0.75 * number[:, -1:]), 1))
    known = np.maximum(late.sum(axis=1, keepdims=True), 1)
    across, logs = np.where(late, epochs, 0.0), np.log(np.where(late, errors, 1.0))
    across = np.where(late, across - across.sum(axis=1, keepdims=True) / known, 0.0)
    rates = (across * logs).sum(axis=1) / np.where(known[:, 0] > 1, (across**2).sum(axis=1), np.nan)
    return stats.interval(rates, log=False)


def error_of(board: Leaderboard) -> Traits | None:
    """Return the error whose fall is shown: the metric that ranks, else the one that chooses the epoch, if an error."""
    return next((metric for metric in (board.metric, board.monitor) if metric.log), None)


def courses(results: Results, board: Leaderboard) -> list[Course]:
    """Return the courses of a board's ranked trained rows, best at the end first; none of a row without a curve."""
    key = "courses", board.key
    if key not in results.asked:
        results.asked[key] = _courses(results, board)
    found: list[Course] = results.asked[key]
    return found


def _courses(results: Results, board: Leaderboard) -> list[Course]:
    error, made = error_of(board), []
    for row in board.trained:
        runs = run_curves(results, row, board.metric.name)
        at = {share: score_at(runs, share, log=board.metric.log) for share in SHARES}
        scores = {share: value for share, value in at.items() if value is not None}
        if 1.0 in scores:
            lengths = runs.notna().sum(axis=1)
            errors = runs if error is board.metric else run_curves(results, row, error.name if error else "")
            made.append(Course(row, (int(lengths.min()), int(lengths.max())), scores, late_rate(errors)))
    return made


def scores_at(found: list[Course], share: float) -> dict[str, float]:
    """Return the scores at a share of the epochs, by name, of the models that have one there."""
    return {c.row.name: c.scores[share] for c in found if share in c.scores}


@section("training_order", "Was the order settled before the end?", order=40)
def training_order_table(results: Results) -> tuple[str, list[str]] | None:
    """Return every trained model's rank at a quarter, half and all of its epochs, and whether it still improves."""
    lines, notes, instead = [], [], []
    for board in results.leaderboards:
        found = courses(results, board)
        if not found:
            continue
        error = error_of(board)
        if error is not None and error is not board.metric:
            instead.append(f"where {escape(board.metric.heading)} ranks, the {escape(error.heading)}")
        ranks = {share: places(scores_at(found, share), board.metric.sign) for share in SHARES}
        for c in sorted(found, key=lambda c: ranks[1.0][c.row.name]):
            at = [str(ranks[share].get(c.row.name, NONE)) for share in SHARES]
            epochs = " to ".join(map(str, dict.fromkeys(c.epochs)))
            lines.append([escape(board.title), escape(c.row.name), epochs, *at, _fall(c.rate), _still(c)])
        if len(found) > 1:
            notes += _orders(board, found, ranks)
    if not lines:
        return None
    headers = ["table", "model", "epochs", *(f"rank at {100 * share:.0f} %" for share in SHARES)]
    headers += ["fall an epoch, %", "still improving"]
    rule = paragraphs("training_order", instead=dict.fromkeys(instead), steep=STEEP)
    return table(headers, lines, text_columns=2), [*rule, *notes]


def _orders(board: Leaderboard, found: list[Course], ranks: dict[float, dict[str, int]]) -> list[str]:
    """Return who leads at each share, how far the orders agree, and how many changes of place are significant."""
    half, final = scores_at(found, 0.5), scores_at(found, 1.0)
    swapped = [{a, b} for a, b in combinations(half, 2) if (half[a] - half[b]) * (final[a] - final[b]) < 0]
    kept = {words: tau(scores_at(found, share), final) for share, words in SHARES.items() if share < 1}
    return paragraphs(
        "training_order_board",
        title=escape(board.title),
        leading=_leading(ranks),
        kept={words: agreement for words, agreement in kept.items() if agreement},
        swapped=len(swapped),
        differ=sum(pair in board.significant for pair in swapped),
        agrees=agrees,
    )


def _leading(ranks: dict[float, dict[str, int]]) -> str:
    leaders: dict[str, list[str]] = {}
    for share, words in SHARES.items():
        if who := lead(ranks[share]):
            leaders.setdefault(who, []).append(f"at {words}")
    return "; ".join(f"{who} {listed(when)}" for who, when in leaders.items())


def _fall(rate: stats.Interval | None) -> str:
    """Return by how many per cent the error falls an epoch, with the interval; no negative zero."""
    if rate is None:
        return NONE
    ends = (rate.centre,) if rate.low is None or rate.high is None else (rate.centre, rate.high, rate.low)
    with np.errstate(over="ignore"):
        centre, *interval = (fixed(-100 * float(np.expm1(end)), 1) for end in ends)
    return f"{centre} [{', '.join(interval)}]" if interval else centre


def _still(course: Course) -> str:
    """Return whether a model still improved at the end: yes, no, or that its seeds do not show which."""
    if course.improving is None:
        return NONE
    if course.improving:
        return "yes"
    rate = course.rate
    return "no" if rate and rate.low is not None and -math.expm1(rate.low) < STEEP else "unclear"
