"""How often a table of equal models says that some differ, and the level of a pair that keeps the table's promise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bench.stats.pairs import critical
from bench.stats.samples import Float64, Sample, finite

TABLES = 20_000
"""Simulated tables behind a number: 5 % is known to 0.15 points."""
PAIRS = 4_000_000
"""At most so many pairs are simulated; where every pair counts, large tables are fewer: 5 % to half a point."""
NEAR = 1.95
"""No t at any freedom is significant at 5 % below."""
EXACT = 0
"""Size of a model whose score no seed changes."""


class Family(StrEnum):
    """Which statements of a table are to hold at once."""

    LEADER = "leader"
    """Every model against the one with the least mean, which is chosen by these scores."""
    PAIRS = "pairs"
    """Every pair of models."""


@dataclass(frozen=True)
class Noise:
    """What the errors of a table's differences are over, beyond seeds of each model's own.

    Attributes:
        series: Of the one test set that all are scored on, from two; 0 where errors are over seeds alone.
        share: Variance of a model's mean by what is its own in these series, over that of one run by its seed.
        by_draw: Each run has its draw of the data in common with one of every other model, and models are paired by it.
    """

    series: int = 0
    share: float = 0.0
    by_draw: bool = False


SEEDS_ALONE = Noise()


@lru_cache(maxsize=256)
def pair_level(
    sizes: tuple[int, ...], family: Family = Family.LEADER, level: float = 0.95, noise: Noise = SEEDS_ALONE
) -> float:
    """Return the level of each pair's interval at which all that a table says hold at once with ``level``.

    The least p value of Welch's test over the family is simulated for equal normal models of equal spread with these
    numbers of seeds; its lower 5 % point is what one pair may err by. ``critical(2, freedom, pair_level(...))`` serves
    in place of Games-Howell's ``critical(k, freedom)``, which takes Welch's estimated degrees of freedom for known ones
    and so errs too often at few seeds, and pays for all pairs where only those with the leader are asked for. Spreads
    are taken for equal, since a bootstrap from estimated ones errs more often at few seeds. Where spreads differ
    sixfold, or one is eight times or a tenth of all others, the leader's family errs in 2 to 7 % of tables.

    Where series count, too, the level is a higher one: the freedom that goes with a sum of two variances is estimated,
    and at few seeds often far above what is known. The level for seeds alone would err in up to 22 % of tables of 19
    models at three seeds, 12 % at five, and 7 % of 13 models at ten; this one does in 4 to 5 % at ten seeds and in up
    to 7 % where models have three, ``share`` being estimated. Of models that are paired by draw it would err in 9 % at
    three seeds; this one in 5 %.

    Args:
        sizes: Seeds of each model, from two; `EXACT` for a score that no seed changes. Any order.
        family: Which statements hold at once.
        level: That of the whole table.
        noise: What the errors are over.

    Source: Westfall and Young, Resampling-based multiple testing (1993), the minimum p value; Hsu, Multiple comparisons
    (1996), chapter 4, on comparisons with the best.

    Raises:
        ValueError: A size is 1 or below 0.
    """
    known = _checked(tuple(sorted(sizes)))
    if len(known) < 3 or not (any(known) or noise.series):
        return level
    tables = _tables(known, np.ones(len(known)), family, noise, NEAR)
    least = np.concatenate([_least_p(*each) for each in tables])
    return 1 - float(np.quantile(least, 1 - level))


def simultaneous_error(
    sizes: Sequence[int],
    spreads: Sequence[float] | None = None,
    *,
    family: Family = Family.LEADER,
    pair: float | None = None,
) -> float:
    """Return the share of simulated tables of equal models in which the family says of some two that they differ.

    Args:
        sizes: Seeds of each model; see `pair_level`.
        spreads: Standard deviations over seeds on the working scale; equal ones where not given. 0 for exact scores.
        family: What is said.
        pair: Level of each pair's Welch interval; None for Games-Howell at 95 % over all models with a spread.

    Raises:
        ValueError: A size is 1 or below 0, or spreads are not as many as sizes.
    """
    given = tuple(spreads) if spreads is not None else (1.0,) * len(sizes)
    if len(given) != len(sizes):
        raise ValueError(f"{len(sizes)} models have {len(given)} spreads")
    return _error(_checked(tuple(sizes)), given, family, pair)


@lru_cache(maxsize=256)
def _error(sizes: tuple[int, ...], spreads: tuple[float, ...], family: Family, pair: float | None) -> float:
    if len(sizes) < 2 or not any(sizes):
        return 0.0
    # Critical values are all but straight in one over the freedom, which lies between those of one model and of two.
    seeds = sorted(n for n in sizes if n)
    grid = np.linspace(1 / (sum(seeds[-2:]) - 1), 1 / (seeds[0] - 1), 16)
    reach = [critical(len(seeds), float(1 / x)) if pair is None else critical(2, float(1 / x), pair) for x in grid]
    found, tables = 0, 0
    for distance, freedom in _tables(sizes, np.array(spreads), family, SEEDS_ALONE, min(reach)):
        table, pair_of = np.nonzero(distance > min(reach))
        beyond = distance[table, pair_of] > np.interp(1 / freedom[table, pair_of], grid, reach)
        found += len(np.unique(table[beyond]))
        tables += len(distance)
    return found / tables


def sizes_of(samples: Mapping[str, Sample]) -> tuple[int, ...]:
    """Return the sizes of a table's models for `pair_level`, without those that have a single seed and no interval."""
    counts = (EXACT if s.exact else len(finite(s.values)) for s in samples.values() if len(finite(s.values)))
    return tuple(n for n in counts if n != 1)


