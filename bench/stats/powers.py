"""How a cost grows with a size: fitted exponents, and where the order of two costs turns."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from bench.stats.pairs import critical


@dataclass(frozen=True)
class Power:
    """A cost as a power of a size, by least squares of its log on that of the size.

    Attributes:
        exponent: The slope; its interval, of Student's t on the residuals, needs three points. What lies beside a
            straight line widens it, a bend as well as noise.
        last: The slope between the two largest sizes, towards which a bent curve goes.
        n: Points.
        smallest: Size of them,
        largest: and the largest.
    """

    exponent: float
    low: float | None
    high: float | None
    last: float
    n: int
    smallest: float
    largest: float


def power(sizes: ArrayLike, costs: ArrayLike, level: float = 0.95) -> Power | None:
    """Return the power of ``sizes (n,)`` that ``costs (n,)`` grow with; None of fewer than two sizes. All above 0."""
    x, y = (np.log(np.asarray(values, dtype=np.float64)) for values in (sizes, costs))
    if len(np.unique(x)) < 2:
        return None
    order = np.argsort(x)
    x, y = x[order], y[order]
    n, spread = len(x), float(np.sum((x - x.mean()) ** 2))
    slope = float(np.sum((x - x.mean()) * (y - y.mean())) / spread)
    last = float((y[-1] - y[-2]) / (x[-1] - x[-2]))
    ends = float(np.exp(x[0])), float(np.exp(x[-1]))
    if n < 3:
        return Power(slope, None, None, last, n, *ends)
    residual = y - y.mean() - slope * (x - x.mean())
    reach = critical(2, n - 2, level) * float(np.sqrt(np.sum(residual**2) / (n - 2) / spread))
    return Power(slope, slope - reach, slope + reach, last, n, *ends)


@dataclass(frozen=True)
class Span:
    """A cost at one size: its median, and the least and largest of what it was seen to be."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Crossing:
    """Where the order of two costs turns.

    Attributes:
        at: Size at which straight lines on logarithmic axes meet.
        after: The size below it at which they are told apart,
        before: and the one above it.
        first_is_less: Below ``at`` the first costs less.
    """

    at: float
    after: float
    before: float
    first_is_less: bool


def crossings(first: Mapping[float, Span], second: Mapping[float, Span]) -> list[Crossing]:
    """Return where the order of two costs turns, among common sizes at which their spans do not overlap.

    Between two such sizes it turns where a line through the middles, straight on logarithmic axes, does so first.
    """
    sizes = sorted(first.keys() & second.keys())
    gaps = {size: float(np.log(first[size].middle / second[size].middle)) for size in sizes}
    apart = [s for s in sizes if first[s].high < second[s].low or second[s].high < first[s].low]
    found = []
    for a, b in pairwise(apart):
        if gaps[a] * gaps[b] < 0:
            between = [size for size in sizes if a <= size <= b]
            left, right = next(pair for pair in pairwise(between) if gaps[a] * gaps[pair[1]] <= 0)
            share = gaps[left] / (gaps[left] - gaps[right])
            at = float(np.exp(np.log(left) + share * (np.log(right) - np.log(left))))
            found.append(Crossing(at, a, b, bool(gaps[a] < 0)))
    return found
