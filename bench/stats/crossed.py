"""Two noises at once: seeds, and a finite test set whose series several models share.

A run's score is a mean over windows; windows of one series go together. Where all runs of a model share a test set, its
mean over runs varies by

- seeds, as the scores of the runs show: their variance over how many there are;
- series, by a bootstrap that draws the same series for every model that forecasts them, so that what makes a series
  hard for two models alike cancels in their difference;
- less what both count: how far a run is off on one series by its own seed alone is in the variance of either. A
  bootstrap that draws seeds and series at once would count it three times (Owen 2007).

Where each run draws its own data, a run is the unit: its test set is drawn with it, so nothing is added for series, and
two models are paired by draw.

Source: Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1 (2007); Miller, Adding error bars to evals,
arXiv:2411.00640 (2024), for pairing.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.stats.samples import SAME, Float64

RESAMPLES = 1_000
SEED = 2007


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A test set.

    Attributes:
        name: Of equal ones the same windows are forecast; the series that are drawn depend on it alone.
        counts: Weight of each window ``[windows]``.
        series: Which series each comes from ``[windows]``; None where each comes from its own.
    """

    name: str
    counts: Float64
    series: NDArray[Any] | None = None

    @cached_property
    def _place(self) -> NDArray[np.intp] | None:
        return None if self.series is None else np.unique(self.series, return_inverse=True)[1]

    @cached_property
    def weights(self) -> Float64:
        """Summed weight of each series ``[series]``."""
        return self.by_series(np.ones_like(self.counts))

    @property
    def n_series(self) -> int:
        """How many series there are."""
        return len(self.weights)

    def by_series(self, values: ArrayLike) -> Float64:
        """Return the weighted sums over each series of a value a window."""
        weighted = np.asarray(values, dtype=np.float64) * self.counts
        return weighted if self._place is None else np.asarray(np.bincount(self._place, weighted), dtype=np.float64)

    @cached_property
    def drawn(self) -> Float64:
        """How often each resample drew each series ``[RESAMPLES, series]``: one less in all, see `sampled`."""
        rng = np.random.default_rng([SEED, zlib.crc32(self.name.encode())])
        n = self.n_series
        places = rng.integers(0, n, (RESAMPLES, n - 1)) + n * np.arange(RESAMPLES)[:, np.newaxis]
        return np.bincount(places.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n).astype(np.float64)

    @cached_property
    def drawn_weights(self) -> Float64:
        """Summed weight of the series of each resample ``[RESAMPLES]``."""
        return self.drawn @ self.weights


@dataclass(frozen=True, eq=False)
class Sampled:
    """A model's runs.

    Attributes:
        sums: Each run's weighted errors, summed over each series of its test set ``[series]``.
        tests: Each run's test set.
        draws: The draw of the data that each run is of.
        exact: No seed changes its score: it has one run a test set.
        working: From a mean over windows to the working scale.
    """

    sums: tuple[Float64, ...]
    tests: tuple[HeldOut, ...]
    draws: tuple[int, ...]
    exact: bool
    working: Callable[[Float64], Float64]

    @cached_property
    def scores(self) -> Float64:
        """One a run, on the working scale."""
        means = [own.sum() / test.weights.sum() for own, test in zip(self.sums, self.tests, strict=True)]
        return self.working(np.array(means))

    @cached_property
    def resampled(self) -> Float64:
        """The same over resampled series ``[runs, RESAMPLES]``."""
        made = np.empty((len(self.sums), RESAMPLES))
        for name in dict.fromkeys(test.name for test in self.tests):
            runs = [i for i, test in enumerate(self.tests) if test.name == name]
            test = self.tests[runs[0]]
            sums = np.stack([self.sums[i] for i in runs])
            made[runs] = self.working((sums @ test.drawn.T) / test.drawn_weights)
        return made

    @property
    def n_series(self) -> int:
        """Series in a test set."""
        return min(test.n_series for test in self.tests)

    @property
    def own_data(self) -> bool:
        """Whether its runs have test sets of their own."""
        return len({test.name for test in self.tests}) > 1

    @property
    def over_seeds(self) -> float | None:
        """Variance of its mean over seeds; None where one run has no spread."""
        n = len(self.scores)
        if n < 2:
            return 0.0 if self.exact else None
        return float(np.var(self.scores, ddof=1)) / n

    @cached_property
    def alone(self) -> float:
        """Variance of its mean by what is one run's own on one series, which seeds and series both count."""
        n = len(self.scores)
        if n < 2:
            return 0.0
        each = float(np.mean(np.var(self.resampled, axis=1, ddof=1)))
        mean = float(np.var(self.resampled.mean(axis=0), ddof=1))
        return max(each - mean, 0.0) / (n - 1)

    @property
    def over_series(self) -> float:
        """Variance by the finite test set: of its mean where runs share one, else of a run."""
        if self.own_data:
            return float(np.mean(np.var(self.resampled, axis=1, ddof=1)))
        return max(float(np.var(self.resampled.mean(axis=0), ddof=1)) - self.alone, 0.0)


