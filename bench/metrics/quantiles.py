"""How good quantiles are: their pinball loss, and how often and how tightly the outermost two hold the truth."""

import numpy as np

from bench.metrics.base import REAL, Float64, Scored, WindowErrors, by_window, metric
from bench.metrics.traits import Direction, Scale


def pinball_losses(pair: Scored) -> WindowErrors | None:
    """Return the mean pinball loss of each window; None where the task asks for no quantiles."""
    if not pair.task.quantiles:
        return None
    total: Float64 = np.zeros(pair.given_truth.shape)
    for level, errors in pair.errors_of_levels():
        total += np.maximum(level * errors, (level - 1) * errors)
    return by_window(pair, total / len(pair.task.quantiles))


@metric("pinball", *REAL, heading="pinball loss", opt_in=True, tabled=True, per_epoch=True, windows=pinball_losses)
def pinball(pair: Scored) -> float | None:
    """Pinball loss over all windows, positions, steps, targets and the task's levels: max(q e, (q - 1) e) of e = y - f.

    A forecast of one number stands for every level: then it is half the MAE where levels lie evenly about 0.5 (Koenker
    and Bassett 1978). None where the task asks for no quantiles.
    """
    found = pinball_losses(pair)
    return None if found is None else float(np.average(found.values, weights=found.counts))


@metric("coverage", *REAL, opt_in=True, tabled=True, direction=Direction.NONE, scale=Scale.PLAIN, unit="%")
def coverage(pair: Scored) -> float | None:
    """Share of values between the lowest and the highest quantile, ends counted: levels 0.1 and 0.9 promise 80 %.

    None of a forecast of one number.
    """
    ends = _ends(pair)
    if ends is None:
        return None
    lowest, highest = ends
    return float(np.mean(pair.scored((lowest >= 0) & (highest <= 0))))


@metric("interval_width", *REAL, opt_in=True, tabled=True, direction=Direction.NONE, scale=Scale.PLAIN)
def interval_width(pair: Scored) -> float | None:
    """Mean of the highest quantile less the lowest, in the targets' units; None of a forecast of one number."""
    ends = _ends(pair)
    return None if ends is None else float(np.mean(pair.scored(ends[0] - ends[1])))


def _ends(pair: Scored) -> tuple[Float64, Float64] | None:
    """Return the truth less the lowest and less the highest quantile; None where no two were forecast."""
    if pair.given_quantiles is None or len(pair.task.quantiles) < 2:
        return None
    errors = [errors for _, errors in pair.errors_of_levels()]
    return errors[0], errors[-1]
