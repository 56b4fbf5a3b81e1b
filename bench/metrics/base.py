"""What a metric is, and the registry that finds them.

Every metric is one NumPy definition over a whole split, in float64, each scored position weighing the same.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.traits import Axis, Direction, Traits
from bench.registry import Registry
from bench.task import Rescaling, Split, TargetKind, Task

Float64 = NDArray[np.float64]
REAL = (TargetKind.LAST_STEP, TargetKind.EVERY_STEP)
CLASS = (TargetKind.LABEL, TargetKind.LABEL_EVERY_STEP)
Value = float | list[float] | Mapping[str, Mapping[int, float]]
"""One number; a list, a number a step or target; or a number for each value of each group."""


@dataclass(frozen=True)
class Scored:
    """Forecasts beside the truth, as a metric sees them. A target after the window alone is a single position.

    Attributes:
        task: What was asked.
        given_truth: What `truth` is made of: of real values, in the precision that the data have.
        given_forecast: What `forecast` is made of, in the precision that the model forecast in.
        positions: ``[positions]``, the window's positions that the forecasts were made at, counted from 0.
        mask: ``[windows, positions]``, True for what is scored.
        groups: The split's groups, ``[windows]`` each.
        rescaling: How the given ones go back to the units that are scored; None where they are in them.
        naive_error: Of the split, see there.
        given_quantiles: ``[windows, positions, horizon, targets, levels]``, rising, where quantiles of the task's
            levels were forecast; `forecast` is their median.
    """

    task: Task
    given_truth: NDArray[Any]
    given_forecast: NDArray[Any]
    positions: NDArray[np.int64]
    mask: NDArray[np.bool_]
    groups: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    rescaling: Rescaling | None = None
    naive_error: Float64 | None = None
    given_quantiles: NDArray[Any] | None = None

    @cached_property
    def truth(self) -> NDArray[Any]:
        """Real values float64 ``[windows, positions, horizon, targets]``; classes int64 ``[windows, positions]``."""
        kind = np.int64 if self.task.target.is_class else np.float64
        return self._back(self.given_truth.astype(kind, copy=False))

    @cached_property
    def forecast(self) -> Float64:
        """Real values as `truth`; of classes the probabilities float64 ``[windows, positions, classes]``."""
        return self._back(np.asarray(self.given_forecast, dtype=np.float64))

    def errors_of_levels(self) -> Iterator[tuple[float, Float64]]:
        """Yield each level of the task with `truth` less its quantile, which of a forecast of one number is that."""
        for at, level in enumerate(self.task.quantiles):
            made = self.given_forecast if self.given_quantiles is None else self.given_quantiles[..., at]
            yield level, replace(self, given_forecast=made).errors()

    def errors(self) -> Float64:
        """Return `truth` less `forecast` of real values, in an array of the caller's own.

        Subtracted in float64 without copies of both in it, which take ten times as long where windows are many.
        """
        made: Float64 = np.subtract(self.given_truth, self.given_forecast, dtype=np.float64)
        if self.rescaling is not None:
            made *= _over_windows(self.rescaling.spread)
        return made

    def _back(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values in the units that are scored."""
        if self.rescaling is None:
            return values
        return values * _over_windows(self.rescaling.spread) + _over_windows(self.rescaling.centre)

    @property
    def at_last(self) -> "Scored | None":
        """The forecasts made at the window's last position; None where the model makes none there."""
        if not len(self.positions) or self.positions[-1] != (self.task.input_length or 0) - 1:
            return None
        return self._cut(slice(-1, None))

    def among(self, chosen: NDArray[np.bool_]) -> "Scored":
        """Return the forecasts made at the chosen ``[positions]``."""
        return self._cut(chosen)

    def _cut(self, chosen: slice | NDArray[np.bool_]) -> "Scored":
        truth, forecast, mask = (each[:, chosen] for each in (self.given_truth, self.given_forecast, self.mask))
        return replace(
            self,
            given_truth=truth,
            given_forecast=forecast,
            given_quantiles=None if self.given_quantiles is None else self.given_quantiles[:, chosen],
            positions=self.positions[chosen],
            mask=mask,
        )

    def scored(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return what is scored of ``[windows, positions, ...]``: as it is, or ``[scored, ...]`` under a mask."""
        return values if self.mask.all() else values[self.mask]


def _over_windows(values: Float64) -> Float64:
    """Return numbers ``(targets,)`` or ``(windows, targets)`` as they go with values of `Scored`."""
    return values if values.ndim == 1 else values[:, np.newaxis, np.newaxis]


@dataclass(frozen=True)
class WindowErrors:
    """A metric in each window.

    Attributes:
        values: Float64 ``[windows]``; 0 where nothing is scored.
        counts: ``[windows]``, how many positions are scored: the weights of the mean over windows.
    """

    values: Float64
    counts: NDArray[np.int64]


def _itself(mean: Float64) -> Float64:
    return mean


@dataclass(frozen=True)
class Metric(Traits):
    """A named number over a split, or several along one axis.

    Attributes:
        compute: From `Scored` to the value; None where there is nothing that it could be computed from.
        windows: From `Scored` to the metric in each window, where the metric is the mean of these, with how many
            positions are scored as weights, or ``of_mean`` of it; None where it is no such mean, or where ``compute``
            gives None. What says so is compared over series as well as over seeds.
        of_mean: An increasing function of NumPy, such as ``numpy.sqrt``, from that mean to the metric.
        kinds: The target kinds that it applies to.
        opt_in: Computed only where a task or a suite names it.
    """

    compute: Callable[[Scored], Value | None] = field(default=lambda _: None, compare=False)
    windows: Callable[[Scored], WindowErrors | None] = field(default=lambda _: None, compare=False)
    of_mean: Callable[[Float64], Float64] = field(default=_itself, compare=False)
    kinds: frozenset[TargetKind] = frozenset()
    opt_in: bool = False

    def applies(self, task: Task) -> bool:
        """Return whether it can be computed of forecasts of a task."""
        return task.target in self.kinds


def squared_errors(pair: Scored) -> Float64:
    """Return the squared errors ``[windows, positions, horizon, targets]``; under a mask ``[scored, ...]``."""
    errors = pair.errors()
    return pair.scored(np.square(errors, out=errors))


def by_window(pair: Scored, losses: NDArray[Any]) -> WindowErrors:
    """Return the means over each window's scored positions of losses ``[windows, positions, ...]``."""
    each = np.where(pair.mask, losses.reshape(*pair.mask.shape, -1).mean(axis=-1, dtype=np.float64), 0.0)
    counts = pair.mask.sum(axis=1)
    return WindowErrors(each.sum(axis=1) / np.maximum(counts, 1), counts)


metrics: Registry[Metric] = Registry("metric", "bench.metrics")

C = TypeVar("C", bound=Callable[[Scored], Value | None])


def metric(name: str, *kinds: TargetKind, heading: str = "", **traits: Any) -> Callable[[C], C]:
    """Register a function of `Scored` under ``name`` for the target kinds given.

    Args:
        name: Of the metric.
        kinds: That it applies to.
        heading: Of its column; the name in words unless given.
        traits: The other fields of `Traits` and `Metric`.
    """

    def decorate(compute: C) -> C:
        words = heading or name.replace("_", " ")
        metrics.add(name, Metric(name, words, compute=compute, kinds=frozenset(kinds), **traits), source=compute)
        return compute

    return decorate


def applicable(task: Task, named: tuple[str, ...] = ()) -> list[Metric]:
    """Return the metrics of a task: all that apply, of those to opt in the ones that it or ``named`` names.

    Raises:
        BenchError: A named metric does not exist.
    """
    wanted = {*task.metrics, *named, task.rank, task.monitor} - {""}
    for name in wanted:
        metrics.get(name)
    return [m for m in metrics.entries() if m.applies(task) and (not m.opt_in or m.name in wanted)]


def ranking(task: Task) -> Metric:
    """Return the metric that ranks the answers to a task.

    Raises:
        BenchError: The one that it names does not apply, or it names none and none does.
    """
    return _chosen(task, task.rank, "ranks", lambda m: m.ranks)


def monitor(task: Task) -> Metric:
    """Return the metric that chooses the best epoch on a task, one that is computed after every epoch.

    Raises:
        BenchError: The one that it names does not apply, or it names none and none does.
    """
    found = _chosen(task, task.monitor, "chooses the epoch", lambda m: m.monitors)
    if not found.per_epoch:
        raise BenchError(f"task {task.name!r}: metric {found.name!r} is not computed every epoch, so it chooses none")
    return found


def _chosen(task: Task, name: str, role: str, usual: Callable[[Metric], bool]) -> Metric:
    if name and not metrics.get(name).applies(task):
        raise BenchError(f"task {task.name!r}: metric {name!r} {role}, but does not apply to {task.target} targets")
    known = [m for m in map(metrics.get, metrics.names()) if m.applies(task)]
    found = metrics.get(name) if name else next((m for m in known if usual(m)), None)
    if found is None:
        raise BenchError(f"task {task.name!r}: no metric {role}; name one of {', '.join(m.name for m in known)}")
    if found.axis is not Axis.NONE or found.direction is Direction.NONE:
        raise BenchError(
            f"task {task.name!r}: metric {found.name!r} {role}, but is no one number that is better or worse"
        )
    return found


def scored(split: Split, forecast: NDArray[np.floating], positions: slice) -> Scored:
    """Put a split's targets beside a model's forecasts, cut to the positions that it stands for.

    Args:
        split: Whose targets are the truth.
        forecast: ``(windows, [positions], ...)`` as ``Task.output_shape`` says; where quantiles are asked for, one
            number a value will do, too.
        positions: Of the window, that the forecasts were made at; all where the task asks for the last alone.

    Raises:
        ValueError: The forecast's shape does not fit.
    """
    task, windows = split.task, len(split.x)
    steps = task.input_length or 1
    every = task.target.every_position
    index = np.arange(steps)[positions] if every else np.array([steps - 1])
    places = (windows, len(index)) if every else (windows,)
    fits = {task.output_shape, task.value_shape} if task.quantiles else {task.output_shape}
    if forecast.shape not in {(*places, *shape) for shape in fits}:
        raise ValueError(f"forecast has shape {forecast.shape}, the task asks for {(*places, *task.output_shape)}")
    answers = np.asarray(split.y)
    truth = answers[:, positions] if every else answers
    mask = np.ones((windows, len(index)), dtype=np.bool_)
    if split.mask is not None:
        mask = (split.mask[:, positions] if every else split.mask).reshape(mask.shape)
    made, levels = forecast, None
    if task.target.is_class:
        truth, made = truth.astype(np.int64).reshape(mask.shape), forecast.astype(np.float64)
        if task.classes == 2:
            made = np.stack([1 - made, made], axis=-1)
        made = made.reshape(*mask.shape, task.classes)
    else:
        shape = (*mask.shape, task.horizon, len(task.targets))
        if (ordered := task.in_order(forecast)) is not None:  # levels that cross are put in order
            levels = ordered.reshape(*shape, -1)
        truth, made = truth.reshape(shape), task.medians(made).reshape(shape)
    return Scored(task, truth, made, index, mask, dict(split.groups), split.rescaling, split.naive_error, levels)


def evaluate(
    pair: Scored, named: tuple[str, ...] = (), *, per_epoch: bool = False
) -> Iterator[tuple[str, str, str, float]]:
    """Yield metric, axis, index and value of every metric that applies, or of those meant for every epoch.

    The axis is empty for a metric that keeps none; the index counts steps from 1, names targets, or is a group's value
    along the axis of the group's own name.
    """
    for each in applicable(pair.task, named):
        if per_epoch and not each.per_epoch:
            continue
        value = each.compute(pair)
        if value is None:
            continue
        for axis, index, number in _along(each.axis, pair.task, value):
            yield each.name, axis, index, float(number)


def _along(axis: Axis, task: Task, value: Value) -> Iterator[tuple[str, str, float]]:
    if isinstance(value, Mapping):
        yield from ((group, str(at), number) for group, parts in value.items() for at, number in parts.items())
    elif isinstance(value, list):
        names = [target.name for target in task.targets]
        index = names if axis is Axis.TARGET else range(1, len(value) + 1)
        yield from ((axis.value, str(at), number) for at, number in zip(index, value, strict=True))
    else:
        yield "", "", value
