"""Who leads at equal training time: scores at the last epoch that ends within a budget, from the recorded curves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bench import stats
from bench.frames.scores import Key
from bench.report.amounts import amount
from bench.report.leaderboards import Leaderboard
from bench.report.markdown import NONE, escape, paragraphs, score, seconds, table
from bench.report.parts import section
from bench.report.results import Results
from bench.report.rows import Row, names
from bench.report.sections.training_order import run_curves

STEPS = 4
"""Budgets a table, at most."""
ROUND = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0)
"""Leading digits of a round number of seconds."""
SPAN = 10.0
"""The smallest budget is no more than this fraction of the slowest model's training."""
SLACK = 1 + 1e-6
"""Rounding of six significant digits in the frames."""


@dataclass(frozen=True)
class Timed:
    """A trained row with its runs' scores after each epoch, and how long its epochs take.

    Attributes:
        scores: After each epoch, by run id.
        epoch_s: By the speed that was measured alone: one clock for all seeds.
    """

    row: Row
    scores: Mapping[str, stats.Float64]
    epoch_s: float

    @property
    def total(self) -> float:
        """Median over runs of the whole training's seconds."""
        return self.epoch_s * float(np.median([len(values) for values in self.scores.values()]))

    def within(self, budget: float, key: Key) -> Row | None:
        """Return the row with each run's score at its last epoch within so many seconds; None where there is none."""
        epochs = math.floor(budget * SLACK / self.epoch_s)
        if epochs < 1:
            return None
        return replace(self.row, scores={run: {key: float(v[:epochs][-1])} for run, v in self.scores.items()})

    def ended(self, budget: float) -> bool:
        """Return whether every run had spent all its epochs before the budget was."""
        return self.epoch_s * max(map(len, self.scores.values())) * SLACK < budget


@dataclass(frozen=True)
class Field:
    """The trained rows of a leaderboard on one device and backend, and the budgets in seconds that they are held to."""

    board: Leaderboard
    rows: list[Timed]
    budgets: list[float]

    @cached_property
    def stands(self) -> dict[float, Leaderboard]:
        """The leaderboard as it stands at each budget: rows with an epoch within it, best first."""
        made = {}
        for budget in self.budgets:
            rows = [row for timed in self.rows if (row := timed.within(budget, self.board.score)) is not None]
            made[budget] = replace(self.board, rows=rows).in_order() if rows else replace(self.board, rows=rows)
        return made


@section("budgets", "Equal training time", order=60)
def budgets_table(results: Results) -> tuple[str, list[str]] | None:
    """Return scores at equal training seconds, a table for each leaderboard, device and backend, and who leads."""
    fields = [field for board in results.leaderboards for field in fields_of(results, board)]
    if not fields:
        return None
    several = len({(t.row.device, t.row.backend) for f in fields for t in f.rows}) > 1
    parts = []
    for field in fields:
        first = field.rows[0].row
        place = f" ({escape(first.device)}, {escape(first.backend)})" if several else ""
        parts += [f"**{escape(field.board.title)}{place}.** {leaders(field)}", _table(field)]
    ranking = [field.board.metric for field in fields]
    means = ["geometric means of errors"] * any(m.log for m in ranking)
    means += ["means of shares"] * any(not m.log for m in ranking)
    return "\n\n".join(parts), paragraphs("budgets", means=means)


def fields_of(results: Results, board: Leaderboard) -> list[Field]:
    """Return a leaderboard's fields with two trained rows or more whose speed was measured alone."""
    places: dict[tuple[str, str], list[Timed]] = {}
    board = replace(board, rank="last").in_order()  # the scores of single epochs are those of validation
    for row in board.trained:
        if (timed := _timed(results, row, board.metric.name)) is not None:
            places.setdefault((row.device, row.backend), []).append(timed)
    return [Field(board, rows, budgets_between([t.total for t in rows])) for rows in places.values() if len(rows) > 1]


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
    digit = next((d for d in ROUND if d * SLACK >= value / decade), ROUND[-1])
    return float(f"{digit * decade:.6g}")


def _timed(results: Results, row: Row, metric: str) -> Timed | None:
    """Return a row's epochs; None where a run lacks its curve, or the row a speed that was measured alone."""
    runs = run_curves(results, row, metric)
    if not len(row.done) or len(runs) < len(row.done):
        return None
    scores = {str(run): values[~np.isnan(values)] for run, values in zip(runs.index, runs.to_numpy(), strict=True)}
    windows = row.numbers("train_windows")
    return Timed(row, scores, float(windows[0]) / row.speed) if row.speed and len(windows) else None


def _table(field: Field) -> str:
    headers = ["model", "whole training, s", *(f"within {_budget(b)} s" for b in field.budgets)]
    first = {b: {r.name for r in board.leaders()} for b, board in field.stands.items()}
    stands = {budget: {r.name: r for r in board.rows} for budget, board in field.stands.items()}
    lines = []
    for timed in sorted(field.rows, key=lambda t: t.total):
        name = timed.row.name
        cells = [escape(name), seconds(timed.total) if timed.total >= 0.1 else score(timed.total, 2)]
        for budget in field.budgets:
            row = stands[budget].get(name)
            if row is None:
                cells.append(NONE)
                continue
            text = amount(row.centre(field.board.score), field.board.metric) + " \\*" * timed.ended(budget)
            cells.append(f"**{text}**" if name in first[budget] else text)
        lines.append(cells)
    return table(headers, lines, text_columns=1)


def leaders(field: Field) -> str:
    """Return in a sentence who leads at each budget, and whether a predictor without training is ahead of it."""
    board, best = field.board, field.board.untrained
    fit_s = best.measured("build_s") if best else None
    text = paragraphs(
        "budgets_leaders",
        groups={_budget(budget): stand.leaders() for budget, stand in field.stands.items()},
        names=lambda rows: escape(names(rows, 3)),
        mean=lambda row: amount(row.mean(board.score), board.metric),
        best=best,
        fitted=f"{fit_s:.2g}" if fit_s and fit_s > 1e-3 else "",
        ahead=[_budget(b) for b in field.stands if best and fit_s is not None and _ahead(field, best, b, fit_s)],
    )
    return " ".join(text)


def _ahead(field: Field, predictor: Row, budget: float, fit_s: float) -> bool:
    """Return whether a predictor is fitted within a budget, and ahead of every trained model there."""
    key, sign, rows = field.board.score, field.board.metric.sign, field.stands[budget].ranked
    return fit_s <= budget * SLACK and (not rows or sign * predictor.mean(key) < sign * rows[0].mean(key))


def _budget(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
