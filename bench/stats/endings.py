"""How a seed's training ended against its own best epochs and against its siblings: stuck, unstable, or as usual."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.stats.samples import Float64

EPOCHS = 3
"""Epochs that a level is the median of, so that a single one says nothing."""
FAR_TIMES, LEFT_TIMES = 4.0, 3.0
"""How many times a sibling's error is far from it, and how many times its own best one is."""
SHARE_MARGIN = 0.02
"""Added to errors that are shares: four times a perfect one then lies six points of accuracy below it."""
SHARE_BEHIND = 1 / 3
"""A share this far behind that on the test set fails: a coin, which is right half of the time, is further behind."""
LEAST_ALIKE = 2
"""What siblings reached is what so many of them reached at least: the best seed alone may be the odd one."""


class Ending(StrEnum):
    """What is odd about a seed that ended with a score; one that diverged has none."""

    USUAL = ""
    STUCK = "stuck"
    UNSTABLE = "unstable"


def endings(curves: Sequence[ArrayLike]) -> list[Ending]:
    """Return how each seed of one model ended.

    A seed's level is the median of three epochs. It is *unstable* where both its last epoch and its last level are over
    three times its own best level: it had learnt, and left what it had learnt. It is *stuck* where its best level is
    over four times that which a quarter of its siblings, and two at least, reached: it never learnt what they learnt.
    Neither is measured against a mean or a median of final scores, which bad seeds move, so up to three seeds of four
    are found bad, and of three or four seeds those beyond the second. Of healthy seeds whose levels scatter by 30 % at
    most 0.7 % are called stuck at any number of seeds, of those that scatter by 50 % 0.6 to 4.6 %. A seed that is both
    is unstable: what it left is better known than what it did not reach. Errors that come near zero at every seed, as
    the cross-entropy of a solved task does, lie many times apart where nothing is wrong; hold shares to this there.

    Args:
        curves: One array of errors a seed, an epoch each (less is better, none below zero; see `errors_of_shares`). A
            seed without a curve gives its final error alone. Values that are not finite are left out.
    """
    known = [_finite(curve) for curve in curves]
    levels = [_levels(values) for values in known]
    reached = [own.min() for own in levels if len(own)]
    alike = max(LEAST_ALIKE, 1 + (len(reached) - 1) // 4)
    usual = float(np.sort(reached)[alike - 1]) if len(reached) > alike else np.inf
    return [_ending(values, own, usual) for values, own in zip(known, levels, strict=True)]


def failed_on(extra: ArrayLike, test: ArrayLike, *, shares: bool = False) -> NDArray[np.intp]:
    """Return the places of the seeds that fail on an extra test set.

    A share fails where it lies over a third of all, 33 points, behind the seed's own on the test set: it is wrong there
    in a third more of the cases at least, whatever its siblings do. Other errors have no such measure: there one fails
    where it is over four times the seed's own on the test set and over four times that of the best sibling there. Where
    all seeds are off alike, the set is hard for the model, and its mean says so.

    Args:
        extra: Errors on the extra set, one a seed, not finite where missing.
        test: Errors of the same seeds on the test set.
        shares: Errors are shares, see `errors_of_shares`.

    Raises:
        ValueError: The two differ in length.
    """
    there, own = (np.asarray(values, dtype=np.float64) for values in (extra, test))
    if there.shape != own.shape:
        raise ValueError(f"errors must be aligned by seed, but their shapes are {there.shape} and {own.shape}")
    known = np.isfinite(there) & np.isfinite(own)
    if shares:
        known[known] = there[known] - own[known] > SHARE_BEHIND
        return np.flatnonzero(known)
    best = there[known].min(initial=np.inf)
    return np.flatnonzero(known & (there / FAR_TIMES > own) & (there / FAR_TIMES > best))


def errors_of_shares(values: ArrayLike, *, worse_is_higher: bool = False) -> Float64:
    """Return shares, such as accuracies, as errors with `SHARE_MARGIN`, so that multiples of them can be far."""
    shares = np.asarray(values, dtype=np.float64)
    return (shares if worse_is_higher else 1 - shares) + SHARE_MARGIN


def _finite(curve: ArrayLike) -> Float64:
    values = np.asarray(curve, dtype=np.float64).ravel()
    return values[np.isfinite(values)]


def _levels(values: Float64) -> Float64:
    """Return the running medians of three epochs; the values themselves where there are fewer."""
    if len(values) < EPOCHS:
        return values
    shifted = [values[first : len(values) - EPOCHS + 1 + first] for first in range(EPOCHS)]
    return np.asarray(np.sort(shifted, axis=0)[EPOCHS // 2])  # as np.median gives them, at a tenth of its cost


def _ending(values: Float64, levels: Float64, usual: float) -> Ending:
    if not len(values):
        return Ending.USUAL
    level = levels.min()
    if len(values) >= 2 * EPOCHS and min(values[-1], levels[-1]) / LEFT_TIMES > level:
        return Ending.UNSTABLE
    return Ending.STUCK if level / FAR_TIMES > usual else Ending.USUAL
