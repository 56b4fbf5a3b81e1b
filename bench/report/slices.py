"""Where each model loses: tables of test scores by slice, from the frame of slices."""

import numpy as np
import pandas as pd

from bench import stats
from bench.metrics.traits import Traits
from bench.report.amounts import spread
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, count, escape, listed, table
from bench.report.results import Results
from bench.report.rows import Row
from bench.report.shortlist import MOST, shortlist
from bench.slices.base import in_words

ALIKE = " ="


def slices_of(results: Results, board: Leaderboard) -> dict[str, pd.DataFrame]:
    """Return the frame's rows of a leaderboard's task, by slice; rows that say why there are none too."""
    frame = results.frames["slices"]
    own = frame[frame["task"] == board.rows[0].info["task"]]
    return {str(name): rows for name, rows in own.groupby("slice", sort=False)}


def metric_of(board: Leaderboard, rows: pd.DataFrame) -> Traits:
    """Return the metric that rows of a slice are of, as its values can be worked on."""
    return board.rows[0].metrics[str(rows["metric"].iloc[0])]


def shown_rows(board: Leaderboard) -> list[Row]:
    """Return the rows of a leaderboard that tables and figures of slices show."""
    return shortlist(board) or board.rows[:MOST]


def of_row(rows: pd.DataFrame, row: Row) -> pd.DataFrame:
    """Return a leaderboard row's own lines, by the number of the value."""
    own = (rows["case"] == row.case) & (rows["device"] == row.device) & (rows["backend"] == row.backend)
    return rows[own].set_index("order")


def slice_tables(results: Results, board: Leaderboard) -> list[tuple[str, str, list[str]]]:
    """Return title, table and notes of each slice: a line a value, a column a model."""
    made = []
    refused = []
    for name, rows in slices_of(results, board).items():
        known = rows[rows["reason"] == ""]
        if len(known):
            metric = metric_of(board, known)
            title = f"{board.title}: test {metric.heading} by {in_words(name)}"
            made.append((title, _table(board, known, metric, name), _notes(board, known)))
        else:
            refused.append(f"Not sliced by {escape(name)}: {escape(str(rows['reason'].iloc[0]))}.")
    if refused and made:
        made[-1][2].extend(refused)
    elif refused:
        made.append((f"{board.title}: slices", "", refused))
    return made


def _table(board: Leaderboard, rows: pd.DataFrame, metric: Traits, name: str) -> str:
    models = [(row, own) for row in shown_rows(board) if len(own := of_row(rows, row))]
    lines = []
    for order, group in rows.groupby("order", sort=True):
        cells = [_cell(own[own.index == order], metric, exact=not row.trained) for row, own in models]
        windows = int(group["n_windows"].iloc[0])
        lines.append([escape(str(group["label"].iloc[0])), f"{windows:,}", *cells])
    return table([escape(in_words(name)), "windows", *(escape(row.name) for row, _ in models)], lines)


def _cell(lines: pd.DataFrame, metric: Traits, *, exact: bool) -> str:
    if not len(lines):
        return NONE
    line = lines.iloc[0]
    low, high = (None if pd.isna(line[end]) else float(line[end]) for end in ("low", "high"))
    text = spread(stats.Interval(float(line["value"]), low, high, int(line["n_runs"])), metric, exact=exact)
    if line["best"]:
        return f"**{text}**"
    return text + ALIKE * alike(line, metric)


def alike(line: pd.Series, metric: Traits) -> bool:
    """Return whether a line's interval against the best there holds that the two are equal."""
    same = 1.0 if metric.log else 0.0
    return bool(pd.notna(line["behind_low"]) and line["behind_low"] <= same <= line["behind_high"])


def _notes(board: Leaderboard, rows: pd.DataFrame) -> list[str]:
    metric = metric_of(board, rows)
    whose = "of the best epoch" if rows["weights"].iloc[0] == "best" else "after the last epoch"
    kept = (
        f"On test, {whose}: mean over runs, and how far another set of seeds may move it (95 %). Bold: the best of all "
        f"models in its line; {ALIKE.strip()}: not told from it over these seeds and series (95 %, each pair for "
        "itself). A window counts in each line that one of its steps is of."
    )
    left = len(board.rows) - len(shown_rows(board))
    more = [f"{count(left, 'further model')} in `slices.csv`."] if left > 0 else []
    return [" ".join([kept, *more]), *_loses(board, rows, metric)]


def _loses(board: Leaderboard, rows: pd.DataFrame, metric: Traits) -> list[str]:
    """Return where the leader is behind another model, as far as that is told; nothing where it does not rank."""
    if not board.ranked:
        return []
    leader = board.ranked[0]
    own = of_row(rows, leader)
    lost = []
    for order, line in own.iterrows():
        if not line["best"] and pd.notna(line["behind"]) and not alike(line, metric):
            best = rows[(rows["order"] == order) & rows["best"].astype(bool)].iloc[0]
            winner = next(
                (r.name for r in board.rows if r.place == (best["case"], best["device"], best["backend"])), ""
            )
            lost.append(f"{escape(str(line['label']))} ({escape(winner or str(best['case']))} leads there)")
    name = escape(leader.name)
    if lost:
        return [f"{name} loses at {listed(lost)}."]
    undecided = int(np.sum(~own["best"].astype(bool)))
    return [f"{name} loses nowhere, as far as that is told: it is best in {len(own) - undecided} of {len(own)} lines."]
