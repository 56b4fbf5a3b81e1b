"""Which verdicts hang on one seed."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from bench.stats.samples import Sample, finite, scale_of
from bench.stats.verdicts import Verdict

OPEN = (Verdict.UNDECIDED, Verdict.TOO_FEW)
"""Verdicts that decide nothing; one seed less may turn one of them into the other."""


def hangs_on_a_seed(row: Sample, leader: Sample, judged: Callable[[Sample, Sample], Verdict]) -> bool:
    """Return whether the verdict on a model against the leader is another without one of their seeds.

    It finds verdicts that rest on one odd seed. One that does not may still be another on fresh seeds: a verdict that
    comes seven times in ten agrees with its rerun six times in ten.

    Args:
        row: The model's scores.
        leader: The leader's.
        judged: Gives the verdict on the first of two samples against the second.
    """
    whole = judged(row, leader)
    others = [
        *(judged(less, leader) for less in _without_one(row)),
        *(judged(row, less) for less in _without_one(leader)),
    ]
    return any(other is not whole and not (other in OPEN and whole in OPEN) for other in others)


def lead_hangs_on_a_seed(
    leader: Sample, rivals: Iterable[Sample], *, log: bool = True, worse_is_higher: bool = True
) -> bool:
    """Return whether another model has a better mean than the leader without one seed of either."""
    others = list(rivals)
    scale = scale_of(*(finite(s.values) for s in (leader, *others)), log=log)
    sign = 1 if worse_is_higher else -1

    def means(sample: Sample) -> list[float]:
        return [
            sign * float(np.mean(scale.to(s.values))) for s in (Sample(finite(sample.values)), *_without_one(sample))
        ]

    own = means(leader)
    return any(min(rival) < own[0] or rival[0] < max(own) for rival in map(means, others))


def _without_one(sample: Sample) -> Iterator[Sample]:
    """Yield a sample without each of its seeds; of an exact score or a single seed nothing can be left out."""
    values = finite(sample.values)
    if not sample.exact and len(values) > 1:
        for place in range(len(values)):
            yield Sample(np.delete(values, place))
