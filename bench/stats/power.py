"""How many seeds would decide between two models."""

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

import numpy as np
from scipy import stats

from bench.stats.pairs import critical
from bench.stats.samples import SAME, Sample, finite, scale_of
from bench.stats.verdicts import Region

MOST_SEEDS = 10_000
"""No more seeds are asked for."""
NODES = (np.arange(400) + 0.5) / 400
"""Quantiles that an integral over a standard error's distribution is taken at."""


class Undecidable(StrEnum):
    """Why no number of seeds decides between two models."""

    TEST_SET = "the test set is too small"
    MOST_SEEDS = "over 10,000 seeds"
    NO_SPREAD = "one seed alone shows no spread"


def seeds_to_decide(
    a: Sample,
    b: Sample,
    region: Region,
    *,
    log: bool = True,
    error: float | None = None,
    series: int = 0,
    level: float = 0.95,
    power: float = 0.8,
) -> int | Undecidable:
    """Return how many seeds each of two models needs for a verdict on the two, or why none decide.

    A verdict is that the one with the worse mean is worse, or that the two are equivalent (`judge`, with an interval of
    this ``level``), and is to come with ``power``, taking their present means and spreads for the true ones. An exact
    score needs no seeds: the other's are counted. Two seeds decide where neither scatters.

    Args:
        a: One model's scores.
        b: The other's.
        region: What makes no difference in practice.
        log: Differences are ratios.
        error: Standard error of the difference on the working scale from these seeds and the finite test set together,
            where known. What it has beyond that of the seeds is the test set's, which no seed lessens.
        series: Of that test set; 0 where that is not known.
        level: Of the pair's interval: that of a table whose pairs all hold at once is above 95 %.
        power: How often the verdict is to come.
    """
    models = [Sample(finite(s.values), s.exact) for s in (a, b)]
    if any(len(m.values) < (1 if m.exact else 2) for m in models):
        return Undecidable.NO_SPREAD
    scale = scale_of(*(m.values for m in models), log=log)
    first, second = (scale.to(m.values) for m in models)
    gap = abs(float(np.mean(first) - np.mean(second)))
    variances = [0.0 if m.exact else float(np.var(v, ddof=1)) for m, v in zip(models, (first, second), strict=True)]
    now = sum(v / len(m.values) for v, m in zip(variances, models, strict=True))
    reach, known = (x if log else float(scale.to(x)) for x in (region.reach(log=log), error or 0.0))
    rest = max(known**2 - now, 0.0)
    many = series - 1 if series > 1 else np.inf
    if _decided(gap, np.sqrt(rest), many, reach, level) < power:
        return Undecidable.TEST_SET

    def enough(n: int) -> bool:
        spread = sum(variances) / n
        if spread < SAME**2:
            return True
        parts = sum((v / n) ** 2 for v in variances) / (n - 1) + rest**2 / many
        return _decided(gap, np.sqrt(spread + rest), (spread + rest) ** 2 / parts, reach, level) >= power

    return _least(enough, MOST_SEEDS) or Undecidable.MOST_SEEDS


@lru_cache(maxsize=65_536)
def _decided(gap: float, error: float, freedom: float, reach: float, level: float) -> float:
    """Return the probability that a pair's interval lies wholly on the worse side, or within ``reach`` of none."""
    if error < SAME:
        return 1.0
    known = np.ones(1) if np.isinf(freedom) else np.sqrt(stats.chi2.ppf(NODES, freedom) / freedom)
    half = critical(2, freedom, level) * error * known
    worse = stats.norm.sf(half, gap, error)
    within = stats.norm.cdf(reach - half, gap, error) - stats.norm.cdf(half - reach, gap, error)
    # An interval that is worse and within the region counts once: means from ``half`` to ``reach - half``.
    both = stats.norm.cdf(reach - half, gap, error) - stats.norm.cdf(half, gap, error)
    return float(np.mean(worse + np.maximum(within, 0.0) - np.maximum(both, 0.0)))


def _least(enough: Callable[[int], bool], most: int) -> int | None:
    """Return the least number of seeds, from two, that is enough; None where ``most`` are not."""
    low, high = 1, min(4, most)  # ``low`` is always too few; two seeds, slow to judge, are tried last.
    while not enough(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
