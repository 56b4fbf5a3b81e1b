"""What is forecast from what: tasks, which are declared before any data are made, and splits of windows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.windows import Values, Windows

__all__ = [
    "Ahead", "Array", "Facts", "Rescaling", "Split", "Splits", "Target", "TargetKind", "Task", "Values", "Windows",
]  # fmt: skip

Array = NDArray[np.float32]


class TargetKind(StrEnum):
    """What a target is, and at which positions of the window it is forecast."""

    LAST_STEP = "last_step"
    """Real values: the steps after the window."""
    EVERY_STEP = "every_step"
    """Real values: the steps after each position of the window."""
    LABEL = "label"
    """A class of the whole window, forecast as probabilities."""
    LABEL_EVERY_STEP = "label_every_step"
    """A class at each position of the window, forecast as probabilities."""

    @property
    def is_class(self) -> bool:
        """True where classes are forecast, False for real values."""
        return self in (TargetKind.LABEL, TargetKind.LABEL_EVERY_STEP)

    @property
    def every_position(self) -> bool:
        """True where there is a target at each position, False where there is one after the last alone."""
        return self in (TargetKind.EVERY_STEP, TargetKind.LABEL_EVERY_STEP)


@dataclass(frozen=True)
class Target:
    """A quantity that is forecast.

    Attributes:
        name: Such as ``"load"``.
        unit: Such as ``"MW"``; empty for none.
    """

    name: str = "value"
    unit: str = ""


@dataclass(frozen=True)
class Task:
    """What is forecast from what.

    Attributes:
        name: Tables are made per name; two splits that share it are scored alike.
        target: What the target is, and where.
        input_length: Time steps in a window, or None for a network that takes any number.
        features: Numbers per time step; 1 for token ids.
        horizon: Steps forecast at a position (1 for a class).
        question: What the forecast at the last position answers. Tasks with one question share a leaderboard, whatever
            their target kind; empty for none.
        feature_names: One a feature; empty where they have none.
        targets: What is forecast, with units; of several real ones each is forecast at every step of the horizon.
        classes: How many there are, where the target is a class.
        vocabulary: How many token ids there are, where the inputs are token ids in place of real values.
        masked: Some positions are not scored and not trained on; a split then says which.
        season: Steps after which series repeat themselves, as a seasonal naive forecast does; 1 for none.
        metrics: Names of metrics that are reported besides those that apply to every such task.
        rank: Name of the metric that ranks; empty for the usual one of the target kind.
        monitor: Name of the metric that chooses the best epoch; empty for the usual one.
        quantiles: Levels, rising, whose quantiles a network forecasts of each real value, the median among them, which
            is what other metrics read; empty for one number, whatever the loss takes it for.
    """

    name: str
    target: TargetKind
    input_length: int | None
    features: int = 1
    horizon: int = 1
    question: str = ""
    feature_names: tuple[str, ...] = ()
    targets: tuple[Target, ...] = (Target(),)
    classes: int = 2
    vocabulary: int | None = None
    masked: bool = False
    season: int = 1
    metrics: tuple[str, ...] = ()
    rank: str = ""
    monitor: str = ""
    quantiles: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Hold the fields to one another.

        Raises:
            ValueError: Two of them do not go together; the message says which.
        """
        if self.feature_names and len(self.feature_names) != self.features:
            raise ValueError(f"task {self.name!r} has {self.features} features and names {len(self.feature_names)}")
        if not self.targets or len({target.name for target in self.targets}) < len(self.targets):
            raise ValueError(f"task {self.name!r} needs targets, each with a name of its own")
        if self.target.is_class and (self.classes < 2 or self.horizon != 1 or len(self.targets) > 1):
            raise ValueError(f"task {self.name!r} forecasts one class of two or more, one step ahead")
        if self.vocabulary is not None and (self.vocabulary < 1 or self.features != 1):
            raise ValueError(f"task {self.name!r} has token ids: one a step, of a vocabulary of one or more")
        rising = all(a < b for a, b in pairwise((0.0, *self.quantiles, 1.0)))
        if self.quantiles and (self.target.is_class or not rising or 0.5 not in self.quantiles):
            raise ValueError(f"task {self.name!r} forecasts quantiles of real values: levels between 0 and 1, rising, "
                             "with 0.5 among them")  # fmt: skip

    @property
    def outputs(self) -> int:
        """Numbers that a network puts out at a position: 1 for the probability of one of two classes."""
        if self.target.is_class:
            return self.classes if self.classes > 2 else 1
        return self.horizon * len(self.targets) * max(len(self.quantiles), 1)

    def input_shape(self, windows: int) -> tuple[int | None, ...]:
        """Return the shape of ``windows`` inputs: ``(windows, steps, features)``, of token ids ``(windows, steps)``."""
        steps = (windows, self.input_length)
        return steps if self.vocabulary is not None else (*steps, self.features)

    def target_shape(self, windows: int) -> tuple[int, ...]:
        """Return the shape of ``windows`` targets: ``(windows, [positions], [horizon], [targets])``.

        Positions are there where each has a target, the horizon for real values, targets where there are several.
        """
        return (*self.mask_shape(windows), *self.value_shape)

    @property
    def value_shape(self) -> tuple[int, ...]:
        """Shape of the target at one position."""
        if self.target.is_class:
            return ()
        return (self.horizon, len(self.targets)) if len(self.targets) > 1 else (self.horizon,)

    def mask_shape(self, windows: int) -> tuple[int, ...]:
        """Return the shape of a mask of ``windows``: ``(windows, positions)``, or ``(windows,)`` for the last alone."""
        if not self.target.every_position:
            return (windows,)
        assert self.input_length is not None
        return (windows, self.input_length)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of what a network puts out at one position: like a target's, and a probability a class or quantiles."""
        if self.target.is_class:
            return (self.classes,) if self.classes > 2 else ()
        return (*self.value_shape, len(self.quantiles)) if self.quantiles else self.value_shape

    def in_order(self, forecast: NDArray[np.floating], *, last: bool = False) -> NDArray[np.floating] | None:
        """Return a network's quantiles of each value, from the lowest level to the highest; None of one number a value.

        ``last``: they are of one position a window, whatever the task asks.
        """
        places = 2 if self.target.every_position and not last else 1
        if not self.quantiles or forecast.ndim == places + len(self.value_shape):
            return None
        return np.sort(forecast, axis=-1)

    def medians(self, forecast: NDArray[np.floating], *, last: bool = False) -> NDArray[np.floating]:
        """Return the medians of a network's quantiles, as `in_order` takes them; one number a value as it is."""
        made = self.in_order(forecast, last=last)
        return forecast if made is None else np.asarray(made[..., self.quantiles.index(0.5)])


