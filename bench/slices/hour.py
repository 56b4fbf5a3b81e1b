"""By the hour of the day."""

import numpy as np

from bench.slices.base import Held, Slices, slice_kind


def _clocked(held: Held) -> bool:
    times = held.times
    return times is not None and bool((times != times.astype("datetime64[D]")).any())


@slice_kind("hour", "hour of the step", _clocked)
def hour(held: Held) -> Slices:
    """0 to 23."""
    assert held.times is not None
    return Slices(tuple(map(str, range(24))), held.times.astype("datetime64[h]").astype(np.int64) % 24)
