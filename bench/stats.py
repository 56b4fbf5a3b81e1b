"""Summaries of scores over seeds, and what they can tell apart. Plain numbers in, plain numbers out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Float64 = NDArray[np.float64]
SAME = 1e-12
"""Differences and standard errors below this are rounding."""


@dataclass(frozen=True)
class Summary:
    """Arithmetic mean, sample standard deviation (None below two values) and count."""

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Sample:
    """One model's scores over seeds; ``exact`` where a seed cannot change them (a predictor)."""

    values: Float64
    exact: bool = False


def summarise(values: ArrayLike) -> Summary | None:
    """Return the summary of the finite values, or None where there are none."""
    finite = _finite(values)
    if not len(finite):
        return None
    return Summary(float(np.mean(finite)), float(np.std(finite, ddof=1)) if len(finite) > 1 else None, len(finite))


def geometric_mean(values: ArrayLike) -> float | None:
    """Return the geometric mean of the finite values; None for none, or where one is not positive."""
    finite = _finite(values)
    if not len(finite) or np.any(finite <= 0):
        return None
    return float(np.exp(np.mean(np.log(finite))))


def skill(mse: float, baseline_mse: float) -> float | None:
    """Return ``1 - mse / baseline``: 1 is perfect, 0 the baseline, below 0 worse than it."""
    return 1 - mse / baseline_mse if baseline_mse > 0 else None


def multiple_of_floor(mse: float, floor_mse: float | None) -> float | None:
    """Return how many times the noise floor an MSE is; 1 is the best that any forecast can expect."""
    return mse / floor_mse if floor_mse else None


def cannot_be_told_from_leader(
    leader: str, samples: Mapping[str, Sample], *, log: bool = True, level: float = 0.95
) -> list[str]:
    """Return the models whose mean these seeds cannot tell from the leader's, the leader left out.

    Trained models are told apart by Games-Howell on log scores (plain scores with ``log`` off) over all
    of them, which corrects for how many there are; a trained and an exact score by a one-sample t test,
    Holm-corrected over those; two exact scores differ unless equal. A trained model with one seed has
    no known spread, so nothing is told from it.
    """
    scaled = {name: _scale(sample, log) for name, sample in samples.items() if len(sample.values)}
    best = scaled[leader]
    others = {name: sample for name, sample in scaled.items() if name != leader}
    k = sum(not s.exact and len(s.values) > 1 for s in scaled.values())
    told = {name for name, s in others.items() if s.exact and best.exact and _gap(s, best) > SAME}
    told |= {
        name
        for name, s in others.items()
        if not s.exact and not best.exact and games_howell(best.values, s.values, k) < 1 - level
    }
    mixed = {name: _one_sample(best, s) for name, s in others.items() if s.exact != best.exact}
    told |= _holm(mixed, level)
    return [name for name in others if name not in told]


def games_howell(a: Float64, b: Float64, k: int) -> float:
    """Return the p value that two of ``k`` groups have one mean, as `scipy.stats.tukey_hsd(equal_var=False)`.

    1 where a group has one value; where neither varies, 0 or 1 as they differ or not.
    """
    if min(len(a), len(b)) < 2:
        return 1.0
    difference = abs(float(np.mean(a) - np.mean(b)))
    variance, freedom = _welch(a, b)
    if variance < SAME**2:
        return 0.0 if difference > SAME else 1.0
    return float(stats.studentized_range.sf(np.sqrt(2 / variance) * difference, max(k, 2), freedom))


def detectable_gap(leader: str, samples: Mapping[str, Sample], *, log: bool = True, power: float = 0.8) -> float | None:
    """Return the gap to the leader that Games-Howell at 5 % would find with ``power``.

    A difference of means, a ratio with ``log``; for the median spread of the trained rivals. Student's t stands
    in for its noncentral form. None where no two trained models have a spread.
    """
    trained = {n: _scale(s, log).values for n, s in samples.items() if not s.exact and len(s.values) > 1}
    if leader not in trained or len(trained) < 2:
        return None
    rivals = [_welch(trained[leader], values) for name, values in trained.items() if name != leader]
    variance, freedom = (float(np.median(column)) for column in zip(*rivals, strict=True))
    if variance < SAME**2:
        return None
    reach = stats.studentized_range.isf(0.05, len(trained), freedom) / np.sqrt(2) + stats.t.ppf(power, freedom)
    gap = float(reach * np.sqrt(variance))
    return float(np.exp(min(gap, 700.0))) if log else gap


