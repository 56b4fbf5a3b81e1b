"""Scores that a metric keeps apart, by groups of test windows, by targets and by steps, and the tables of them."""

import numpy as np
import pandas as pd

from bench import stats
from bench.frames.scores import Key, shown_steps
from bench.metrics.traits import Axis, Direction, Traits
from bench.record import Weights
from bench.report.amounts import amount
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape, fixed, table
from bench.report.rows import Row
from bench.report.shortlist import passed_over

NO_GROUP = -1
"""Value of windows that stand in no group."""
STEPS = 12
"""Lines of a table by step, at most."""
LEAST = 50
"""Windows that a line rests on, at least; values of a group with fewer are joined to their neighbours."""


BINNED = f"[95 % Wilson interval for these windows]; neighbours joined up to {LEAST} windows"


def group_note(board: Leaderboard) -> str:
    """Return what the dataset says of its groups; empty where it says nothing."""
    return next((text for row in board.rows if (text := str(row.info["groups_about"]))), "")


def none_label(board: Leaderboard) -> str:
    """Return what a window in no group is called."""
    return str(board.rows[0].info["no_group"])


def grouped(board: Leaderboard) -> list[tuple[Traits, str]]:
    """Return each metric that ranks forecasts by group with each group that it has scores by."""
    known = board.rows[0].metrics.values()
    every = [key for row in board.rows for run in row.done["run_id"] for key in row.scores.get(run, {})]
    found = dict.fromkeys((key.metric, key.axis) for key in every if (key.split, key.weights) == ("test", board.rank))
    metrics = [m for m in known if m.axis is Axis.GROUP and m.direction is not Direction.NONE]
    return [(metric, group) for metric in metrics for name, group in found if name == metric.name]


def parted(board: Leaderboard) -> list[Row]:
    """Return the rows whose scores by group are shown: all but the recipes that validation passed over."""
    left = passed_over(board)
    return [row for row in board.rows if row.place not in left]


def as_trained(board: Leaderboard) -> str:
    """Return the extra test set whose groups are those of training, where test's are others; empty without one."""
    known = {str(row.info["as_trained"]) for row in board.rows}
    return next((split for split in board.extra if split in known), "")


def by_group(row: Row, metric: Traits, group: str, weights: Weights, split: str = "test") -> pd.DataFrame:
    """Return a row's scores on a test set: a line a value of the group, a column a run."""
    found = {
        run: {
            int(key.index): value
            for key, value in row.scores.get(run, {}).items()
            if (key.metric, key.split, key.weights, key.axis) == (metric.name, split, weights, group)
        }
        for run in row.done["run_id"]
    }
    return pd.DataFrame(found).sort_index()


def apart_tables(board: Leaderboard) -> list[tuple[str, str, list[str]]]:
    """Return title, table and notes of each metric by target or by step, less the one that has a figure.

    A line a target or step (`STEPS` of them, spread evenly), a column a model: means on the metric's scale, on
    validation after the last epoch.
    """
    made = []
    units = {target.name: target.unit for target in board.rows[0].info["targets"]}
    for metric in board.rows[0].metrics.values():
        if metric.axis not in (Axis.STEP, Axis.TARGET) or metric == board.by_step:
            continue
        horizon = int(board.rows[0].info["horizon"])
        index = list(units) if metric.axis is Axis.TARGET else shown_steps(horizon, STEPS)
        lines = []
        for at in map(str, index):
            key = Key(metric.name, axis=metric.axis.value, index=at)
            means = [row.centre(key) for row in board.rows]
            if any(mean is not None for mean in means):
                unit = f" ({escape(units[at])})" if units.get(at) else ""
                lines.append([escape(at) + unit, *(amount(mean, metric) for mean in means)])
        if len(lines) > 1:  # one is what the table of all models says
            title = f"{board.title}: validation {metric.heading}"
            body = table([metric.axis.value, *(escape(row.name) for row in board.rows)], lines)
            some = metric.axis is Axis.STEP and len(index) < horizon
            left = f" {len(index)} of {horizon} steps; more in `scores.csv`." * some
            made.append((title, body, [f"Mean over runs, last epoch.{left}"]))
    return made


def group_tables(board: Leaderboard) -> list[tuple[str, str, list[str]]]:
    """Return title, table and notes of each metric by each group: a line a value, a column a model."""
    made = []
    for metric, group in grouped(board):
        title = f"{board.title}: test {metric.heading} by {group.replace('_', ' ')}"
        note = f"Mean over runs, {board.rank} epoch, {BINNED}. {escape(group_note(board))}".strip()
        trained = as_trained(board)
        parts = [(f"{group}, as in training", trained)] * bool(trained) + [(group, "test")]
        tables = [_table(board, metric, group, *part) for part in parts]
        made.append((title, "\n\n".join(tables), [note]))
    return made


def _table(board: Leaderboard, metric: Traits, group: str, heading: str, split: str) -> str:
    rows = parted(board)
    tables = {row: by_group(row, metric, group, board.rank, split) for row in rows}
    means = pd.DataFrame({escape(r.name): t.apply(_mean, axis=1) for r, t in tables.items() if len(t)})
    counts = [m for m in board.rows[0].metrics.values() if m.axis is Axis.GROUP and m.direction is Direction.NONE]
    counted = [by_group(row, m, group, board.rank, split) for row in rows for m in counts]
    held = pd.concat([pd.DataFrame(), *counted], axis=1)
    windows = held.mean(axis=1).reindex(means.index) if len(held) else pd.Series(np.nan, means.index)
    lines = []
    for values in bins(windows):
        weights, scores = windows[values], means.loc[values]
        n = float(weights.sum(skipna=False))
        known = scores.mul(weights, axis=0).sum(skipna=False) / n if len(values) > 1 else scores.iloc[0]
        shown = [_cell(float(value), n, metric) for value in known]
        label = (
            escape(none_label(board))
            if values == [NO_GROUP]
            else " to ".join(map(str, dict.fromkeys((values[0], values[-1]))))
        )
        lines.append([label, NONE if np.isnan(n) else f"{n:,.0f}", *shown])
    return table([escape(heading.replace("_", " ")), "windows", *means.columns], lines)


def bins(windows: pd.Series) -> list[list[int]]:
    """Return values of a group, in order, joined to neighbours until each bin rests on `LEAST` windows or more.

    The value of windows in no group stands alone, and so does every value where counts are not known.

    Args:
        windows: How many windows have each value, indexed by it.
    """
    made: list[list[int]] = []
    for value in sorted(int(v) for v in windows.index):
        joins = made and made[-1] != [NO_GROUP] and windows[made[-1]].sum(skipna=False) < LEAST
        made = [*made[:-1], [*made[-1], value]] if joins else [*made, [value]]
    if len(made) > 1 and windows[made[-1]].sum(skipna=False) < LEAST and made[-2] != [NO_GROUP]:
        made = [*made[:-2], [*made[-2], *made[-1]]]
    return made


def _cell(value: float, n: float, metric: Traits) -> str:
    """Return a mean; a share with Wilson's interval where the number of its windows is known."""
    if np.isnan(value):
        return NONE
    if not metric.share:
        return amount(value, metric)
    if np.isnan(n) or not 0 <= value <= 1:
        return f"{fixed(100 * value, 1)} %"
    low, high = (fixed(100 * end, 0) for end in stats.wilson(value, n))
    return f"{fixed(100 * value, 1)} % [{low}, {high}]"


def _mean(runs: pd.Series) -> float:
    """Return the arithmetic mean of finite scores; NaN without one."""
    found = stats.summarise(runs)
    return found.mean if found else np.nan
