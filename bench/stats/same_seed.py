"""How far one seed's runs end apart on two backends, beside how far two seeds do."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from bench.stats.intervals import Ratio, ratio
from bench.stats.pairs import games_howell
from bench.stats.samples import Sample, scale_of


@dataclass(frozen=True)
class Ends:
    """One network's scores on two backends.

    Attributes:
        ratio: Of the means, the second over the first, with Welch's interval for this pair alone.
        one_seed: Median distance of the two scores of one seed, as a ratio (of plain scores a difference).
        two_seeds: The same of two seeds, one on each backend; None with a single seed.
        p_value: Welch's, that the two have one mean; 1 where it is not known.
    """

    ratio: Ratio
    one_seed: float
    two_seeds: float | None
    p_value: float


def ends(first: Mapping[Hashable, float], second: Mapping[Hashable, float], *, log: bool = True) -> Ends | None:
    """Compare a network's scores on two backends, by seed; None where they share no seed with a score.

    Both start from the same weights and see the same windows in the same order, so that what parts one seed's runs is
    rounding, which long training can blow up until one seed's runs are no more alike than two seeds'. The test takes
    the two for independent, which errs on the side of no difference where they are alike.

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
    found = ratio(Sample(values[1], exact=False), Sample(values[0], exact=False), log=log)
    p_value = games_howell(scale.to(values[0]), scale.to(values[1]), 2)
    assert found is not None
    two = scale.length(float(np.median(unlike))) if unlike else None
    return Ends(found, scale.length(float(np.median(same))), two, p_value)
