"""Who leads at equal training time: scores at the last epoch that ends within a budget, from the recorded curves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bench.report.markdown import NONE, escape, percent, score, seconds, table
from bench.report.sections.base import section
from bench.report.summary import Ground, Results, Row, names

STEPS = 4
"""Budgets a table, at most."""
ROUND = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0)
"""Leading digits of a round number of seconds."""
SPAN = 10.0
"""The smallest budget is no more than this fraction of the slowest model's training."""
RUN = ["data_seed", "seed"]
SLACK = 1 + 1e-6
"""Rounding of six significant digits in the frames."""


@dataclass(frozen=True)
class Timed:
    """A trained row with its runs' scores after each epoch, and when each epoch had ended.

    Attributes:
        scores: A line an epoch, a column a run.
        ends: Training seconds from the start, of the same shape.
        measured: The seconds are those of the throughput lane, not of the runs themselves.
    """

    row: Row
    scores: pd.DataFrame
    ends: pd.DataFrame
    measured: bool

    @property
    def total(self) -> float:
        """Median over runs of the whole training's seconds."""
        return float(self.ends.max().median())

    def within(self, budget: float, column: str) -> Row | None:
        """Return the row with each run's score at its last epoch within so many seconds; None where a run has none."""
        fits = self.ends.le(budget * SLACK).sum()
        if not len(fits) or int(fits.min()) < 1:
            return None
        scores = self.scores[list(fits.index)].to_numpy(dtype=np.float64, na_value=np.nan).T
        reached = {
            run: float(v[~np.isnan(v)][int(n) - 1])
            for run, v, n in zip(fits.index, scores, fits.to_numpy(), strict=True)
        }
        runs = self.row.done
        keys = [tuple(key) for key in runs[RUN].itertuples(index=False)]
        return replace(self.row, runs=runs.assign(**{column: pd.array([reached[k] for k in keys], dtype="Float64")}))

    def ended(self, budget: float) -> bool:
        """Return whether every run had spent all its epochs before the budget was."""
        return bool((self.ends.max() * SLACK < budget).all())


@dataclass(frozen=True)
class Field:
    """The trained rows of a ground on one device and backend, and the budgets that they are held to, in seconds."""

    ground: Ground
    rows: list[Timed]
    budgets: list[float]

    @property
    def shared(self) -> list[Row]:
        """Rows whose only clock is that of runs that shared their core."""
        return [t.row for t in self.rows if not t.measured and t.row.contended]

    @cached_property
    def stands(self) -> dict[float, Ground]:
        """The ground as it stands at each budget: rows with an epoch within it, best first."""
        column, sign = self.ground.column, -1 if self.ground.is_label else 1
        made = {}
        for budget in self.budgets:
            rows = [row for timed in self.rows if (row := timed.within(budget, column)) is not None]
            made[budget] = replace(self.ground, rows=sorted(rows, key=lambda r: (sign * r.mean(column), r.name)))
        return made


@section("budgets", "Equal training time", order=60)
def budgets_table(results: Results) -> tuple[str, list[str]] | None:
    """Return scores at equal training seconds, a table for each ground, device and backend, and who leads."""
    fields = [field for ground in results.grounds for field in fields_of(ground, results.frames["curves"])]
    if not fields:
        return None
    several = len({(t.row.device, t.row.backend) for f in fields for t in f.rows}) > 1
    parts = []
    for field in fields:
        first = field.rows[0].row
        place = f" ({escape(first.device)}, {escape(first.backend)})" if several else ""
        parts += [f"**{escape(field.ground.title)}{place}.** {leaders(field)}", _table(field)]
    return "\n\n".join(parts), _notes(fields)


def fields_of(ground: Ground, curves: pd.DataFrame) -> list[Field]:
    """Return a ground's fields with two trained rows or more whose epochs are recorded."""
    timed = [t for r in ground.ranked if r.trained and (t := _timed(r, curves, ground.column)) is not None]
    made = []
    for place in dict.fromkeys((t.row.device, t.row.backend) for t in timed):
        rows = [t for t in timed if (t.row.device, t.row.backend) == place]
        if len(rows) > 1:
            made.append(Field(ground, rows, budgets_between([t.total for t in rows])))
    return made


def budgets_between(totals: Sequence[float]) -> list[float]:
    """Return at most `STEPS` round budgets, in geometric steps from the fastest whole training to the slowest.

    They start at a tenth of the slowest where the fastest takes longer. Each is rounded up, so that the slowest
    model ends within the last.

    Args:
        totals: Each model's whole training, in seconds; all above zero.
    """
    slowest = max(totals)
    steps = np.geomspace(min(min(totals), slowest / SPAN), slowest, STEPS)
    return sorted({_rounded_up(float(step)) for step in steps})


def _rounded_up(value: float) -> float:
    decade = 10.0 ** np.floor(np.log10(value))
    lead = next((d for d in ROUND if d * SLACK >= value / decade), ROUND[-1])
    return float(f"{lead * decade:.6g}")


