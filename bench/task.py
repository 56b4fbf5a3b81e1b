"""What is forecast from what: tasks, splits of windows, and the shapes they promise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class TargetKind(StrEnum):
    """The shape of a target, and so of a forecast."""

    LAST_STEP = "last_step"
    """``(windows, horizon)``: the steps after the window."""
    EVERY_STEP = "every_step"
    """``(windows, input_length, horizon)``: the steps after each position of the window."""
    LABEL = "label"
    """``(windows,)``: 0 or 1, forecast as a probability."""


@dataclass(frozen=True)
class Task:
    """What is forecast from what.

    Attributes:
        name: Tables are made per name; two splits that share it are scored alike.
        target: The shape of the target.
        input_length: Time steps in a window, or None for a network that takes any number.
        features: Numbers per time step.
        horizon: Steps forecast at a position (1 for a label).
        question: What the forecast at the last position answers. Tasks with one question share a
            common table, whatever their target kind; empty for none.
    """

    name: str
    target: TargetKind
    input_length: int | None
    features: int
    horizon: int = 1
    question: str = ""

    def target_shape(self, windows: int) -> tuple[int, ...]:
        """Return the shape of ``windows`` targets."""
        if self.target is TargetKind.LABEL:
            return (windows,)
        if self.target is TargetKind.LAST_STEP:
            return (windows, self.horizon)
        assert self.input_length is not None
        return (windows, self.input_length, self.horizon)


@dataclass(frozen=True)
class Split:
    """Windows and their targets.

    Attributes:
        task: What this split asks.
        x: float32 ``(windows, input_length, features)``.
        y: float32, shaped by ``task.target``.
        groups: Integer labels ``(windows,)`` under a name, such as each string's length; accuracy
            is also given per value of each.
    """

    task: Task
    x: Array
    y: Array
    groups: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the arrays to the task's shapes.

        Raises:
            ValueError: A shape or a dtype is not what the task says.
        """
        windows = len(self.x)
        if self.x.shape != (windows, self.task.input_length, self.task.features):
            wanted = (windows, self.task.input_length, self.task.features)
            raise ValueError(f"x has shape {self.x.shape}, wanted {wanted}")
        if self.y.shape != self.task.target_shape(windows):
            raise ValueError(f"y has shape {self.y.shape}, wanted {self.task.target_shape(windows)}")
        if self.x.dtype != np.float32 or self.y.dtype != np.float32:
            raise ValueError(f"x and y must be float32, are {self.x.dtype} and {self.y.dtype}")


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
