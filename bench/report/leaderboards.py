"""Leaderboards: rows that answer one question, the score that ranks them, and what the seeds say of their order."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bench import stats
from bench.frames.scores import Key
from bench.metrics.traits import Axis, Traits
from bench.report.rows import Row

STUCK_MARGIN = 0.02
"""Added to errors that are shares: three times a perfect median then lies four points of accuracy below it."""


@dataclass(frozen=True)
class Leaderboard:
    """Rows that answer one question, and the score that ranks them.

    Attributes:
        key: Of its task, or ``common`` and a number; safe in a file name.
        title: Heading of its table.
        metric: Traits of the metric that ranks the rows.
        rows: Best first; then those that do not rank, then those without a score.
        common: True for one over several tasks with one question, ranked at the last position alone.
        floors: Expected values of metrics that no forecast can get below, by case and metric.
    """

    key: str
    title: str
    metric: Traits
    rows: list[Row]
    common: bool = False
    floors: Mapping[Hashable, float] = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The key of its table, which no section can have."""
        return f"board/{self.key}"

    @property
    def tasks(self) -> set[str]:
        """Names of the tasks that its rows answer."""
        return {row.info["task"] for row in self.rows}

    @property
    def score(self) -> Key:
        """The score that ranks: the metric on validation after the last epoch."""
        return Key(self.metric.name)

    @property
    def shown(self) -> list[Traits]:
        """Other metrics that the table shows, in the order of the registry."""
        of_task = [] if self.common else self.rows[0].metrics.values()
        return [m for m in of_task if m.tabled and m.axis is Axis.NONE and m.name != self.metric.name]

    @property
    def behind(self) -> str:
        """What a row's distance from the leader is called."""
        return "× leader" if self.metric.log else f"less leader{', points' * self.metric.share}"

    @property
    def monitor(self) -> Traits:
        """The metric that chose the best epoch."""
        return next((m for m in self.rows[0].metrics.values() if m.monitors), self.metric)

    @property
    def by_step(self) -> Traits | None:
        """The metric that gives the ranking one's error at each forecast step, of the last position; None without."""
        of_task = self.rows[0].metrics.values()
        return next((m for m in of_task if m.axis is Axis.STEP and m.at_last == m.name), None)

    def step(self, number: int) -> Key:
        """Return the score of one forecast step, from 1."""
        assert self.by_step is not None
        return Key(self.by_step.name, axis=Axis.STEP.value, index=str(number))

    @property
    def ranked(self) -> list[Row]:
        """Rows with a score that may lead: no leak of targets, no oracle, no score over some positions alone."""
        return [r for r in self.rows if len(r.seeds(self.score)) and self.ranks(r)]

    @property
    def trained(self) -> list[Row]:
        """Those of them that are trained."""
        return [r for r in self.ranked if r.trained]

    def ranks(self, row: Row) -> bool:
        """Return whether a row may lead."""
        return not row.leaks_target and not row.oracle and not self.partial(row)

    def partial(self, row: Row) -> bool:
        """Return whether a row's score covers fewer positions than its rivals'; at the last position all are alike."""
        return bool(row.positions) and self.metric.at_last != self.metric.name

    @property
    def baseline(self) -> Row | None:
        """The row that skill is measured against, if this table has one."""
        return next((r for r in self.ranked if bool(r.info["baseline"]) and not r.trained), None)

    @property
    def floor(self) -> float | None:
        """Expected score that no forecast can go below, where known and the same for all rows."""
        known = {self.floors.get((r.case, self.metric.name)) for r in self.rows} - {None}
        floor = known.pop() if len(known) == 1 else None
        return floor if floor is not None and np.isfinite(floor) else None

    @cached_property
    def extra(self) -> list[str]:
        """Names of the extra test sets that some row has a score on."""
        every = {key.split: None for r in self.rows for run in r.done["run_id"] for key in r.scores.get(run, {})}
        return [split for split in every if split not in ("train", "valid", "test")]

    @property
    def untrained(self) -> Row | None:
        """The best predictor that needs no training, if this table has one; an oracle is none."""
        return next((r for r in self.ranked if not r.trained), None)

    @property
    def oracle(self) -> Row | None:
        """The predictor that knows how its data were made, if there is one: it ranks nowhere."""
        return next((r for r in self.rows if r.oracle and len(r.seeds(self.score))), None)

    @cached_property
    def samples(self) -> dict[str, stats.Sample]:
        """Scores of the ranked rows by name."""
        return {r.name: r.sample(self.score) for r in self.ranked}

    @cached_property
    def significant(self) -> set[frozenset[str]]:
        """Pairs of ranked rows that differ significantly over these seeds."""
        return stats.significant_pairs(self.samples, log=self.metric.log)

    def differ(self, a: Row, b: Row) -> bool:
        """Return whether two ranked rows differ significantly."""
        return frozenset((a.name, b.name)) in self.significant

    @cached_property
    def letters(self) -> dict[str, str]:
        """Letters of the ranked rows: two share one exactly where they do not differ significantly."""
        return stats.letters([r.name for r in self.ranked], self.significant)

    @property
    def spreads(self) -> int:
        """How many ranked rows have a spread over seeds: the groups of Games-Howell."""
        return sum(not s.exact and len(s.values) > 1 for s in self.samples.values())

    def ratio(self, row: Row) -> stats.Ratio | None:
        """Return a row's score over the leader's (for shares: less it), with its simultaneous interval."""
        ranked = self.ranked
        if not ranked or not len(row.values(self.score)):
            return None
        if row.name == ranked[0].name:
            itself = 1.0 if self.metric.log else 0.0
            return stats.Ratio(itself, itself, itself)
        leader = ranked[0].sample(self.score)
        return stats.ratio(row.sample(self.score), leader, log=self.metric.log, k=max(self.spreads, 2))

    def detectable(self) -> float | None:
        """Return the ratio to the leader (for shares: the difference) that these seeds would find with 80 % power."""
        return stats.detectable_gap(self.ranked[0].name, self.samples, log=self.metric.log)

    def leaders(self) -> list[Row]:
        """Return the leader, then every row that does not differ from it significantly."""
        ranked = self.ranked
        return [r for r in ranked if r is ranked[0] or not self.differ(r, ranked[0])]

    @cached_property
    def agreement(self) -> stats.Agreement | None:
        """How far the seeds agree on the order of the ranked trained rows; None below two of either."""
        keyed = [r.by_seed(self.score) for r in self.trained]
        return stats.agreement(pd.concat(keyed, axis=1).to_numpy()) if len(keyed) > 1 else None

    @property
    def rivals(self) -> tuple[Row, Row] | None:
        """The first two trained rows of the ranking, where they do not differ significantly."""
        trained = self.trained
        if len(trained) < 2 or self.differ(*trained[:2]):
            return None
        return trained[0], trained[1]

    def seeds_needed(self) -> int | None:
        """Return how many seeds each of the rivals needs to differ with 80 % power; None if not known."""
        if self.rivals is None:
            return None
        first, second = (r.sample(self.score) for r in self.rivals)
        return stats.seeds_to_separate(first, second, k=max(self.spreads, 2), log=self.metric.log)

    def stuck(self, values: stats.Float64) -> list[int]:
        """Return the places of seeds that ended far worse than their row's others."""
        if not (self.metric.log or self.metric.share):
            return []  # neither a ratio nor a share: no multiple of a median says that a seed is far off
        if self.metric.share:
            values = (values if self.metric.sign > 0 else 1 - values) + STUCK_MARGIN
        return [int(i) for i in stats.stuck(values)]

    def marks(self, row: Row) -> str:
        """Return the signs that a row's name carries here; the notes under the table explain them."""
        signs = {" †": row.leaks_target, " ‡": self.partial(row), " §": row.oracle}
        return "".join(sign for sign, holds in signs.items() if holds)

    def standing(self, row: Row) -> tuple[float, float]:
        """Return what a row is ranked by: its mean, and of two geometric means of 0 the arithmetic mean."""
        value = row.mean(self.score)
        summary = stats.summarise(row.values(self.score)) if self.metric.log and value == 0 else None
        return value, summary.mean if summary else 0.0

    def in_order(self) -> "Leaderboard":
        """Return it with its rows in order: best first, then those that do not rank, then those without a score."""
        tie = Key(self.monitor.name)

        def place(row: Row) -> tuple[bool, bool, float, float, float, str]:
            score, zeros = self.standing(row)
            second = row.mean(tie)
            missing = not np.isfinite(score)
            second = second if np.isfinite(second) else 0.0
            return missing, not self.ranks(row), 0.0 if missing else self.metric.sign * score, zeros, second, row.name

        return replace(self, rows=sorted(self.rows, key=place))