def _checked(sizes: tuple[int, ...]) -> tuple[int, ...]:
    for n in sizes:
        if n < 0 or n == 1:
            raise ValueError(f"a model has {n} seeds: a spread takes two or more, and an exact score has none")
    return sizes


def _tables(
    sizes: tuple[int, ...], spreads: Float64, family: Family, noise: Noise, beyond: float
) -> Iterator[tuple[Float64, Float64]]:
    """Yield Welch's statistics and degrees of freedom, (tables, statements) each, in parts; see `_welch`.

    Pairs of models that lie within ``beyond`` in every table of a part may be left out.
    """
    n, models = np.array(sizes), len(sizes)
    statements = models if family is Family.LEADER else models * (models - 1) // 2
    tables = min(TABLES, max(PAIRS // statements, 1_000))
    rng = np.random.default_rng(0)
    spreads = spreads / max(float(spreads.max()), np.finfo(float).tiny)
    own_part = (noise.share if any(sizes) else 1.0) if noise.series else 0.0
    paired = noise.by_draw and all(sizes)
    numbers = tables * statements * (max(sizes) if paired else 1)
    for rows in np.diff(np.linspace(0, tables, 1 + -(-numbers // 500_000)).astype(int)):
        shape = (rows, models)
        if paired:
            yield _paired(spreads[:, None] * rng.standard_normal((*shape, max(sizes))), n, family)
            continue
        errors = np.where(n > 0, spreads / np.sqrt(np.maximum(n, 1)), 0.0)
        means = errors * rng.standard_normal(shape)
        variances = [(errors**2 * rng.chisquare(np.maximum(n - 1, 1), shape) / np.maximum(n - 1, 1), n - 1)]
        if own_part:
            freedom = noise.series - 1
            means += np.sqrt(own_part) * rng.standard_normal(shape)
            over_series = own_part * rng.chisquare(freedom, shape) / freedom
            variances.append((over_series, np.full(models, freedom)))
        if family is Family.PAIRS:
            far = _far(means, variances, beyond)
            means, variances = means[:, far], [(values[:, far], freedom[far]) for values, freedom in variances]
        own, other = _statements(means, family)
        yield _welch(means, variances, own, other, beyond)


def _far(means: Float64, variances: Sequence[tuple[Float64, NDArray[np.intp]]], beyond: float) -> NDArray[np.bool_]:
    """Return which models may lie more than ``beyond`` standard errors from another, in some of the tables (models,).

    None does whose farthest rival, were it the one with the least variance, lies nearer: every step of `_welch` rounds
    likewise, so no pair is lost to rounding. Of 1,000 models with 100 seeds a dozen are left.
    """
    gap = np.maximum(means.max(axis=1, keepdims=True) - means, means - means.min(axis=1, keepdims=True))
    both = sum(values + values.min(axis=1, keepdims=True) for values, _ in variances)
    with np.errstate(invalid="ignore", divide="ignore"):
        far = gap / np.sqrt(both) > beyond
    return np.asarray(far.any(axis=0))


def _statements(means: Float64, family: Family) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of the two models of each statement, (tables, statements) or (1, statements)."""
    models = means.shape[1]
    if family is Family.LEADER:
        return np.arange(models)[None], means.argmin(axis=1)[:, None]
    first, second = np.triu_indices(models, 1)
    return first[None], second[None]


def _welch(
    means: Float64,
    variances: Sequence[tuple[Float64, NDArray[np.intp]]],
    own: NDArray[np.intp],
    other: NDArray[np.intp],
    beyond: float,
) -> tuple[Float64, Float64]:
    """Return how many standard errors two means lie apart, 0 without any spread, and Welch's degrees of freedom.

    Those are 1 where the means lie no more than ``beyond`` apart: nobody asks for them there.

    ``variances`` are those of the means, by their sources, with their degrees of freedom: seeds, whose variances of two
    models are known apart, and series, whose variance of a difference is known as one.
    """
    (seeds, freedom), *series = variances
    gap = np.abs(_at(means, own) - _at(means, other))
    both = _at(seeds, own) + _at(seeds, other)
    for values, _ in series:
        both = both + (_at(values, own) + _at(values, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where(both > 0, gap / np.sqrt(both), 0.0)
    rows, columns = np.nonzero(distance > beyond)
    one, two = (np.broadcast_to(places, distance.shape)[rows, columns] for places in (own, other))
    squares = sum(seeds[rows, i] ** 2 / np.maximum(freedom[i], 1) for i in (one, two))
    for values, known in series:
        squares = squares + (values[rows, one] + values[rows, two]) ** 2 / known[one]
    found = np.ones_like(distance)
    found[rows, columns] = both[rows, columns] ** 2 / squares
    return distance, found


def _at(values: Float64, places: NDArray[np.intp]) -> Float64:
    """Return the values (tables, models) at places (tables, statements), or at those that all tables share."""
    return np.take(values, places[0], axis=1) if len(places) == 1 else np.take_along_axis(values, places, axis=1)


def _paired(scores: Float64, n: NDArray[np.intp], family: Family) -> tuple[Float64, Float64]:
    """Return the same of scores (tables, models, draws) that are compared draw by draw; a model has the first ``n``."""
    rows, last = np.arange(len(scores))[:, None], n[:, None] - 1
    own, other = _statements(np.take_along_axis(scores.cumsum(axis=2), last[None], axis=2)[..., 0] / n, family)
    gaps, common = scores[rows, own] - scores[rows, other], np.minimum(n[own], n[other])
    sums, squares = (
        np.take_along_axis(each.cumsum(axis=2), common[..., None] - 1, axis=2)[..., 0] for each in (gaps, gaps**2)
    )
    errors = np.sqrt(np.maximum(squares - sums**2 / common, 0.0) / (common - 1) / common)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where(errors > 0, np.abs(sums / common) / errors, 0.0)
    return distance, np.broadcast_to(common - 1.0, distance.shape)


def _least_p(distance: Float64, freedom: Float64) -> Float64:
    """Return the least two-sided p value of each table, 1 where none is below 5 %."""
    p_values = np.ones_like(distance)
    near = distance > NEAR
    p_values[near] = 2 * special.stdtr(freedom[near], -distance[near])
    return np.asarray(p_values.min(axis=1, initial=1.0))
