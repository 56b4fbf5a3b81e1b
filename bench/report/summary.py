"""What the tables, findings and figures of a report ask of its frames: grounds, their order, who leads."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bench import stats
from bench.frames import Frames
from bench.report.rows import Row, named, names, recipe_difference, recipe_word, usual_recipe

__all__ = [
    "EVERY_STEP", "LABEL", "LAST", "ODD", "Ground", "Results", "Row", "fallen", "marks", "names", "odd_positions",
    "recipe_difference", "recipe_word", "usual_recipe",
]  # fmt: skip

LABEL = "label"
EVERY_STEP = "every_step"
LAST = "valid_last_time_step_mse"
STUCK_MARGIN = 0.02
"""Added to errors of accuracies: three times a perfect median then lies four points of accuracy below it."""
ODD = "valid_mse_odd_positions"
"""MSE on positions 3, 5, ..., counted from 0."""


@dataclass(frozen=True)
class Ground:
    """Rows that answer one question, and the score that ranks them.

    Attributes:
        key: Task name, or ``common`` and a number; safe in a file name.
        title: Heading of its table.
        column: Column of ``runs.csv`` that ranks the rows.
        rows: Best first; then those that do not rank, then those without a score.
        common: True for a table over several tasks with one question.
    """

    key: str
    title: str
    column: str
    rows: list[Row]
    common: bool = False

    @property
    def is_label(self) -> bool:
        """True where accuracy ranks, and more is better."""
        return self.column == "valid_accuracy"

    @property
    def ranked(self) -> list[Row]:
        """Rows with a score that may lead: no peeking, no oracle, no score over the easier positions alone."""
        return [r for r in self.rows if len(r.seeds(self.column)) and _ranks(r, self.column)]

    @property
    def baseline(self) -> Row | None:
        """The row that skill is measured against, if this table has one."""
        return next((r for r in self.ranked if bool(r.info["baseline"]) and not r.trained), None)

    @property
    def floor(self) -> float | None:
        """Expected MSE that no forecast can go below, where known and the same for all rows."""
        floors = {float(r.info["noise_floor_mse"]) for r in self.rows if pd.notna(r.info["noise_floor_mse"])}
        return floors.pop() if len(floors) == 1 and not self.is_label else None

    @property
    def extra(self) -> list[str]:
        """Names of the extra test sets of a label's ground that some row has a score on."""
        if not self.is_label:
            return []
        columns = [str(c) for c in self.rows[0].runs if str(c).endswith("_accuracy")]
        own = [c for c in columns if not c.startswith(("valid_", "test_")) and any(len(r.seeds(c)) for r in self.rows)]
        return [c.removesuffix("_accuracy") for c in own]

    @property
    def untrained(self) -> Row | None:
        """The best predictor that needs no training, if this table has one; an oracle is none."""
        return next((r for r in self.ranked if not r.trained), None)

    @property
    def oracle(self) -> Row | None:
        """The predictor that knows how its data were made, if there is one: it ranks nowhere."""
        return next((r for r in self.rows if r.oracle and len(r.seeds(self.column))), None)

    @cached_property
    def samples(self) -> dict[str, stats.Sample]:
        """Scores of the ranked rows by name."""
        return {r.name: r.sample(self.column) for r in self.ranked}

    @cached_property
    def apart(self) -> set[frozenset[str]]:
        """Pairs of ranked rows that these seeds tell apart."""
        return stats.told_apart(self.samples, log=not self.is_label)

    @cached_property
    def letters(self) -> dict[str, str]:
        """Letters of the ranked rows: two share one exactly where these seeds cannot tell them apart."""
        return stats.letters([r.name for r in self.ranked], self.apart)

    @property
    def spreads(self) -> int:
        """How many ranked rows have a spread over seeds: the groups of Games-Howell."""
        return sum(not s.exact and len(s.values) > 1 for s in self.samples.values())

    def ratio(self, row: Row) -> stats.Ratio | None:
        """Return a row's score over the leader's (for labels: less it), with its simultaneous interval."""
        ranked = self.ranked
        if not ranked or not len(row.values(self.column)):
            return None
        if row == ranked[0]:
            itself = 0.0 if self.is_label else 1.0
            return stats.Ratio(itself, itself, itself)
        leader = ranked[0].sample(self.column)
        return stats.ratio(row.sample(self.column), leader, log=not self.is_label, k=max(self.spreads, 2))

    def detectable(self) -> float | None:
        """Return the ratio to the leader (for labels: the difference) that these seeds would find with 80 % power."""
        return stats.detectable_gap(self.ranked[0].name, self.samples, log=not self.is_label)

    def leaders(self) -> list[Row]:
        """Return the leader, then every row that these seeds cannot tell from it."""
        ranked = self.ranked
        return [r for r in ranked if r == ranked[0] or frozenset((r.name, ranked[0].name)) not in self.apart]

    @cached_property
    def agreement(self) -> stats.Agreement | None:
        """How far the seeds agree on the order of the ranked trained rows; None below two of either."""
        rows = [r for r in self.ranked if r.trained]
        keyed = [r.by_seed[self.column].astype(float) for r in rows]
        return stats.agreement(pd.concat(keyed, axis=1).to_numpy()) if len(rows) > 1 else None

    @property
    def rivals(self) -> tuple[Row, Row] | None:
        """The first two trained rows of the ranking, where these seeds do not tell them apart."""
        trained = [r for r in self.ranked if r.trained]
        if len(trained) < 2 or frozenset((trained[0].name, trained[1].name)) in self.apart:
            return None
        return trained[0], trained[1]

    def seeds_needed(self) -> int | None:
        """Return how many seeds each of the rivals needs to be told apart with 80 % power; None if not known."""
        if self.rivals is None:
            return None
        first, second = (r.sample(self.column) for r in self.rivals)
        return stats.seeds_to_separate(first, second, k=max(self.spreads, 2), log=not self.is_label)