def _timed(row: Row, curves: pd.DataFrame, column: str) -> Timed | None:
    """Return a row's epochs; None where a run lacks its curve or its clock."""
    own = row.of(curves)
    if column not in own or own.empty or not len(row.done):
        return None
    wanted = {tuple(key) for key in row.done[RUN].itertuples(index=False)}
    tables = {name: own.pivot(index="epoch", columns=RUN, values=name).sort_index() for name in (column, "epoch_s")}
    scores = tables[column].astype(float)
    known = [tuple(key) for key in scores.columns]
    if not wanted <= set(known):
        return None
    scores = scores[[key for key in known if key in wanted]]
    speed, windows = row.measured("train_windows_per_s"), row.seeds("train_windows")
    measured = speed is not None and len(windows) > 0
    if speed is not None and measured:
        epoch_s = pd.DataFrame(float(windows[0]) / speed, index=scores.index, columns=scores.columns)
        epoch_s = epoch_s.where(scores.notna())
    else:
        # One clock for all its seeds, or a seed that shared its core would be held to fewer epochs than another.
        alone = {tuple(key) for key in row.timed[RUN].itertuples(index=False)}
        own_s = tables["epoch_s"].astype(float)[[key for key in known if key in alone]]
        each_s = float(np.nanmedian(own_s.to_numpy()))
        epoch_s = pd.DataFrame(each_s, index=scores.index, columns=scores.columns)
        epoch_s = epoch_s.where(scores.notna())
    ends = epoch_s.cumsum()
    complete = scores.notna().any().all() and (ends.notna() == scores.notna()).all().all() and (ends.max() > 0).all()
    return Timed(row, scores, ends, measured) if complete else None


def _table(field: Field) -> str:
    column, label = field.ground.column, field.ground.is_label
    headers = ["model", "clock", "whole training, s", *(f"within {_budget(b)} s" for b in field.budgets)]
    bold = not field.shared
    first = {budget: {r.name for r in ground.leaders() if bold} for budget, ground in field.stands.items()}
    stands = {budget: {r.name: r for r in ground.rows} for budget, ground in field.stands.items()}
    lines = []
    for timed in sorted(field.rows, key=lambda t: t.total):
        name = timed.row.name
        cells = [escape(name), _clock(timed), seconds(timed.total) if timed.total >= 0.1 else score(timed.total, 2)]
        for budget in field.budgets:
            row = stands[budget].get(name)
            if row is None:
                cells.append(NONE)
                continue
            text = percent(row.interval(column), exact=True) if label else score(row.mean(column))
            text += " \\*" if timed.ended(budget) else ""
            cells.append(f"**{text}**" if name in first[budget] else text)
        lines.append(cells)
    return table(headers, lines, text_columns=2)


def leaders(field: Field) -> str:
    """Return in a sentence who leads at each budget, and whether a predictor without training is ahead of it."""
    if field.shared:
        who = escape(names(field.shared, 3))
        return f"The clock of {who} was shared with other runs, or may have been, so no leader is named."
    parts = []
    for budget, ground in field.stands.items():
        group = ground.leaders()
        if not group:
            parts.append(f"within {_budget(budget)} s no model ends an epoch")
            continue
        first, others = group[0], group[1:]
        mean = first.mean(ground.column)
        text = f"{100 * mean:.2f} %" if ground.is_label else score(mean)
        near = f", not told apart from {escape(names(others, 3))}" if others else ""
        parts.append(f"within {_budget(budget)} s {escape(first.name)} leads ({text}{near})")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." + _untrained(field)


def _untrained(field: Field) -> str:
    """Return at which budgets the best untrained predictor is ahead of every trained model."""
    best, column = field.ground.untrained, field.ground.column
    if best is None:
        return ""
    sign = -1 if field.ground.is_label else 1
    exact = best.mean(column)
    fit_s = best.measured("build_s")
    if fit_s is None:  # the runs' own clock, which others may have shared
        fits = best.seeds("train_s")
        fit_s = float(np.median(fits)) if len(fits) else 0.0
    ahead = [
        budget
        for budget, ground in field.stands.items()
        if fit_s <= budget * SLACK and (not ground.rows or sign * exact < sign * ground.rows[0].mean(column))
    ]
    if not ahead:
        return ""
    text = f"{100 * exact:.2f} %" if field.ground.is_label else score(exact)
    shown = [_budget(b) for b in ahead]
    listed = " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
    where = f"within {listed} s" if len(ahead) < len(field.budgets) else "at every budget"
    name = escape(best.name[:1].upper() + best.name[1:])
    fitted = f", fitted in {fit_s:.2g} s" if fit_s > 1e-3 else ""
    return f" {name} ({text}){fitted}, without training, has the better mean {where}."


def _notes(fields: list[Field]) -> list[str]:
    timed = [t for f in fields for t in f.rows]
    labels, errors = any(f.ground.is_label for f in fields), any(not f.ground.is_label for f in fields)
    means = [text for text, used in (("geometric means of errors", errors), ("means of accuracies", labels)) if used]
    notes = [
        f"Validation scores at the last epoch that ended within the budget, over seeds: {' and '.join(means)}. In bold "
        "the leader and what these seeds cannot tell from it at that budget. – where some seed has no epoch within it; "
        "\\* where the recipe's epochs were spent before it, so that the score stands as it was. A recipe that was "
        "planned for fewer epochs might do better: this cuts one that was made for all of them. Budgets are round "
        "seconds in geometric steps, up to the slowest model's whole training.",
    ]
    clocks = []
    if any(t.measured for t in timed):
        clocks.append(
            "*measured*: training windows an epoch over the throughput measured alone, the same for all seeds"
        )
    if any(not t.measured for t in timed):
        clocks.append("*runs*: the median epoch of its uncontended runs, or of all, the same for all seeds")
    if any(_clock(t).endswith("(c)") for t in timed):
        clocks.append("(c): these runs shared their core, or may have, so that no leader is named")
    return [*notes, f"Clock. {'; '.join(clocks)}. Compilation and evaluation are in neither."]


def _clock(timed: Timed) -> str:
    if timed.measured:
        return "measured"
    return "runs (c)" if timed.row.contended else "runs"


def _budget(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
