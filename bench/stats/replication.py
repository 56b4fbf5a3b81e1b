"""How likely an equal replication of a table would give another verdict.

An equal replication has the same models, test set and numbers of seeds, and other noise of training: other seeds, or
the same ones on another processor, where a training that rounding sends elsewhere ends as another seed would. How far
such a pair of trainings agrees is not known, so they are taken for independent here: the more they have in common, the
less often a verdict changes.

What is true is not known either. From ``n`` normal scores with mean ``m`` and variance ``v`` the mean of ``n`` others
lies at ``m + sqrt(2 v / n) t``, ``t`` of Student's distribution with ``n - 1`` degrees of freedom: twice the variance
of a mean, since both are off. Their variance over ``v`` is of Fisher's F. Neither depends on what is true, and the two
are drawn together. Each drawn table names its own leader and judges as a report does, by the rule of
`bench.stats.judge`.

Source: Geisser, Predictive inference: an introduction (1993), chapter 2, for the distribution; Cumming and Maillardet,
Confidence intervals and replication: where will the next mean fall?, Psychological Methods 11 (2006), for its use.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bench.stats.samples import SAME, Float64, Sample, finite, scale_of
from bench.stats.verdicts import Region, Verdict

FRAGILE = 0.1
"""A verdict is fragile where an equal replication gives another one with a greater probability than this."""
REPLICATIONS = 2_000
"""Drawn tables: a chance of 10 % is known to 0.7 points."""
CODES = {
    Verdict.LEADS: 0,
    Verdict.WORSE: 1,
    Verdict.EQUIVALENT: 2,
    Verdict.UNDECIDED: 3,
    Verdict.TOO_FEW: 3,  # the same interval, of fewer seeds
}


@dataclass(frozen=True, eq=False)
class Beyond:
    """What errors of differences hold beside the seeds of the two.

    Attributes:
        error: Standard error of each model's difference to each other by the finite test set ``[models, models]``: of
            logs, or of scores as they are. A replication is scored on the same set: it widens intervals, moves no mean.
        series: How many series that is from, at least 2.
        by_draw: Scores by draw of the data ``[draws, models]``, NaN where there is none, where models are paired by
            draw; ``error`` and ``series`` are not asked for then.
    """

    error: Float64 | None = None
    series: int = 2
    by_draw: Float64 | None = None


NOTHING = Beyond()
Rows = NDArray[np.intp]


def flip_chances(
    samples: Sequence[Sample],
    shown: Sequence[Verdict],
    *,
    region: Region,
    level: float,
    log: bool = True,
    worse_is_higher: bool = True,
    beyond: Beyond = NOTHING,
) -> Float64:
    """Return each model's chance that an equal replication gives it another verdict ``[models]``.

    A model with one seed is drawn as it is, since nothing shows how far it scatters: it has no interval, and what is
    said of it is that its seeds are too few. The same table always gives the same chances.

    Args:
        samples: Scores of each model, one finite score at least.
        shown: The verdict on each against the one with the best mean, which has ``Verdict.LEADS``.
        region: What makes no difference in practice.
        level: That of each pair's interval.
        log: Differences are ratios.
        worse_is_higher: True for errors.
        beyond: What errors hold beside seeds.

    Raises:
        ValueError: Verdicts are not as many as samples.
    """
    if len(shown) != len(samples):
        raise ValueError(f"{len(samples)} models have {len(shown)} verdicts")
    known = [finite(s.values) for s in samples]
    scale, sign = scale_of(*known, log=log), 1 if worse_is_higher else -1
    rng = np.random.default_rng(0)
    if beyond.by_draw is None:
        seeds = np.array([0 if s.exact else len(v) for s, v in zip(samples, known, strict=True)])
        error = np.zeros((len(seeds),) * 2) if beyond.error is None else beyond.error
        by_series = (error if log else scale.to(error)) ** 2
        replicated = _apart([sign * scale.to(v) for v in known], seeds, by_series, beyond.series - 1, rng)
    else:
        replicated = _by_draw(sign * scale.to(beyond.by_draw), rng)
    reach = region.reach(log=True) if log else float(scale.to(region.difference))
    found = _verdicts(replicated, level, reach)
    return np.asarray(np.mean(found != [CODES[verdict] for verdict in shown], axis=0))


@dataclass(frozen=True, eq=False)
class Replicated:
    """Drawn tables.

    Attributes:
        means: Of each model, less is better ``[tables, models]``.
        leaders: The place of the least ``[tables, 1]``.
        variance: Squared standard error of each model's difference to that; infinite where it is not known.
        freedom: Of Student's t.
    """

    means: Float64
    leaders: Rows
    variance: Float64
    freedom: Float64


def _apart(
    values: Sequence[Float64], seeds: Rows, by_series: Float64, series_freedom: int, rng: np.random.Generator
) -> Replicated:
    """Draw tables of models that have nothing in common but a test set."""
    shape = (REPLICATIONS, len(values))
    freedom = np.maximum(seeds - 1, 1)
    centre = np.array([v.mean() for v in values])
    spread = np.array([v.var(ddof=1) if n > 1 else 0.0 for v, n in zip(values, seeds, strict=True)])
    true = spread * freedom / rng.chisquare(freedom, shape)
    errors = true / np.maximum(seeds, 1)
    means = centre + np.sqrt(2 * errors) * rng.standard_normal(shape)
    errors = errors * rng.chisquare(freedom, shape) / freedom
    errors[:, seeds == 1] = np.inf
    leaders = means.argmin(axis=1)[:, None]
    tables = np.arange(REPLICATIONS)[:, None]
    parts = (errors, freedom), (errors[tables, leaders], freedom[leaders]), (by_series[leaders[:, 0]], series_freedom)
    total = errors + errors[tables, leaders] + by_series[leaders[:, 0]]
    known = np.isfinite(total) & (total > SAME**2)
    safe = np.where(known, total, 1.0)
    squares = sum((np.where(known, variance, 0.0) / safe) ** 2 / each for variance, each in parts)
    return Replicated(means, leaders, total, np.where(known, 1 / np.where(known, squares, 1.0), 1.0))


def _by_draw(values: Float64, rng: np.random.Generator) -> Replicated:
    """Draw tables of models that are compared draw by draw: what moves one moves all others by what they share."""
    there = np.isfinite(values)
    n = there.sum(axis=0)
    centre = np.nanmean(values, axis=0)
    off = np.where(there, values - centre, 0.0) / np.sqrt(n * np.maximum(n - 1, 1))
    most = max(int(n.max()) - 1, 1)
    true = most / rng.chisquare(most, (REPLICATIONS, 1))
    means = centre + np.sqrt(2 * true) * (rng.standard_normal((REPLICATIONS, len(values))) @ off)
    common = there.T.astype(float) @ there
    squares = np.array([[_variance(one - other) for one in values.T] for other in values.T])
    leaders = means.argmin(axis=1)[:, None]
    freedom = np.maximum(common - 1, 1.0)[leaders[:, 0]]
    error = (squares / np.maximum(common, 1))[leaders[:, 0]]
    return Replicated(means, leaders, error * true * rng.chisquare(freedom) / freedom, freedom)


def _variance(gaps: Float64) -> float:
    """Return the variance of the gaps that there are; infinite below two."""
    known = gaps[np.isfinite(gaps)]
    return float(np.var(known, ddof=1)) if len(known) > 1 else np.inf


def _verdicts(replicated: Replicated, level: float, reach: float) -> NDArray[np.int_]:
    """Return the code of each verdict, as `bench.stats.judge` has it of an error ``[tables, models]``."""
    tables = np.arange(len(replicated.means))[:, None]
    gaps = replicated.means - replicated.means[tables, replicated.leaders]
    half = special.stdtrit(replicated.freedom, (1 + level) / 2) * np.sqrt(replicated.variance)
    low, high = gaps - half, gaps + half
    found = np.where(low > 0, CODES[Verdict.WORSE], CODES[Verdict.UNDECIDED])
    found[(low >= -reach) & (high <= reach)] = CODES[Verdict.EQUIVALENT]
    found[tables, replicated.leaders] = CODES[Verdict.LEADS]
    return found
