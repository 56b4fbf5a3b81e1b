"""By how far ahead a step is."""

import numpy as np

from bench.slices.base import Held, Slices, slice_kind

MOST, BINS = 14, 12
"""Steps that stand each for itself at most; more of them are put into so many bins, as equal as can be."""


@slice_kind("horizon", "steps ahead", lambda held: held.task.horizon > 1, by_step=True)
def horizon(held: Held) -> Slices:
    """1 is the step right after the window."""
    steps = held.task.horizon
    bins = np.array_split(np.arange(1, steps + 1), steps if steps <= MOST else BINS)
    names = tuple(str(each[0]) if len(each) == 1 else f"{each[0]}-{each[-1]}" for each in bins)
    of = np.repeat(np.arange(len(bins)), [len(each) for each in bins])
    return Slices(names, np.broadcast_to(of, held.shape))
