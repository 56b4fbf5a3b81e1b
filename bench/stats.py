"""Summaries of scores over seeds, and what they can tell apart. Plain numbers in, plain numbers out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Float64 = NDArray[np.float64]


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

    The rule: a Welch t interval on the difference of mean log scores (plain scores with ``log`` off)
    contains zero; a one-sample t interval where one side is exact; two exact scores differ unless
    equal. Each model is held against the leader alone, uncorrected for their number. A trained model
    with one seed has no known spread, so nothing is told from it.
    """
    best = _scale(samples[leader], log)
    return [
        name
        for name, sample in samples.items()
        if name != leader and len(sample.values) and not _differ(best, _scale(sample, log), level)
    ]


def outside_prediction(
    published: Mapping[str, float], samples: Mapping[str, Sample], *, level: float = 0.95
) -> list[str]:
    """Return the names whose published value one more seed of ours would hardly give.

    Outside the prediction interval ``exp(m ± t s sqrt(1 + 1/n))`` of the log scores, widened by the
    rounding of the printed digits, Holm-corrected over all published values. An exact score is outside
    where it differs by more than that rounding and a ten-thousandth. Fewer than two seeds judge nothing.
    """
    p_values: dict[str, float] = {}
    for name, printed in published.items():
        sample = samples.get(name)
        if sample is None or not len(sample.values):
            continue
        half = 0.5 * last_digit(printed)
        if sample.exact:
            differs = abs(float(sample.values[0]) - printed) > max(half, 1e-4 * abs(printed))
            p_values[name] = 0.0 if differs else 1.0
            continue
        n = len(sample.values)
        if n < 2 or np.any(sample.values <= 0):
            continue
        logs = np.log(sample.values)
        centre, spread = float(np.mean(logs)), float(np.std(logs, ddof=1)) * np.sqrt(1 + 1 / n)
        nearest = float(np.clip(np.exp(centre), printed - half, printed + half))
        gap = abs(np.log(nearest) - centre)
        if spread == 0:
            p_values[name] = 1.0 if gap < 1e-12 else 0.0
        else:
            p_values[name] = float(2 * stats.t.sf(gap / spread, n - 1))
    outside = []
    for rank, name in enumerate(sorted(p_values, key=lambda k: p_values[k])):
        if p_values[name] * (len(p_values) - rank) >= 1 - level:
            break
        outside.append(name)
    return [name for name in published if name in outside]


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


def _differ(a: Sample, b: Sample, level: float) -> bool:
    if any(len(s.values) < 2 and not s.exact for s in (a, b)):
        return False
    difference = float(np.mean(a.values) - np.mean(b.values))
    # Variance of each mean, zero where a seed cannot change it.
    va, vb = (0.0 if s.exact else float(np.var(s.values, ddof=1)) / len(s.values) for s in (a, b))
    if va + vb == 0:
        return abs(difference) > 1e-12
    freedom = (va + vb) ** 2 / sum(v**2 / (len(s.values) - 1) for v, s in ((va, a), (vb, b)) if v > 0)
    return bool(abs(difference) > stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(va + vb))