def fallen(accuracies: stats.Float64) -> int:
    """Return how many seeds are stuck far below the others."""
    return len(stats.stuck(1 - accuracies + STUCK_MARGIN))


class Results:
    """A report's frames, arranged for reading."""

    def __init__(self, frames: Frames):
        self.frames = frames
        about = frames["about"]
        self.about: dict[str, str] = dict(zip(about["key"], about["text"], strict=True))

    @cached_property
    def rows(self) -> list[Row]:
        """Every case on every device and backend that it ran on, in the suite's order."""
        runs, cases, measured = (self.frames[name] for name in ("runs", "cases", "measurements"))
        measured = measured[measured["status"] == "done"] if "status" in measured else measured
        rows = []
        for _, info in cases.sort_values("order").iterrows():
            own = runs[runs["case"] == info["case"]]
            for (device, backend), group in own.groupby(["device", "backend"], sort=False):
                place = (measured["case"] == info["case"]) & (measured["device"] == device)
                alone = measured[place & (measured["backend"] == backend)]
                measurement = alone.iloc[0] if len(alone) else None
                rows.append(Row(info["case"], device, backend, info["label"], info, group, measurement))
        return named(rows)

    @cached_property
    def tasks(self) -> list[Ground]:
        """One ground a task, in the suite's order."""
        tasks = dict.fromkeys(r.info["task"] for r in self.rows if r.info["task"])
        grounds = []
        for task in tasks:
            rows = [r for r in self.rows if r.info["task"] == task]
            column = "valid_accuracy" if rows[0].info["target"] == LABEL else "valid_mse"
            title = task.replace("_", " ").capitalize()
            grounds.append(Ground(task, title, column, _ranked(named(rows), column)))
        return grounds

    @cached_property
    def commons(self) -> list[Ground]:
        """One ground a question that several tasks answer, or one some of whose models a task cannot rank."""
        questions: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.info["question"]:
                questions.setdefault(row.info["question"], []).append(row)
        several = {
            question: rows
            for question, rows in questions.items()
            if len({r.info["task"] for r in rows}) > 1 or any(r.partial for r in rows if len(r.seeds(LAST)))
        }
        return [
            Ground(f"common_{i}", f"All models on {question}", LAST, _ranked(named(_merged(rows)), LAST), common=True)
            for i, (question, rows) in enumerate(several.items(), start=1)
        ]

    @cached_property
    def grounds(self) -> list[Ground]:
        """Tables in the order of the report: each task, a common table before the first of its tasks."""
        order: list[Ground] = []
        for task in self.tasks:
            for common in self.commons:
                mine = {r.info["task"] for r in common.rows}
                if task.key in mine and common not in order:
                    order.append(common)
            order.append(task)
        return order

    def leading(self) -> list[Ground]:
        """Return the grounds that a finding names a leader on: the common ones, and tasks that none joins to others."""
        joined = [{r.info["task"] for r in common.rows} for common in self.commons]
        covered = {task for tasks in joined if len(tasks) > 1 for task in tasks}
        return [g for g in self.grounds if g.common or g.key not in covered]

    def stuck(self) -> list[tuple[Row, str, float]]:
        """Return trained rows' seeds that ended far above their row's median: row, which seed in words, and score."""
        found = []
        for ground in self.tasks:
            for row in ground.rows:
                if not row.trained or not len(row.seeds(ground.column)):
                    continue
                scores = row.done[ground.column].to_numpy(dtype=np.float64, na_value=np.nan)
                errors = 1 - scores + STUCK_MARGIN if ground.is_label else scores
                seeds = _seeds_in_words(row.done)
                own = next(r for r in self.rows if (r.case, r.device, r.backend) == (row.case, row.device, row.backend))
                found += [(own, seeds[i], float(scores[i])) for i in stats.stuck(errors)]
        return found

    @cached_property
    def failures(self) -> pd.DataFrame:
        """Runs that ended without a score."""
        runs = self.frames["runs"]
        return runs[runs["status"] != "done"]

    @property
    def n_planned(self) -> int:
        """Runs that the plan holds."""
        return int(self.about["n_planned"])


