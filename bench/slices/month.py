"""By the month of the year."""

import numpy as np

from bench.slices.base import Held, Slices, dated, slice_kind

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@slice_kind("month", "month of the step", dated)
def month(held: Held) -> Slices:
    """January to December, of whatever year."""
    assert held.times is not None
    return Slices(MONTHS, held.times.astype("datetime64[M]").astype(np.int64) % 12)
