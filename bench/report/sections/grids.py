"""Cases of a recipe grid: each under its own recipe, and under the one that is best on validation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench import stats
from bench.frames.schemas import RECIPE, Kind
from bench.frames.scores import Key
from bench.report.leaderboards import Leaderboard
from bench.report.recipe_words import recipe_of, recipe_word
from bench.report.rows import Row

ORDERED = [name for name, kind in RECIPE.items() if kind in (Kind.INTEGER, Kind.NUMBER)]
"""Recipe fields with an order, so that a chosen value can lie at an end of those tried."""


@dataclass(frozen=True)
class GridCase:
    """A case under every recipe of a grid, on one device and backend.

    Attributes:
        board: The leaderboard that its rows stand on.
        name: That of the case under its own recipe.
        default: Its row under its own recipe; None where that is not in the grid, or has no score.
        variants: Its rows under every recipe that ran, the default among them.
        best: The variant with the best validation score, of those whose runs all ended with one if there are any.
    """

    board: Leaderboard
    name: str
    default: Row | None
    variants: tuple[Row, ...]
    best: Row

    @property
    def test(self) -> Key:
        """The score on test."""
        return self.board.on_test

    @property
    def ranks(self) -> bool:
        """Whether the leaderboard ranks it; False where it is scored on fewer positions than its rivals."""
        return self.board.ranks(self.best)

    @property
    def tuned(self) -> bool:
        """Whether another recipe than the default is best."""
        return self.best is not self.default

    @property
    def passed_over(self) -> list[Row]:
        """Variants that could not be chosen, since a run of theirs ended without a score."""
        return [r for r in self.variants if not _whole(r)] if _whole(self.best) else []

    @property
    def edges(self) -> list[str]:
        """Fields in which the best recipe's value is the lowest or highest of three or more, with it: in words."""
        found = []
        for field, tried in self._tried.items():
            own = self.best.info[field]
            if len(tried) > 2 and pd.notna(own) and float(own) in (tried[0], tried[-1]):
                found.append(f"{recipe_word(field)} {own}")
        return found

    @property
    def two_tried(self) -> list[str]:
        """Fields of which two values were tried, so that either is an end."""
        return [recipe_word(field) for field, tried in self._tried.items() if len(tried) == 2]

    @property
    def _tried(self) -> dict[str, list[float]]:
        """Values of each ordered field, in order."""
        told = {field: [r.info[field] for r in self.variants if pd.notna(r.info[field])] for field in ORDERED}
        return {field: sorted({float(value) for value in values}) for field, values in told.items()}

    @property
    def recipe(self) -> str:
        """What the best recipe sets otherwise than the default one; without a default, what the grid varies."""
        others = [recipe_of(r) for r in ([self.default] if self.default is not None else self.variants)]
        own = recipe_of(self.best)
        return ", ".join(f"{recipe_word(k)} {v}" for k, v in own.items() if any(other[k] != v for other in others))

    def gain(self) -> stats.Ratio | None:
        """Return the best recipe's test score over the default's (for shares: less it), with its interval."""
        if self.default is None or not self.tuned:
            return None
        return stats.ratio(self.best.sample(self.test), self.default.sample(self.test), log=self.board.metric.log)

    @property
    def by_recipe(self) -> stats.Float64:
        """The ranking scores, recipes in lines and seeds in columns; NaN where a run has none."""
        return self._scores(self.board.score)

    def _scores(self, key: Key) -> stats.Float64:
        return pd.concat([row.by_seed(key) for row in self.variants], axis=1).T.to_numpy(dtype="float64")

    @property
    def choosing(self) -> stats.Float64:
        """The validation scores that choose a recipe, as `by_recipe` has the ranking ones."""
        return self._scores(self.board.choosing)

    def chosen_on_validation(self) -> stats.Sample | None:
        """Return the ranking scores of each seed under the recipe that validation of the other half's seeds chose."""
        log, lower = self.board.metric.log, self.board.metric.sign > 0
        found = stats.winner_on_fresh(self.by_recipe, log=log, lower=lower, chosen_by=self.choosing)
        return stats.Sample(stats.finite(found.values)) if found else None

    def fresh(self) -> stats.Interval | None:
        """Return the mean of those scores with its interval."""
        found = self.chosen_on_validation()
        return stats.interval(found.values, log=self.board.metric.log) if found else None

    @property
    def gains(self) -> bool:
        """Whether that interval leaves no gain out, and the best recipe is the better."""
        gain = self.gain()
        if gain is None or gain.low is None or gain.high is None:
            return False
        none = 1 if self.board.metric.log else 0
        return gain.high < none if self.board.metric.sign > 0 else gain.low > none


def grid_cases(board: Leaderboard) -> list[GridCase]:
    """Return a leaderboard's cases that a grid varies, in the order of their best recipes; empty without a grid."""
    bases = dict.fromkeys((str(r.info["variant_of"]), r.device, r.backend) for r in board.rows if r.info["variant_of"])
    made, key = [], board.choosing
    for base, device, backend in bases:
        place = [r for r in board.rows if (r.device, r.backend) == (device, backend)]
        group = [r for r in place if base in (r.case, r.info["variant_of"])]
        scored = sorted((r for r in group if len(r.values(key))), key=lambda r: _by_validation(board, r))
        if not scored:
            continue
        own = next((r for r in group if r.case == base), None)
        best = next((r for r in scored if _whole(r)), scored[0])
        made.append(GridCase(board, own.name if own else base, own if own in scored else None, tuple(group), best))
    return sorted(made, key=lambda c: (not c.ranks, board.rows.index(c.best)))


def means(found: list[GridCase], pick: Callable[[GridCase], Row | None], key: Key) -> dict[str, float]:
    """Return a mean score of the row that ``pick`` takes of each case that ranks, by name."""
    rows = {c.name: row for c in found if c.ranks and (row := pick(c)) is not None}
    return {name: row.mean(key) for name, row in rows.items() if len(row.values(key))}


def _by_validation(board: Leaderboard, row: Row) -> tuple[float, float]:
    """Return what a recipe is chosen by: the score, and of equal ones, as of two that are always right, the loss."""
    key, loss = board.choosing, board.monitor
    return board.metric.sign * row.mean(key), loss.sign * np.nan_to_num(row.mean(key._replace(metric=loss.name)))


def _whole(row: Row) -> bool:
    """Return whether every recorded run of a row ended with a score."""
    return bool((row.runs["status"] == "done").all())
