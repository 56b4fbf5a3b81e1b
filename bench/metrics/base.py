"""What a metric is, and the registry that finds them.

Every metric is one NumPy definition over a whole split, in float64, each window weighing the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.registry import Registry
from bench.task import Split, TargetKind

Float64 = NDArray[np.float64]
Value = float | list[float] | dict[str, float]


@dataclass(frozen=True)
class Scored:
    """Forecasts beside the truth, as a metric sees them.

    Attributes:
        target: The kind of target.
        truth: float64; LAST_STEP ``(windows, horizon)``, EVERY_STEP ``(windows, positions, horizon)``,
            LABEL ``(windows,)``.
        forecast: As ``truth``.
        positions: ``(positions,)``, which target positions an EVERY_STEP model forecasts; else empty.
        groups: The split's groups.
    """

    target: TargetKind
    truth: Float64
    forecast: Float64
    positions: NDArray[np.int64]
    groups: dict[str, NDArray[np.int64]] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A named number, list (one value a forecast step) or mapping (one value a group) over a split."""

    name: str
    kinds: frozenset[TargetKind]
    compute: Callable[[Scored], Value]
    per_epoch: bool = False
    """Computed on the validation split after every epoch too."""


metrics: Registry[Metric] = Registry("metric", "bench.metrics")


C = TypeVar("C", bound=Callable[[Scored], Value])


def metric(name: str, *kinds: TargetKind, per_epoch: bool = False) -> Callable[[C], C]:
    """Register a function of `Scored` under ``name`` for the target kinds given."""

    def decorate(compute: C) -> C:
        metrics.add(name, Metric(name, frozenset(kinds), compute, per_epoch), source=compute)
        return compute

    return decorate


def scored(split: Split, forecast: NDArray[np.floating], positions: slice) -> Scored:
    """Put a split's targets beside a model's forecasts, cut to the positions it stands for.

    Raises:
        ValueError: The forecast's shape does not fit.
    """
    truth = split.y.astype(np.float64)
    index = np.arange(0)
    if split.task.target is TargetKind.EVERY_STEP:
        index = np.arange(split.y.shape[1])[positions]
        truth = truth[:, positions]
    if forecast.shape != truth.shape:
        raise ValueError(f"forecast has shape {forecast.shape}, the targets have {truth.shape}")
    return Scored(split.task.target, truth, forecast.astype(np.float64), index, dict(split.groups))


def evaluate(pair: Scored, *, per_epoch: bool = False) -> dict[str, Value]:
    """Compute every registered metric that applies, or those meant for every epoch."""
    chosen = (metrics.get(name) for name in metrics.names())
    return {m.name: m.compute(pair) for m in chosen if pair.target in m.kinds and (m.per_epoch or not per_epoch)}