@dataclass(frozen=True)
class Judgement:
    """A published value held against our seeds.

    Attributes:
        exact: No seed can change our score, so only rounding may separate the two.
        outside: Outside the prediction interval, Holm-corrected over all values that seeds are held to.
        missed: Outside the uncorrected interval.
        factor: Ratio to our geometric mean from which a value is outside at Holm's first step; None if exact.
    """

    exact: bool
    outside: bool
    missed: bool
    factor: float | None = None


def judge_published(
    published: Mapping[str, float], samples: Mapping[str, Sample], *, level: float = 0.95
) -> dict[str, Judgement]:
    """Say of each published value whether one more seed of ours would hardly give it.

    Outside the prediction interval ``exp(m ± t s sqrt(1 + 1/n))`` of the log scores, widened by the
    rounding of the printed digits. An exact score is outside where it differs by more than that rounding
    and a ten-thousandth. Fewer than two seeds judge nothing, and are left out.
    """
    judged: dict[str, Judgement] = {}
    p_values: dict[str, float] = {}
    spreads: dict[str, tuple[float, int]] = {}
    for name, printed in published.items():
        sample = samples.get(name)
        if sample is None or not len(sample.values):
            continue
        half = 0.5 * last_digit(printed)
        if sample.exact:
            differs = abs(float(sample.values[0]) - printed) > max(half, 1e-4 * abs(printed))
            judged[name] = Judgement(True, differs, differs)
            continue
        n = len(sample.values)
        if n < 2 or np.any(sample.values <= 0):
            continue
        logs = np.log(sample.values)
        centre, spread = float(np.mean(logs)), float(np.std(logs, ddof=1)) * np.sqrt(1 + 1 / n)
        nearest = float(np.clip(np.exp(centre), printed - half, printed + half))
        gap = abs(np.log(nearest) - centre) if nearest > 0 else np.inf
        if spread < SAME:
            p_values[name] = 0.0 if gap > SAME else 1.0
        else:
            p_values[name] = float(2 * stats.t.sf(gap / spread, n - 1))
        spreads[name] = spread, n
    outside = _holm(p_values, level)
    for name, (spread, n) in spreads.items():
        strict = stats.t.isf((1 - level) / (2 * len(p_values)), n - 1)
        factor = float(np.exp(min(strict * spread, 700.0)))
        judged[name] = Judgement(False, name in outside, p_values[name] < 1 - level, factor)
    return {name: judged[name] for name in published if name in judged}


def last_digit(value: float) -> float:
    """Return the place value of the last decimal of ``value`` as written: 0.0001 for 0.0198."""
    mantissa, _, exponent = repr(float(value)).partition("e")
    decimals = mantissa.partition(".")[2]
    places = 0 if decimals == "0" else len(decimals)
    return float(10.0 ** (int(exponent or 0) - places))


def stuck(values: ArrayLike, factor: float = 3.0) -> NDArray[np.intp]:
    """Return the places of values above ``factor`` times the median, where three or more are known."""
    array = np.asarray(values, dtype=np.float64)
    finite = _finite(array)
    if len(finite) < 3:
        return np.array([], dtype=np.intp)
    return np.flatnonzero(np.isfinite(array) & (array > factor * np.median(finite)))


def _finite(values: ArrayLike) -> Float64:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]


def _scale(sample: Sample, log: bool) -> Sample:
    values = sample.values
    return Sample(np.log(np.maximum(values, 1e-300)), sample.exact) if log else sample


def _welch(a: Float64, b: Float64) -> tuple[float, float]:
    """Return the variance of the difference of two means, and its degrees of freedom."""
    va, vb = (float(np.var(v, ddof=1)) / len(v) for v in (a, b))
    if va + vb < SAME**2:
        return 0.0, 1.0
    return va + vb, (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))


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


def _holm(p_values: Mapping[str, float], level: float) -> set[str]:
    """Return the names that Holm's step-down procedure rejects."""
    rejected: set[str] = set()
    for rank, name in enumerate(sorted(p_values, key=lambda k: p_values[k])):
        if p_values[name] * (len(p_values) - rank) >= 1 - level:
            break
        rejected.add(name)
    return rejected
