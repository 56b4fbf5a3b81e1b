"""What tuning gives: the expected best of some recipes, and the chosen one on seeds that did not choose it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from bench.stats.intervals import Interval, interval
from bench.stats.samples import Float64, scale_of


@dataclass(frozen=True)
class Tuned:
    """A model whose recipe half of the seeds chose and the other half scored, and the reverse.

    Attributes:
        picks: Recipes that the even places of the seeds and the odd ones chose.
        values: Score of each seed under the recipe that the other half chose, shape (seeds,); NaN where it has none.
    """

    picks: tuple[int, int]
    values: Float64


def expected_best(
    scores: ArrayLike, chosen_by: ArrayLike | None = None, *, lower: bool = True, again: bool = True
) -> Float64:
    """Return the expected score of the best of 1, 2, ... recipes that are drawn from those that were tried.

    Args:
        scores: One a recipe, all finite.
        chosen_by: What the best is chosen by, where not by the score itself; of equals, the first is.
        lower: Less is better.
        again: A recipe may be drawn again, as random search draws from a space; else the recipes are all that there
            are, as of a grid, and the last number is the best one's.

    Returns:
        Shape (recipes,): a budget of 1 first.

    Source: Dodge et al., Show your work: improved reporting of experimental results, EMNLP (2019), section 3.1; without
    drawing again, Tang et al., Showing your work doesn't always work, ACL (2020).
    """
    values = np.asarray(scores, dtype=np.float64)
    reasons = values if chosen_by is None else np.asarray(chosen_by, dtype=np.float64)
    order = np.argsort(reasons if lower else -reasons, kind="stable")
    return np.asarray(_chances(len(values), again=again) @ values[order])


def winner_on_fresh(
    scores: ArrayLike, *, log: bool = True, lower: bool = True, chosen_by: ArrayLike | None = None
) -> Tuned | None:
    """Return the scores of the chosen recipe on seeds that did not choose it.

    The even places of the seeds choose the recipe of the best mean for the odd ones, and the reverse, so that each seed
    is scored once. The mean over the seeds that chose it is too good: of several recipes that are alike it takes the
    luckiest. This one is not. Its interval holds in 91 to 95 % of cases at four to ten seeds, the least where recipes
    are alike, since the values of each half helped to choose what the other half scores. A recipe with a seed that has
    no score is chosen only where every recipe has one.

    Args:
        scores: Shape (recipes, seeds), the same seeds in each; NaN where a run has none.
        log: Means are geometric.
        lower: Less is better.
        chosen_by: What the other half chooses by, shaped as the scores, such as those of validation; None for the
            scores themselves.

    Returns:
        None without a recipe or below two seeds.
    """
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if not table.size or table.shape[1] < 2:
        return None
    reasons = table if chosen_by is None else np.atleast_2d(np.asarray(chosen_by, dtype=np.float64))
    orders = _orders(reasons, log=log, lower=lower)
    values = np.empty(table.shape[1])
    for half, order in enumerate(orders):
        values[1 - half :: 2] = table[order[0], 1 - half :: 2]
    return Tuned((int(orders[0][0]), int(orders[1][0])), values)


def tuning_curve(
    scores: ArrayLike, *, log: bool = True, lower: bool = True, chosen_by: ArrayLike | None = None
) -> list[Interval | None]:
    """Return the expected score on fresh seeds of the best of 1, 2, ... recipes of a grid, with 95 % intervals.

    Recipes are drawn without drawing one again and chosen by the other half of the seeds, as `winner_on_fresh` does: it
    is the last of these. Each seed gives one expected score a budget, on the working scale; the interval is Student's t
    over the seeds. Seeds that some recipe has no score of are left out.

    Args:
        scores: Shape (recipes, seeds), the same seeds in each; NaN where a run has none.
        log: Means are geometric.
        lower: Less is better.
        chosen_by: As of `winner_on_fresh`.
    """
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if not table.size or table.shape[1] < 2:
        return []
    reasons = table if chosen_by is None else np.atleast_2d(np.asarray(chosen_by, dtype=np.float64))
    chances = _chances(len(table), again=False)
    scale = scale_of(table[np.isfinite(table)], log=log)
    there = np.where(np.isfinite(table), scale.to(table), np.nan)
    expected = np.empty(table.shape)
    for half, order in enumerate(_orders(reasons, log=log, lower=lower)):
        expected[:, 1 - half :: 2] = chances @ there[order, 1 - half :: 2]
    return [interval([scale.back(v) for v in row if np.isfinite(v)], log=log) for row in expected]


def _chances(recipes: int, *, again: bool) -> Float64:
    """Return the chance that a recipe is the best of those drawn, (budgets, recipes), the best recipe first."""
    budgets, better = np.arange(1, recipes + 1)[:, None], np.arange(recipes + 1)
    worse = recipes - better  # recipes that are no better than this place: all that are drawn are among them
    none_better = (
        (worse / recipes) ** budgets if again else special.binom(worse, budgets) / special.binom(recipes, budgets)
    )
    return np.asarray(none_better[:, :-1] - none_better[:, 1:])


def _orders(table: Float64, *, log: bool, lower: bool) -> list[NDArray[np.intp]]:
    """Return the recipes, best first, by the even places of the seeds and by the odd ones."""
    scale = scale_of(table[np.isfinite(table)], log=log)
    there = np.where(np.isfinite(table), scale.to(table), np.nan) * (1 if lower else -1)
    means = (there[:, half::2].mean(axis=1) for half in range(2))
    return [np.argsort(np.where(np.isfinite(mean), mean, np.inf), kind="stable") for mean in means]
