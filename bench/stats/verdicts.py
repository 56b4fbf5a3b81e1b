"""What an interval against the leader says: worse, equivalent, undecided, or nothing yet."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from bench.stats.intervals import Ratio
from bench.stats.samples import finite

ENOUGH = 5
"""From this many seeds on a spread is known well enough for an open interval to say something of the models."""


class Verdict(StrEnum):
    """What is known of a model against the leader."""

    LEADS = "leads"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"
    TOO_FEW = "too few seeds"


@dataclass(frozen=True)
class Region:
    """Differences that make none in practice.

    Source: Benavoli, Corani, Demšar and Zaffalon, Time for a change: a tutorial for comparing multiple classifiers
    through Bayesian analysis, Journal of Machine Learning Research 18 (2017).

    Attributes:
        ratio: On the log scale: from ``1 / ratio`` to ``ratio``.
        difference: On the plain scale: from ``-difference`` to ``difference``; 0.01 is one point of a share.

    Raises:
        ValueError: The ratio is below 1 or the difference below 0, or one is no finite number.
    """

    ratio: float = 1.05
    difference: float = 0.01

    def __post_init__(self) -> None:
        """Hold the two to what they may be."""
        if not 1 <= self.ratio < np.inf:
            raise ValueError(f"a region of equivalence has a finite ratio of 1 or more, not {self.ratio:g}")
        if not 0 <= self.difference < np.inf:
            raise ValueError(f"a region of equivalence has a finite difference of 0 or more, not {self.difference:g}")

    def reach(self, *, log: bool) -> float:
        """Return how far it reaches to either side on the working scale: logs, or the scores themselves."""
        return float(np.log(self.ratio)) if log else self.difference

    def holds(self, low: float, high: float, *, log: bool) -> bool:
        """Return whether an interval of ratios (``log``) or differences lies in it, its ends included."""
        least, most = (1 / self.ratio, self.ratio) if log else (-self.difference, self.difference)
        return least <= low and high <= most


@dataclass(frozen=True)
class Contrast:
    """A model against the leader.

    Attributes:
        ratio: Its score over the leader's (plain scores: less the leader's), with the simultaneous interval.
        beats: Probability that one more run of it beats one more run of the leader; ties count half. None if not known.
        verdict: What the interval says.
        seeds_needed: Seeds of each that would decide between just these two with 80 % power; None where it is decided,
            not known, or no number does.
    """

    ratio: Ratio
    beats: float | None
    verdict: Verdict
    seeds_needed: int | None


def judge(ratio: Ratio, region: Region, seeds: int, *, log: bool, worse_is_higher: bool) -> Verdict:
    """Say what a model's interval against the leader shows.

    Equivalent where the whole interval lies in the region; else worse where it lies wholly on the worse side of no
    difference; else too few seeds below `ENOUGH`; else undecided. The better side counts as undecided: the leader was
    chosen for its mean, so such an interval says that what chose it is not what is compared. The leader itself is not
    judged: it leads.

    Args:
        ratio: Model over leader; on the plain scale model less leader. Without ends it decides nothing.
        region: What makes no difference in practice.
        seeds: The lesser number of seeds of the two, of trained models alone; at least `ENOUGH` where neither is.
        log: Whether ``ratio`` is a ratio.
        worse_is_higher: True for errors, False for scores of which more is better.
    """
    low, high = ratio.low, ratio.high
    if low is not None and high is not None:
        if region.holds(low, high, log=log):
            return Verdict.EQUIVALENT
        none = 1.0 if log else 0.0
        if low > none if worse_is_higher else high < none:
            return Verdict.WORSE
    return Verdict.TOO_FEW if seeds < ENOUGH else Verdict.UNDECIDED


def chance_to_beat(values: ArrayLike, rival: ArrayLike, *, worse_is_higher: bool = True) -> float | None:
    """Return the probability that one more run of the first is better than one more run of the rival.

    The share of all pairs of their runs in which it is, ties as half: the Mann-Whitney statistic over its largest
    value. None where either has no finite score.

    Source: Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys (2021), the probability of
    outperforming; Mann and Whitney, Annals of Mathematical Statistics 18 (1947).
    """
    own, other = finite(values), finite(rival)
    if not len(own) or not len(other):
        return None
    better = own[:, None] < other if worse_is_higher else own[:, None] > other
    return float(np.mean(better) + np.mean(own[:, None] == other) / 2)
