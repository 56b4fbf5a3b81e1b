"""Forecasts that do not look at the window: what a network that has learnt nothing is held against."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bench.models.base import REAL, Forecast, Inputs, Predictor, Support, model
from bench.task import Split, TargetKind, Task


@model("constant")
class Constant(Predictor):
    """One number, whatever the window.

    Attributes:
        value: The number.
    """

    kinds: ClassVar[tuple[TargetKind, ...]] = REAL

    value: float = Field(default=1.0, allow_inf_nan=False)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Return the forecast; ``train`` is not looked at."""
        return lambda x: np.full(task.target_shape(len(x)), self.value, np.float32)


@model("position_shares")
class PositionShares(Predictor):
    """Each class's share at each position of the training windows, whatever the window."""

    kinds: ClassVar[tuple[TargetKind, ...]] = (TargetKind.LABEL_EVERY_STEP,)

    def supports(self, task: Task, train: Task | None = None) -> Support:
        """As `Model.supports`; it tells more than two classes apart."""
        if task.classes == 2:
            return self.misfit(task, "tells more than two classes apart", "has two")
        return super().supports(task, train)

    def fit(self, train: Split, task: Task) -> Forecast:
        """Count; a position that the mask always leaves out has equal shares."""
        y = np.asarray(train.y)
        there = np.ones(y.shape, bool) if train.mask is None else train.mask
        counts = np.stack([((y == each) & there).sum(axis=0) for each in range(task.classes)], axis=-1)
        total = counts.sum(axis=-1, keepdims=True)
        shares = np.where(total > 0, counts / np.maximum(total, 1), 1 / task.classes)

        def forecast(x: Inputs) -> NDArray[np.floating]:
            return np.broadcast_to(shares, (len(x), *shares.shape)).astype(np.float32)

        return forecast
