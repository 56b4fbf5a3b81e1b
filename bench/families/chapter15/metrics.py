"""The error at the positions that the chapter's strided convolution forecasts at."""

import numpy as np

from bench.metrics.base import Scored, metric, squared_errors
from bench.metrics.errors import squared
from bench.task import TargetKind

FIRST, STRIDE = 3, 2
"""The first position that a kernel of four steps reaches, and the steps between two outputs."""


def _chosen(pair: Scored) -> Scored | None:
    chosen = pair.among((pair.positions >= FIRST) & (pair.positions % STRIDE == FIRST % STRIDE))
    return chosen if len(chosen.positions) else None


@metric("mse_odd_positions", TargetKind.EVERY_STEP, heading="MSE on 3::2", tabled=True, opt_in=True,
        windows=lambda pair: squared(_chosen(pair)))  # fmt: skip
def mse_odd_positions(pair: Scored) -> float | None:
    """MSE at positions ``3::2`` alone, those that a convolution of stride 2 leaves; compare a model marked ‡ by it."""
    chosen = _chosen(pair)
    return None if chosen is None else float(np.mean(squared_errors(chosen)))