@dataclass(frozen=True)
class Difference:
    """One model's mean less another's, on the working scale.

    Attributes:
        value: The difference: of logs, the log of the ratio.
        error: Its standard error over seeds and series.
        freedom: Of Student's t that goes with it, by Welch and Satterthwaite.
        n_series: Series that the test set has.
    """

    value: float
    error: float
    freedom: float
    n_series: int


def sampled(
    errors: Sequence[ArrayLike],
    tests: Sequence[HeldOut],
    draws: Sequence[int],
    *,
    exact: bool = False,
    working: Callable[[Float64], Float64] = np.log,
) -> Sampled:
    """Return a model's runs: their scores, and what they would be over other series from where these came.

    One series less is drawn than there are, so that the variance over resamples is that of the mean.

    Args:
        errors: ``[windows]`` of each run.
        tests: The test set of each.
        draws: The draw of the data of each.
        exact: No seed changes its score.
        working: From a mean over windows to the working scale.

    Raises:
        ValueError: A test set has one series alone, which says nothing of others.
    """
    if any(test.n_series < 2 for test in tests):
        raise ValueError("one series says nothing of how others would be forecast")
    sums = tuple(test.by_series(own) for own, test in zip(errors, tests, strict=True))
    return Sampled(sums, tuple(tests), tuple(draws), exact, working)


def difference(a: Sampled, b: Sampled) -> Difference | None:
    """Return how far the mean of ``a`` lies above that of ``b``, with its error over seeds and series.

    None where the spread over seeds of one is not known, or where runs of one share a test set and those of the other
    do not.
    """
    if a.own_data != b.own_data:
        return None
    if a.own_data:
        return _by_draw(a, b)
    seeds = a.over_seeds, b.over_seeds
    if seeds[0] is None or seeds[1] is None:
        return None
    over = [model.resampled.mean(axis=0) for model in (a, b)]
    if a.tests[0].name == b.tests[0].name:
        series = float(np.var(over[0] - over[1], ddof=1))
    else:
        series = sum(float(np.var(each, ddof=1)) for each in over)
    series = max(series - a.alone - b.alone, 0.0)
    n_series = min(a.n_series, b.n_series)
    parts = [(seeds[0], len(a.scores) - 1), (seeds[1], len(b.scores) - 1), (series, n_series - 1)]
    total = sum(variance for variance, _ in parts)
    squares = sum(variance**2 / freedom for variance, freedom in parts if variance > 0)
    freedom = total**2 / squares if squares > SAME**4 else float(n_series - 1)
    return Difference(float(a.scores.mean() - b.scores.mean()), float(np.sqrt(total)), freedom, n_series)


def _by_draw(a: Sampled, b: Sampled) -> Difference | None:
    """Return the difference over the draws of the data that both have, each of which is one unit."""
    scores = [dict(zip(model.draws, model.scores, strict=True)) for model in (a, b)]
    gaps = np.array([scores[0][draw] - scores[1][draw] for draw in scores[0] if draw in scores[1]])
    if len(gaps) < 2:
        return None
    error = float(np.std(gaps, ddof=1)) / np.sqrt(len(gaps))
    return Difference(float(gaps.mean()), float(error), float(len(gaps) - 1), min(a.n_series, b.n_series))
