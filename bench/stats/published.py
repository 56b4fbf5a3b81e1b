"""Published values and curves held against our seeds."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bench.stats.pairs import critical, holm
from bench.stats.samples import SAME, Sample, Scale, finite, scale_of

SHARE_DIGIT = 0.01
"""A share is printed to its points at least: one of 1 is 100 %, and not anything from a half on."""


@dataclass(frozen=True)
class Judgement:
    """A published value held against our seeds.

    Attributes:
        exact: No seed can change our score, so only rounding may separate the two.
        outside: Outside the prediction interval, Holm-corrected over all values that seeds are held to.
        missed: Outside the uncorrected interval.
        factor: Ratio to our geometric mean from which a value is outside at Holm's first step; None if exact, or where
            a score of ours has no log.
        low: Lower end of the uncorrected prediction interval, rounding not allowed for; None if exact.
        high: Its upper end.
        p_value: That one more seed of ours lies as far off, rounding allowed for, uncorrected; None if exact.
    """

    exact: bool
    outside: bool
    missed: bool
    factor: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None


def judge_published(
    published: Mapping[str, float], samples: Mapping[str, Sample], *, shares: Container[str] = (), level: float = 0.95
) -> dict[str, Judgement]:
    """Say of each published value whether one more seed of ours would hardly give it.

    Outside the prediction interval ``exp(m ± t s sqrt(1 + 1/n))`` of the log scores (of the scores themselves where
    one is not above zero), widened by the rounding of the printed digits. That of ``shares``, by name, is of the scores
    themselves, cut at 0 and 1, and rounded to points at most. An exact score is outside where it differs by
    more than that rounding and a ten-thousandth. Fewer than two seeds judge nothing, and are left out.

    Source: Hahn and Meeker, Statistical Intervals (1991), chapter 4: to contain one further observation.
    """
    judged: dict[str, Judgement] = {}
    p_values: dict[str, float] = {}
    spreads: dict[str, tuple[Scale, float, float, int]] = {}
    for name, printed in published.items():
        sample = samples.get(name)
        if sample is None or not np.isfinite(printed) or not len(finite(sample.values)):
            continue
        ours = finite(sample.values)
        share = name in shares
        half = 0.5 * (min(last_digit(printed), SHARE_DIGIT) if share else last_digit(printed))
        if sample.exact:
            differs = abs(float(ours[0]) - printed) > max(half, 1e-4 * abs(printed))
            judged[name] = Judgement(True, differs, differs)
            continue
        n = len(ours)
        if n < 2:
            continue
        scale = scale_of(ours, np.array([printed]), log=bool(np.all(ours > 0)) and not share)
        there = scale.to(ours)
        centre, spread = float(np.mean(there)), float(np.std(there, ddof=1)) * np.sqrt(1 + 1 / n)
        nearest = float(np.clip(scale.back(centre), printed - half, printed + half))
        gap = abs(float(scale.to(nearest)) - centre) if nearest > 0 or not scale.log else np.inf
        if spread < SAME:
            p_values[name] = 0.0 if gap > SAME else 1.0
        else:
            p_values[name] = float(2 * stats.t.sf(gap / spread, n - 1))
        spreads[name] = scale, centre, spread, n
    outside = holm(p_values, level)
    for name, (scale, centre, spread, n) in spreads.items():
        strict = critical(2, n - 1, 1 - (1 - level) / len(p_values))
        reach = critical(2, n - 1, level) * spread
        low, high = (scale.back(end) for end in (centre - reach, centre + reach))
        judged[name] = Judgement(
            exact=False,
            outside=name in outside,
            missed=p_values[name] < 1 - level,
            factor=scale.length(strict * spread) if scale.log else None,
            low=max(low, 0.0) if name in shares else low,
            high=min(high, 1.0) if name in shares else high,
            p_value=p_values[name],
        )
    return {name: judged[name] for name in published if name in judged}


def expected_misses(judged: Mapping[str, Judgement], level: float = 0.95) -> float:
    """Return how many values the uncorrected interval misses by chance alone: 5 % of those that seeds are held to."""
    return (1 - level) * sum(not judgement.exact for judgement in judged.values())


def curve_outside(published: ArrayLike, seeds: ArrayLike, level: float = 0.95) -> tuple[int, int]:
    """Return in how many epochs a printed learning curve leaves ours, and in how many the two were compared.

    Outside the pointwise prediction interval ``exp(m ± t s sqrt(1 + 1/n))`` of our seeds, widened as in
    `judge_published` by the rounding of each printed value. The epochs of one curve go together, so their number
    is no test: one seed that is off is off in many epochs. Epochs without a printed value, with fewer than two
    seeds are not compared, nor are those that only one of the two has.

    Args:
        published: Printed values, shape (epochs,); NaN where none is printed.
        seeds: Ours, shape (seeds, epochs); NaN where a seed has none.
        level: Of the interval.

    Raises:
        ValueError: The shapes are not those.
    """
    printed, ours = (np.asarray(v, dtype=np.float64) for v in (published, seeds))
    if printed.ndim != 1 or ours.ndim != 2:
        raise ValueError(f"a curve has shape (epochs,) and seeds (seeds, epochs), not {printed.shape} and {ours.shape}")
    outside = compared = 0
    for value, column in zip(printed, ours.T, strict=False):
        known = column[np.isfinite(column)]
        if not np.isfinite(value) or len(known) < 2:
            continue
        judgement = judge_published({"": float(value)}, {"": Sample(known)}, level=level)[""]
        outside += judgement.missed
        compared += 1
    return outside, compared


def last_digit(value: float) -> float:
    """Return the place value of the last decimal of ``value`` as written: 0.0001 for 0.0198."""
    mantissa, _, exponent = repr(float(value)).partition("e")
    decimals = mantissa.partition(".")[2]
    places = 0 if decimals == "0" else len(decimals)
    return float(10.0 ** (int(exponent or 0) - places))
