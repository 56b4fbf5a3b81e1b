"""The linear network: one dense layer over the whole window."""

from typing import TYPE_CHECKING

from bench.models.base import Network, model
from bench.models.targets import check_target, task_input
from bench.task import TargetKind, Task

if TYPE_CHECKING:
    import keras


@model("linear")
class Linear(Network):
    """Forecasts are a weighted sum of the window's numbers, for LAST_STEP tasks."""

    def build(self, task: Task) -> "keras.Model":
        """Return flatten and dense: ``(windows, horizon)``."""
        import keras

        check_target(self, task, TargetKind.LAST_STEP)
        return keras.Sequential([task_input(task), keras.layers.Flatten(), keras.layers.Dense(task.horizon)])
