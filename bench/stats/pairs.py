"""Which models differ: Games-Howell between trained ones, one-sample t with Holm against exact scores."""

import math
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import TypeVar

import numpy as np
from scipy import optimize, stats

from bench.stats.samples import SAME, Float64, Sample, finite, scale_of

Name = TypeVar("Name", bound=Hashable)
APPROXIMATE = 2e-3
"""By what share an approximate critical value may be off; a test holds it to that."""
MOST_APPROXIMATED = 200
"""So many groups are the most that statsmodels's approximation knows."""
ROUNDING = 1e-9
"""By what share a p value of an array may differ from that of its numbers one by one."""


def significant_pairs(samples: Mapping[str, Sample], *, log: bool = True, level: float = 0.95) -> set[frozenset[str]]:
    """Return all pairs of models whose means differ significantly over these seeds.

    Two trained models are compared by Games-Howell on log scores (plain scores with ``log`` off) over all
    trained models with two seeds or more, which corrects for how many there are; a trained and an exact score
    by a one-sample t test, Holm-corrected over all such pairs; two exact scores differ unless equal. A trained
    model with one seed has no known spread, so it differs from none. Models without a score are left out. The log of
    a zero counts as that of the least number there is, so that a model that is exact at some seeds alone scatters.

    The studentized range is evaluated for a pair only where two bounds on its p value, Welch's and Welch's times the
    number of pairs, and an approximate critical value with twice its error around it leave it open. The pairs are
    those of `scipy.stats.tukey_hsd` with ``equal_var=False``, which evaluates all of them, and divides by zero where
    two models have no spread.

    Source: Games and Howell, Pairwise multiple comparison procedures with unequal N's and/or variances,
    Journal of Educational Statistics 1 (1976).
    """
    known = {name: Sample(values, s.exact) for name, s in samples.items() if len(values := finite(s.values))}
    scale = scale_of(*(s.values for s in known.values()), log=log)
    known = {name: Sample(scale.to(s.values), s.exact) for name, s in known.items()}
    trained = {name: s.values for name, s in known.items() if not s.exact and len(s.values) > 1}
    different = _trained_pairs(trained, 1 - level)
    mixed: dict[frozenset[str], float] = {}
    exact = [name for name, s in known.items() if s.exact]
    for first, second in ((one, other) for one in exact for other in known if other != one):
        pair, a, b = frozenset((first, second)), known[first], known[second]
        if a.exact != b.exact:
            mixed[pair] = _one_sample(a, b)
        elif a.exact:
            different |= {pair} if _gap(a, b) > SAME else set()
    return different | holm(mixed, level)


def games_howell(a: Float64, b: Float64, k: int) -> float:
    """Return the p value that two of ``k`` groups have one mean, as `scipy.stats.tukey_hsd(equal_var=False)`.

    1 where a group has one value; where neither varies, 0 or 1 as they differ or not.
    """
    if min(len(a), len(b)) < 2:
        return 1.0
    difference = abs(float(np.mean(a) - np.mean(b)))
    variance, freedom = welch(a, b)
    if variance < SAME**2:
        return 0.0 if difference > SAME else 1.0
    statistic = difference / np.sqrt(variance)
    if k <= 2:
        return float(2 * stats.t.sf(statistic, freedom))
    return float(stats.studentized_range.sf(np.sqrt(2) * statistic, k, freedom))


def holm(p_values: Mapping[Name, float], level: float = 0.95) -> set[Name]:
    """Return the names that Holm's step-down procedure rejects, of all that are given.

    Own code, since statsmodels's ``multipletests`` collects garbage at each call, for a fifth of a second; a test holds
    it to that function.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
    """
    rejected: set[Name] = set()
    for rank, name in enumerate(sorted(p_values, key=lambda n: p_values[n])):
        if p_values[name] * (len(p_values) - rank) >= 1 - level:
            break
        rejected.add(name)
    return rejected


def welch(a: Float64, b: Float64) -> tuple[float, float]:
    """Return the variance of the difference of two means, and its degrees of freedom; 0 and 1 without any spread.

    Source: Welch, The generalization of "Student's" problem when several different population variances are
    involved, Biometrika 34 (1947).
    """
    va, vb = (float(np.var(v, ddof=1)) / len(v) for v in (a, b))
    if va + vb < SAME**2:
        return 0.0, 1.0
    return va + vb, (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))


