"""Intervals of a model's mean and of its ratio to a leader, and the rule by which seeds are enough."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bench.stats.pairs import critical, welch
from bench.stats.samples import Sample, finite, scale_of


@dataclass(frozen=True)
class Interval:
    """A mean over ``n`` seeds with its confidence interval.

    No ends where there is one seed only, and where a geometric mean is 0 since one seed, not all, is: a 0 has no log.
    """

    centre: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Ratio:
    """A model's mean over the leader's (for plain scores: less the leader's), with its confidence interval.

    ``low`` and ``high`` are None where a trained model has one seed only or a geometric mean is 0, and ``value`` where
    both scores are exact. Over a mean of 0 the ratio is infinite.
    """

    value: float
    low: float | None
    high: float | None


def interval(values: ArrayLike, *, log: bool = True, level: float = 0.95) -> Interval | None:
    """Return the geometric mean of the finite values with Student's t interval on their logs.

    With ``log`` off, the arithmetic mean with the t interval on the values. The geometric mean of values of which one
    is 0 is 0. None where no value is finite, or where one is negative and has no log. The interval conditions on the
    data set: it says how far another set of seeds may move the mean, not another set of data.
    """
    known = finite(values)
    n = len(known)
    if not n or (log and np.any(known < 0)):
        return None
    if log and np.any(known == 0):
        end = None if n < 2 or np.any(known > 0) else 0.0
        return Interval(0.0, end, end, n)
    scale = scale_of(known, log=log)
    there = scale.to(known)
    centre = float(np.mean(there)) if log else math.fsum(there) / n  # large scores that cancel leave the small ones
    mean = float(np.clip(scale.back(centre), known.min(), known.max()))  # of equal scores that very score
    if n < 2:
        return Interval(mean, None, None, n)
    reach = critical(2, n - 1, level) * float(np.std(there, ddof=1)) / np.sqrt(n)
    return Interval(mean, scale.back(centre - reach), scale.back(centre + reach), n)


def ratio(
    sample: Sample, leader_sample: Sample, *, log: bool = True, k: int | None = None, level: float = 0.95
) -> Ratio | None:
    """Return a model's effect against the leader: the ratio of geometric means, with its interval.

    With ``log`` off, the difference of arithmetic means. Between two trained models the interval is Welch's, or
    with ``k`` that of Games-Howell over ``k`` groups, which holds for all their pairs at once and leaves 1 (0) out
    exactly where `significant_pairs` has the two. Against an exact score it is the one-sample t interval, whatever
    ``k``. Two exact scores have no interval but their ratio. A geometric mean is 0 where one score is: over such a one
    the ratio is infinite, and there is none of two. None where either has no score, or a negative one without a log.

    Source: Games and Howell (1976); see `significant_pairs`.
    """
    a, b = finite(sample.values), finite(leader_sample.values)
    if not len(a) or not len(b) or (log and (np.any(a < 0) or np.any(b < 0))):
        return None
    if log and (np.any(a == 0) or np.any(b == 0)):
        return None if np.any(a == 0) and np.any(b == 0) else Ratio(0.0 if np.any(a == 0) else np.inf, None, None)
    scale = scale_of(a, b, log=log)
    a, b = scale.to(a), scale.to(b)
    gap = float(np.mean(a) - np.mean(b))
    value = scale.length(gap)
    trained = [v for v, s in ((a, sample), (b, leader_sample)) if not s.exact]
    if not trained:
        return Ratio(value, value, value)
    if min(len(v) for v in trained) < 2:
        return Ratio(value, None, None)
    if len(trained) == 1:
        n = len(trained[0])
        reach = critical(2, n - 1, level) * float(np.std(trained[0], ddof=1)) / np.sqrt(n)
    else:
        variance, freedom = welch(a, b)
        reach = critical(k or 2, freedom, level) * np.sqrt(variance)
    return Ratio(value, scale.length(gap - reach), scale.length(gap + reach))


def enough_seeds(values: ArrayLike, *, width: float = 1.1, least: int = 10, cap: int = 30, log: bool = True) -> bool:
    """Return whether to stop adding seeds to a model with these scores, failed ones as NaN.

    True from ``cap`` seeds on, failed ones counted; before that from ``least`` scores on, where the upper end of
    the 95 % interval is at most ``width`` times the geometric mean (with ``log`` off: at most ``width - 1`` above
    the mean). Stopping on the width costs coverage, and the more the earlier it may stop, hence the least ``least``.

    Source: Chow and Robbins, On the asymptotic theory of fixed-width sequential confidence intervals for the mean,
    Annals of Mathematical Statistics 36 (1965).

    Raises:
        ValueError: ``least`` is below ten, or ``cap`` below ``least``.
    """
    if least < 10:
        raise ValueError(f"least is {least}: an interval that may stop before ten seeds covers too little")
    if cap < least:
        raise ValueError(f"cap is {cap}, below least {least}")
    if np.size(values) >= cap:
        return True
    made = interval(values, log=log)
    if made is None or made.n < least or made.high is None:
        return False
    return made.high <= width * made.centre if log else made.high - made.centre <= width - 1