def _seeds_in_words(runs: pd.DataFrame) -> list[str]:
    """Return what tells each run from the others: its seed, its data seed, or both."""
    several, data = runs["seed"].nunique() > 1, runs["data_seed"].nunique() > 1
    return [
        " of ".join([f"seed {s}"] * (several or not data) + [f"data seed {d}"] * data)
        for s, d in zip(runs["seed"], runs["data_seed"], strict=True)
    ]


def odd_positions(rows: list[Row]) -> str:
    """Return the positions that `ODD` covers, counted from 0, as ``3, 5, ..., 49``."""
    lengths = {int(r.info["input_length"]) for r in rows if r.info["target"] == EVERY_STEP and r.info["input_length"]}
    return f"3, 5, ..., {range(3, lengths.pop(), 2)[-1]}" if len(lengths) == 1 else "3, 5, ..."


def marks(row: Row, ground: Ground) -> str:
    """Return the signs that a row's name carries on a ground; the notes under its table explain them."""
    signs = {" †": row.peeks, " ‡": row.partial and not ground.common, " §": row.oracle}
    return "".join(sign for sign, holds in signs.items() if holds)


def _merged(rows: list[Row]) -> list[Row]:
    """Return the rows with one only of each predictor that two tasks give the same forecast at the last position."""
    kept: list[Row] = []
    for row in rows:
        if row.trained or not any(_same_predictor(row, other) for other in kept):
            kept.append(row)
    return kept


def _same_predictor(a: Row, b: Row) -> bool:
    if b.trained or any(a.info[k] != b.info[k] for k in ("model", "model_params")) or a.info["task"] == b.info["task"]:
        return False
    columns = (LAST, LAST.replace("valid", "test"), "valid_mse_step_1")
    return bool(np.allclose([a.mean(c) for c in columns], [b.mean(c) for c in columns], rtol=1e-5))


def _ranks(row: Row, column: str) -> bool:
    """Return whether a row may lead: no peeking, no oracle, a score on more than the easier positions."""
    return not row.peeks and not row.oracle and (column == LAST or not row.partial)


def _ranked(rows: list[Row], column: str) -> list[Row]:
    sign = -1 if column == "valid_accuracy" else 1

    def key(row: Row) -> tuple[bool, bool, float, float, str]:
        value = row.mean(column)
        tie = row.mean("valid_cross_entropy") if sign < 0 else 0.0
        missing = not np.isfinite(value)
        score = 0.0 if missing else sign * value
        return missing, not _ranks(row, column), score, tie if np.isfinite(tie) else 0.0, row.name

    return sorted(rows, key=key)