@dataclass(frozen=True)
class Rescaling:
    """How scaled targets go back to the units of their own: ``value * spread + centre``.

    Attributes:
        spread: float64 ``(targets,)``, or ``(windows, targets)`` where it is another a window.
        centre: Likewise.
    """

    spread: NDArray[np.float64]
    centre: NDArray[np.float64]


@dataclass(frozen=True)
class Split:
    """Windows and their targets, held to the task when the data set is loaded: see `bench.datasets.checked`.

    Attributes:
        task: What this split asks.
        x: float32 ``(windows, input_length, features)``; token ids are int32 ``(windows, input_length)``. An array, or
            `bench.windows.Windows` into series.
        y: Shaped by the task. float32; classes are int32 where there are more than two. As ``x``.
        groups: Integer labels ``(windows,)`` under a name, such as each string's length; metrics that keep groups are
            given per value of each.
        mask: True for each position that is trained on and scored, as ``Task.mask_shape``; None for all of them.
        series: Which series each window comes from ``(windows,)``, any whole numbers; None where each comes from its
            own. Windows of one series are no independent evidence: what a finite test set leaves open counts series.
            The windows of one long series may be told in blocks of time.
        rescaling: How targets and forecasts go back before they are scored; None where they are scored as they are.
        naive_error: Mean absolute error of the seasonal naive forecast one season ahead on the training part of each
            window's series, in the units that are scored, float64 ``(windows, targets)``; None where not known.
    """

    task: Task
    x: Values | Windows
    y: Values | Windows
    groups: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    mask: NDArray[np.bool_] | None = None
    series: NDArray[np.int64] | None = None
    rescaling: Rescaling | None = None
    naive_error: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Ahead:
    """The last window of each series, and the times that its forecast is of.

    Attributes:
        series: Names; one empty name where there is one series.
        x: As `Split.x`, one window a series.
        rescaling: How forecasts go back to the units of the file.
        past: The targets in each window, in these units, float64 ``(series, input_length, targets)``.
        times: Of the window and of the next steps ``(series, input_length + horizon)``: datetime64[ns], or whole
            numbers where steps are counted.
    """

    series: tuple[str, ...]
    x: Array
    rescaling: Rescaling
    past: NDArray[np.float64]
    times: NDArray[np.datetime64] | NDArray[np.int64]

    def in_units(self, forecast: Array) -> NDArray[np.float64]:
        """Return forecasts ``(series, horizon, [targets])`` in the units of the file ``(series, horizon, targets)``."""
        shape = (len(self.series), -1, self.past.shape[-1])
        return forecast.reshape(shape) * self.rescaling.spread[:, np.newaxis] + self.rescaling.centre[:, np.newaxis]


@dataclass(frozen=True)
class Facts:
    """What is known of the rows that windows forecast, besides their values.

    Attributes:
        first: The row of each window's first forecast step after its last position, int ``(windows,)``; further steps
            are the rows that follow.
        times: Of every row, datetime64[ns] ``(rows,)``; None where there are no dates.
        columns: Names the columns that are known.
        column: Gives one of them ``(rows,)``, of any kind.
        id: That of them whose values name the series; empty where there is one series.
    """

    first: NDArray[np.int32]
    times: NDArray[np.datetime64] | None
    columns: Callable[[], Sequence[str]]
    column: Callable[[str], Array]
    id: str = ""


@dataclass(frozen=True)
class Splits:
    """A dataset's windows: fit on train, choose on valid, report on test once.

    ``extra`` holds further test sets under their names. Train may ask another task than the rest
    (a one-step network that is iterated); valid, test and extra ask the same.
    """

    train: Split
    valid: Split
    test: Split
    extra: Mapping[str, Split] = field(default_factory=dict)

    def evaluated(self) -> dict[str, Split]:
        """Return the splits that are scored when training has ended."""
        return {"valid": self.valid, "test": self.test, **self.extra}
