"""One case in two sets of results, seed by seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.stats.pairs import critical
from bench.stats.samples import SAME, scale_of


@dataclass(frozen=True)
class Comparison:
    """What changed between two sets of results over ``n`` common seeds.

    Attributes:
        ratio: Geometric mean of the ratios, seed by seed (for plain scores: mean difference); NaN without a seed.
        low: Lower end of its interval; None, as ``high`` and ``p_value``, below two seeds.
        high: Upper end.
        p_value: That nothing changed but by chance.
        n: Common seeds with a score in both.
    """

    ratio: float
    low: float | None
    high: float | None
    p_value: float | None
    n: int


def paired_ratio(a: ArrayLike, b: ArrayLike, *, log: bool = True, level: float = 0.95) -> Comparison:
    """Return the ratio of ``a`` to ``b``, aligned by seed, by the paired t test on log differences.

    Where all seeds changed alike (or not at all), the interval is the ratio itself, and the p value 1 if nothing
    changed and 0 if something did. Seeds with a missing score are left out.

    Source: Student, The probable error of a mean, Biometrika 6 (1908).

    Raises:
        ValueError: The two are not aligned: they differ in length.
    """
    first, second = (np.asarray(v, dtype=np.float64) for v in (a, b))
    if first.shape != second.shape:
        raise ValueError(f"scores must be aligned by seed, but their shapes are {first.shape} and {second.shape}")
    both = np.isfinite(first) & np.isfinite(second)
    scale = scale_of(first[both], second[both], log=log)
    changes = scale.to(first[both]) - scale.to(second[both])
    n = len(changes)
    if not n:
        return Comparison(float("nan"), None, None, None, 0)
    mean = float(np.mean(changes))
    value = scale.length(mean)
    zeros = [int(np.sum((one[both] == 0) & (other[both] != 0))) for one, other in ((first, second), (second, first))]
    unlike = log and any(zeros)
    if unlike:
        value = float("nan") if all(zeros) else 0.0 if zeros[0] else float("inf")
    if n < 2:
        return Comparison(value, None, None, None, n)
    error = float(np.std(changes, ddof=1)) / np.sqrt(n)
    if error < SAME:
        low = None if unlike else value
        return Comparison(value, low, low, 0.0 if abs(mean) > SAME else 1.0, n)
    reach = critical(2, n - 1, level) * error
    p_value = float(2 * stats.t.sf(abs(mean) / error, n - 1))
    if unlike:
        return Comparison(value, None, None, p_value, n)
    return Comparison(value, scale.length(mean - reach), scale.length(mean + reach), p_value, n)
