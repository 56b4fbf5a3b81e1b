"""Where the uncertainty of a score comes from: epochs, seeds, the draw of the data, and the finite test set."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bench.stats.samples import Float64, Scale, finite, scale_of

LAST = 5
"""Epochs that the noise within a run is measured over."""
LEAST_RUNS = 5
"""Of fewer runs a variance is known to a factor of five at best, and its shares not at all."""
RESAMPLES = 4_000
SEED = 1993


@dataclass(frozen=True)
class Sources:
    """Variances of one run's score after the last epoch, each from a source of its own, on the working scale.

    Estimates below zero count as zero, so they may add up to more than the variance that was seen: then the epochs
    alone are more than that. How well their shares are known, `share_intervals` says.

    Attributes:
        epochs: Noise from one epoch to the next within a run.
        seeds: Initial weights and order of windows, beyond the epochs; with the draw of the data where ``joint``.
        data: The draw of the data, beyond the others; None where it did not vary, or is in ``seeds``.
        test_set: The finite set that the score is over; None where not known.
        joint: Seeds and data varied together, and nothing says how far seeds alone go.
    """

    epochs: float
    seeds: float
    data: float | None
    test_set: float | None
    joint: bool = False

    @property
    def shares(self) -> dict[str, float]:
        """Share of each known source in their sum, by the name of its field; empty where nothing varies."""
        named = {"epochs": self.epochs, "seeds": self.seeds, "data": self.data, "test_set": self.test_set}
        known = {name: value for name, value in named.items() if value is not None}
        total = sum(known.values())
        return {name: value / total for name, value in known.items()} if total > 0 else {}


def epoch_noise(values: ArrayLike, *, log: bool = True) -> float | None:
    """Return the variance of one epoch's score around the trend of a run's last five, on the working scale.

    That of the residuals of the straight line through them, over their three degrees of freedom. Noise that lasts over
    epochs is in the line, and not counted.

    Args:
        values: A score after every epoch, shape (epochs,).
        log: Whether logs are worked on.

    Returns:
        None for fewer than five epochs, or where one of the last five has no score, or none above zero with ``log``.
    """
    last = np.asarray(values, dtype=np.float64).ravel()[-LAST:]
    if len(last) < LAST or not np.isfinite(last).all() or (log and (last <= 0).any()):
        return None
    scale = scale_of(last, log=log)
    there = scale.to(last)
    design = np.vander(np.arange(LAST), 2)
    residuals = there - design @ np.linalg.lstsq(design, there, rcond=None)[0]
    return _variance(float(np.sum(np.square(residuals)) / (LAST - 2)), scale)


def sources(
    scores: ArrayLike,
    noise: Sequence[float | None],
    *,
    log: bool = True,
    data_vary: bool = False,
    seeds_alone: float | None = None,
    test_set: float | None = None,
) -> Sources | None:
    """Split the variance of a model's scores after the last epoch over its runs.

    Runs on one draw of the data differ by seed and by epoch noise; they share the finite test set, whose variance comes
    on top. Runs that each draw their own data differ by all four.

    Args:
        scores: One a run, not finite where missing.
        noise: `epoch_noise` of each run.
        log: Whether logs are worked on.
        data_vary: Each run drew its own data.
        seeds_alone: ``seeds`` of the same model on one draw of the data, from another suite, where ``data_vary``.
        test_set: Square of the score's standard error over the units of its test set, on the working scale.

    Returns:
        None for fewer than `LEAST_RUNS` scores, where one is not above zero with ``log``, or where no run's noise is
        known.

    Source: Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys (2021).
    """
    known = finite(scores)
    within = [value for value in noise if value is not None]
    if len(known) < LEAST_RUNS or not within or (log and (known <= 0).any()):
        return None
    scale = scale_of(known, log=log)
    seen = _variance(float(np.var(scale.to(known), ddof=1)), scale)
    epochs = float(np.mean(within))
    rest = seen - epochs
    if not data_vary:
        return Sources(epochs, max(rest, 0.0), None, test_set)
    rest -= test_set or 0.0
    if seeds_alone is None:
        return Sources(epochs, max(rest, 0.0), None, test_set, joint=True)
    return Sources(epochs, seeds_alone, max(rest - seeds_alone, 0.0), test_set)


def share_intervals(
    seen: float,
    runs: int,
    *,
    epochs: float | None = None,
    test_set: float | None = None,
    series: int = 0,
    joint: bool = False,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Return the ends of each source's share, by the name of its field in `Sources`.

    Generalized intervals: what each variance may be is drawn from what was seen of it, as chi-square with its degrees
    of freedom says, and shares are made of the drawn variances as of the seen ones. In simulation they hold in 95 to
    97 % where scores are normal, and in 88 to 95 % where they are skewed or one run in ten is stuck.

    Args:
        seen: Variance of the scores over runs.
        runs: How many.
        epochs: Mean of the runs' `epoch_noise`, each of three degrees of freedom; None where not known.
        test_set: As in `sources`; None where not known.
        series: Units of the test set, from two, where it is known.
        joint: Runs drew their own data: ``seen`` has the test set in it.
        level: How often each holds the share.

    Returns:
        Empty below `LEAST_RUNS`, where nothing varies, and where one source alone is known.

    Source: Weerahandi, Generalized confidence intervals, Journal of the American Statistical Association 88 (1993).
    """
    if runs < LEAST_RUNS or (epochs is None and test_set is None):
        return {}
    rng = np.random.default_rng(SEED)

    def drawn(variance: float, freedom: int) -> Float64:
        return variance * freedom / rng.chisquare(freedom, RESAMPLES)

    rest, parts = drawn(seen, runs - 1), {}
    if epochs is not None:
        parts["epochs"] = drawn(epochs, (LAST - 2) * runs)
        rest = rest - parts["epochs"]
    if test_set is not None:
        parts["test_set"] = drawn(test_set, series - 1)
        rest = rest - joint * parts["test_set"]
    parts["seeds"] = np.maximum(rest, 0.0)
    total = sum(parts.values(), np.zeros(RESAMPLES))
    if not total.all():
        return {}
    ends = (1 - level) / 2, (1 + level) / 2
    return {
        name: (float(low), float(high))
        for name, each in parts.items()
        for low, high in [np.quantile(each / total, ends)]
    }


def _variance(there: float, scale: Scale) -> float:
    """Return a variance of logs as it is, and one on the plain scale in the scores' own unit."""
    unit = 1.0 if scale.log else scale.length(1.0)
    return there * unit * unit
