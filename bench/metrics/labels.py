"""Scores of forecast labels."""

import numpy as np
from numpy.typing import NDArray

from bench.metrics.base import Scored, metric
from bench.task import TargetKind


@metric("accuracy", TargetKind.LABEL, per_epoch=True)
def accuracy(pair: Scored) -> float:
    """Share of windows whose probability falls on the right side of one half."""
    return float(np.mean(_right(pair)))


@metric("cross_entropy", TargetKind.LABEL, per_epoch=True)
def cross_entropy(pair: Scored) -> float:
    """Mean negative log likelihood in nats, probabilities cut to ``[1e-7, 1 - 1e-7]``."""
    p = np.clip(pair.forecast, 1e-7, 1 - 1e-7)
    return float(-np.mean(pair.truth * np.log(p) + (1 - pair.truth) * np.log(1 - p)))


@metric("accuracy_by_group", TargetKind.LABEL)
def accuracy_by_group(pair: Scored) -> dict[str, float]:
    """Accuracy within each value of each of the split's groups, under ``"group=value"``."""
    right = _right(pair)
    return {
        f"{name}={value}": float(np.mean(right[labels == value]))
        for name, labels in pair.groups.items()
        for value in np.unique(labels)
    }


@metric("windows_by_group", TargetKind.LABEL)
def windows_by_group(pair: Scored) -> dict[str, float]:
    """How many windows each value of each group holds, under ``"group=value"``."""
    return {
        f"{name}={value}": float(np.sum(labels == value))
        for name, labels in pair.groups.items()
        for value in np.unique(labels)
    }


def _right(pair: Scored) -> NDArray[np.bool_]:
    return np.equal(pair.forecast >= 0.5, pair.truth >= 0.5)