@lru_cache(maxsize=4096)
def critical(k: int, freedom: float, level: float = 0.95) -> float:
    """Return how many standard errors apart two of ``k`` means must lie to differ at ``level``.

    Student's t for two groups; for more, the studentized range over the root of two, by secant steps from the
    approximation of `approximate` (a third of the time of scipy's own inverse, to the same seven digits).
    """
    if k <= 2:
        return float(stats.t.isf((1 - level) / 2, freedom))
    nearest = min(k, MOST_APPROXIMATED)
    if not _has_approximation(nearest, freedom, level):
        return float(stats.studentized_range.isf(1 - level, k, freedom) / np.sqrt(2))
    start = _studentized(level, nearest, freedom)
    found = optimize.newton(
        lambda q: stats.studentized_range.sf(q, k, freedom) - (1 - level), start, x1=1.001 * start, tol=1e-5 * start
    )
    return float(found / np.sqrt(2))


def approximate(k: int, freedom: float, level: float = 0.95) -> float:
    """Return `critical` to within `APPROXIMATE`, in a hundredth of its time where an approximation is known."""
    if k <= 2 or not _has_approximation(k, freedom, level):
        return critical(k, freedom, level)
    return _studentized(level, k, freedom) / math.sqrt(2)


def _studentized(level: float, k: int, freedom: float) -> float:
    """Return statsmodels's approximation of the studentized range."""
    from statsmodels.stats.libqsturng import qsturng  # not at the top: a run without a report needs none of it

    return float(qsturng(level, k, freedom))


def _has_approximation(k: int, freedom: float, level: float) -> bool:
    """Return whether statsmodels's ``qsturng`` covers this case."""
    return k <= MOST_APPROXIMATED and freedom >= 2 and 0.1 <= level <= 0.999


def _trained_pairs(samples: Mapping[str, Float64], alpha: float) -> set[frozenset[str]]:
    """Return the pairs of models that Games-Howell tells apart: most of many are plain by Welch's p value alone."""
    names, k = list(samples), len(samples)
    one, other = np.triu_indices(k, 1)
    means = np.array([np.mean(v) for v in samples.values()])
    variances = np.array([np.var(v, ddof=1) / len(v) for v in samples.values()])
    known = np.array([len(v) - 1 for v in samples.values()])
    both, gap = variances[one] + variances[other], np.abs(means[one] - means[other])
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = both**2 / (variances[one] ** 2 / known[one] + variances[other] ** 2 / known[other])
        least = 2 * stats.t.sf(gap / np.sqrt(both), freedom)
    least = np.where(both < SAME**2, np.where(gap > SAME, 0.0, 1.0), least)
    plain = least * k * (k - 1) / 2 < alpha * (1 - ROUNDING)
    open_ = np.flatnonzero(~plain & (least < alpha * (1 + ROUNDING)))
    told = [i for i in open_ if _trained_differ(samples[names[one[i]]], samples[names[other[i]]], k, alpha)]
    return {frozenset((names[one[i]], names[other[i]])) for i in [*np.flatnonzero(plain), *told]}


def _trained_differ(a: Float64, b: Float64, k: int, alpha: float) -> bool:
    least = games_howell(a, b, 2)
    if least >= alpha:
        return False
    if least * k * (k - 1) / 2 < alpha:
        return True
    variance, freedom = welch(a, b)
    if _has_approximation(k, freedom, 1 - alpha):
        reached = abs(float(np.mean(a) - np.mean(b))) / np.sqrt(variance) / approximate(k, freedom, 1 - alpha)
        if abs(reached - 1) > 2 * APPROXIMATE:
            return bool(reached > 1)
    return games_howell(a, b, k) < alpha


def _gap(a: Sample, b: Sample) -> float:
    return abs(float(np.mean(a.values) - np.mean(b.values)))


def _one_sample(a: Sample, b: Sample) -> float:
    """Return the p value that the trained one of two samples has the other's exact score as its mean."""
    values = b.values if a.exact else a.values
    n = len(values)
    if n < 2:
        return 1.0
    gap, error = _gap(a, b), float(np.std(values, ddof=1)) / np.sqrt(n)
    if error < SAME:
        return 0.0 if gap > SAME else 1.0
    return float(2 * stats.t.sf(gap / error, n - 1))
