"""How far one seed's runs end apart on two backends, beside how far two seeds do."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bench.stats.intervals import Ratio
from bench.stats.paired import paired_ratio
from bench.stats.samples import SAME, Float64, scale_of

LEAST = 1e-3
"""Means that differ by less, in logs or as a share of the largest score, are not told apart: rounding alone can part
all seeds by one tiny amount, which a paired test would find."""


@dataclass(frozen=True)
class Ends:
    """One network's scores on two backends.

    Attributes:
        ratio: Of the means over common seeds, the second over the first, with the paired t interval of this pair alone.
        one_seed: Median distance of the two scores of one seed, as a ratio (of plain scores a difference).
        two_seeds: The same of two seeds, one on each backend; None with a single seed.
        p_value: Paired, that the two have means within `LEAST` of each other; 1 where it is not known.
    """

    ratio: Ratio
    one_seed: float
    two_seeds: float | None
    p_value: float


def ends(first: Mapping[Hashable, float], second: Mapping[Hashable, float], *, log: bool = True) -> Ends | None:
    """Compare a network's scores on two backends, by seed; None where they share no seed with a score.

    Both start from the same weights and see the same windows in the same order, so that what parts one seed's runs is
    rounding, which long training can blow up until one seed's runs are no more alike than two seeds'. Means are those
    of common seeds, since other seeds' luck is no difference of backends, and the test is on the differences seed by
    seed: it keeps its level however alike the runs of a seed are, and however few seeds one backend has. Welch's on all
    scores does not with three seeds on one backend (`tests/test_stats_same_seed.py`).

    Args:
        first: Finite scores by seed; those of errors are above zero with ``log``.
        second: On the other backend.
        log: Whether logs are worked on.
    """
    common = [seed for seed in first if seed in second]
    values = [np.array([*scores.values()], dtype=np.float64) for scores in (first, second)]
    if not common or (log and any((each <= 0).any() for each in values)):
        return None
    scale = scale_of(*values, log=log)
    there = [
        dict(zip(scores, scale.to(each), strict=True)) for scores, each in zip((first, second), values, strict=True)
    ]
    same = [abs(there[0][seed] - there[1][seed]) for seed in common]
    unlike = [abs(a - b) for seed, a in there[0].items() for other, b in there[1].items() if seed != other]
    compared = paired_ratio([second[seed] for seed in common], [first[seed] for seed in common], log=log)
    p_value = _p_value(np.array([there[1][seed] - there[0][seed] for seed in common]))
    two = scale.length(float(np.median(unlike))) if unlike else None
    found = Ratio(compared.ratio, compared.low, compared.high)
    return Ends(found, scale.length(float(np.median(same))), two, p_value)


def _p_value(changes: Float64) -> float:
    """Return the most likely that so large a mean of changes is where the true one is within `LEAST` of nothing."""
    if len(changes) < 2:
        return 1.0
    beyond, error = abs(float(np.mean(changes))) - LEAST, float(np.std(changes, ddof=1)) / np.sqrt(len(changes))
    if beyond <= 0:
        return 1.0
    return 0.0 if error < SAME else float(2 * stats.t.sf(beyond / error, len(changes) - 1))
