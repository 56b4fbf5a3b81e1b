"""A metric of the plug-in."""

import numpy as np

from bench.metrics.base import REAL, Scored, metric


@metric("seasonal_wape", *REAL, heading="WAPE", opt_in=True)
def wape(pair: Scored) -> float | None:
    """Weighted absolute percentage error as a share: the sum of absolute errors over that of absolute truths.

    Kolassa and Schuetz (2007), *Advantages of the MAD/Mean ratio over the MAPE*, Foresight 6.
    """
    whole = float(np.abs(pair.scored(pair.truth)).sum())
    return float(np.abs(pair.scored(pair.errors())).sum()) / whole if whole else None
