"""Scores of forecast classes."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from bench.metrics.base import CLASS, Float64, Scored, by_window, metric
from bench.metrics.traits import Axis, Direction, Scale

LEAST = 1e-7
"""Probabilities are cut to this and one less it, so that a certain and wrong forecast costs a finite number."""
ByGroup = Mapping[str, Mapping[int, float]]


@metric("accuracy", *CLASS, direction=Direction.HIGHER, scale=Scale.PLAIN, unit="%", tabled=True, ranks=True,
        per_epoch=True, windows=lambda pair: by_window(pair, _right(pair)))  # fmt: skip
def accuracy(pair: Scored) -> float:
    """Share of scored positions whose most probable class is the true one; of equal classes the highest counts."""
    return float(np.mean(pair.scored(_right(pair))))


@metric("cross_entropy", *CLASS, tabled=True, monitors=True, per_epoch=True,
        windows=lambda pair: by_window(pair, _surprise(pair)))  # fmt: skip
def cross_entropy(pair: Scored) -> float:
    """Mean negative log likelihood in nats, probabilities cut to ``[1e-7, 1 - 1e-7]``."""
    return float(np.mean(pair.scored(_surprise(pair))))


@metric("accuracy_by_group", *CLASS, heading="accuracy", direction=Direction.HIGHER, scale=Scale.PLAIN, unit="%",
        axis=Axis.GROUP)  # fmt: skip
def accuracy_by_group(pair: Scored) -> ByGroup:
    """Accuracy within each value of each of the split's groups."""
    right = _right(pair)
    return _by_group(pair, lambda mine: float(np.mean(right[mine][pair.mask[mine]])))


@metric("windows_by_group", *CLASS, heading="windows", direction=Direction.NONE, scale=Scale.PLAIN, axis=Axis.GROUP)
def windows_by_group(pair: Scored) -> ByGroup:
    """How many windows each value of each group holds."""
    return _by_group(pair, lambda mine: float(np.sum(mine)))


def _by_group(pair: Scored, value: Callable[[NDArray[np.bool_]], float]) -> ByGroup:
    return {
        name: {int(each): value(labels == each) for each in np.unique(labels)} for name, labels in pair.groups.items()
    }


def _surprise(pair: Scored) -> Float64:
    """Return the negative log of each true class's probability ``[windows, positions]``."""
    p = np.take_along_axis(pair.forecast, pair.truth[..., np.newaxis], axis=-1)[..., 0]
    return np.asarray(-np.log(np.clip(p, LEAST, 1 - LEAST)))


def _right(pair: Scored) -> NDArray[np.bool_]:
    """Return whether each forecast is right ``[windows, positions]``."""
    classes = pair.forecast.shape[-1]
    likely = classes - 1 - np.argmax(pair.forecast[..., ::-1], axis=-1)
    return np.asarray(likely == pair.truth, dtype=np.bool_)
