"""By the day of the week."""

import numpy as np

from bench.slices.base import Held, Slices, dated, slice_kind
from bench.tables.calendar import DAYS, weekdays


@slice_kind("weekday", "weekday of the step", dated)
def weekday(held: Held) -> Slices:
    """Monday to Sunday."""
    assert held.times is not None
    return Slices(DAYS, np.asarray(weekdays(held.times)))
