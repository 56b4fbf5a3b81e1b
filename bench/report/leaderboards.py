"""Leaderboards: rows that answer one question, the score that ranks them, and what the seeds say of their order."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bench import stats
from bench.frames.scores import Key
from bench.metrics.traits import Axis, Traits
from bench.record import RANKED, Weights
from bench.report.judging import Judge, Pair, noise_of
from bench.report.rows import Place, Row


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
        solved: From which value of which metric on a case's task counts as solved, by case.
        rank: Whose weights rank: those after the last epoch, on validation, or those of the best epoch, on test.
        region: Differences that make none in practice.
        pairs: What is known of two places by a score over seeds and series at once, by the two and the score.
    """

    key: str
    title: str
    metric: Traits
    rows: list[Row]
    common: bool = False
    floors: Mapping[Hashable, float] = field(default_factory=dict)
    solved: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    rank: Weights = "last"
    region: stats.Region = field(default_factory=stats.Region)
    pairs: Mapping[tuple[Place, Place, Key], Pair] = field(default_factory=dict)

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
        """The score that ranks: what the suite says, see `bench.record.RANKED`."""
        return Key(self.metric.name, *RANKED[self.rank])

    @property
    def choosing(self) -> Key:
        """The validation score with the weights that rank: what is chosen, such as a recipe, is chosen by it."""
        return self.score.on("valid")

    @property
    def on_test(self) -> Key:
        """The test score with the weights that rank: the score itself where it is of test."""
        return self.score.on("test")

    @property
    def score_in_words(self) -> str:
        """The score that ranks: ``validation MSE after the last epoch`` or ``test MSE of the best epoch``."""
        return self.score.in_words(self.metric.heading)

    def beside(self, metric: Traits) -> Key:
        """Return another metric's score on the split, and with the weights, that the ranking one is of."""
        return self.score._replace(metric=metric.name)

    @property
    def last(self) -> Key:
        """The ranking metric on validation after the last epoch."""
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
        return self.beside(self.by_step)._replace(axis=Axis.STEP.value, index=str(number))

    @cached_property
    def ranked(self) -> list[Row]:
        """Rows with a score that may lead: no leak of targets, no oracle, no score over some positions alone."""
        return [r for r in self.rows if len(r.values(self.score)) and self.ranks(r)]

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
        return next((r for r in self.rows if r.oracle and len(r.values(self.score))), None)

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

    @cached_property
    def noise(self) -> stats.Noise:
        """What the errors of its differences are over."""
        held = [self._both(row, self.ranked[0]) for row in self.ranked[1:]]
        known = [(own, other, pair) for own, other, pair in held if pair is not None]
        drawn = all(row.done["data_seed"].nunique() > 1 for row in self.ranked)
        return noise_of(list(self.samples.values()), known, log=self.metric.log, by_draw=drawn and bool(known))

    @cached_property
    def judge(self) -> Judge:
        """How its rows are held against each other."""
        level = stats.pair_level(stats.sizes_of(self.samples), noise=self.noise)
        return Judge(self.metric.log, self.metric.sign > 0, self.region, level)

    def ratio(self, row: Row) -> stats.Ratio | None:
        """Return a row's score over the leader's (for shares: less it), with its simultaneous interval."""
        ranked = self.ranked
        if not ranked or not len(row.values(self.score)):
            return None
        if row.name == ranked[0].name:
            itself = 1.0 if self.metric.log else 0.0
            return stats.Ratio(itself, itself, itself)
        return self.judge.ratio(*self._both(row, ranked[0]))

    def _both(self, row: Row, rival: Row) -> tuple[stats.Sample, stats.Sample, Pair | None]:
        """Return the scores of two rows, and what is known of the pair over series, too."""
        pair = self.pairs.get((row.place, rival.place, self.score))
        return row.sample(self.score), rival.sample(self.score), pair

    def against(self, row: Row, rival: Row) -> stats.Contrast:
        """Return what is known of a row against another one that ranks: ratio, chance to beat it, verdict."""
        return self.judge.contrast(*self._both(row, rival))

    def seeds_to_decide(self, row: Row, rival: Row) -> int | stats.Undecidable:
        """Return how many seeds of each would decide between just these two rows, or why no number would."""
        return self.judge.seeds_to_decide(*self._both(row, rival))

    @cached_property
    def flip_chances(self) -> dict[str, float]:
        """How likely an equal replication gives each ranked row another verdict, by name."""
        ranked = self.ranked
        if len(ranked) < 2:
            return {}
        shown = [stats.Verdict.LEADS, *(self.contrasts[row.name].verdict for row in ranked[1:])]
        pairs = [[self.pairs.get((row.place, rival.place, self.score)) for rival in ranked] for row in ranked]
        by_draw = pd.concat([self._by_draw(row) for row in ranked], axis=1).to_numpy() if self.noise.by_draw else None
        chances = self.judge.flip_chances([self.samples[row.name] for row in ranked], shown, pairs, by_draw)
        return {row.name: float(chance) for row, chance in zip(ranked, chances, strict=True)}

    def _by_draw(self, row: Row) -> pd.Series:
        """Return a row's mean score of each draw of the data; infinite where it is too large for a number."""
        with np.errstate(over="ignore"):
            return row.by_seed(self.score).groupby(level="data_seed").mean()

    @cached_property
    def fragile(self) -> set[str]:
        """Names of ranked rows whose chance of another verdict is above `stats.FRAGILE`."""
        return {name for name, chance in self.flip_chances.items() if chance > stats.FRAGILE}

    def star(self, row: Row) -> str:
        """Return the sign of a fragile verdict, in Markdown; empty of one that is not."""
        return "\\*" if row.name in self.fragile else ""

    @cached_property
    def contrasts(self) -> dict[str, stats.Contrast]:
        """What is known of each ranked row but the leader against the leader, by name."""
        return {row.name: self.against(row, self.ranked[0]) for row in self.ranked[1:]}

    def contrast(self, row: Row) -> stats.Contrast | None:
        """Return what is known of a row against the leader; None of the leader itself and of one that does not rank."""
        return self.contrasts.get(row.name)

    def verdict(self, row: Row) -> stats.Verdict | None:
        """Return a ranked row's verdict; the leader's own is that it leads, unless seeds are too few to say so of any.

        None of one that does not rank.
        """
        if self.ranked and row.name == self.ranked[0].name:
            found = {contrast.verdict for contrast in self.contrasts.values()}
            return stats.Verdict.TOO_FEW if stats.Verdict.TOO_FEW in found else stats.Verdict.LEADS
        contrast = self.contrast(row)
        return contrast.verdict if contrast else None

    def beaten_by(self, predictor: Row, row: Row) -> stats.Verdict:
        """Return a row's verdict against a predictor; it leads where it is the better of two that are told apart."""
        found = self.against(row, predictor).verdict
        if found in (stats.Verdict.UNDECIDED, stats.Verdict.TOO_FEW):
            other_way = self.against(predictor, row).verdict
            return stats.Verdict.LEADS if other_way is stats.Verdict.WORSE else found
        return found

    def place(self, row: Row) -> int | None:
        """Return a row's place; None of one that does not rank, and of one that its seeds are too few to place."""
        places = {each.name: place for place, each in enumerate(self.ranked, start=1)}
        return None if self.verdict(row) is stats.Verdict.TOO_FEW else places.get(row.name)

    def found(self, *verdicts: stats.Verdict) -> list[Row]:
        """Return the ranked rows but the leader that have one of these verdicts, best first."""
        return [row for row in self.ranked[1:] if self.contrasts[row.name].verdict in verdicts]

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
    def has_errors(self) -> bool:
        """Whether multiples of its scores say how far off a seed is: of an error in logs, or of a share."""
        return self.metric.log or self.metric.share

    def as_errors(self, values: stats.Float64) -> stats.Float64:
        """Return scores as errors of which less is better, so that a multiple says how far off one is."""
        higher = self.metric.sign > 0
        return stats.errors_of_shares(values, worse_is_higher=higher) if self.metric.share else values

    def stuck(self, values: stats.Float64) -> list[int]:
        """Return the places of final scores that lie far behind what their siblings reached."""
        if not self.has_errors:
            return []
        found = stats.endings([[value] for value in self.as_errors(values)])
        return [place for place, ending in enumerate(found) if ending is stats.Ending.STUCK]

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
        tie = self.beside(self.monitor)

        def place(row: Row) -> tuple[bool, bool, float, float, float, str]:
            score, zeros = self.standing(row)
            second = row.mean(tie)
            missing = not np.isfinite(score)
            second = second if np.isfinite(second) else 0.0
            return missing, not self.ranks(row), 0.0 if missing else self.metric.sign * score, zeros, second, row.name

        return replace(self, rows=sorted(self.rows, key=place))
