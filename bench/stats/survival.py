"""How long it takes until something happens, where to some it never does while they are watched."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.stats.samples import Float64
from bench.stats.shares import wilson


@dataclass(frozen=True)
class Survival:
    """The share to whom it has not happened, after each time at which it happens to some.

    All are watched to the same end, so that the curve of Kaplan and Meier (1958) is a share of all of them, and its
    interval at each time is Wilson's: it stays within 0 and 1 and is no point where all or none are left.

    Attributes:
        times: At which it happens, ascending and distinct ``(times,)``.
        left: Share to whom it has not happened after each ``(times,)``.
        low: Lower end of its 95 % interval ``(times,)``.
        high: Upper end ``(times,)``.
    """

    times: Float64
    left: Float64
    low: Float64
    high: Float64

    def median(self) -> tuple[float | None, float | None, float | None]:
        """Return the time at which half are left, and the ends of its 95 % interval; None for what was not reached.

        The interval holds the times at which the band about the curve holds a half (Brookmeyer and Crowley 1982).
        """
        value, low, high = (self._reaches_half(curve) for curve in (self.left, self.low, self.high))
        return value, low, high

    def _reaches_half(self, curve: Float64) -> float | None:
        found = self.times[curve <= 0.5]
        return float(found[0]) if len(found) else None


def survival(times: Sequence[float | None]) -> Survival:
    """Return the curve of those to whom it happened at these times; None for one to whom it did not.

    One whom it never reaches is censored at the end, whenever its own watch ended: training that stops early would not
    have gone on.

    Raises:
        ValueError: There is nobody.
    """
    if not times:
        raise ValueError("a survival curve needs one or more")
    n = len(times)
    reached, counts = np.unique(np.array([time for time in times if time is not None], np.float64), return_counts=True)
    left = (n - np.cumsum(counts)) / n
    ends = np.array([wilson(float(share), n) for share in left]).reshape(-1, 2)
    return Survival(reached, left, ends[:, 0], ends[:, 1])
