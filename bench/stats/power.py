"""How much these seeds would find, and how many seeds would find what is there."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.stats.pairs import approximate, critical, welch
from bench.stats.samples import LARGEST, SAME, Sample, finite, scale_of


def detectable_gap(leader: str, samples: Mapping[str, Sample], *, log: bool = True, power: float = 0.8) -> float | None:
    """Return the gap to the leader that Games-Howell at 5 % would find with ``power``.

    A difference of means, a ratio with ``log``; for the median spread of the trained rivals. Student's t stands
    in for its noncentral form. None where no two trained models have a spread, and where no number is so large.
    """
    trained = {n: values for n, s in samples.items() if not s.exact and len(values := finite(s.values)) > 1}
    if leader not in trained or len(trained) < 2:
        return None
    scale = scale_of(*trained.values(), log=log)
    trained = {name: scale.to(values) for name, values in trained.items()}
    rivals = [welch(trained[leader], values) for name, values in trained.items() if name != leader]
    variance, freedom = (float(np.median(column)) for column in zip(*rivals, strict=True))
    if variance < SAME**2:
        return None
    reach = critical(len(trained), freedom) + float(stats.t.ppf(power, freedom))
    gap = scale.length(reach * np.sqrt(variance))
    return gap if gap < LARGEST else None


def seeds_to_separate(
    a: Sample | ArrayLike,
    b: Sample | ArrayLike,
    *,
    k: int = 2,
    log: bool = True,
    power: float = 0.8,
    most: int = 10_000,
) -> int | None:
    """Return how many seeds each of two trained models needs for their present difference to be found.

    Found means: significantly different, the right way round, by Games-Howell over ``k`` groups at 5 % with ``power``,
    taking their present means and spreads for the true ones. The test statistic is noncentral t with Welch's degrees of
    freedom. None where ``most`` seeds are too few, where one has fewer than two, or neither has a spread.
    """
    if any(isinstance(s, Sample) and s.exact for s in (a, b)):
        return None
    first, second = (finite(s.values if isinstance(s, Sample) else s) for s in (a, b))
    if min(len(first), len(second)) < 2:
        return None
    scale = scale_of(first, second, log=log)
    first, second = scale.to(first), scale.to(second)
    gap = abs(float(np.mean(first) - np.mean(second)))
    va, vb = float(np.var(first, ddof=1)), float(np.var(second, ddof=1))
    if va + vb < SAME**2 or gap < SAME:
        return None

    def enough(n: int) -> bool:
        freedom = (n - 1) * (va + vb) ** 2 / (va**2 + vb**2)
        shift = gap / np.sqrt((va + vb) / n)
        return bool(stats.nct.sf(approximate(k, freedom), freedom, shift) >= power)

    low, high = 1, min(4, most)  # ``low`` is always too few; two seeds, slow to judge, are tried last.
    while not enough(high):
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
