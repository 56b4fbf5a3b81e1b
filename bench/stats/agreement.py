"""Whether seeds agree on the order of the models."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bench.stats.samples import Float64

FEW_SEEDS, FEW_MODELS = 10, 6
"""Up to this many seeds or models, the chi-square approximation is not trusted."""
RESAMPLES = 9_999


@dataclass(frozen=True)
class Agreement:
    """Kendall's W, 0 (no order in common) to 1 (one order), and the p value that seeds order models at random."""

    w: float
    p_value: float
    n_seeds: int
    n_models: int


def agreement(table: ArrayLike) -> Agreement | None:
    """Return how far seeds agree on the order of models, from a (seeds, models) table of scores.

    Kendall's W of the ranks within each seed, corrected for ties. Its p value is that of chi-square with (models - 1)
    degrees of freedom where there are more than ten seeds and six models; else of permutations of the scores within
    each seed: all of them, or 9,999 drawn with a fixed seed. Seeds with a missing score are left out. None below two
    seeds or two models, and where every seed gives all models one score.

    Source: Kendall and Babington Smith, The problem of m rankings, Annals of Mathematical Statistics 10 (1939).

    Raises:
        ValueError: the table has not two axes.
    """
    scores = np.asarray(table, dtype=np.float64)
    if scores.ndim != 2:
        raise ValueError(f"a table of (seeds, models) has two axes, this one {scores.ndim}")
    scores = scores[np.isfinite(scores).all(axis=1)]
    seeds, models = scores.shape
    if seeds < 2 or models < 2:
        return None
    ranks = np.asarray(stats.rankdata(scores, axis=1), dtype=np.float64)
    if (ranks == ranks[:, :1]).all():
        return None
    w = float(_w(ranks))
    if seeds > FEW_SEEDS and models > FEW_MODELS:
        p_value = float(stats.chi2.sf(seeds * (models - 1) * w, models - 1))
    else:
        p_value = _permuted(ranks)
    return Agreement(w, p_value, seeds, models)


def _w(ranks: Float64) -> Float64:
    """Return W of ranks (..., seeds, models); ties correct the most that the sums of ranks can spread."""
    seeds, models = ranks.shape[-2:]
    spread = np.square(ranks.sum(axis=-2) - seeds * (models + 1) / 2).sum(axis=-1)
    # Ties lessen a seed's sum of squares (models³ - models) / 12 by (t³ - t) / 12 for each group of t.
    squares = np.square(ranks - (models + 1) / 2).sum(axis=(-2, -1))
    return np.asarray(spread / (seeds * squares))


def _permuted(ranks: Float64) -> float:
    def statistic(*rows: NDArray[np.float64], axis: int = -1) -> Float64:
        return _w(np.stack(np.broadcast_arrays(*rows), axis=-2))

    tested = stats.permutation_test(
        tuple(ranks),
        statistic,
        permutation_type="pairings",
        alternative="greater",
        n_resamples=RESAMPLES,
        batch=1_000,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(tested.pvalue)
